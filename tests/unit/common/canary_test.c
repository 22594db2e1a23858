/* canary: lives while NNG works, dies when NNG's clearing thread hangs; and no pause of the process
 * kills it. */
#include "common/canary.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

enum { STEP_MS = 500, PATIENCE_MS = 10000 };

static int set_up(void **state)
{
    struct canary *canary = NULL;
    assert_int_equal(canary_create(&canary), STATUS_OK);
    *state = canary;
    return 0;
}

static int tear_down(void **state)
{
    canary_destroy(*state);
    return 0;
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    nanosleep(&pause, NULL);
}

/* Asks often enough until `count` more beats were heard; false: not in time. */
static bool wait_for_beats(struct canary *canary, uint64_t count)
{
    const uint64_t wanted = canary_beats(canary) + count;
    const struct instant deadline = instant_after_ms(instant_now(), PATIENCE_MS);
    while (canary_beats(canary) < wanted && instant_is_before(instant_now(), deadline)) {
        (void)canary_is_alive(canary, instant_now());
        rest();
    }
    return canary_beats(canary) >= wanted;
}

/* Asks in steps, as a loop does, up to `ahead_ms` from now on a clock that runs ahead. */
static bool is_alive_when_asked_until(struct canary *canary, int64_t ahead_ms)
{
    const struct instant start = instant_now();
    bool is_alive = true;
    for (int64_t ms = 0; ms <= ahead_ms; ms += STEP_MS) {
        is_alive = canary_is_alive(canary, instant_after_ms(start, ms));
    }
    return is_alive;
}

static void it_beats_again_and_again_while_nng_works(void **state)
{
    assert_true(wait_for_beats(*state, 4));
    assert_true(canary_is_alive(*state, instant_now()));
}

static void it_is_dead_after_a_silence(void **state)
{
    assert_true(is_alive_when_asked_until(*state, CANARY_SILENCE_MS - CANARY_PERIOD_MS));
    assert_false(is_alive_when_asked_until(*state, CANARY_SILENCE_MS + CANARY_PERIOD_MS));
}

static void a_pause_of_the_whole_process_is_no_silence_of_nng(void **state)
{
    const struct instant later = instant_after_ms(instant_now(), 60000);

    assert_true(canary_is_alive(*state, later));

    assert_true(canary_is_alive(*state, instant_after_ms(later, CANARY_ASK_WITHIN_MS)));
}

static void hang(nng_pipe pipe, nng_pipe_ev event, void *context)
{
    (void)pipe;
    (void)event;
    sem_t *gates = context;
    sem_post(&gates[0]);
    sem_wait(&gates[1]);
}

static void a_hang_of_nngs_clearing_thread_silences_it(void **state)
{
    struct canary *canary = *state;
    assert_true(wait_for_beats(canary, 1));
    sem_t gates[2]; /* the hang has begun; it may end */
    sem_init(&gates[0], 0, 0);
    sem_init(&gates[1], 0, 0);
    nng_socket listening;
    nng_socket dialling;
    nng_dialer dialer;
    assert_int_equal(nng_pair0_open(&listening), 0);
    assert_int_equal(nng_pair0_open(&dialling), 0);
    assert_int_equal(nng_pipe_notify(dialling, NNG_PIPE_EV_REM_POST, hang, gates), 0);
    assert_int_equal(nng_listen(listening, "inproc://hanging", NULL, 0), 0);
    assert_int_equal(nng_dial(dialling, "inproc://hanging", &dialer, 0), 0);
    assert_int_equal(nng_dialer_close(dialer), 0);
    sem_wait(&gates[0]);

    const uint64_t beats = canary_beats(canary);
    const struct instant deadline = instant_after_ms(instant_now(), PATIENCE_MS);
    bool is_alive = true;
    while (is_alive && instant_is_before(instant_now(), deadline)) {
        is_alive = canary_is_alive(canary, instant_now());
        rest();
    }
    assert_false(is_alive);
    assert_true(canary_beats(canary) <= beats + 1); /* one may have been on its way */

    sem_post(&gates[1]);
    nng_close(dialling);
    nng_close(listening);
    assert_true(wait_for_beats(canary, 2));
    assert_true(canary_is_alive(canary, instant_now()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            it_beats_again_and_again_while_nng_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_dead_after_a_silence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_pause_of_the_whole_process_is_no_silence_of_nng, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_hang_of_nngs_clearing_thread_silences_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
