/* Does the gate let in one at a time, and no more requests than it may? */
#include "places-worker/provider_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct provider_gate *gate_with(unsigned per_second, unsigned per_day)
{
    const struct provider_limits limits = {.per_second = per_second, .per_day = per_day};
    struct provider_gate *gate;
    assert_int_equal(provider_gate_create(&limits, &gate), STATUS_OK);
    assert_int_equal(provider_gate_enter(gate, INSTANT_NEVER), PROVIDER_PASSES);
    return gate;
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
    const struct instant start = {.ns = NS_PER_SECOND};
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
    unsigned passed = 0;
    const struct instant late = {.ns = (int64_t)3600 * NS_PER_SECOND};
    assert_int_equal(
        provider_gate_count(gate, (struct instant){.ns = NS_PER_SECOND}), PROVIDER_PASSES);
    while (provider_gate_count(gate, late) == PROVIDER_PASSES) {
        passed++;
    }
    assert_int_equal(passed, 2);
    provider_gate_destroy(gate);
}

static void a_day_has_its_limit_and_the_next_one_a_new_one(void **state)
{
    (void)state;
    struct provider_gate *const gate = gate_with(1000, 2);
    const struct instant start = {.ns = NS_PER_SECOND};
    const int64_t day_ms = (int64_t)24 * 60 * 60 * 1000;
    assert_int_equal(provider_gate_count(gate, start), PROVIDER_PASSES);
    assert_int_equal(provider_gate_count(gate, instant_after_ms(start, 5000)), PROVIDER_PASSES);
    assert_int_equal(
        provider_gate_count(gate, instant_after_ms(start, day_ms - 1)), PROVIDER_OVER_DAYS);
    assert_int_equal(provider_gate_count(gate, instant_after_ms(start, day_ms)), PROVIDER_PASSES);
    provider_gate_destroy(gate);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_in_at_a_time),
        cmocka_unit_test(a_second_has_its_limit_and_the_next_one_a_new_one),
        cmocka_unit_test(a_pause_saves_up_no_more_than_a_second),
        cmocka_unit_test(a_day_has_its_limit_and_the_next_one_a_new_one),
        cmocka_unit_test(nobody_enters_while_it_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
