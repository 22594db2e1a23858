/* Does the gate let in one at a time, and no more requests than it may? */
#include "places-worker/machine_turn.h"
#include "places-worker/provider_gate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static const struct instant start = {.ns = NS_PER_SECOND};
static const int64_t hour_ms = (int64_t)60 * 60 * 1000;
static const int64_t day_ms = (int64_t)24 * 60 * 60 * 1000;

static struct provider_gate *gate_of(
    unsigned per_second, unsigned per_day, unsigned workers, unsigned worker)
{
    const struct provider_limits limits = {.per_second = per_second,
        .per_day = per_day,
        .workers = workers,
        .worker = worker,
        .started = start};
    struct provider_gate *gate;
    assert_int_equal(provider_gate_create(&limits, NULL, &gate), STATUS_OK);
    assert_int_equal(provider_gate_enter(gate, INSTANT_NEVER), PROVIDER_PASSES);
    return gate;
}

static struct provider_gate *gate_with(unsigned per_second, unsigned per_day)
{
    return gate_of(per_second, per_day, 1, 0);
}

/* How many pass until none does, and that it is then for this reason. */
static unsigned passing(struct provider_gate *gate, int64_t after_ms, enum provider_pass end)
{
    unsigned count = 0;
    enum provider_pass pass = provider_gate_count(gate, instant_after_ms(start, after_ms));
    while (pass == PROVIDER_PASSES) {
        count++;
        pass = provider_gate_count(gate, instant_after_ms(start, after_ms));
    }
    assert_int_equal(pass, end);
    return count;
}

static void one_is_in_at_a_time(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(1, 1);
    assert_int_equal(
        provider_gate_enter(gate, instant_after_ms(instant_now(), 1)), PROVIDER_IS_BUSY);
    provider_gate_leave(gate);
    assert_int_equal(provider_gate_enter(gate, instant_now()), PROVIDER_PASSES);
    provider_gate_destroy(gate);
}

static void a_second_has_its_limit_and_the_next_one_a_new_one(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(3, 1000);
    for (int second = 0; second < 3; second++) {
        const struct instant now = instant_after_ms(start, second * 1000);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(provider_gate_count(gate, now), PROVIDER_PASSES);
        }
        assert_int_equal(provider_gate_count(gate, now), PROVIDER_OVER_SECONDS);
        assert_int_equal(
            provider_gate_count(gate, instant_after_ms(now, 300)), PROVIDER_OVER_SECONDS);
    }
    provider_gate_destroy(gate);
}

static void a_pause_saves_up_no_more_than_a_second(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(2, 1000);
    assert_int_equal(provider_gate_count(gate, start), PROVIDER_PASSES);
    assert_int_equal(passing(gate, hour_ms, PROVIDER_OVER_SECONDS), 2);
    provider_gate_destroy(gate);
}

static void a_day_has_its_limit_and_the_next_one_a_new_one(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(1000, 2);
    assert_int_equal(provider_gate_count(gate, start), PROVIDER_PASSES);
    assert_int_equal(provider_gate_count(gate, instant_after_ms(start, 5000)), PROVIDER_PASSES);
    assert_int_equal(
        provider_gate_count(gate, instant_after_ms(start, day_ms - 1)), PROVIDER_OVER_DAYS);
    assert_int_equal(provider_gate_count(gate, instant_after_ms(start, day_ms)), PROVIDER_PASSES);
    provider_gate_destroy(gate);
}

static void workers_pass_no_more_together_than_one_alone_would(void **state)
{
    (void)state;
    static const struct {
        unsigned per_second;
        unsigned per_day;
        unsigned workers;
    } herds[] = {{50, 10000, 2}, {1, 10000, 2}, {7, 10000, 3}, {1, 64, 64}, {50, 101, 3}};
    for (size_t i = 0; i < sizeof herds / sizeof herds[0]; i++) {
        uint64_t in_100_s = 0;
        uint64_t in_a_day = 0;
        for (unsigned worker = 0; worker < herds[i].workers; worker++) {
            struct provider_gate *gate =
                gate_of(herds[i].per_second, herds[i].per_day * 100, herds[i].workers, worker);
            for (int64_t ms = 0; ms < 100000; ms += 100) { /* the second day: all may be used */
                while (provider_gate_count(gate, instant_after_ms(start, day_ms + ms)) ==
                       PROVIDER_PASSES) {
                    in_100_s++;
                }
            }
            provider_gate_destroy(gate);
            gate = gate_of(100000, herds[i].per_day, herds[i].workers, worker);
            in_a_day += passing(gate, day_ms, PROVIDER_OVER_DAYS);
            provider_gate_destroy(gate);
        }
        assert_int_equal(in_a_day, herds[i].per_day);
        /* what is saved up at the beginning is at most a second's, or one request of each */
        assert_in_range(in_100_s,
            100 * herds[i].per_second - herds[i].workers,
            100 * herds[i].per_second + herds[i].per_second + herds[i].workers);
    }
}

