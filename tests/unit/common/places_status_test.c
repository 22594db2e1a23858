/* Is an answer without results written as Google writes it? */
#include "common/places_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_failure(enum places_status status, const char *error_message, const char *wanted)
{
    struct buffer text = buffer_with_max(1024);
    assert_int_equal(places_failure_append(&text, status, slice_of(error_message)), STATUS_OK);
    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void a_failure_has_its_keys_in_alphabetical_order(void **state)
{
    (void)state;
    assert_failure(PLACES_UNKNOWN_ERROR,
        "No \"worker\" <is> up.",
        "{\n   \"error_message\" : \"No \\\"worker\\\" \\u003cis\\u003e up.\",\n"
        "   \"html_attributions\" : [],\n   \"results\" : [],\n"
        "   \"status\" : \"UNKNOWN_ERROR\"\n}");
}

static void an_empty_error_message_is_left_out(void **state)
{
    (void)state;
    assert_failure(PLACES_ZERO_RESULTS,
        "",
        "{\n   \"html_attributions\" : [],\n   \"results\" : [],\n"
        "   \"status\" : \"ZERO_RESULTS\"\n}");
}

static void every_status_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(places_status_text(PLACES_OK), "OK");
    assert_string_equal(places_status_text(PLACES_OVER_QUERY_LIMIT), "OVER_QUERY_LIMIT");
    assert_string_equal(places_status_text(PLACES_NOT_FOUND), "NOT_FOUND");
}

static void only_what_was_counted_is_written(void **state)
{
    (void)state;
    const uint64_t by_status[PLACES_STATUSES] = {[PLACES_OK] = 3, [PLACES_NOT_FOUND] = 1};
    static const char wanted[] = "{\"by_status\":{\"OK\":3,\"NOT_FOUND\":1}}";
    struct buffer text = buffer_with_max(1024);
    struct json_writer json = json_writer_into(&text);
    json_writer_begin_object(&json, NULL);
    places_status_write_counts(&json, by_status);
    json_writer_end_object(&json);

    assert_int_equal(json.status, STATUS_OK);
    assert_int_equal(text.length, sizeof wanted - 1);
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void a_full_buffer_keeps_what_it_had(void **state)
{
    (void)state;
    for (size_t max = 4; max < 90; max++) {
        struct buffer text = buffer_with_max(max);
        assert_int_equal(buffer_append_text(&text, "before" + (max < 6 ? 6 - max : 0)), STATUS_OK);
        size_t length = text.length;

        assert_int_equal(
            places_failure_append(&text, PLACES_REQUEST_DENIED, slice_of("no key")), STATUS_FULL);

        assert_int_equal(text.length, length);
        buffer_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_has_its_keys_in_alphabetical_order),
        cmocka_unit_test(an_empty_error_message_is_left_out),
        cmocka_unit_test(every_status_has_its_word),
        cmocka_unit_test(only_what_was_counted_is_written),
        cmocka_unit_test(a_full_buffer_keeps_what_it_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
