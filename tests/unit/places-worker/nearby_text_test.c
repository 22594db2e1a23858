/* Does a client get the provider's bytes, cut to the bound, and never a broken text? */
#include "common/message.h"
#include "places-worker/nearby_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two results in the white space of 2023 and later, and in that of before. */
static const char new_style[] =
    "{\n"
    "   \"html_attributions\" : [],\n"
    "   \"results\" : \n"
    "   [\n"
    "      {\n"
    "         \"name\" : \"Caf\xC3\xA9 \\\"], [\\\" \\u003c1\\u003e\",\n"
    "         \"types\" : \n"
    "         [\n"
    "            \"cafe\"\n"
    "         ]\n"
    "      },\n"
    "      {\n"
    "         \"name\" : \"Second\"\n"
    "      }\n"
    "   ],\n"
    "   \"status\" : \"OK\"\n"
    "}\n";
static const char old_style[] = "{\n"
                                "   \"html_attributions\" : [],\n"
                                "   \"results\" : [\n"
                                "      {\n"
                                "         \"types\" : [ \"cafe\", \"food\" ]\n"
                                "      },\n"
                                "      {\n"
                                "         \"name\" : \"Second\"\n"
                                "      }\n"
                                "   ],\n"
                                "   \"status\" : \"OK\"\n"
                                "}\n";

