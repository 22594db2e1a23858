/* bounded_call: waits for what returns, leaves behind what does not. */
#include "common/bounded_call.h"
#include "common/instant.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void do_nothing(void *context)
{
    (void)context;
}

static void set(void *context)
{
    *(int *)context = 1;
}

static void hang(void *context)
{
    sem_wait(context);
}

static void post(void *context)
{
    sem_post(context);
}

static void what_the_call_did_is_seen_after_it(void **state)
{
    (void)state;
    int is_set = 0;

    assert_true(bounded_call(set, &is_set));

    assert_int_equal(is_set, 1);
}

static void a_call_that_hangs_is_left_behind_and_the_next_ones_are_not_waited_for(void **state)
{
    (void)state;
    static sem_t gate; /* outlives the test: threads still hang on it */
    sem_init(&gate, 0, 0);
    const struct instant start = instant_now();

    for (int i = 0; i < 20; i++) {
        assert_false(bounded_call(hang, &gate));
    }

    const int64_t took_ms = instant_ns_between(start, instant_now()) / NS_PER_MS;
    assert_true(took_ms >= BOUNDED_CALL_WAIT_MS);
    assert_true(took_ms < (int64_t)4 * BOUNDED_CALL_WAIT_MS);

    for (int i = 0; i < 20; i++) {
        sem_post(&gate);
    }
    while (!bounded_call(do_nothing, NULL)) { /* until the last straggler is gone, nobody waits */
    }
}

static void a_call_apart_is_made_without_waiting(void **state)
{
    (void)state;
    static sem_t done; /* outlives the test: its poster may still be in it */
    sem_init(&done, 0, 0);

    assert_true(bounded_call_apart(post, &done));

    assert_int_equal(sem_wait(&done), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_call_did_is_seen_after_it),
        cmocka_unit_test(a_call_that_hangs_is_left_behind_and_the_next_ones_are_not_waited_for),
        cmocka_unit_test(a_call_apart_is_made_without_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
