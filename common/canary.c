/* One BUS socket listens in the process and one dials it; whenever they are connected, they are
 * parted. */
#include "common/canary.h"

#include "common/bounded_call.h"

#include <nng/nng.h>
#include <nng/protocol/bus0/bus.h>

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { URL_SIZE = 64, STEP_BACK_MS = 500 };

struct canary {
    nng_socket perch;
    nng_socket bird;
    pthread_mutex_t mutex; /* guards what NNG's threads write */
    struct instant beat;   /* the last connection */
    uint64_t beats;
    struct instant asked;
    struct instant excused; /* silence before that does not count */
    int64_t wall_ahead_ns;  /* of the wall clock before the monotonic one, when last asked */
};

static void on_connected(nng_pipe pipe, nng_pipe_ev event, void *context)
{
    (void)event;
    struct canary *canary = context;
    pthread_mutex_lock(&canary->mutex);
    canary->beat = instant_now();
    canary->beats++;
    pthread_mutex_unlock(&canary->mutex);
    (void)nng_pipe_close(pipe); /* dialled again after a while */
}

/* May never return. */
static void close_and_free(void *context)
{
    struct canary *canary = context;
    nng_close(canary->bird);
    nng_close(canary->perch);
    pthread_mutex_destroy(&canary->mutex);
    free(canary);
}

static int dial(struct canary *canary, const char *url)
{
    return nng_dial(canary->bird, url, NULL, NNG_FLAG_NONBLOCK);
}

static void write_url(const struct canary *canary, char ret_url[URL_SIZE])
{
    (void)snprintf(ret_url, URL_SIZE, "inproc://canary-%" PRIxPTR, (uintptr_t)canary);
}

/*
 * Before NNG 1.6 its timers sleep by the wall clock: set back, they sleep that much longer, and
 * only new ones do not. So the bird gets a new dialer; the old one comes back when its time comes.
 */
static void note_wall_clock(struct canary *canary, struct instant now)
{
    const int64_t ahead_ns = wall_clock_ns() - instant_now().ns;
    const bool was_set_back = ahead_ns < canary->wall_ahead_ns - STEP_BACK_MS * NS_PER_MS;
    canary->wall_ahead_ns = ahead_ns;
    if (was_set_back) {
        char url[URL_SIZE];
        write_url(canary, url);
        (void)dial(canary, url); /* should it fail, the silence tells */
        canary->excused = now;
    }
}

static int start(struct canary *canary)
{
    char url[URL_SIZE];
    write_url(canary, url);
    int failed = nng_socket_set_ms(canary->bird, NNG_OPT_RECONNMINT, CANARY_PERIOD_MS);
    if (failed == 0) {
        failed = nng_socket_set_ms(canary->bird, NNG_OPT_RECONNMAXT, CANARY_PERIOD_MS);
    }
    if (failed == 0) {
        failed = nng_pipe_notify(canary->bird, NNG_PIPE_EV_ADD_POST, on_connected, canary);
    }
    if (failed == 0) {
        failed = nng_listen(canary->perch, url, NULL, 0);
    }
    if (failed == 0) {
        failed = dial(canary, url);
    }
    return failed;
}

static enum status status_of(int failed)
{
    return failed == NNG_ENOMEM ? STATUS_NO_MEMORY : STATUS_IO;
}

enum status canary_create(struct canary **ret_canary)
{
    struct canary *canary = calloc(1, sizeof *canary);
    if (canary == NULL) {
        return STATUS_NO_MEMORY;
    }
    int failed = pthread_mutex_init(&canary->mutex, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    canary->asked = canary->excused = instant_now();
    canary->wall_ahead_ns = wall_clock_ns() - canary->asked.ns;
    failed = nng_bus0_open(&canary->perch);
    if (failed != 0) {
        free(canary);
        return status_of(failed);
    }
    failed = nng_bus0_open(&canary->bird);
    if (failed != 0) {
        nng_close(canary->perch);
        free(canary);
        return status_of(failed);
    }
    failed = start(canary);
    if (failed != 0) {
        canary_destroy(canary);
        return status_of(failed);
    }
    *ret_canary = canary;
    return STATUS_OK;
}

void canary_destroy(struct canary *canary)
{
    if (canary != NULL) {
        (void)bounded_call(close_and_free, canary);
    }
}

bool canary_is_alive(struct canary *canary, struct instant now)
{
    if (instant_is_before(instant_after_ms(canary->asked, CANARY_ASK_WITHIN_MS), now)) {
        canary->excused = now;
    }
    canary->asked = now;
    note_wall_clock(canary, now);
    pthread_mutex_lock(&canary->mutex);
    const struct instant beat = canary->beat;
    pthread_mutex_unlock(&canary->mutex);
    const struct instant heard = instant_is_before(beat, canary->excused) ? canary->excused : beat;
    return instant_is_before(now, instant_after_ms(heard, CANARY_SILENCE_MS));
}

uint64_t canary_beats(struct canary *canary)
{
    pthread_mutex_lock(&canary->mutex);
    const uint64_t beats = canary->beats;
    pthread_mutex_unlock(&canary->mutex);
    return beats;
}
