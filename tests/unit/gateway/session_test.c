/* Does a session answer every line once and in order, within its limits, however bytes arrive? */
#include "gateway/session.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct session_limits limits = {
    .line_max = 64,
    .input_max = 4096,
    .output_max = 2048,
};

static const struct instant now = {.ns = 1000};

/* A session, and whoever answers it. */
struct scene {
    struct session session;
    struct buffer output; /* all that the client was sent */
    uint64_t open[SESSION_COMMANDS_MAX];
    enum command_kind kinds[SESSION_COMMANDS_MAX];
    size_t open_count;
    size_t line_count;
};

static struct scene scene;

static int begin(void **state)
{
    (void)state;
    scene.open_count = scene.line_count = 0;
    scene.output = buffer_with_max((size_t)16 * 1024 * 1024);
    session_init(&scene.session, &limits);
    return 0;
}

static int end(void **state)
{
    (void)state;
    session_clear(&scene.session);
    buffer_clear(&scene.output);
    return 0;
}

static void read_lines(void)
{
    struct slice line;
    while (session_read(&scene.session, now, &line)) {
        scene.line_count++;
    }
    struct session_command command;
    while (session_peek(&scene.session, now, &command)) {
        scene.kinds[scene.open_count] = command.command.kind;
        scene.open[scene.open_count++] = command.ticket;
        session_issue(&scene.session);
    }
}

static void feed(struct slice bytes)
{
    assert_true(bytes.length <= session_room(&scene.session));
    assert_int_equal(session_feed(&scene.session, bytes), STATUS_OK);
    read_lines();
}

static void feed_text(const char *text)
{
    feed(slice_of(text));
}

static void finish_input(void)
{
    session_end_input(&scene.session);
    read_lines();
}

/* Answers the open command at `index`: an IAMAT by Goloman at 1.5 s, a WHATSAT with a fixed text.
 */
static void answer(size_t index)
{
    assert_true(index < scene.open_count);
    if (scene.kinds[index] == COMMAND_IAMAT) {
        session_answer_accepted(
            &scene.session, scene.open[index], slice_of("Goloman"), 1500 * (int64_t)NS_PER_MS);
    } else {
        session_answer_places(
            &scene.session, scene.open[index], slice_of("AT the line"), slice_of("{\n}"));
    }
    scene.open_count--;
    for (size_t i = index; i < scene.open_count; i++) {
        scene.open[i] = scene.open[i + 1];
        scene.kinds[i] = scene.kinds[i + 1];
    }
}

static void collect(void)
{
    struct session_reply reply;
    while (session_reply(&scene.session, &reply) == SESSION_REPLIED) {
    }
}

static void drain(void)
{
    struct buffer output = buffer_with_max(0);
    do {
        collect();
        session_take_output(&scene.session, &output);
        assert_int_equal(buffer_append(&scene.output, buffer_slice(&output)), STATUS_OK);
        const size_t length = output.length;
        buffer_clear(&output);
        if (length == 0) {
            break;
        }
    } while (true);
    read_lines();
}

static void answer_all(void)
{
    while (scene.open_count > 0) {
        answer(0);
    }
    drain();
}

static void assert_output(struct slice wanted)
{
    if (!slice_equals(buffer_slice(&scene.output), wanted)) {
        fail_msg("wanted \"%.*s\", got \"%.*s\"",
            (int)wanted.length,
            wanted.data,
            (int)scene.output.length,
            scene.output.data);
    }
}

static void assert_output_text(const char *wanted)
{
    assert_output(slice_of(wanted));
}

/* ---- Replies ---- */

