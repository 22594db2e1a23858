/* Are degrees written as other programs read them? */
#include "places-worker/degrees.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(double degrees, const char *wanted)
{
    char text[DEGREES_TEXT_SIZE];
    const size_t length = degrees_format(degrees, text);
    assert_string_equal(text, wanted);
    assert_int_equal(length, strlen(wanted));
}

static void seven_decimals_are_kept_and_rounded(void **state)
{
    (void)state;
    assert_text(-33.8587323, "-33.8587323");
    assert_text(151.2100055, "151.2100055");
    assert_text(0.12345678, "0.1234568");
    assert_text(-179.99999999, "-180");
}

static void needless_zeros_and_points_are_left_out(void **state)
{
    (void)state;
    assert_text(34.5, "34.5");
    assert_text(34, "34");
    assert_text(100, "100");
    assert_text(0, "0");
    assert_text(-180, "-180");
    assert_text(10.0000001, "10.0000001");
}

static void nothing_is_never_negative(void **state)
{
    (void)state;
    assert_text(-0.0, "0");
    assert_text(-0.00000001, "0");
    assert_text(-0.0000001, "-0.0000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_decimals_are_kept_and_rounded),
        cmocka_unit_test(needless_zeros_and_points_are_left_out),
        cmocka_unit_test(nothing_is_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
