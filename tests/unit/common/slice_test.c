/* Do slices compare and fall into words, digits and numbers without a look beyond their end? */
#include "common/slice.h"
#include "tests/support/exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BYTES(text) slice_of_bytes(text, sizeof(text) - 1)

static void assert_slice(struct slice slice, const char *wanted)
{
    assert_int_equal(slice.length, strlen(wanted));
    assert_true(slice_equals(slice, slice_of(wanted)));
}

static void a_slice_of_a_string_leaves_out_the_terminator(void **state)
{
    (void)state;
    const char *text = "kiwi";

    const struct slice slice = slice_of(text);

    assert_ptr_equal(slice.data, text);
    assert_int_equal(slice.length, 4);
}

static void a_slice_from_an_offset_is_the_rest(void **state)
{
    (void)state;
    assert_slice(slice_from(slice_of("kiwi"), 0), "kiwi");
    assert_slice(slice_from(slice_of("kiwi"), 1), "iwi");
    assert_slice(slice_from(slice_of("kiwi"), 4), "");
    assert_slice(slice_from(slice_of_bytes(NULL, 0), 0), "");
}

static void equal_means_the_same_bytes(void **state)
{
    (void)state;
    assert_true(slice_equals(slice_of("kiwi"), slice_of("kiwi")));
    assert_true(slice_equals(slice_of_bytes(NULL, 0), slice_of("")));
    assert_true(slice_equals(BYTES("a\0b"), BYTES("a\0b")));
    assert_false(slice_equals(BYTES("a\0b"), BYTES("a\0c")));
    assert_false(slice_equals(slice_of("kiwi"), slice_of("kiw")));
    assert_false(slice_equals(slice_of("kiwi"), slice_of("Kiwi")));
}

static void the_order_is_that_of_unsigned_bytes_and_a_prefix_comes_first(void **state)
{
    (void)state;
    static const struct slice ascending[] = {{NULL, 0},
        {"\0", 1},
        {"\0\0", 2},
        {"A", 1},
        {"Z", 1},
        {"a", 1},
        {"aa", 2},
        {"b", 1},
        {"\x80", 1},
        {"\xff", 1}};
    const size_t count = sizeof ascending / sizeof ascending[0];

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const int order = slice_compare(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void white_space_is_the_six_bytes_of_the_protocol(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const bool wanted = byte != 0 && strchr(" \t\r\n\f\v", byte) != NULL;
        assert_int_equal(slice_is_space((char)byte), wanted);
    }
}

static void digits_are_the_ten_ascii_ones(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        const bool wanted = byte != 0 && strchr("0123456789", byte) != NULL;
        assert_int_equal(slice_is_digit((char)byte), wanted);
    }
}

static void words_lie_between_any_white_space(void **state)
{
    (void)state;
    struct slice rest = slice_of(" \t\r\n IAMAT\v\fk\xc3\xadwi.cs \x80");

    assert_slice(slice_next_word(&rest), "IAMAT");
    assert_slice(rest, "\v\fk\xc3\xadwi.cs \x80");
    assert_slice(slice_next_word(&rest), "k\xc3\xadwi.cs");
    assert_slice(slice_next_word(&rest), "\x80");
    assert_slice(rest, "");
}

static void a_zero_byte_is_part_of_a_word(void **state)
{
    (void)state;
    struct slice rest = BYTES("a\0b c");

    assert_true(slice_equals(slice_next_word(&rest), BYTES("a\0b")));
}

static void behind_the_last_word_comes_an_empty_one(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " ", " \t\r\n\f\v"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct slice rest = slice_of(texts[i]);

        assert_slice(slice_next_word(&rest), "");
        assert_slice(rest, "");
        assert_slice(slice_next_word(&rest), "");
    }
    struct slice nothing = slice_of_bytes(NULL, 0);
    assert_slice(slice_next_word(&nothing), "");
}