/* What a client sends, up to its end of input, and what it gets. */
static const struct {
    const char *input;
    const char *output;
} conversations[] = {
    {"", ""},
    {"\n", "? \n"},
    {"\r\n", "? \n"},
    {" \n", "?  \n"},
    {"IAMAT a +1-2 1\n", "AT Goloman +0.500000000 a +1-2 1\n"},
    {"IAMAT a +1-2 1\r\n", "AT Goloman +0.500000000 a +1-2 1\n"},
    {"IAMAT a +1-2 1", "AT Goloman +0.500000000 a +1-2 1\n"},
    {"IAMAT a +1-2 1\r", "AT Goloman +0.500000000 a +1-2 1\n"},
    {"IAMAT a +1-2 2.000000001\n", "AT Goloman -0.500000001 a +1-2 2.000000001\n"},
    {" \tIAMAT \v a\f +1-2 \r 1.50 \n", "AT Goloman +0.000000000 a +1-2 1.50\n"},
    {"IAMAT \xFF\xC3 +1-2 1\n", "AT Goloman +0.500000000 \xFF\xC3 +1-2 1\n"},
    {"WHATSAT a 1 1\n", "AT the line\n{\n}\n\n"},
    {"WHATSAT a 1 1", "AT the line\n{\n}\n\n"},
    {"WHATSAT a 1 21\n", "? WHATSAT a 1 21\n"},
    {"nonsense", "? nonsense\n"},
    {"nonsense\r", "? nonsense\r\n"},
    {"nonsense \r\r\n", "? nonsense \r\n"},
    {"\r\r\n", "? \r\n"},
    {"AT x\n", "? AT x\n"},
    {"a\nb\nc", "? a\n? b\n? c\n"},
    {"a\n\nIAMAT a +1-2 1\nWHATSAT a 1 1\nb\n",
        "? a\n? \nAT Goloman +0.500000000 a +1-2 1\nAT the line\n{\n}\n\n? b\n"},
    {"0123456789012345678901234567890123456789012345678901234567890123\n",
        "? 0123456789012345678901234567890123456789012345678901234567890123\n"},
    {"0123456789012345678901234567890123456789012345678901234567890123\r\n",
        "? 0123456789012345678901234567890123456789012345678901234567890123\n"},
    {"01234567890123456789012345678901234567890123456789012345678901234\nb\n",
        "? 0123456789012345678901234567890123456789012345678901234567890123\n? b\n"},
    {"01234567890123456789012345678901234567890123456789012345678901234",
        "? 0123456789012345678901234567890123456789012345678901234567890123\n"},
    {"01234567890123456789012345678901234567890123456789012345678901234 and more\r\nIAMAT a +1-2 1",
        "? 0123456789012345678901234567890123456789012345678901234567890123\n"
        "AT Goloman +0.500000000 a +1-2 1\n"},
};

static void every_conversation_is_the_same_split_at_every_byte(void **state)
{
    for (size_t i = 0; i < sizeof conversations / sizeof conversations[0]; i++) {
        const struct slice input = slice_of(conversations[i].input);
        for (size_t split = 0; split <= input.length; split++) {
            begin(state);
            feed(slice_of_bytes(input.data, split));
            answer_all();
            feed(slice_from(input, split));
            finish_input();
            answer_all();
            assert_output_text(conversations[i].output);
            assert_true(session_is_finished(&scene.session));
            end(state);
        }
    }
    begin(state);
}

static void every_conversation_is_the_same_byte_by_byte(void **state)
{
    for (size_t i = 0; i < sizeof conversations / sizeof conversations[0]; i++) {
        const struct slice input = slice_of(conversations[i].input);
        begin(state);
        for (size_t at = 0; at < input.length; at++) {
            feed(slice_of_bytes(input.data + at, 1));
        }
        finish_input();
        answer_all();
        assert_output_text(conversations[i].output);
        end(state);
    }
    begin(state);
}

/* A prefix that ends the input is a line of its own: valid only where the whole is. */
static void every_prefix_of_a_command_gets_one_reply(void **state)
{
    static const char line[] = "IAMAT kiwi +34.068930-118.445127 1.25";
    for (size_t length = 1; length < sizeof line; length++) {
        begin(state);
        feed(slice_of_bytes(line, length));
        finish_input();
        answer_all();
        const struct slice output = buffer_slice(&scene.output);
        assert_int_equal(output.data[output.length - 1], '\n');
        assert_ptr_equal(memchr(output.data, '\n', output.length), output.data + output.length - 1);
        const bool is_valid = length >= 34 && line[length - 1] != '.';
        assert_int_equal(output.data[0], is_valid ? 'A' : '?');
        end(state);
    }
    begin(state);
}

