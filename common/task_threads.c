/* A thread sleeps in a callback that never returns; how many there are is seen in /proc. */
#include "common/task_threads.h"

#include "common/instant.h"

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    SLEEPERS_MAX = 64,  /* NNG's own maximum is 16 */
    PATIENCE_MS = 1000, /* with threads that do not get a processor */
    LOOK_EVERY_MS = 1,
};

static nng_aio *sleepers[SLEEPERS_MAX]; /* for as long as the process lives */
static unsigned sleeper_count;
static _Atomic unsigned asleep_count;

struct census {
    unsigned tasks;   /* threads that take steps */
    unsigned unnamed; /* threads that are not NNG's, or have not said so yet */
};

static void count_thread(struct census *census, const char *id)
{
    char path[64];
    char name[32];
    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", id);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return; /* it has just ended */
    }
    const ssize_t length = read(file, name, sizeof name - 1);
    (void)close(file);
    if (length > 0) {
        name[length] = '\0';
        census->tasks += strcmp(name, "nng:task\n") == 0;
        census->unnamed += strncmp(name, "nng:", strlen("nng:")) != 0;
    }
}

/* False: nobody can say. */
static bool take_census(struct census *ret_census)
{
    *ret_census = (struct census){0};
    DIR *threads = opendir("/proc/self/task");
    if (threads == NULL) {
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        if (entry->d_name[0] != '.') {
            count_thread(ret_census, entry->d_name);
        }
    }
    (void)closedir(threads);
    return true;
}

/* Once all of NNG's threads have run a little and said their names: `others` are not NNG's. */
static unsigned count_task_threads(unsigned others)
{
    const struct instant end = instant_after_ms(instant_now(), PATIENCE_MS);
    struct census census;
    while (take_census(&census)) {
        if (census.unnamed <= others || !instant_is_before(instant_now(), end)) {
            return census.tasks;
        }
        nng_msleep(LOOK_EVERY_MS);
    }
    return 0;
}

static void sleep_for_good(void *context)
{
    (void)context;
    asleep_count++;
    for (;;) {
        (void)pause();
    }
}

void task_threads_leave_one(void)
{
    struct census before;
    nng_aio *first;
    if (!take_census(&before) || nng_aio_alloc(&first, NULL, NULL) != 0) {
        return;
    }
    nng_aio_free(first); /* NNG starts with the first call of it */
    const unsigned count = count_task_threads(before.unnamed);
    while (sleeper_count + 1 < count && sleeper_count < SLEEPERS_MAX) {
        nng_aio **sleeper = &sleepers[sleeper_count];
        if (nng_aio_alloc(sleeper, sleep_for_good, NULL) != 0) {
            return;
        }
        sleeper_count++;
        nng_sleep_aio(0, *sleeper);
    }
    const struct instant end = instant_after_ms(instant_now(), PATIENCE_MS);
    while (asleep_count < sleeper_count && instant_is_before(instant_now(), end)) {
        nng_msleep(LOOK_EVERY_MS);
    }
}
