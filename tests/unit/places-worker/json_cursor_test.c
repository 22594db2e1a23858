/* Is JSON read as RFC 8259 has it, and everything else refused? */
#include "places-worker/json_cursor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum status skip_all(struct slice text)
{
    struct json_cursor cursor = json_cursor_over(text);
    json_cursor_skip(&cursor);
    return json_cursor_finish(&cursor);
}

static void every_kind_of_value_is_passed_over(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "12.5e-3",
        "1E+9",
        "\"\"",
        "\"a\\u00e4\\ud83d\\ude00\\n\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":[1,{\"b\":null}],\"c\":\"d\"}",
        "\t[ 1 , 2 ]\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(skip_all(slice_of(texts[i])), STATUS_OK);
    }
}

static void what_is_no_json_is_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "nul",
        "tru e",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "'a'",
        "\"",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "\"\xFF\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{1:2}",
        "{\"a\" 1}",
        "{]",
        "1 2",
        "{} {}",
        "]",
        "}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (skip_all(slice_of(texts[i])) != STATUS_MALFORMED) {
            fail_msg("taken for JSON: %s", texts[i]);
        }
    }
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    char text[2 * (JSON_CURSOR_DEPTH_MAX + 1)];
    memset(text, '[', sizeof text / 2);
    memset(text + sizeof text / 2, ']', sizeof text / 2);

    assert_int_equal(skip_all(slice_of_bytes(text, sizeof text)), STATUS_MALFORMED);
    assert_int_equal(skip_all(slice_of_bytes(text + 1, sizeof text - 2)), STATUS_OK);
}

static void numbers_have_their_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"-0.5", -0.5},
        {"9.5270956", 9.5270956},
        {"-118.445127", -118.445127},
        {"1e3", 1000},
        {"25E-1", 2.5},
        {"179.99999999999999999999", 180},
        {"1e-400", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_cursor cursor = json_cursor_over(slice_of(cases[i].text));
        double value = 7;
        assert_true(json_cursor_number(&cursor, &value));
        assert_true(fabs(value - cases[i].value) <= 1e-15 * fabs(cases[i].value) + 1e-290);
        assert_int_equal(json_cursor_finish(&cursor), STATUS_OK);
    }
}

static void texts_come_without_escapes(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(100);
    struct json_cursor cursor = json_cursor_over(
        slice_of("\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u00E4 \\u20ac \\uD83D\\uDE00 \xC3\xA4\""));

    assert_true(json_cursor_text(&cursor, &text));
    assert_true(slice_equals(buffer_slice(&text),
        slice_of("\"\\/\b\f\n\r\t \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80 \xC3\xA4")));
    assert_int_equal(json_cursor_finish(&cursor), STATUS_OK);
    buffer_clear(&text);
}

static void a_text_without_room_is_told(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(2);
    struct json_cursor cursor = json_cursor_over(slice_of("\"abc\""));

    assert_false(json_cursor_text(&cursor, &text));
    assert_int_equal(json_cursor_finish(&cursor), STATUS_FULL);
    buffer_clear(&text);
}

static void members_and_elements_come_in_order(void **state)
{
    (void)state;
    struct buffer key = buffer_with_max(10);
    struct json_cursor cursor = json_cursor_over(slice_of("{\"a\": [1, 2], \"b\": {}, \"c\": 3}"));
    double sum = 0;
    double number;

    assert_true(json_cursor_open(&cursor, '{'));
    assert_true(json_cursor_member(&cursor, &key));
    assert_true(json_cursor_open(&cursor, '['));
    while (json_cursor_element(&cursor)) {
        assert_true(json_cursor_number(&cursor, &number));
        sum += number;
    }
    assert_true(json_cursor_member(&cursor, &key));
    assert_true(slice_equals(buffer_slice(&key), slice_of("b")));
    assert_true(json_cursor_open(&cursor, '{'));
    assert_false(json_cursor_member(&cursor, &key));
    assert_true(json_cursor_member(&cursor, &key));
    assert_true(json_cursor_number(&cursor, &number));
    assert_false(json_cursor_member(&cursor, &key));
    assert_int_equal(json_cursor_finish(&cursor), STATUS_OK);
    assert_int_equal((int)(sum + number), 6);
    buffer_clear(&key);
}

static void the_first_mistake_stays(void **state)
{
    (void)state;
    struct buffer key = buffer_with_max(10);
    struct json_cursor cursor = json_cursor_over(slice_of("[1, 2]"));

    assert_false(json_cursor_open(&cursor, '{'));
    assert_false(json_cursor_open(&cursor, '['));
    assert_false(json_cursor_member(&cursor, &key));
    assert_false(json_cursor_element(&cursor));
    assert_false(json_cursor_skip(&cursor));
    assert_int_equal(json_cursor_finish(&cursor), STATUS_MALFORMED);
    buffer_clear(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_passed_over),
        cmocka_unit_test(what_is_no_json_is_malformed),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(numbers_have_their_values),
        cmocka_unit_test(texts_come_without_escapes),
        cmocka_unit_test(a_text_without_room_is_told),
        cmocka_unit_test(members_and_elements_come_in_order),
        cmocka_unit_test(the_first_mistake_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
