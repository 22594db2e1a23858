/* Does a tally say what happened, to programs and to people? */
#include "tests/bench/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct tally tally;
static struct tally other;

static int reset(void **state)
{
    (void)state;
    tally_reset(&tally);
    tally_reset(&other);
    return 0;
}

static void only_right_answers_are_clean(void **state)
{
    (void)state;
    assert_false(tally_is_clean(&tally)); /* nothing was answered */

    tally_right(&tally, COMMAND_IAMAT, 1000, 3, slice_of("Hands"));
    tally.refused = 1;
    assert_true(tally_is_clean(&tally));
    assert_int_equal(tally_right_total(&tally), 3);

    uint64_t *const faults[] = {&tally.wrong, &tally.unasked, &tally.missing};
    for (size_t i = 0; i < 3; i++) {
        *faults[i] = 1;
        assert_false(tally_is_clean(&tally));
        *faults[i] = 0;
    }
}

static void servers_are_counted_by_name_across_tallies(void **state)
{
    (void)state;
    tally_right(&tally, COMMAND_IAMAT, 1, 2, slice_of("Hands"));
    tally_right(&other, COMMAND_WHATSAT, 1, 5, slice_of("Wilkes"));
    tally_right(&other, COMMAND_IAMAT, 1, 1, slice_of("Hands"));
    tally_add(&tally, &other);

    assert_int_equal(tally.server_count, 2);
    assert_int_equal(tally.servers[0].answers, 3);
    assert_int_equal(tally.servers[1].answers, 5);
    assert_int_equal(tally_right_total(&tally), 8);
}

static void more_servers_than_there_is_room_for_are_still_counted(void **state)
{
    (void)state;
    for (int i = 0; i < TALLY_SERVERS_MAX + 3; i++) {
        const char name[] = {'s', (char)('!' + i)};
        tally_right(&tally, COMMAND_IAMAT, 1, 1, slice_of_bytes(name, sizeof name));
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < tally.server_count; i++) {
        sum += tally.servers[i].answers;
    }
    assert_int_equal(sum, TALLY_SERVERS_MAX + 3);
}

static void examples_are_few_short_and_printable(void **state)
{
    (void)state;
    char junk[2000];
    memset(junk, '\x1b', sizeof junk);
    for (unsigned i = 0; i < TALLY_EXAMPLES_MAX + 2; i++) {
        tally_example(&tally, "wrong", slice_of("IAMAT"), slice_of_bytes(junk, sizeof junk));
    }
    assert_int_equal(tally.example_count, TALLY_EXAMPLES_MAX);
    const char *example = tally.examples[TALLY_EXAMPLES_MAX - 1];
    assert_int_equal(strlen(example), TALLY_EXAMPLE_BYTES_MAX - 1);
    assert_null(strchr(example, '\x1b'));
    assert_memory_equal(example, "wrong: IAMAT -> ...", 19);
}

static void json_and_text_show_counts_and_latencies(void **state)
{
    (void)state;
    tally.said = 4;
    tally.missing = 1;
    tally_right(&tally, COMMAND_IAMAT, 200, 3, slice_of("Hands"));
    struct buffer text = buffer_with_max(1 << 16);

    struct json_writer json = json_writer_into(&text);
    json_writer_begin_object(&json, NULL);
    tally_write_json(&tally, &json);
    json_writer_end_object(&json);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_non_null(strstr(text.data, "\"missing\":1"));
    assert_non_null(strstr(text.data, "\"iamat\":{\"count\":3,\"mean_ns\":200,\"p50_ns\":200"));
    assert_non_null(strstr(text.data, "{\"name\":\"Hands\",\"answers\":3}"));

    buffer_reset(&text);
    assert_int_equal(tally_append_text(&tally, &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_non_null(strstr(text.data, "missing 1"));
    assert_non_null(strstr(text.data, "p50 0.2 us"));
    assert_non_null(strstr(text.data, "answered by Hands: 3"));
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_right_answers_are_clean, reset),
        cmocka_unit_test_setup(servers_are_counted_by_name_across_tallies, reset),
        cmocka_unit_test_setup(more_servers_than_there_is_room_for_are_still_counted, reset),
        cmocka_unit_test_setup(examples_are_few_short_and_printable, reset),
        cmocka_unit_test_setup(json_and_text_show_counts_and_latencies, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
