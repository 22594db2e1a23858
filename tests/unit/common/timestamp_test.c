/* Are client times read to the nanosecond, and differences shown with all their digits? */
#include "common/timestamp.h"
#include "tests/support/exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* From a block that ends with the text. */
static enum status parse(struct slice text, int64_t *ret_ns)
{
    char *block = exact_copy(text.data, text.length);
    const enum status status = timestamp_parse(slice_of_bytes(block, text.length), ret_ns);
    free(block);
    return status;
}

static void assert_time(const char *text, int64_t wanted_ns)
{
    int64_t ns = -1;
    assert_int_equal(parse(slice_of(text), &ns), STATUS_OK);
    assert_true(ns == wanted_ns);
}

static void assert_no_time(struct slice text, enum status wanted)
{
    int64_t ns = -1;
    assert_int_equal(parse(text, &ns), wanted);
    assert_true(ns == -1);
}

static void a_time_is_read_to_its_last_nanosecond(void **state)
{
    (void)state;
    assert_time("1520023934.918963997", INT64_C(1520023934918963997));
    assert_time("1520023934.9189639", INT64_C(1520023934918963900));
    assert_time("1520023934.918", INT64_C(1520023934918000000));
    assert_time("1520023934", INT64_C(1520023934000000000));
    assert_time("0", 0);
    assert_time("0.0", 0);
    assert_time("0.000000001", 1);
    assert_time("00000000000000000000000000000007.5", INT64_C(7500000000));
}

static void digits_after_the_ninth_are_ignored(void **state)
{
    (void)state;
    assert_time("1.0000000009999999999999999999999999999999999", INT64_C(1000000000));
    assert_time("9223372036.8547758079999", INT64_MAX);
}

static void what_does_not_fit_63_bits_is_out_of_range(void **state)
{
    (void)state;
    static const char *const texts[] = {"9223372036.854775808",
        "9223372036.9",
        "9223372037",
        "10000000000",
        "18446744073.709551616",
        "99999999999999999999999999999999999999999",
        "99999999999999999999999999999999999999999.5"};
    assert_time("9223372036.854775807", INT64_MAX);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_no_time(slice_of(texts[i]), STATUS_OUT_OF_RANGE);
    }
}

static void everything_else_is_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
        ".",
        "1.",
        ".5",
        "+1",
        "-1",
        "-0",
        "1.5.5",
        "1..5",
        "1,5",
        "1e9",
        "1E9",
        "0x1f",
        "inf",
        "nan",
        "1_000",
        "1 ",
        " 1",
        "1.5 ",
        "1. 5",
        "1.+5",
        "1.-5",
        "1.5Z",
        "12:30",
        "\xef\xbc\x91",
        "99999999999999999999999999999999999999999x",
        "9223372037."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_no_time(slice_of(texts[i]), STATUS_MALFORMED);
    }
    assert_no_time(slice_of_bytes("1\0", 2), STATUS_MALFORMED);
    assert_no_time(slice_of_bytes("1.5\0", 4), STATUS_MALFORMED);
    int64_t ns;
    assert_int_equal(timestamp_parse(slice_of_bytes(NULL, 0), &ns), STATUS_MALFORMED);
}

static void every_prefix_is_a_time_unless_it_ends_with_the_point(void **state)
{
    (void)state;
    const struct slice text = slice_of("1520023934.918963997");
    for (size_t length = 1; length <= text.length; length++) {
        int64_t ns;
        const enum status wanted = text.data[length - 1] == '.' ? STATUS_MALFORMED : STATUS_OK;
        assert_int_equal(parse(slice_of_bytes(text.data, length), &ns), wanted);
    }
}

static void any_other_byte_anywhere_is_malformed(void **state)
{
    (void)state;
    const struct slice text = slice_of("1520023934.918963997");
    for (size_t at = 0; at < text.length; at++) {
        char *block = exact_copy(text.data, text.length);
        for (int byte = 0; byte < 256; byte++) {
            block[at] = (char)byte;
            const bool is_point_moved = byte == '.' && at != 10;
            int64_t ns;
            if (!slice_is_digit((char)byte) && (byte != '.' || is_point_moved)) {
                assert_int_equal(
                    timestamp_parse(slice_of_bytes(block, text.length), &ns), STATUS_MALFORMED);
            }
        }
        free(block);
    }
}

static void assert_difference(int64_t ns, const char *wanted)
{
    char text[TIMESTAMP_DIFFERENCE_SIZE];
    memset(text, 'x', sizeof text);
    const size_t length = timestamp_difference_format(ns, text);
    assert_string_equal(text, wanted);
    assert_int_equal(length, strlen(wanted));
}

static void a_difference_has_a_sign_and_nine_decimals(void **state)
{
    (void)state;
    assert_difference(INT64_C(263873386), "+0.263873386");
    assert_difference(INT64_C(-263873386), "-0.263873386");
    assert_difference(0, "+0.000000000");
    assert_difference(1, "+0.000000001");
    assert_difference(-1, "-0.000000001");
    assert_difference(INT64_C(1000000000), "+1.000000000");
    assert_difference(INT64_C(-999999999), "-0.999999999");
    assert_difference(INT64_C(86400000000007), "+86400.000000007");
}

static void the_longest_difference_fills_its_array(void **state)
{
    (void)state;
    assert_difference(-INT64_MAX, "-9223372036.854775807");
    assert_difference(INT64_MAX, "+9223372036.854775807");
    assert_int_equal(strlen("-9223372036.854775807") + 1, TIMESTAMP_DIFFERENCE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_read_to_its_last_nanosecond),
        cmocka_unit_test(digits_after_the_ninth_are_ignored),
        cmocka_unit_test(what_does_not_fit_63_bits_is_out_of_range),
        cmocka_unit_test(everything_else_is_malformed),
        cmocka_unit_test(every_prefix_is_a_time_unless_it_ends_with_the_point),
        cmocka_unit_test(any_other_byte_anywhere_is_malformed),
        cmocka_unit_test(a_difference_has_a_sign_and_nine_decimals),
        cmocka_unit_test(the_longest_difference_fills_its_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