static void zero_bytes_are_answered_as_they_came(void **state)
{
    (void)state;
    feed(slice_of_bytes("IAMAT a\0b +1-2 1\n\0\n", 19));
    answer_all();
    assert_output(slice_of_bytes("AT Goloman +0.500000000 a\0b +1-2 1\n? \0\n", 39));
}

static void replies_come_in_order_when_answers_do_not(void **state)
{
    (void)state;
    feed_text("IAMAT a +1-2 1\nx\nWHATSAT a 1 1\nIAMAT b +1-2 1\n");
    assert_int_equal(scene.open_count, 3);

    answer(2);
    drain();
    assert_output_text("");
    answer(0);
    drain();
    assert_output_text("AT Goloman +0.500000000 a +1-2 1\n? x\n");
    answer(0);
    drain();
    assert_output_text("AT Goloman +0.500000000 a +1-2 1\n? x\nAT the line\n{\n}\n\n"
                       "AT Goloman +0.500000000 b +1-2 1\n");
}

static void a_rejected_command_is_given_back(void **state)
{
    (void)state;
    feed_text("WHATSAT a 1 1\r\n  IAMAT b +1-2  1\n");
    session_answer_rejected(&scene.session, scene.open[0]);
    session_answer_rejected(&scene.session, scene.open[1]);
    drain();
    assert_output_text("? WHATSAT a 1 1\n?   IAMAT b +1-2  1\n");
}

static void the_reply_tells_its_first_line_and_its_places(void **state)
{
    (void)state;
    struct session_reply reply;
    feed_text("WHATSAT a 1 1\nIAMAT b +1-2 1\n");
    answer(0);
    answer(0);

    assert_int_equal(session_reply(&scene.session, &reply), SESSION_REPLIED);
    assert_true(slice_equals(reply.line, slice_of("AT the line")));
    assert_int_equal(reply.places_length, 3);
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_REPLIED);
    assert_true(slice_equals(reply.line, slice_of("AT Goloman +0.500000000 b +1-2 1")));
    assert_int_equal(reply.places_length, 0);
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_WAITS);
}

static void the_line_that_was_read_is_told(void **state)
{
    (void)state;
    struct slice line;
    assert_int_equal(session_feed(&scene.session, slice_of("one\r\n two \npart")), STATUS_OK);
    assert_true(session_read(&scene.session, now, &line));
    assert_true(slice_equals(line, slice_of("one")));
    assert_true(session_read(&scene.session, now, &line));
    assert_true(slice_equals(line, slice_of(" two ")));
    assert_false(session_read(&scene.session, now, &line));
}

static void a_command_carries_the_time_it_was_read(void **state)
{
    (void)state;
    struct slice line;
    struct session_command command;
    assert_int_equal(session_feed(&scene.session, slice_of("WHATSAT id 2 3\n")), STATUS_OK);
    assert_true(session_read(&scene.session, (struct instant){.ns = 77}, &line));
    assert_true(session_peek(&scene.session, now, &command));
    assert_int_equal(command.read_at.ns, 77);
    assert_int_equal(command.command.kind, COMMAND_WHATSAT);
    assert_true(slice_equals(command.command.id, slice_of("id")));
    assert_float_equal(command.command.radius_m, 2000.0, 0);
    assert_int_equal(command.command.results_max, 3);
}