static void assert_cut(const char *body, size_t results_max, const char *wanted)
{
    struct nearby_text text;
    struct buffer output = buffer_with_max(MESSAGE_PLACES_MAX);
    assert_int_equal(nearby_text_read(slice_of(body), &text), STATUS_OK);
    assert_int_equal(nearby_text_append(&text, results_max, &output), STATUS_OK);
    assert_int_equal(buffer_append(&output, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(output.data, wanted);
    buffer_clear(&output);
}

static void a_text_within_the_bound_keeps_every_byte_but_the_last_newline(void **state)
{
    (void)state;
    char wanted[sizeof new_style];
    memcpy(wanted, new_style, sizeof new_style - 2);
    wanted[sizeof new_style - 2] = '\0';
    assert_cut(new_style, 2, wanted);
    assert_cut(new_style, 20, wanted);
}

static void what_is_kept_of_a_cut_text_keeps_its_bytes(void **state)
{
    (void)state;
    assert_cut(new_style,
        1,
        "{\n"
        "   \"html_attributions\" : [],\n"
        "   \"results\" : \n"
        "   [\n"
        "      {\n"
        "         \"name\" : \"Caf\xC3\xA9 \\\"], [\\\" \\u003c1\\u003e\",\n"
        "         \"types\" : \n"
        "         [\n"
        "            \"cafe\"\n"
        "         ]\n"
        "      }\n"
        "   ],\n"
        "   \"status\" : \"OK\"\n"
        "}");
    assert_cut(old_style,
        1,
        "{\n"
        "   \"html_attributions\" : [],\n"
        "   \"results\" : [\n"
        "      {\n"
        "         \"types\" : [ \"cafe\", \"food\" ]\n"
        "      }\n"
        "   ],\n"
        "   \"status\" : \"OK\"\n"
        "}");
    assert_cut("{\"results\":[1,2,3]}", 2, "{\"results\":[1,2]}");
}

static void a_bound_of_none_leaves_an_empty_array_on_its_line(void **state)
{
    (void)state;
    const char *const wanted =
        "{\n   \"html_attributions\" : [],\n   \"results\" : [],\n   \"status\" : \"OK\"\n}";
    assert_cut(new_style, 0, wanted);
    assert_cut(old_style, 0, wanted);
    assert_cut("{\"results\" : []}", 0, "{\"results\" : []}");
}

static void runs_of_newlines_become_one_newline(void **state)
{
    (void)state;
    assert_cut("\n\n{\n\n\n\"results\" : [\n\n1,\n\n2\n\n]\n\n}\n\n\n",
        20,
        "{\n\"results\" : [\n1,\n2\n]\n}");
    assert_cut("{\"results\" : [\n\n1,\n2\n\n]\n}", 1, "{\"results\" : [\n1\n]\n}");
    assert_cut("{\"results\":[\"a\\n\\nb\"]}\r\n", 1, "{\"results\":[\"a\\n\\nb\"]}\r");
}

static void more_results_than_any_bound_are_cut(void **state)
{
    (void)state;
    assert_cut("{\"results\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22]}",
        20,
        "{\"results\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}");
}

static void status_and_message_are_found(void **state)
{
    (void)state;
    struct nearby_text text;
    const char *const body = "{\"error_message\" : \"You\\u0027re \\\"denied\\\"\", \"results\" : "
                             "[], \"status\" : \"REQUEST_DENIED\"}";
    assert_int_equal(nearby_text_read(slice_of(body), &text), STATUS_OK);

    assert_true(slice_equals(text.status, slice_of("REQUEST_DENIED")));
    assert_true(slice_equals(text.error_message, slice_of("You\\u0027re \\\"denied\\\"")));
    assert_int_equal(text.result_count, 0);

    assert_int_equal(nearby_text_read(slice_of("{\"results\" : [[1], [2]]}"), &text), STATUS_OK);
    assert_int_equal(text.status.length, 0);
    assert_int_equal(text.result_count, 2);
}

static void assert_plain(const char *escaped, const char *wanted)
{
    struct buffer output = buffer_with_max(64);
    assert_int_equal(nearby_text_append_plain(slice_of(escaped), &output), STATUS_OK);
    assert_int_equal(output.length, strlen(wanted));
    assert_memory_equal(output.data, wanted, output.length);
    buffer_clear(&output);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    assert_plain("You\\u0027re \\\"it\\\"\\/\\\\\\t\\n", "You're \"it\"/\\\t\n");
    assert_plain("\\u00e9\\u20AC \\ud83c\\udf0d!", "\xC3\xA9\xE2\x82\xAC \xF0\x9F\x8C\x8D!");
    assert_plain("\\ud83cx", "\xEF\xBF\xBDx");
    assert_plain("\\udf0d\\ud83c\\u0041",
        "\xEF\xBF\xBD\xEF\xBF\xBD"
        "A");
}

static void everything_that_json_allows_is_allowed(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        " {\"results\":[]} ",
        "\t\r\n{ \"a\" : -0.5e+10 , \"results\" : [ ] }\r\n",
        "{\"a\":[true,false,null,0,-1,1.5,1e9,1E-9,{},[],\"\"],\"results\":[]}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\uABcd\",\"results\":[]}",
        "{\"a\":\"\x7F\xF0\x9F\x8C\x8D\",\"results\":[]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct nearby_text text;
        assert_int_equal(nearby_text_read(slice_of(bodies[i]), &text), STATUS_OK);
    }
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        " ",
        "[]",
        "\"results\"",
        "<html>502</html>",
        "null",
        "{}",
        "{\"status\":\"OK\"}",
        "{\"results\":{}}",
        "{\"results\":null}",
        "{\"results\":[],\"results\":[]}",
        "{\"results\":[1,]}",
        "{\"results\":[],}",
        "{\"results\":[]}{}",
        "{\"results\":[]} x",
        "{\"results\" []}",
        "{results:[]}",
        "{\"results\":[1 2]}",
        "{\"results\":[}]",
        "{\"results\":[{]}}",
        "{'results':[]}",
        "{\"results\":[01]}",
        "{\"results\":[-]}",
        "{\"results\":[1.]}",
        "{\"results\":[.5]}",
        "{\"results\":[+1]}",
        "{\"results\":[1e]}",
        "{\"results\":[1e+]}",
        "{\"results\":[tru]}",
        "{\"results\":[NaN]}",
        "{\"results\":[\"\\x\"]}",
        "{\"results\":[\"\\u12g4\"]}",
        "{\"results\":[\"\\u12\"]}",
        "{\"results\":[\"a\nb\"]}",
        "{\"results\":[\"a\tb\"]}",
        "{\"results\":[\"\xFF\"]}",
        "{\"results\":[\"\xC3\"]}",
        "{\"results\":[],\"status\":1}",
        "{\"results\":[],\"error_message\":[]}",
        "\xEF\xBB\xBF{\"results\":[]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct nearby_text text;
        if (nearby_text_read(slice_of(bodies[i]), &text) != STATUS_MALFORMED) {
            fail_msg("accepted: %s", bodies[i]);
        }
    }
}

