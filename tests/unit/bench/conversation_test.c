/* Does a conversation match answers with commands in order, however the bytes are cut, and notice
 * every fault? */
#include "common/buffer.h"
#include "tests/bench/conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WINDOW = 5 };

static struct workload *workload;
static struct conversation conversation;
static struct tally tally;
static struct buffer answers;

static int open_conversation(void **state)
{
    (void)state;
    const struct workload_plan plan = {.ids = 20,
        .id_bytes = 8,
        .iamat_weight = 2,
        .whatsat_weight = 1,
        .radius_km = 1,
        .bound = 1,
        .seed = 5};
    assert_int_equal(workload_create(&plan, 1, &workload), STATUS_OK);
    assert_int_equal(
        conversation_init(&conversation, workload, workload_client(workload, 0), WINDOW),
        STATUS_OK);
    tally_reset(&tally);
    answers = buffer_with_max(1 << 20);
    return 0;
}

static int close_conversation(void **state)
{
    (void)state;
    conversation_clear(&conversation);
    workload_destroy(workload);
    buffer_clear(&answers);
    return 0;
}

static void append(const char *text)
{
    assert_int_equal(buffer_append_text(&answers, text), STATUS_OK);
}

/* Reports of the ids, as a server keeps them: the text after the id's number. */
static struct {
    char text[128];
} known[20];

/* Appends what a right server answers to all unsent lines. */
static void answer_unsent(void)
{
    struct slice unsent = conversation_unsent(&conversation);
    conversation_mark_sent(&conversation, unsent.length);
    while (unsent.length > 0) {
        const char *end = memchr(unsent.data, '\n', unsent.length);
        assert_non_null(end);
        struct slice line = slice_of_bytes(unsent.data, (size_t)(end - unsent.data));
        unsent = slice_from(unsent, line.length + 1);
        const struct slice word = slice_next_word(&line);
        const struct slice report = slice_from(line, 1);
        const struct slice id = slice_next_word(&line);
        uint64_t number;
        assert_true(slice_parse_number(slice_from(id, 3), 19, &number));
        const bool reports = slice_equals(word, slice_of("IAMAT"));
        if (reports) {
            memcpy(known[number].text, report.data, report.length);
            known[number].text[report.length] = '\0';
        }
        append("AT Hands -1.000000000 ");
        append(known[number].text);
        append(reports ? "\n" : "\n{\n}\n\n");
    }
}

static size_t hear(size_t from, size_t length, int64_t now_ns)
{
    return conversation_hear(
        &conversation, slice_of_bytes(answers.data + from, length), now_ns, &tally);
}

static void right_answers_are_counted_however_they_are_cut(void **state)
{
    (void)state;
    int64_t now_ns = 0;
    for (unsigned round = 0; round < 300; round++) {
        while (conversation_has_room(&conversation)) {
            now_ns++;
            conversation_say(&conversation, now_ns, now_ns);
        }
        buffer_reset(&answers);
        answer_unsent();
        /* First a part that ends somewhere, then everything that was not taken, up to the end. */
        const size_t cut = (size_t)round * 37 % answers.length;
        const size_t done = hear(0, cut, now_ns);
        assert_true(done <= cut);
        assert_int_equal(hear(done, answers.length - done, now_ns), answers.length - done);
        assert_int_equal(conversation.outstanding, 0);
    }
    assert_int_equal(tally_right_total(&tally), 300 * WINDOW);
    assert_true(tally.right[COMMAND_WHATSAT].total > 300);
    assert_int_equal(tally.wrong + tally.refused + tally.unasked, 0);
}

static void latency_counts_from_when_the_command_was_due(void **state)
{
    (void)state;
    conversation_say(&conversation, 1000, 1);
    conversation_say(&conversation, 1200, 2);
    answer_unsent();

    (void)hear(0, answers.length, 1250);

    assert_int_equal(tally_right_total(&tally), 2);
    const struct histogram *right = &tally.right[COMMAND_IAMAT];
    assert_int_equal(right->sum + tally.right[COMMAND_WHATSAT].sum, 250 + 50);
}

static void an_answer_out_of_order_is_wrong(void **state)
{
    (void)state;
    conversation_say(&conversation, 0, 1);
    answer_unsent();
    buffer_reset(&answers);
    conversation_say(&conversation, 0, 2);
    answer_unsent();

    (void)hear(0, answers.length, 1);

    assert_int_equal(tally.wrong, 1);
    assert_int_equal(tally_right_total(&tally), 0);
    assert_int_equal(conversation.outstanding, 1);
    assert_int_equal(tally.example_count, 1);
}

static void a_refused_command_is_counted_and_the_next_one_goes_on(void **state)
{
    (void)state;
    conversation_say(&conversation, 0, 1);
    const struct slice line = conversation_unsent(&conversation);
    append("? ");
    assert_int_equal(buffer_append(&answers, line), STATUS_OK);
    conversation_mark_sent(&conversation, line.length);
    conversation_say(&conversation, 0, 2);
    known[0].text[0] = '\0';
    answer_unsent();

    (void)hear(0, answers.length, 1);

    assert_int_equal(tally.refused, 1);
    assert_int_equal(conversation.outstanding, 0);
}

static void what_nobody_asked_for_is_counted_by_lines(void **state)
{
    (void)state;
    append("AT Hands\nhello");

    assert_int_equal(hear(0, answers.length, 1), answers.length);

    assert_int_equal(tally.unasked, 2);
    assert_false(tally_is_clean(&tally));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            right_answers_are_counted_however_they_are_cut, open_conversation, close_conversation),
        cmocka_unit_test_setup_teardown(
            latency_counts_from_when_the_command_was_due, open_conversation, close_conversation),
        cmocka_unit_test_setup_teardown(
            an_answer_out_of_order_is_wrong, open_conversation, close_conversation),
        cmocka_unit_test_setup_teardown(a_refused_command_is_counted_and_the_next_one_goes_on,
            open_conversation,
            close_conversation),
        cmocka_unit_test_setup_teardown(
            what_nobody_asked_for_is_counted_by_lines, open_conversation, close_conversation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