static void a_command_behind_one_that_was_answered_has_not_waited_for_a_server(void **state)
{
    (void)state;
    struct session_command command;
    struct session_reply reply;
    for (int i = 0; i < SESSION_WHATSATS_MAX + 1; i++) {
        feed_text("WHATSAT id 2 3\n");
    }
    feed_text("IAMAT id +1-2 3\n");
    assert_int_equal(scene.open_count, SESSION_WHATSATS_MAX);
    session_answer_places(&scene.session, scene.open[0], slice_of("AT"), slice_of("{}"));
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_REPLIED);

    assert_true(session_peek(&scene.session, (struct instant){.ns = 5000}, &command));

    assert_int_equal(command.read_at.ns, 5000);
    assert_true(session_peek(&scene.session, (struct instant){.ns = 6000}, &command));
    assert_int_equal(command.read_at.ns, 5000);
    session_issue(&scene.session);
    assert_true(session_peek(&scene.session, (struct instant){.ns = 7000}, &command));
    assert_int_equal(command.command.kind, COMMAND_IAMAT);
    assert_int_equal(command.read_at.ns, 5000);
}

static void a_no_of_a_server_is_an_answer_too(void **state)
{
    (void)state;
    struct session_command command;
    struct session_reply reply;
    for (int i = 0; i < SESSION_WHATSATS_MAX + 1; i++) {
        feed_text("WHATSAT id 2 3\n");
    }
    session_answer_rejected(&scene.session, scene.open[0]);
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_REPLIED);

    assert_true(session_peek(&scene.session, (struct instant){.ns = 5000}, &command));

    assert_int_equal(command.read_at.ns, 5000);
}

static void what_no_server_has_answered_does_not_count(void **state)
{
    (void)state;
    struct session_command command;
    struct session_reply reply;
    feed_text("nonsense\n");
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_REPLIED);
    for (int i = 0; i < SESSION_WHATSATS_MAX + 1; i++) {
        feed_text("WHATSAT id 2 3\n");
    }
    session_answer_expired(&scene.session, scene.open[0]);
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_REPLIED);
    assert_true(slice_equals(reply.line, slice_of("? WHATSAT id 2 3")));

    assert_true(session_peek(&scene.session, (struct instant){.ns = 5000}, &command));

    assert_int_equal(command.read_at.ns, now.ns);
}

/* ---- Limits ---- */

/* Nothing else may ever happen to that client, so nobody would try again. */
static void a_line_that_was_taken_is_read_even_without_memory(void **state)
{
    (void)state;
    struct slice line;
    assert_int_equal(session_feed(&scene.session, slice_of("one\n")), STATUS_OK);
    faults_begin(1);
    assert_true(session_read(&scene.session, now, &line));
    assert_false(faults_end());
    drain();

    feed_text("two");
    session_trim(&scene.session);
    session_end_input(&scene.session);
    faults_begin(1);
    assert_true(session_read(&scene.session, now, &line));
    assert_false(faults_end());
    drain();
    assert_output_text("? one\n? two\n");
}

static void without_memory_for_its_lines_nothing_is_taken(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        faults_begin(nth);
        const enum status status = session_feed(&scene.session, slice_of("one\n"));
        if (!faults_end()) {
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(nth, 3);
            return;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        session_trim(&scene.session);
    }
}

static void answers_that_wait_for_their_turn_are_held(void **state)
{
    (void)state;
    const struct slice json = slice_of("{\n   \"results\" : [ \"one\", \"two\" ]\n}");
    feed_text("IAMAT a +1-2 1\nWHATSAT a 1 1\n");
    const size_t before = session_held(&scene.session);

    session_answer_places(&scene.session, scene.open[1], slice_of("AT the line"), json);
    assert_int_equal(session_held(&scene.session), before + strlen("AT the line\n") + json.length);

    session_answer_rejected(&scene.session, scene.open[0]);
    drain();
    assert_int_equal(session_held(&scene.session), 0);
}

