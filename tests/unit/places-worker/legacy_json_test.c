/* Is the white space Google's? */
#include "places-worker/legacy_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(const struct buffer *text, const char *wanted)
{
    assert_int_equal(text->length, strlen(wanted));
    assert_memory_equal(text->data, wanted, text->length);
}

static void brackets_stand_on_lines_of_their_own(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(1024);
    struct legacy_json json;
    legacy_json_begin(&json, &text);
    legacy_json_open_object(&json);
    legacy_json_key(&json, "list");
    legacy_json_open_array(&json);
    legacy_json_text(&json, slice_of("one"));
    legacy_json_open_object(&json);
    legacy_json_key(&json, "lat");
    legacy_json_degrees(&json, -34.5);
    legacy_json_close(&json);
    legacy_json_close(&json);
    legacy_json_key(&json, "object");
    legacy_json_open_object(&json);
    legacy_json_key(&json, "key");
    legacy_json_text(&json, slice_of("value"));
    legacy_json_close(&json);
    legacy_json_close(&json);

    assert_int_equal(legacy_json_end(&json), STATUS_OK);
    assert_text(&text,
        "{\n"
        "   \"list\" : \n"
        "   [\n"
        "      \"one\",\n"
        "      {\n"
        "         \"lat\" : -34.5\n"
        "      }\n"
        "   ],\n"
        "   \"object\" : \n"
        "   {\n"
        "      \"key\" : \"value\"\n"
        "   }\n"
        "}");
    buffer_clear(&text);
}

static void literals_stay_as_they_are(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(1024);
    struct legacy_json json;
    legacy_json_begin(&json, &text);
    legacy_json_open_array(&json);
    legacy_json_literal(&json, slice_of("4.80"));
    legacy_json_literal(&json, slice_of("true"));
    legacy_json_close(&json);
    assert_int_equal(legacy_json_end(&json), STATUS_OK);
    assert_text(&text, "[\n   4.80,\n   true\n]");
    buffer_clear(&text);
}

static void what_is_empty_stays_on_its_line(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(1024);
    struct legacy_json json;
    legacy_json_begin(&json, &text);
    legacy_json_open_object(&json);
    legacy_json_key(&json, "a");
    legacy_json_open_array(&json);
    legacy_json_close(&json);
    legacy_json_key(&json, "b");
    legacy_json_open_array(&json);
    legacy_json_open_object(&json);
    legacy_json_close(&json);
    legacy_json_close(&json);
    legacy_json_close(&json);

    assert_int_equal(legacy_json_end(&json), STATUS_OK);
    assert_text(&text, "{\n   \"a\" : [],\n   \"b\" : \n   [\n      {}\n   ]\n}");
    buffer_clear(&text);
}

static void text_is_escaped_as_google_does_it(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(1024);
    struct legacy_json json;
    legacy_json_begin(&json, &text);
    legacy_json_text(&json, slice_of("<a href=\"x\">Z\xC3\xBCrich & 1/2 'b'</a>\n"));

    assert_int_equal(legacy_json_end(&json), STATUS_OK);
    assert_text(
        &text, "\"\\u003ca href=\\\"x\\\"\\u003eZ\xC3\xBCrich & 1/2 'b'\\u003c/a\\u003e\\n\"");
    buffer_clear(&text);
}

static void a_full_buffer_is_told_at_the_end(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(8);
    struct legacy_json json;
    legacy_json_begin(&json, &text);
    legacy_json_open_array(&json);
    legacy_json_text(&json, slice_of("more than fits"));
    legacy_json_close(&json);

    assert_int_equal(legacy_json_end(&json), STATUS_FULL);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brackets_stand_on_lines_of_their_own),
        cmocka_unit_test(literals_stay_as_they_are),
        cmocka_unit_test(what_is_empty_stays_on_its_line),
        cmocka_unit_test(text_is_escaped_as_google_does_it),
        cmocka_unit_test(a_full_buffer_is_told_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
