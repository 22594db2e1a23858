/* Is an input cut into the same records however its bytes arrive, and is none too long to bear? */
#include "places-worker/record_splitter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The records as `first|second|`, one that is too long as `!|`, then what the splitter complains.
 */
static void split(
    enum record_form form, struct slice input, size_t chunk_length, struct buffer *ret_text)
{
    struct record_splitter splitter;
    struct record record;
    record_splitter_init(&splitter, form);
    buffer_reset(ret_text);
    while (input.length > 0) {
        const size_t length = chunk_length < input.length ? chunk_length : input.length;
        struct slice chunk = slice_of_bytes(input.data, length);
        while (record_splitter_next(&splitter, &chunk, &record)) {
            assert_int_equal(buffer_append(ret_text, record.bytes), STATUS_OK);
            assert_int_equal(
                buffer_append_text(ret_text, record.is_too_long ? "!|" : "|"), STATUS_OK);
        }
        assert_int_equal(chunk.length, 0);
        input = slice_from(input, length);
    }
    if (record_splitter_finish(&splitter, &record)) {
        assert_int_equal(buffer_append(ret_text, record.bytes), STATUS_OK);
        assert_int_equal(buffer_append_text(ret_text, record.is_too_long ? "!|" : "|"), STATUS_OK);
    }
    const char *const complaint = record_splitter_complaint(&splitter);
    assert_int_equal(buffer_append_text(ret_text, complaint == NULL ? "" : complaint), STATUS_OK);
    record_splitter_clear(&splitter);
}

/* In chunks of every length. */
static void assert_records(enum record_form form, const char *input, const char *wanted)
{
    struct buffer text = buffer_with_max(64 * 1024);
    for (size_t length = 1; length <= strlen(input) + 1; length++) {
        split(form, slice_of(input), length, &text);
        if (!slice_equals(buffer_slice(&text), slice_of(wanted))) {
            fail_msg("in chunks of %zu: wanted \"%s\", got \"%.*s\"",
                length,
                wanted,
                (int)text.length,
                text.data);
        }
    }
    buffer_clear(&text);
}

static void lines_end_in_lf_or_cr_lf_or_at_the_end(void **state)
{
    (void)state;
    assert_records(RECORD_LINES, "one\ntwo\r\nthree", "one|two|three|");
    assert_records(RECORD_LINES, "one\n\n\r\n\ntwo\n", "one|two|");
    assert_records(RECORD_LINES, "a\rb\r\r\n", "a\rb\r|");
    assert_records(RECORD_LINES, "last\r", "last|");
    assert_records(RECORD_LINES, "", "");
    assert_records(RECORD_LINES, "\n\r\n", "");
}

static void sequences_begin_with_a_separator(void **state)
{
    (void)state;
    assert_records(RECORD_SEQUENCE, "\x1E{1}\n\x1E{2}\n", "{1}\n|{2}\n|");
    assert_records(RECORD_SEQUENCE, "\x1E\x1E{1\n}\x1E\x1E", "{1\n}|");
    assert_records(RECORD_SEQUENCE, "before\x1E{1}", "before|{1}|");
    assert_records(RECORD_SEQUENCE, "", "");
    assert_records(RECORD_SEQUENCE, "\x1E", "");
}

static void elements_are_the_objects_of_one_array(void **state)
{
    (void)state;
    assert_records(RECORD_ELEMENTS,
        "{\"version\":0.6,\"osm3s\":{\"elements\":[{\"no\":1}]},\"elements\":[ {\"a\":1} ,"
        "{\"b\":{\"c\":[{}]}}\n]}\n",
        "{\"a\":1}|{\"b\":{\"c\":[{}]}}|");
    assert_records(RECORD_ELEMENTS, "{\"elements\":[]}", "");
    assert_records(
        RECORD_ELEMENTS, "{\"elements\":[{\"x\":1}],\"other\":[{\"no\":1}]}", "{\"x\":1}|");
}

static void brackets_and_quotes_within_texts_do_not_count(void **state)
{
    (void)state;
    assert_records(RECORD_ELEMENTS,
        "{\"a]}\":\"{\\\"[\",\"elements\":[{\"n\":\"}]\\\\\"},{\"n\":\"\\\"}\"}]}",
        "{\"n\":\"}]\\\\\"}|{\"n\":\"\\\"}\"}|");
}