static void ten_thousand_commands_in_one_stream_are_all_answered(void **state)
{
    (void)state;
    enum { COMMANDS = 10000 };
    static const struct session_limits wide = {
        .line_max = 64, .input_max = (size_t)1024 * 1024, .output_max = (size_t)2 * 1024 * 1024};
    session_init(&scene.session, &wide);
    struct buffer input = buffer_with_max((size_t)1024 * 1024);
    struct buffer wanted = buffer_with_max((size_t)1024 * 1024);
    for (int i = 0; i < COMMANDS; i++) {
        assert_int_equal(buffer_append_format(&input, "IAMAT c%d +1-2 1\n", i), STATUS_OK);
        assert_int_equal(
            buffer_append_format(&wanted, "AT Goloman +0.500000000 c%d +1-2 1\n", i), STATUS_OK);
    }

    feed(buffer_slice(&input));
    assert_int_equal(scene.open_count, SESSION_COMMANDS_MAX);
    for (int round = 0; round < 3; round++) {
        answer_all();
    }

    assert_int_equal(scene.line_count, COMMANDS);
    assert_output(buffer_slice(&wanted));
    buffer_clear(&input);
    buffer_clear(&wanted);
}

static void whatsats_beyond_sixteen_wait_and_so_does_what_follows(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        feed_text("WHATSAT a 1 1\n");
    }
    feed_text("IAMAT a +1-2 1\n");
    assert_int_equal(scene.open_count, SESSION_WHATSATS_MAX);

    answer(5); /* its reply has to wait, so its text still takes memory */
    drain();
    assert_int_equal(scene.open_count, SESSION_WHATSATS_MAX - 1);
    answer(0);
    drain();
    assert_int_equal(scene.open_count, SESSION_WHATSATS_MAX - 1);
    while (scene.open_count > 0) {
        answer_all();
    }
    assert_int_equal(scene.output.length,
        20 * strlen("AT the line\n{\n}\n\n") + strlen("AT Goloman +0.500000000 a +1-2 1\n"));
}

static void unanswered_input_stops_the_reading_until_it_is_answered(void **state)
{
    (void)state;
    static const char line[] = "IAMAT abcdefghijklmnopqrstuvwxyz +1-2 1\n";
    while (session_room(&scene.session) > 0) {
        feed_text(line);
    }
    assert_true(scene.open_count * (sizeof line - 1) <= limits.input_max);
    assert_true(scene.session.input.length <= limits.input_max);

    answer_all();

    assert_int_equal(session_room(&scene.session), limits.input_max);
}

static void replies_that_are_not_taken_stop_the_reading_and_the_replying(void **state)
{
    (void)state;
    struct session_reply reply;
    size_t lines = 0;
    while (session_room(&scene.session) > 0) {
        feed_text("nonsense\n");
        collect();
        lines++;
    }
    feed(slice_of("")); /* nothing fits any more */
    assert_true(session_output_length(&scene.session) >= limits.output_max);
    assert_true(session_output_length(&scene.session) < limits.output_max + 64);
    assert_true(lines * strlen("? nonsense\n") < limits.output_max + 64);
    assert_int_equal(session_reply(&scene.session, &reply), SESSION_WAITS);

    drain();

    assert_int_equal(scene.output.length, lines * strlen("? nonsense\n"));
    assert_true(session_room(&scene.session) > 0);
}

static void what_was_read_is_not_replied_beyond_the_output_either(void **state)
{
    (void)state;
    for (size_t i = 0; session_room(&scene.session) > 0; i++) {
        feed_text("nonsense\n");
    }
    collect();
    assert_true(session_output_length(&scene.session) >= limits.output_max);
    assert_true(session_output_length(&scene.session) < limits.output_max + 64);
}

/* Nor is what takes its place before anybody asks for commands. */
static void an_invalid_line_that_was_replied_is_no_command(void **state)
{
    (void)state;
    struct slice line;
    struct session_command command;
    assert_int_equal(
        session_feed(&scene.session, slice_of("x\nIAMAT a +1-2 1\nIAMAT b +1-2 1\n")), STATUS_OK);
    assert_true(session_read(&scene.session, now, &line));
    collect();
    assert_true(session_read(&scene.session, now, &line));
    assert_true(session_read(&scene.session, now, &line));
    assert_true(session_peek(&scene.session, now, &command));
    assert_int_equal(command.ticket, 1);
    assert_int_equal(command.command.kind, COMMAND_IAMAT);
    read_lines();
    answer_all();
    assert_output_text("? x\n"
                       "AT Goloman +0.500000000 a +1-2 1\n"
                       "AT Goloman +0.500000000 b +1-2 1\n");
}

