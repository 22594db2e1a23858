/* Does json_writer make valid JSON of any bytes? */
#include "common/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_string(struct slice value, const char *wanted)
{
    struct buffer text = buffer_with_max(1024);
    assert_int_equal(json_append_string(&text, value), STATUS_OK);
    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void plain_text_and_utf8_stay_as_they_are(void **state)
{
    (void)state;
    assert_string(slice_of(""), "\"\"");
    assert_string(slice_of("Caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x8D"),
        "\"Caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x8C\x8D\"");
}

static void special_bytes_are_escaped(void **state)
{
    (void)state;
    assert_string(slice_of_bytes("a\"\\\n\r\t\0<b>\x7f", 11),
        "\"a\\\"\\\\\\n\\r\\t\\u0000\\u003cb\\u003e\\u007f\"");
}

static void what_is_not_utf8_becomes_the_replacement_character(void **state)
{
    (void)state;
    static const char *const broken[] = {"\x80", "\xC0", "\xC3", "\xE2\x82", "\xFF", "\xF8"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct buffer text = buffer_with_max(64);
        assert_int_equal(json_append_string(&text, slice_of(broken[i])), STATUS_OK);
        assert_memory_equal(text.data, "\"\\ufffd", 7);
        buffer_clear(&text);
    }
    assert_string(slice_of("\xE0\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\"");            /* overlong */
    assert_string(slice_of("\xED\xA0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");            /* surrogate */
    assert_string(slice_of("\xF4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* too large */
}

static void values_are_separated_and_nested(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(1024);
    struct json_writer writer = json_writer_into(&text);

    json_writer_begin_object(&writer, NULL);
    json_writer_text(&writer, "herd", slice_of("goloman"));
    json_writer_begin_array(&writer, "nodes");
    json_writer_begin_object(&writer, NULL);
    json_writer_bool(&writer, "is_up", true);
    json_writer_end_object(&writer);
    json_writer_begin_object(&writer, NULL);
    json_writer_end_object(&writer);
    json_writer_number(&writer, NULL, -7);
    json_writer_end_array(&writer);
    json_writer_bool(&writer, "last", false);
    json_writer_end_object(&writer);

    static const char wanted[] =
        "{\"herd\":\"goloman\",\"nodes\":[{\"is_up\":true},{},-7],\"last\":false}";
    assert_int_equal(writer.status, STATUS_OK);
    assert_int_equal(text.length, sizeof wanted - 1);
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void a_full_buffer_is_told_and_stays_told(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(4);
    struct json_writer writer = json_writer_into(&text);

    json_writer_text(&writer, NULL, slice_of("too long"));
    json_writer_number(&writer, NULL, 1);

    assert_int_equal(writer.status, STATUS_FULL);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_and_utf8_stay_as_they_are),
        cmocka_unit_test(special_bytes_are_escaped),
        cmocka_unit_test(what_is_not_utf8_becomes_the_replacement_character),
        cmocka_unit_test(values_are_separated_and_nested),
        cmocka_unit_test(a_full_buffer_is_told_and_stays_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