static void every_text_that_was_cut_off_is_refused(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof new_style - 2; length++) {
        char *const exact = test_malloc(length + 1); /* a sanitizer sees a step beyond the end */
        memcpy(exact, new_style, length);
        struct nearby_text text;
        const struct slice body = slice_of_bytes(exact, length);
        assert_int_equal(nearby_text_read(body, &text), STATUS_MALFORMED);
        test_free(exact);
    }
}

static size_t nest(char *body, size_t depth)
{
    static const char head[] = "{\"results\":";
    size_t length = sizeof head - 1;
    memcpy(body, head, length);
    memset(body + length, '[', depth - 1);
    memset(body + length + depth - 1, ']', depth - 1);
    length += 2 * (depth - 1);
    body[length] = '}';
    return length + 1;
}

static void too_deep_a_text_is_refused(void **state)
{
    (void)state;
    static char body[2000064];
    struct nearby_text text;
    size_t length = nest(body, NEARBY_TEXT_DEPTH_MAX);
    assert_int_equal(nearby_text_read(slice_of_bytes(body, length), &text), STATUS_OK);
    length = nest(body, NEARBY_TEXT_DEPTH_MAX + 1);
    assert_int_equal(nearby_text_read(slice_of_bytes(body, length), &text), STATUS_MALFORMED);
    length = nest(body, 1000000);
    assert_int_equal(nearby_text_read(slice_of_bytes(body, length), &text), STATUS_MALFORMED);
}

static void too_large_a_text_is_refused(void **state)
{
    (void)state;
    const size_t length = MESSAGE_PLACES_MAX + 1;
    char *const body = test_malloc(length);
    memset(body, ' ', length);
    static const char start[] = "{\"results\":[]}";
    memcpy(body, start, sizeof start - 1);
    struct nearby_text text;
    assert_int_equal(nearby_text_read(slice_of_bytes(body, length), &text), STATUS_FULL);
    assert_int_equal(nearby_text_read(slice_of_bytes(body, length - 1), &text), STATUS_OK);
    test_free(body);
}

static void a_full_output_is_told(void **state)
{
    (void)state;
    struct nearby_text text;
    struct buffer output = buffer_with_max(10);
    assert_int_equal(nearby_text_read(slice_of(new_style), &text), STATUS_OK);
    assert_int_equal(nearby_text_append(&text, 1, &output), STATUS_FULL);
    buffer_reset(&output);
    assert_int_equal(
        nearby_text_append_plain(slice_of("more than ten bytes"), &output), STATUS_FULL);
    buffer_clear(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_within_the_bound_keeps_every_byte_but_the_last_newline),
        cmocka_unit_test(what_is_kept_of_a_cut_text_keeps_its_bytes),
        cmocka_unit_test(a_bound_of_none_leaves_an_empty_array_on_its_line),
        cmocka_unit_test(runs_of_newlines_become_one_newline),
        cmocka_unit_test(more_results_than_any_bound_are_cut),
        cmocka_unit_test(status_and_message_are_found),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(everything_that_json_allows_is_allowed),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(every_text_that_was_cut_off_is_refused),
        cmocka_unit_test(too_deep_a_text_is_refused),
        cmocka_unit_test(too_large_a_text_is_refused),
        cmocka_unit_test(a_full_output_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
