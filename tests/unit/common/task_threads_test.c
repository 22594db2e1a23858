/* task_threads: callbacks of NNG that could run side by side run one after the other, and still
 * run. */
#include "common/instant.h"
#include "common/task_threads.h"

#include <nng/nng.h>

#include <glob.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { WAIT_MS = 200, CALLBACKS = 4 };

/* Callbacks that wait for company. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned inside;
static unsigned most_inside;

static unsigned change_inside(unsigned by)
{
    pthread_mutex_lock(&mutex);
    inside += by;
    if (most_inside < inside) {
        most_inside = inside;
    }
    const unsigned most = most_inside;
    pthread_mutex_unlock(&mutex);
    return most;
}

static void wait_for_company(void *context)
{
    (void)context;
    const struct instant end = instant_after_ms(instant_now(), WAIT_MS);
    unsigned most = change_inside(1);
    while (most < 2 && instant_is_before(instant_now(), end)) {
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
        most = change_inside(0);
    }
    (void)change_inside(0U - 1U);
}

/* How many of CALLBACKS callbacks were running at the same time, at most. Returns when all ran. */
static unsigned meet(void)
{
    most_inside = 0;
    nng_aio *aios[CALLBACKS];
    for (size_t i = 0; i < CALLBACKS; i++) {
        assert_int_equal(nng_aio_alloc(&aios[i], wait_for_company, NULL), 0);
        nng_sleep_aio(0, aios[i]);
    }
    for (size_t i = 0; i < CALLBACKS; i++) {
        nng_aio_wait(aios[i]);
        nng_aio_free(aios[i]);
    }
    return most_inside;
}

static unsigned count_task_threads(void)
{
    unsigned count = 0;
    glob_t found;
    assert_int_equal(glob("/proc/self/task/*/comm", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char name[32] = "";
        FILE *file = fopen(found.gl_pathv[i], "r");
        assert_non_null(file);
        assert_non_null(fgets(name, sizeof name, file));
        assert_int_equal(fclose(file), 0);
        count += strcmp(name, "nng:task\n") == 0;
    }
    globfree(&found);
    return count;
}

static void callbacks_run_one_after_the_other(void **state)
{
    (void)state;
    task_threads_leave_one();
    assert_int_equal(meet(), 1);
    assert_true(count_task_threads() >= 2); /* that it is one is not NNG's own choice */
}

static void asking_again_leaves_one_awake(void **state)
{
    (void)state;
    task_threads_leave_one();
    task_threads_leave_one();
    assert_int_equal(meet(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callbacks_run_one_after_the_other),
        cmocka_unit_test(asking_again_leaves_one_awake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
