/* Does an alarm ring once, not before its time, and at the earliest that it was set to? */
#include "gateway/alarm.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct {
    uv_loop_t loop;
    struct alarm *alarm;
    unsigned rings;
    struct instant rung;
} scene;

static void ring(void *context)
{
    assert_ptr_equal(context, &scene);
    scene.rings++;
    scene.rung = instant_now();
}

static int set_up(void **state)
{
    (void)state;
    scene.rings = 0;
    return uv_loop_init(&scene.loop) == 0 &&
                   alarm_create(&scene.loop, ring, &scene, &scene.alarm) == STATUS_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alarm_destroy(scene.alarm);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&scene.loop); /* fails while anything is left in it */
}

static void run_until_it_rings(void)
{
    const unsigned before = scene.rings;
    while (scene.rings == before) {
        (void)uv_run(&scene.loop, UV_RUN_ONCE);
    }
}

static void it_rings_when_its_time_has_come_and_not_before(void **state)
{
    (void)state;
    for (int64_t us = 100; us <= 3000; us += 100) {
        const struct instant when = instant_after_us(instant_now(), us);
        alarm_set(scene.alarm, when);
        run_until_it_rings();
        assert_false(instant_is_before(scene.rung, when));
    }
}

static void it_rings_once(void **state)
{
    (void)state;
    alarm_set(scene.alarm, instant_now());
    run_until_it_rings();
    (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.rings, 1);
}

static void a_time_that_has_passed_rings_at_once(void **state)
{
    (void)state;
    alarm_set(scene.alarm, (struct instant){.ns = 0});
    run_until_it_rings();
    alarm_set(scene.alarm, (struct instant){.ns = -5});
    run_until_it_rings();
}

static void an_earlier_time_replaces_a_later_one_and_not_the_reverse(void **state)
{
    (void)state;
    const struct instant hour = instant_after_ms(instant_now(), 3600 * 1000);
    alarm_set(scene.alarm, hour);
    alarm_set(scene.alarm, instant_after_ms(instant_now(), 1));
    alarm_set(scene.alarm, hour);
    run_until_it_rings();
    assert_true(instant_is_before(scene.rung, hour));
}

static void never_is_no_time(void **state)
{
    (void)state;
    alarm_set(scene.alarm, INSTANT_NEVER);
    alarm_set(scene.alarm, instant_now());
    run_until_it_rings();
    assert_int_equal(scene.rings, 1);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_rings_when_its_time_has_come_and_not_before),
        TEST(it_rings_once),
        TEST(a_time_that_has_passed_rings_at_once),
        TEST(an_earlier_time_replaces_a_later_one_and_not_the_reverse),
        TEST(never_is_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