static void two_workers_that_share_one_a_second_take_turns_of_two_seconds(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_of(1, 1000, 2, 1);
    assert_int_equal(passing(gate, 0, PROVIDER_OVER_SECONDS), 1);
    assert_int_equal(passing(gate, 1999, PROVIDER_OVER_SECONDS), 0);
    assert_int_equal(passing(gate, 2000, PROVIDER_OVER_SECONDS), 1);
    provider_gate_destroy(gate);
}

static void a_start_has_an_hours_part_and_the_rest_comes_over_the_day(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(100000, 48000);
    assert_int_equal(passing(gate, 0, PROVIDER_OVER_DAYS), 2000);
    assert_int_equal(passing(gate, hour_ms, PROVIDER_OVER_DAYS), 2000);
    assert_int_equal(passing(gate, 12 * hour_ms, PROVIDER_OVER_DAYS), 22000);
    assert_int_equal(passing(gate, day_ms - 1000, PROVIDER_OVER_DAYS), 22000);
    assert_int_equal(passing(gate, day_ms, PROVIDER_OVER_DAYS), 48000); /* at once, by now */
    provider_gate_destroy(gate);
}

static void a_small_limit_is_there_from_the_start(void **state)
{
    (void)state;
    struct provider_gate *gate = gate_with(100000, PROVIDER_START_MIN);
    assert_int_equal(passing(gate, 0, PROVIDER_OVER_DAYS), PROVIDER_START_MIN);
    provider_gate_destroy(gate);
    gate = gate_with(100000, PROVIDER_START_MIN + 24);
    assert_int_equal(passing(gate, 0, PROVIDER_OVER_DAYS), PROVIDER_START_MIN);
    assert_int_equal(passing(gate, day_ms / 2, PROVIDER_OVER_DAYS), 24);
    provider_gate_destroy(gate);
}

static void the_greatest_limits_do_not_overflow(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(100000, UINT32_MAX);
    assert_int_equal(passing(gate, day_ms - 1, PROVIDER_OVER_SECONDS), 100000);
    assert_int_equal(passing(gate, 1000 * day_ms, PROVIDER_OVER_SECONDS), 100000);
    provider_gate_destroy(gate);
}

static struct instant after(int64_t milliseconds)
{
    return instant_after_ms(start, milliseconds);
}

static void more_workers_leave_less_to_each_from_then_on(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(1, 10000);
    assert_int_equal(passing(gate, 0, PROVIDER_OVER_SECONDS), 1);

    provider_gate_divide(gate, 4, 3, after(1000));

    assert_int_equal(passing(gate, 1000, PROVIDER_OVER_SECONDS), 1);
    assert_int_equal(passing(gate, 4999, PROVIDER_OVER_SECONDS), 0);
    assert_int_equal(passing(gate, 5000, PROVIDER_OVER_SECONDS), 1);
    provider_gate_destroy(gate);
}

static void a_smaller_part_holds_for_the_rest_of_the_day(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_of(100000, 48000, 1, 0);

    provider_gate_divide(gate, 2, 0, after(day_ms + 18 * hour_ms));

    /* 18 hours of the whole and 6 of a half */
    assert_int_equal(passing(gate, day_ms + 18 * hour_ms, PROVIDER_OVER_DAYS), 36000 + 6000);
    assert_int_equal(passing(gate, 2 * day_ms, PROVIDER_OVER_DAYS), 24000);
    provider_gate_destroy(gate);
}

static void a_smaller_part_comes_more_slowly_on_the_first_day(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_of(100000, 48000, 1, 0);
    assert_int_equal(passing(gate, 6 * hour_ms, PROVIDER_OVER_DAYS), 2000 + 12000);

    provider_gate_divide(gate, 2, 0, after(6 * hour_ms));

    assert_int_equal(passing(gate, 12 * hour_ms, PROVIDER_OVER_DAYS), 6000);
    provider_gate_destroy(gate);
}

static void a_larger_part_holds_from_the_next_day_on(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_of(100000, 48000, 2, 0);
    assert_int_equal(passing(gate, day_ms, PROVIDER_OVER_DAYS), 24000);

    provider_gate_divide(gate, 1, 0, after(day_ms + hour_ms)); /* the other may have had its part */

    assert_int_equal(passing(gate, 2 * day_ms - 1, PROVIDER_OVER_DAYS), 0);
    assert_int_equal(passing(gate, 2 * day_ms, PROVIDER_OVER_DAYS), 48000);
    provider_gate_destroy(gate);
}

