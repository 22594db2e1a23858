/* A timerfd that the loop polls. */
#include "gateway/alarm.h"

#include <uv.h>

#include <assert.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct alarm {
    uv_poll_t poll; /* first, so that it and the alarm have one address */
    int fd;
    struct instant when; /* INSTANT_NEVER: it is not set */
    void (*ring)(void *context);
    void *context;
};

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct alarm *alarm = (struct alarm *)poll;
    uint64_t times;
    if (read(alarm->fd, &times, sizeof times) == (ssize_t)sizeof times) {
        alarm->when = INSTANT_NEVER;
        alarm->ring(alarm->context);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct alarm *alarm = (struct alarm *)handle;
    close(alarm->fd);
    free(alarm);
}

enum status alarm_create(
    struct uv_loop_s *loop, void (*ring)(void *context), void *context, struct alarm **ret_alarm)
{
    struct alarm *alarm = calloc(1, sizeof *alarm);
    if (alarm == NULL) {
        return STATUS_NO_MEMORY;
    }
    alarm->when = INSTANT_NEVER;
    alarm->ring = ring;
    alarm->context = context;
    alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (alarm->fd < 0 || uv_poll_init(loop, &alarm->poll, alarm->fd) != 0) {
        if (alarm->fd >= 0) {
            close(alarm->fd);
        }
        free(alarm);
        return STATUS_IO;
    }
    const int failed = uv_poll_start(&alarm->poll, UV_READABLE, on_ready);
    assert(failed == 0); /* it only enters a list of the loop */
    *ret_alarm = alarm;
    return STATUS_OK;
}

void alarm_set(struct alarm *alarm, struct instant when)
{
    if (!instant_is_before(when, alarm->when)) {
        return;
    }
    alarm->when = when;
    const struct instant at = {.ns = when.ns < 1 ? 1 : when.ns}; /* 0 would switch it off */
    const struct itimerspec spec = {.it_value = instant_timespec(at)};
    const int failed = timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &spec, NULL);
    assert(failed == 0);
}

void alarm_destroy(struct alarm *alarm)
{
    if (alarm != NULL) {
        uv_close((uv_handle_t *)&alarm->poll, on_closed);
    }
}
