/* Does it know UTF-8, and what of it may be shown? */
#include "common/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_length_is_known(void **state)
{
    (void)state;
    assert_int_equal(utf8_sequence_length(slice_of("a\xC3")), 1);
    assert_int_equal(utf8_sequence_length(slice_of("\xC3\xA9\xC3")), 2);
    assert_int_equal(utf8_sequence_length(slice_of("\xE2\x82\xAC\xC3")), 3);
    assert_int_equal(utf8_sequence_length(slice_of("\xF0\x9F\xA5\x9D\xC3")), 4);
}

static void what_is_not_well_formed_has_no_length(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "\x80",             /* begins in the middle */
        "\xC3",             /* cut off */
        "\xE2\x82",         /* likewise */
        "\xC3(",            /* goes on with something else */
        "\xC0\x80",         /* longer than it need be */
        "\xE0\x9F\xBF",     /* likewise */
        "\xF0\x8F\xBF\xBF", /* likewise */
        "\xED\xA0\x80",     /* half of a pair of UTF-16 */
        "\xF4\x90\x80\x80", /* beyond the last code point */
        "\xFF",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_int_equal(utf8_sequence_length(slice_of(malformed[i])), 0);
    }
}

static void clean_text_has_no_control_character_and_nothing_malformed(void **state)
{
    (void)state;
    assert_true(utf8_is_clean(slice_of("")));
    assert_true(utf8_is_clean(slice_of("Z\xC3\xBCrich ~ \xF0\x9F\xA5\x9D")));
    assert_false(utf8_is_clean(slice_of("a\tb")));
    assert_false(utf8_is_clean(slice_of("a\x1F")));
    assert_false(utf8_is_clean(slice_of("a\x7F")));
    assert_false(utf8_is_clean(slice_of_bytes("a\0b", 3)));
    assert_false(utf8_is_clean(slice_of("Z\xC3")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_is_known),
        cmocka_unit_test(what_is_not_well_formed_has_no_length),
        cmocka_unit_test(clean_text_has_no_control_character_and_nothing_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