static void a_byte_is_taken_only_if_it_comes_next(void **state)
{
    (void)state;
    struct slice rest = slice_of("+-");

    assert_false(slice_take_byte(&rest, '-'));
    assert_slice(rest, "+-");
    assert_true(slice_take_byte(&rest, '+'));
    assert_slice(rest, "-");
    assert_true(slice_take_byte(&rest, '-'));
    assert_false(slice_take_byte(&rest, '-'));
    assert_slice(rest, "");
}

static void digits_are_taken_up_to_the_first_other_byte(void **state)
{
    (void)state;
    struct slice rest = slice_of("0123456789.5");

    assert_slice(slice_take_digits(&rest), "0123456789");
    assert_slice(rest, ".5");
    assert_slice(slice_take_digits(&rest), "");
    assert_slice(rest, ".5");
}

static void assert_number(struct slice digits, uint64_t max, uint64_t wanted)
{
    uint64_t value = ~wanted;
    assert_true(slice_parse_number(digits, max, &value));
    assert_true(value == wanted);
}

static void assert_no_number(struct slice digits, uint64_t max)
{
    uint64_t value = 4711;
    assert_false(slice_parse_number(digits, max, &value));
    assert_true(value == 4711);
}

static void numbers_reach_up_to_their_maximum(void **state)
{
    (void)state;
    assert_number(slice_of("0"), 0, 0);
    assert_number(slice_of("20"), 20, 20);
    assert_number(slice_of("0000000000000000000000000000000000020"), 20, 20);
    assert_number(slice_of("18446744073709551615"), UINT64_MAX, UINT64_MAX);
    assert_no_number(slice_of("1"), 0);
    assert_no_number(slice_of("5"), 3);
    assert_no_number(slice_of("21"), 20);
    assert_no_number(slice_of("100"), 20);
    assert_no_number(slice_of("18446744073709551616"), UINT64_MAX);
    assert_no_number(slice_of("99999999999999999999999999"), UINT64_MAX);
}

static void what_is_not_digits_only_is_no_number(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", " ", "+1", "-1", "1 ", " 1", "1.", "0x1", "1e1", "\xb2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_no_number(slice_of(texts[i]), UINT64_MAX);
    }
    assert_no_number(slice_of_bytes(NULL, 0), UINT64_MAX);
}

static void no_step_reads_beyond_the_end(void **state)
{
    (void)state;
    static const char text[] = "  12  34";
    for (size_t length = 0; length < sizeof text; length++) {
        char *block = exact_copy(text, length);
        const struct slice whole = slice_of_bytes(block, length);
        struct slice rest = whole;
        uint64_t value;
        while (slice_next_word(&rest).length > 0) {
        }
        assert_int_equal(rest.length, 0);
        assert_false(slice_take_byte(&rest, '1'));
        rest = slice_from(whole, length < 2 ? length : 2);
        const struct slice digits = slice_take_digits(&rest);
        assert_int_equal(slice_parse_number(digits, 1000, &value), digits.length > 0);
        free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_of_a_string_leaves_out_the_terminator),
        cmocka_unit_test(a_slice_from_an_offset_is_the_rest),
        cmocka_unit_test(equal_means_the_same_bytes),
        cmocka_unit_test(the_order_is_that_of_unsigned_bytes_and_a_prefix_comes_first),
        cmocka_unit_test(white_space_is_the_six_bytes_of_the_protocol),
        cmocka_unit_test(digits_are_the_ten_ascii_ones),
        cmocka_unit_test(words_lie_between_any_white_space),
        cmocka_unit_test(a_zero_byte_is_part_of_a_word),
        cmocka_unit_test(behind_the_last_word_comes_an_empty_one),
        cmocka_unit_test(a_byte_is_taken_only_if_it_comes_next),
        cmocka_unit_test(digits_are_taken_up_to_the_first_other_byte),
        cmocka_unit_test(numbers_reach_up_to_their_maximum),
        cmocka_unit_test(what_is_not_digits_only_is_no_number),
        cmocka_unit_test(no_step_reads_beyond_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