static void an_endless_line_takes_bounded_memory(void **state)
{
    (void)state;
    char bytes[1000];
    memset(bytes, 'x', sizeof bytes);
    feed_text("IAMAT a +1-2 1\n"); /* stays open, so nothing can be dropped before it */
    for (int i = 0; i < 100000; i++) {
        feed(slice_of_bytes(bytes, sizeof bytes));
    }
    assert_true(scene.session.input.capacity <= 2 * limits.input_max);

    feed_text("\nafter\n");
    answer_all();

    bytes[limits.line_max] = '\0';
    struct buffer wanted = buffer_with_max(1024);
    assert_int_equal(
        buffer_append_format(&wanted, "AT Goloman +0.500000000 a +1-2 1\n? %s\n? after\n", bytes),
        STATUS_OK);
    assert_output(buffer_slice(&wanted));
    buffer_clear(&wanted);
}

static void a_long_stream_keeps_its_memory_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        feed_text("IAMAT abcdefgh +1-2 1\n");
        if (scene.open_count > 40) {
            answer(0);
        }
        drain();
        scene.output.length = 0;
    }
    assert_true(scene.session.input.capacity <= 2 * limits.input_max);
    assert_true(scene.session.entry_capacity <= 64);
}

static void an_idle_session_holds_no_memory(void **state)
{
    (void)state;
    feed_text("IAMAT a +1-2 1\nWHATSAT a 1 1\n");
    answer_all();
    session_trim(&scene.session);

    assert_null(scene.session.input.data);
    assert_null(scene.session.output.data);
    assert_null(scene.session.entries);
    assert_true(sizeof(struct session) < 512);

    feed_text("x\n");
    drain();
    assert_true(scene.output.length > 0);
}

static void a_session_is_small_until_it_has_many_commands_at_once(void **state)
{
    (void)state;
    assert_true(session_is_small(&scene.session));
    for (int i = 0; i < 20; i++) {
        feed_text("IAMAT a +1-2 1\n");
        answer_all();
    }
    assert_true(session_is_small(&scene.session));
    for (int i = 0; i < 20; i++) {
        feed_text("IAMAT a +1-2 1\n");
    }
    answer_all();
    assert_false(session_is_small(&scene.session));
    session_trim(&scene.session);
    assert_true(session_is_small(&scene.session));

    for (int i = 0; i < 20; i++) {
        feed_text("IAMAT a +1-2 1\n");
    }
    feed_text("half a line");
    answer_all();
    assert_false(session_is_small(&scene.session));
    session_trim(&scene.session);
    assert_true(session_is_small(&scene.session));
}

static void trimming_keeps_what_is_needed(void **state)
{
    (void)state;
    feed_text("IAMAT a +1-2 1\nIAM");
    session_trim(&scene.session);
    feed_text("AT b +1-2 1\n");
    session_trim(&scene.session);
    answer(0);
    collect();
    session_trim(&scene.session);
    answer_all();
    assert_output_text("AT Goloman +0.500000000 a +1-2 1\nAT Goloman +0.500000000 b +1-2 1\n");
}

/* ---- The end ---- */

static void a_session_is_finished_when_all_is_answered_and_taken(void **state)
{
    (void)state;
    feed_text("IAMAT a +1-2 1\nlast");
    assert_false(session_is_finished(&scene.session));
    finish_input();
    assert_int_equal(session_room(&scene.session), 0);
    answer(0);
    collect();
    assert_false(session_is_finished(&scene.session));
    drain();
    assert_true(session_is_finished(&scene.session));
}