static void what_is_not_of_overpass_or_is_cut_off_is_told(void **state)
{
    (void)state;
    static const char *const no_json[] = {"",
        "[]",
        "<html>",
        "{\"elements\":[1]}",
        "{\"elements\":[[]]}",
        "{\"elements\":[]} {}",
        "{\"elements\":[],\"elements\":[]}"};
    for (size_t i = 0; i < sizeof no_json / sizeof no_json[0]; i++) {
        assert_records(RECORD_ELEMENTS, no_json[i], "is not the JSON of Overpass");
    }
    assert_records(RECORD_ELEMENTS, "{}", "has no elements");
    assert_records(RECORD_ELEMENTS, "{\"x\":{\"elements\":[]}}", "has no elements");
    assert_records(RECORD_ELEMENTS, "{\"elements\":[{\"a\":1}", "{\"a\":1}|ends in its middle");
    assert_records(RECORD_ELEMENTS, "{\"elements\":[{\"a\":1", "ends in its middle");
    assert_records(RECORD_ELEMENTS, "{\"elements\":[]", "ends in its middle");
}

static void a_remark_is_kept(void **state)
{
    (void)state;
    static const char input[] = "{\"elements\":[],\"remark\":\"runtime error: \\\"x\\\"\"}";
    struct record_splitter splitter;
    struct record record;
    struct slice chunk = slice_of(input);
    record_splitter_init(&splitter, RECORD_ELEMENTS);
    assert_false(record_splitter_next(&splitter, &chunk, &record));
    assert_true(slice_equals(buffer_slice(&splitter.remark), slice_of("runtime error: \\\"x\\\"")));
    record_splitter_clear(&splitter);
}

static void records_and_lines_are_numbered(void **state)
{
    (void)state;
    struct record_splitter splitter;
    struct record record;
    struct slice chunk = slice_of("one\n\nthree\n");
    record_splitter_init(&splitter, RECORD_LINES);
    assert_true(record_splitter_next(&splitter, &chunk, &record));
    assert_int_equal(splitter.number, 1);
    assert_true(record_splitter_next(&splitter, &chunk, &record));
    assert_int_equal(splitter.number, 3); /* as an editor shows it */
    record_splitter_clear(&splitter);
}

static void a_record_beyond_the_limit_is_told_and_the_next_one_is_whole(void **state)
{
    (void)state;
    static const struct {
        enum record_form form;
        const char *before;
        const char *after;
        const char *wanted;
    } cases[] = {
        {RECORD_LINES, "", "\nnext\n", "!|next|"},
        {RECORD_SEQUENCE, "\x1E", "\x1Enext", "!|next|"},
        {RECORD_ELEMENTS, "{\"elements\":[{\"a\":\"", "\"},{\"b\":1}]}", "!|{\"b\":1}|"},
    };
    struct buffer input = buffer_with_max(2 * (size_t)RECORD_MAX);
    struct buffer text = buffer_with_max(1024);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buffer_reset(&input);
        assert_int_equal(buffer_append_text(&input, cases[i].before), STATUS_OK);
        char block[4096];
        memset(block, 'x', sizeof block);
        while (input.length <= RECORD_MAX + sizeof block) {
            assert_int_equal(buffer_append(&input, slice_of_bytes(block, sizeof block)), STATUS_OK);
        }
        assert_int_equal(buffer_append_text(&input, cases[i].after), STATUS_OK);
        split(cases[i].form, buffer_slice(&input), 65536, &text);
        assert_int_equal(text.length, strlen(cases[i].wanted));
        assert_memory_equal(text.data, cases[i].wanted, text.length);
    }
    buffer_clear(&input);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_lf_or_cr_lf_or_at_the_end),
        cmocka_unit_test(sequences_begin_with_a_separator),
        cmocka_unit_test(elements_are_the_objects_of_one_array),
        cmocka_unit_test(brackets_and_quotes_within_texts_do_not_count),
        cmocka_unit_test(what_is_not_of_overpass_or_is_cut_off_is_told),
        cmocka_unit_test(a_remark_is_kept),
        cmocka_unit_test(records_and_lines_are_numbered),
        cmocka_unit_test(a_record_beyond_the_limit_is_told_and_the_next_one_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
