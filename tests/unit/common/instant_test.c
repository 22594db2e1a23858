/* Does time go forward, saturate at never, and read as UTC? */
#include "common/instant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    struct instant before = instant_now();
    for (int i = 0; i < 1000; i++) {
        const struct instant now = instant_now();
        assert_false(instant_is_before(now, before));
        before = now;
    }
}

static void milliseconds_later_are_a_million_ns_each(void **state)
{
    (void)state;
    const struct instant start = {.ns = 5};
    assert_int_equal(instant_after_ms(start, 0).ns, 5);
    assert_int_equal(instant_after_ms(start, 3).ns, 3000005);
    assert_int_equal(instant_after_us(start, 3).ns, 3005);
}

static void nothing_is_later_than_never(void **state)
{
    (void)state;
    assert_int_equal(instant_after_ms(INSTANT_NEVER, 0).ns, INT64_MAX);
    assert_int_equal(instant_after_ms(INSTANT_NEVER, 1).ns, INT64_MAX);
    assert_int_equal(instant_after_ms(instant_now(), INT64_MAX).ns, INT64_MAX);
    assert_int_equal(instant_after_us(instant_now(), INT64_MAX).ns, INT64_MAX);
    assert_true(instant_is_before(instant_now(), INSTANT_NEVER));

    const struct instant almost = {.ns = INT64_MAX - NS_PER_MS};
    assert_int_equal(instant_after_ms(almost, 1).ns, INT64_MAX);
    assert_int_equal(instant_after_ms(almost, 2).ns, INT64_MAX);
}

static void the_time_between_has_a_direction(void **state)
{
    (void)state;
    const struct instant early = {.ns = 10};
    const struct instant late = {.ns = 35};
    assert_int_equal(instant_ns_between(early, late), 25);
    assert_int_equal(instant_ns_between(late, early), -25);
    assert_int_equal(instant_ns_between(early, early), 0);
}

static void the_earlier_of_two_is_found_in_either_order(void **state)
{
    (void)state;
    const struct instant early = {.ns = 10};
    const struct instant late = {.ns = 35};
    assert_true(instant_is_before(early, late));
    assert_false(instant_is_before(late, early));
    assert_false(instant_is_before(early, early));
    assert_int_equal(instant_earlier(early, late).ns, 10);
    assert_int_equal(instant_earlier(late, early).ns, 10);
    assert_int_equal(instant_earlier(INSTANT_NEVER, late).ns, 35);
}

static void the_wall_clock_counts_from_1970(void **state)
{
    (void)state;
    const int64_t year_2025 = INT64_C(1735689600) * NS_PER_SECOND;
    assert_true(wall_clock_ns() > year_2025);
}

static void assert_wall_text(int64_t wall_ns, const char *wanted)
{
    char text[WALL_CLOCK_TEXT_SIZE];
    memset(text, 'x', sizeof text);
    wall_clock_format(wall_ns, text);
    assert_string_equal(text, wanted);
    assert_int_equal(strlen(text) + 1, WALL_CLOCK_TEXT_SIZE);
}

static void wall_time_reads_as_utc_with_microseconds(void **state)
{
    (void)state;
    assert_wall_text(0, "1970-01-01T00:00:00.000000Z");
    assert_wall_text(INT64_C(1520023934918963997), "2018-03-02T20:52:14.918963Z");
    assert_wall_text(INT64_C(951782400000000999), "2000-02-29T00:00:00.000000Z");
    assert_wall_text(INT64_C(4107542399999999999), "2100-02-28T23:59:59.999999Z");
    assert_wall_text(INT64_MAX, "2262-04-11T23:47:16.854775Z");
}

static void wall_time_before_1970_reads_right_too(void **state)
{
    (void)state;
    assert_wall_text(-1, "1969-12-31T23:59:59.999999Z");
    assert_wall_text(-NS_PER_SECOND, "1969-12-31T23:59:59.000000Z");
    assert_wall_text(INT64_MIN, "1677-09-21T00:12:43.145224Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(milliseconds_later_are_a_million_ns_each),
        cmocka_unit_test(nothing_is_later_than_never),
        cmocka_unit_test(the_time_between_has_a_direction),
        cmocka_unit_test(the_earlier_of_two_is_found_in_either_order),
        cmocka_unit_test(the_wall_clock_counts_from_1970),
        cmocka_unit_test(wall_time_reads_as_utc_with_microseconds),
        cmocka_unit_test(wall_time_before_1970_reads_right_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