static void who_had_more_than_its_new_part_waits_for_the_next_day(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_of(100000, 4800, 1, 0);
    assert_int_equal(passing(gate, day_ms, PROVIDER_OVER_DAYS), 4800);

    provider_gate_divide(gate, 2, 0, after(day_ms + hour_ms));

    assert_int_equal(passing(gate, 2 * day_ms - 1, PROVIDER_OVER_DAYS), 0);
    assert_int_equal(passing(gate, 2 * day_ms, PROVIDER_OVER_DAYS), 2400);
    provider_gate_destroy(gate);
}

static void dividing_again_and_again_gains_nothing(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_of(100000, 48000, 2, 0);
    unsigned passed = 0;
    for (int64_t minute = 0; minute < 24 * 60; minute++) {
        provider_gate_divide(gate, 1 + (unsigned)minute % 2, 0, after(minute * 60000));
        passed += passing(gate, minute * 60000, PROVIDER_OVER_DAYS);
    }
    assert_int_equal(passed, 24000);
    provider_gate_destroy(gate);
}

static void who_is_in_stays_in_while_it_is_divided(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(1, 1000);
    provider_gate_divide(gate, 2, 0, start);
    assert_int_equal(provider_gate_enter(gate, instant_now()), PROVIDER_IS_BUSY);
    assert_int_equal(provider_gate_count(gate, start), PROVIDER_PASSES);
    provider_gate_leave(gate);
    assert_int_equal(provider_gate_enter(gate, instant_now()), PROVIDER_PASSES);
    provider_gate_destroy(gate);
}

enum { THREADS = 4, REQUESTS = 20000 };

struct crowd {
    struct provider_gate *gate;
    atomic_uint passed;
};

static void *ask_often(void *context)
{
    struct crowd *const crowd = context;
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (provider_gate_enter(crowd->gate, INSTANT_NEVER) == PROVIDER_PASSES) {
            crowd->passed += provider_gate_count(crowd->gate, after(day_ms)) == PROVIDER_PASSES;
            provider_gate_leave(crowd->gate);
        }
    }
    return NULL;
}

static void threads_may_ask_while_it_is_divided(void **state)
{
    (void)state;
    struct crowd crowd = {.gate = gate_of(100000, 4000, 2, 0)};
    pthread_t threads[THREADS];
    provider_gate_leave(crowd.gate);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    }
    for (unsigned i = 0; i <= 1000; i++) {
        provider_gate_divide(crowd.gate, 1 + i % 2, 0, after(day_ms));
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }

    assert_int_equal(crowd.passed + passing(crowd.gate, day_ms, PROVIDER_OVER_DAYS), 2000);
    provider_gate_destroy(crowd.gate);
}

static void nobody_enters_while_it_rests(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(1, 1);
    provider_gate_rest(gate, instant_after_ms(instant_now(), 60000));
    provider_gate_leave(gate);
    assert_int_equal(provider_gate_enter(gate, INSTANT_NEVER), PROVIDER_RESTS);
    assert_int_equal(provider_gate_enter(gate, INSTANT_NEVER), PROVIDER_RESTS);
    provider_gate_destroy(gate);
}

/* The gates of two workers of a machine. */
struct pair {
    char subject[64];
    struct machine_turn *turns[2];
    struct provider_gate *gates[2];
};

static void open_pair(struct pair *pair)
{
    const struct provider_limits limits = {.per_second = 1, .per_day = 1, .workers = 1};
    struct buffer complaint = buffer_with_max(1024);
    snprintf(pair->subject, sizeof pair->subject, "provider_gate_test %ld", (long)getpid());
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(machine_turn_open(pair->subject, &pair->turns[i], &complaint), STATUS_OK);
        assert_int_equal(provider_gate_create(&limits, pair->turns[i], &pair->gates[i]), STATUS_OK);
    }
}

static void close_pair(struct pair *pair)
{
    char path[MACHINE_TURN_PATH_SIZE];
    for (size_t i = 0; i < 2; i++) {
        provider_gate_destroy(pair->gates[i]);
        machine_turn_close(pair->turns[i]);
    }
    machine_turn_path(pair->subject, path);
    assert_int_equal(remove(path), 0);
}

static enum provider_pass enter_within(struct provider_gate *gate, int64_t ms)
{
    return provider_gate_enter(gate, instant_after_ms(instant_now(), ms));
}