static void a_session_with_lines_to_read_is_not_finished(void **state)
{
    (void)state;
    assert_int_equal(session_feed(&scene.session, slice_of("x\n")), STATUS_OK);
    session_end_input(&scene.session);
    assert_false(session_is_finished(&scene.session));
    read_lines();
    drain();
    assert_true(session_is_finished(&scene.session));
}

static void cut_input_drops_what_is_no_line_yet(void **state)
{
    (void)state;
    feed_text("IAMAT a +1-2 1\nIAMAT b");
    session_cut_input(&scene.session);
    read_lines();
    answer_all();
    assert_output_text("AT Goloman +0.500000000 a +1-2 1\n");
    assert_true(session_is_finished(&scene.session));
}

static void a_session_may_be_cleared_at_any_time(void **state)
{
    (void)state;
    feed_text("IAMAT a +1-2 1\nWHATSAT a 1 1\nWHATSAT a 1 1\npart");
    answer(1);
    session_clear(&scene.session);
    session_init(&scene.session, &limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_conversation_is_the_same_split_at_every_byte, begin, end),
        cmocka_unit_test_setup_teardown(every_conversation_is_the_same_byte_by_byte, begin, end),
        cmocka_unit_test_setup_teardown(every_prefix_of_a_command_gets_one_reply, begin, end),
        cmocka_unit_test_setup_teardown(zero_bytes_are_answered_as_they_came, begin, end),
        cmocka_unit_test_setup_teardown(replies_come_in_order_when_answers_do_not, begin, end),
        cmocka_unit_test_setup_teardown(a_rejected_command_is_given_back, begin, end),
        cmocka_unit_test_setup_teardown(the_reply_tells_its_first_line_and_its_places, begin, end),
        cmocka_unit_test_setup_teardown(the_line_that_was_read_is_told, begin, end),
        cmocka_unit_test_setup_teardown(a_command_carries_the_time_it_was_read, begin, end),
        cmocka_unit_test_setup_teardown(
            a_command_behind_one_that_was_answered_has_not_waited_for_a_server, begin, end),
        cmocka_unit_test_setup_teardown(a_no_of_a_server_is_an_answer_too, begin, end),
        cmocka_unit_test_setup_teardown(what_no_server_has_answered_does_not_count, begin, end),
        cmocka_unit_test_setup_teardown(
            ten_thousand_commands_in_one_stream_are_all_answered, begin, end),
        cmocka_unit_test_setup_teardown(
            whatsats_beyond_sixteen_wait_and_so_does_what_follows, begin, end),
        cmocka_unit_test_setup_teardown(answers_that_wait_for_their_turn_are_held, begin, end),
        cmocka_unit_test_setup_teardown(
            a_line_that_was_taken_is_read_even_without_memory, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_for_its_lines_nothing_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(
            unanswered_input_stops_the_reading_until_it_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(
            replies_that_are_not_taken_stop_the_reading_and_the_replying, begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_read_is_not_replied_beyond_the_output_either, begin, end),
        cmocka_unit_test_setup_teardown(an_invalid_line_that_was_replied_is_no_command, begin, end),
        cmocka_unit_test_setup_teardown(a_session_with_lines_to_read_is_not_finished, begin, end),
        cmocka_unit_test_setup_teardown(an_endless_line_takes_bounded_memory, begin, end),
        cmocka_unit_test_setup_teardown(a_long_stream_keeps_its_memory_bounded, begin, end),
        cmocka_unit_test_setup_teardown(an_idle_session_holds_no_memory, begin, end),
        cmocka_unit_test_setup_teardown(
            a_session_is_small_until_it_has_many_commands_at_once, begin, end),
        cmocka_unit_test_setup_teardown(trimming_keeps_what_is_needed, begin, end),
        cmocka_unit_test_setup_teardown(
            a_session_is_finished_when_all_is_answered_and_taken, begin, end),
        cmocka_unit_test_setup_teardown(cut_input_drops_what_is_no_line_yet, begin, end),
        cmocka_unit_test_setup_teardown(a_session_may_be_cleared_at_any_time, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
