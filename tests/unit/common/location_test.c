/* Are locations read exactly, and refused by their digits rather than by a rounded number? */
#include "common/location.h"
#include "tests/support/exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* From a block that ends with the text; whoever does not need the numbers is told the same. */
static enum status parse(struct slice text, struct location *ret_location)
{
    char *block = exact_copy(text.data, text.length);
    const enum status status = location_parse(slice_of_bytes(block, text.length), ret_location);
    assert_int_equal(location_check(slice_of_bytes(block, text.length)), status);
    free(block);
    return status;
}

/* Bit for bit, but for the sign of 0. */
static void assert_location(const char *text, double latitude, double longitude)
{
    struct location location = {.latitude = 1000, .longitude = 1000};
    assert_int_equal(parse(slice_of(text), &location), STATUS_OK);
    assert_true(location.latitude == latitude);
    assert_true(location.longitude == longitude);
}

static void assert_no_location(struct slice text, enum status wanted)
{
    struct location location = {.latitude = 1000, .longitude = 1000};
    assert_int_equal(parse(text, &location), wanted);
    assert_true(location.latitude == 1000 && location.longitude == 1000);
}

static void degrees_are_read_with_sign_and_fraction(void **state)
{
    (void)state;
    assert_location("+34.068930-118.445127", 34.068930, -118.445127);
    assert_location("-33.8688+151.2093", -33.8688, 151.2093);
    assert_location("+0.5+0.25", 0.5, 0.25);
    assert_location("-0-0", 0, 0);
}

static void whole_degrees_are_enough(void **state)
{
    (void)state;
    assert_location("+34-118", 34, -118);
    assert_location("+34.5-118", 34.5, -118);
    assert_location("+34-118.5", 34, -118.5);
}

static void leading_zeros_and_any_number_of_digits_are_fine(void **state)
{
    (void)state;
    assert_location("+0000000000000000000000000000034.5-000118", 34.5, -118);
    assert_location("+34.50000000000000000000000000000000000-118", 34.5, -118);
    assert_location("+34.3333333333333333333333333333333-118", 34.3333333333333, -118);
}

static void the_poles_and_the_date_line_belong_to_the_earth(void **state)
{
    (void)state;
    assert_location("+90+180", 90, 180);
    assert_location("-90-180", -90, -180);
    assert_location(
        "+90.000000000000000000000000000000-180.00000000000000000000000000000", 90, -180);
    assert_location("+89.99999999999999999999999999999-179.99999999999999999999999999999",
        89.9999999999999,
        -179.9999999999999);
}

static void beyond_them_is_out_of_range_however_little(void **state)
{
    (void)state;
    static const char *const texts[] = {"+90.000000000000000000000000000000000000000001+0",
        "-90.1+0",
        "+91+0",
        "+100+0",
        "+0+180.000000000000000000000000000000000000000001",
        "+0-181",
        "+0+1000",
        "+00091-0",
        "+99999999999999999999999999999999999999999999+0",
        "+0+18446744073709551617"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_no_location(slice_of(texts[i]), STATUS_OUT_OF_RANGE);
    }
}

static void everything_else_is_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
        "+",
        "+-",
        "+34",
        "+34-",
        "+34.-118",
        "+34-118.",
        "+.5-118",
        "+34-.5",
        "34-118",
        "+34118",
        "34+118",
        "+34 -118",
        " +34-118",
        "+34-118 ",
        "+34-118/",
        "+34-118+5",
        "+34.1.2-118",
        "+34,5-118",
        "+3e1-118",
        "+0x22-118",
        "+nan-118",
        "+inf-118",
        "++34-118",
        "+34--118",
        "+34-118x",
        "\342\210\22234-118" /* a minus sign, but not ASCII's */,
        "+91",
        "+91-118x",
        "+34-999.",
        "+999..5-0"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_no_location(slice_of(texts[i]), STATUS_MALFORMED);
    }
    assert_no_location(slice_of_bytes("+34-118\0", 8), STATUS_MALFORMED);
    struct location location;
    assert_int_equal(location_parse(slice_of_bytes(NULL, 0), &location), STATUS_MALFORMED);
}

static void every_prefix_ends_in_a_digit_of_the_longitude_or_is_malformed(void **state)
{
    (void)state;
    const struct slice text = slice_of("+34.068930-118.445127");
    for (size_t length = 0; length <= text.length; length++) {
        struct location location;
        const bool is_whole = length > 11 && slice_is_digit(text.data[length - 1]);
        assert_int_equal(parse(slice_of_bytes(text.data, length), &location),
            is_whole ? STATUS_OK : STATUS_MALFORMED);
    }
}

/* Against the C library's conversion, on every thousandth of a degree and some more digits. */
static void the_result_is_the_double_nearest_to_the_text(void **state)
{
    (void)state;
    for (int i = 0; i < 90000; i += 7) {
        char degrees[32];
        char text[64];
        snprintf(degrees, sizeof degrees, "%d.%03d%04d", i / 1000, i % 1000, i % 9973);
        const int length = snprintf(text, sizeof text, "+%s-%s", degrees, degrees);
        const double wanted = strtod(degrees, NULL);
        struct location location;
        assert_int_equal(parse(slice_of_bytes(text, (size_t)length), &location), STATUS_OK);
        assert_true(location.latitude == wanted);
        assert_true(location.longitude == -wanted);
    }
}

static enum status parse_fields(
    const char *latitude, const char *longitude, struct location *ret_location)
{
    return location_parse_fields(slice_of(latitude), slice_of(longitude), ret_location);
}

static void fields_have_a_sign_only_where_they_are_negative(void **state)
{
    (void)state;
    struct location location;
    assert_int_equal(parse_fields("34.5", "-118.25", &location), STATUS_OK);
    assert_true(location.latitude == 34.5 && location.longitude == -118.25);
    assert_int_equal(parse_fields("-34.5", "118.25", &location), STATUS_OK);
    assert_true(location.latitude == -34.5 && location.longitude == 118.25);
    assert_int_equal(parse_fields("90.1", "0", &location), STATUS_OUT_OF_RANGE);
    assert_int_equal(parse_fields("+34.5", "0", &location), STATUS_MALFORMED);
    assert_int_equal(parse_fields("", "0", &location), STATUS_MALFORMED);
    assert_int_equal(parse_fields("34.5", "", &location), STATUS_MALFORMED);
    assert_int_equal(
        parse_fields(
            "34.0000000000000000000000000000", "118.0000000000000000000000000000000000", &location),
        STATUS_MALFORMED); /* longer than any data file has them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(degrees_are_read_with_sign_and_fraction),
        cmocka_unit_test(whole_degrees_are_enough),
        cmocka_unit_test(leading_zeros_and_any_number_of_digits_are_fine),
        cmocka_unit_test(the_poles_and_the_date_line_belong_to_the_earth),
        cmocka_unit_test(beyond_them_is_out_of_range_however_little),
        cmocka_unit_test(everything_else_is_malformed),
        cmocka_unit_test(every_prefix_ends_in_a_digit_of_the_longitude_or_is_malformed),
        cmocka_unit_test(the_result_is_the_double_nearest_to_the_text),
        cmocka_unit_test(fields_have_a_sign_only_where_they_are_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