static void one_worker_of_a_machine_is_in_at_a_time(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    assert_int_equal(enter_within(pair.gates[0], 0), PROVIDER_PASSES);
    assert_int_equal(enter_within(pair.gates[1], 0), PROVIDER_IS_BUSY);
    assert_int_equal(enter_within(pair.gates[1], 25), PROVIDER_IS_BUSY); /* some tries later */
    provider_gate_leave(pair.gates[0]);
    assert_int_equal(enter_within(pair.gates[1], 0), PROVIDER_PASSES);
    close_pair(&pair);
}

static void *enter_for_ever(void *context)
{
    struct provider_gate *const gate = context;
    if (provider_gate_enter(gate, INSTANT_NEVER) == PROVIDER_PASSES) {
        provider_gate_leave(gate);
        return gate;
    }
    return NULL;
}

static void who_waits_for_another_worker_enters_after_it(void **state)
{
    (void)state;
    struct pair pair;
    pthread_t waiting;
    void *entered;
    open_pair(&pair);
    assert_int_equal(enter_within(pair.gates[0], 0), PROVIDER_PASSES);
    assert_int_equal(pthread_create(&waiting, NULL, enter_for_ever, pair.gates[1]), 0);
    assert_int_equal(enter_within(pair.gates[0], 25), PROVIDER_IS_BUSY); /* it has had its time */
    provider_gate_leave(pair.gates[0]);
    assert_int_equal(pthread_join(waiting, &entered), 0);
    assert_ptr_equal(entered, pair.gates[1]);
    close_pair(&pair);
}

static void no_worker_of_a_machine_enters_while_it_rests_and_all_may_after(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    assert_int_equal(enter_within(pair.gates[0], 0), PROVIDER_PASSES);
    const struct instant until = instant_after_ms(instant_now(), 50);
    provider_gate_rest(pair.gates[0], until);
    provider_gate_leave(pair.gates[0]);
    enum provider_pass pass = enter_within(pair.gates[1], 10000);
    assert_int_equal(pass, PROVIDER_RESTS);
    while (pass == PROVIDER_RESTS) {
        pass = enter_within(pair.gates[1], 10000);
    }
    assert_int_equal(pass, PROVIDER_PASSES);
    assert_false(instant_is_before(instant_now(), until));
    provider_gate_leave(pair.gates[1]);
    assert_int_equal(enter_within(pair.gates[0], 0), PROVIDER_PASSES);
    close_pair(&pair);
}

static void who_is_told_of_a_rest_keeps_nobody_out(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    assert_int_equal(enter_within(pair.gates[0], 0), PROVIDER_PASSES);
    provider_gate_rest(pair.gates[0], instant_after_ms(instant_now(), 60000));
    provider_gate_leave(pair.gates[0]);
    assert_int_equal(enter_within(pair.gates[1], 10000), PROVIDER_RESTS);
    assert_true(machine_turn_try(pair.turns[0]));
    assert_int_equal(enter_within(pair.gates[1], 10000), PROVIDER_RESTS); /* it knows by itself */
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_in_at_a_time),
        cmocka_unit_test(a_second_has_its_limit_and_the_next_one_a_new_one),
        cmocka_unit_test(a_pause_saves_up_no_more_than_a_second),
        cmocka_unit_test(a_day_has_its_limit_and_the_next_one_a_new_one),
        cmocka_unit_test(workers_pass_no_more_together_than_one_alone_would),
        cmocka_unit_test(two_workers_that_share_one_a_second_take_turns_of_two_seconds),
        cmocka_unit_test(a_start_has_an_hours_part_and_the_rest_comes_over_the_day),
        cmocka_unit_test(a_small_limit_is_there_from_the_start),
        cmocka_unit_test(the_greatest_limits_do_not_overflow),
        cmocka_unit_test(nobody_enters_while_it_rests),
        cmocka_unit_test(one_worker_of_a_machine_is_in_at_a_time),
        cmocka_unit_test(who_waits_for_another_worker_enters_after_it),
        cmocka_unit_test(no_worker_of_a_machine_enters_while_it_rests_and_all_may_after),
        cmocka_unit_test(who_is_told_of_a_rest_keeps_nobody_out),
        cmocka_unit_test(more_workers_leave_less_to_each_from_then_on),
        cmocka_unit_test(a_smaller_part_holds_for_the_rest_of_the_day),
        cmocka_unit_test(a_smaller_part_comes_more_slowly_on_the_first_day),
        cmocka_unit_test(a_larger_part_holds_from_the_next_day_on),
        cmocka_unit_test(who_had_more_than_its_new_part_waits_for_the_next_day),
        cmocka_unit_test(dividing_again_and_again_gains_nothing),
        cmocka_unit_test(who_is_in_stays_in_while_it_is_divided),
        cmocka_unit_test(threads_may_ask_while_it_is_divided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
