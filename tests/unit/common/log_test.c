/* Is every event one safe line, and does no disk hold up who writes it? */
#include "common/instant.h"
#include "common/log.h"
#include "tests/support/faults.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIME_LENGTH = WALL_CLOCK_TEXT_SIZE - 1, LONG_MS = 20000 };

/* A minute between writes: what is written earlier has another reason. */
static const struct log_limits patient = {
    .file_size_max = (size_t)64 * 1024 * 1024,
    .files_max = 1,
    .pending_max = (size_t)8 * 1024 * 1024,
    .write_every_ms = 60 * 1000,
};

static char path[32];

static int make_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/log_test.XXXXXX");
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct log *open_log(const struct log_limits *limits)
{
    struct log *log = NULL;
    assert_int_equal(log_open(path, limits, &log), STATUS_OK);
    return log;
}

/* All that is in the file, with a terminator; to be freed. */
static char *read_file(void)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const size_t size = (size_t)ftell(file);
    rewind(file);
    char *content = malloc(size + 1);
    assert_non_null(content);
    content[fread(content, 1, size, file)] = '\0';
    fclose(file);
    return content;
}

/* Waits for what another thread writes; fails when it takes too long. */
static void wait_for_text(const char *wanted)
{
    const struct instant deadline = instant_after_ms(instant_now(), LONG_MS);
    bool is_found = false;
    while (!is_found) {
        assert_true(instant_is_before(instant_now(), deadline));
        char *content = read_file();
        is_found = strstr(content, wanted) != NULL;
        free(content);
        sched_yield();
    }
}

static void wait_for_dropped(struct log *log, uint64_t count)
{
    const struct instant deadline = instant_after_ms(instant_now(), LONG_MS);
    while (log_dropped(log) < count) {
        assert_true(instant_is_before(instant_now(), deadline));
        sched_yield();
    }
    assert_int_equal(log_dropped(log), count);
}

static bool is_time(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00.000000Z";
    for (size_t i = 0; i < TIME_LENGTH; i++) {
        const bool is_digit = slice_is_digit(text[i]);
        if (form[i] == '0' ? !is_digit : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

/* The file is one line: a time, and `wanted` behind it. */
static void assert_only_line(const char *wanted)
{
    char *content = read_file();
    assert_true(strlen(content) > TIME_LENGTH + 2);
    assert_true(is_time(content));
    assert_int_equal(content[TIME_LENGTH], ' ');
    char *end = strchr(content, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    *end = '\0';
    assert_string_equal(content + TIME_LENGTH + 1, wanted);
    free(content);
}

static void from_here_on_files_end_at(rlim_t size)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* ---- Lines ---- */

static void an_event_is_a_line_of_time_name_and_fields(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);

    log_event(log,
        "neighbour_gained",
        log_text("server", "Hands"),
        log_number("reports", 12),
        log_bytes("peer", slice_of_bytes("127.0.0.1:80xyz", 12)));
    log_close(log);

    assert_only_line("event=neighbour_gained server=Hands reports=12 peer=127.0.0.1:80");
}

static void an_event_may_have_no_fields(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);

    log_fields(log, "drained", NULL, 0);
    log_close(log);

    assert_only_line("event=drained");
}

/* Over the end of a second, as the text of a second is made only once. */
static void the_time_is_that_of_the_event(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);
    char before[WALL_CLOCK_TEXT_SIZE];
    char between[WALL_CLOCK_TEXT_SIZE];
    char after[WALL_CLOCK_TEXT_SIZE];

    wall_clock_format(wall_clock_ns(), before);
    log_fields(log, "first", NULL, 0);
    const int64_t second = wall_clock_ns() / NS_PER_SECOND;
    while (wall_clock_ns() / NS_PER_SECOND == second) {
        sched_yield();
    }
    wall_clock_format(wall_clock_ns(), between);
    log_fields(log, "second", NULL, 0);
    wall_clock_format(wall_clock_ns(), after);
    log_close(log);

    char *content = read_file();
    const char *line = content;
    assert_true(memcmp(before, line, TIME_LENGTH) <= 0);
    assert_true(memcmp(line, between, TIME_LENGTH) < 0);
    line = strchr(line, '\n') + 1;
    assert_true(memcmp(between, line, TIME_LENGTH) <= 0);
    assert_true(memcmp(line, after, TIME_LENGTH) <= 0);
    free(content);
}

static void numbers_of_any_size_are_written(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);

    log_event(log,
        "numbers",
        log_number("a", 0),
        log_number("b", -1),
        log_number("c", INT64_MAX),
        log_number("d", INT64_MIN));
    log_close(log);

    assert_only_line("event=numbers a=0 b=-1 c=9223372036854775807 d=-9223372036854775808");
}

static void text_that_is_not_plain_is_quoted(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);

    log_event(log,
        "text",
        log_text("empty", ""),
        log_bytes("none", slice_of_bytes(NULL, 0)),
        log_text("space", "a b"),
        log_text("equals", "a=b"),
        log_bytes("any", slice_of_bytes("quoted \"value\" with \0 \n\r\t\\ escapes", 34)),
        log_text("utf8", "caf\xc3\xa9"));
    log_close(log);

    assert_only_line("event=text empty=\"\" none=\"\" space=\"a b\" equals=\"a=b\""
                     " any=\"quoted \\\"value\\\" with \\x00 \\n\\r\\t\\\\ escapes\""
                     " utf8=\"caf\\xc3\\xa9\"");
}

static void any_byte_stays_within_its_line_and_its_quotes(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);
    char bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }

    log_event(log, "bytes", log_bytes("all", slice_of_bytes(bytes, sizeof bytes)));
    log_close(log);

    char *content = read_file();
    const size_t length = strlen(content);
    size_t quotes = 0;
    for (size_t i = 0; i < length - 1; i++) {
        assert_in_range((unsigned char)content[i], ' ', '~');
        quotes += content[i] == '"' && content[i - 1] != '\\';
    }
    assert_int_equal(quotes, 2);
    assert_int_equal(content[length - 1], '\n');
    free(content);
}

static void no_log_drops_the_event(void **state)
{
    (void)state;
    log_event(NULL, "nothing", log_number("n", 1));
    log_close(NULL);
}

/* ---- Threads ---- */

enum { WRITERS = 4, LINES = 2000 };

struct source {
    struct log *log;
    int64_t index;
    pthread_t thread;
};

static void *log_lines(void *context)
{
    const struct source *source = context;
    for (int64_t i = 0; i < LINES; i++) {
        log_event(source->log, "line", log_number("thread", source->index), log_number("n", i));
    }
    return NULL;
}

static void lines_of_many_threads_are_whole_and_in_the_order_of_each(void **state)
{
    (void)state;
    struct log *log = open_log(&patient);
    struct source sources[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        sources[i] = (struct source){.log = log, .index = i};
        assert_int_equal(pthread_create(&sources[i].thread, NULL, log_lines, &sources[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(sources[i].thread, NULL), 0);
    }
    assert_int_equal(log_dropped(log), 0);
    log_close(log);

    char *content = read_file();
    int next[WRITERS] = {0};
    int lines = 0;
    for (const char *line = content; *line != '\0'; line = strchr(line, '\n') + 1) {
        const size_t thread = (size_t)(line[TIME_LENGTH + strlen(" event=line thread=")] - '0');
        assert_in_range(thread, 0, WRITERS - 1);
        char wanted[64];
        const int length =
            snprintf(wanted, sizeof wanted, " event=line thread=%zu n=%d\n", thread, next[thread]);
        assert_true(is_time(line));
        assert_memory_equal(line + TIME_LENGTH, wanted, (size_t)length);
        next[thread]++;
        lines++;
    }
    assert_int_equal(lines, WRITERS * LINES);
    free(content);
}

static void a_line_is_in_the_file_soon(void **state)
{
    (void)state;
    struct log_limits limits = patient;
    limits.write_every_ms = 10;
    struct log *log = open_log(&limits);

    log_fields(log, "first", NULL, 0);
    wait_for_text(" event=first\n");
    log_fields(log, "second", NULL, 0);
    wait_for_text(" event=second\n");

    log_close(log);
}

static void many_lines_do_not_wait_for_their_time(void **state)
{
    (void)state;
    struct log_limits limits = patient;
    limits.pending_max = 4096;
    struct log *log = open_log(&limits);

    for (int i = 0; i < 30; i++) { /* over half of the half that gathers */
        log_event(log, "one_of_many", log_number("n", i));
    }
    wait_for_text(" event=one_of_many n=0\n");

    log_close(log);
}

/* ---- What finds no room ---- */

static void a_line_that_no_memory_can_hold_is_dropped_and_told_of(void **state)
{
    (void)state;
    struct log_limits limits = patient;
    limits.pending_max = 256;
    limits.write_every_ms = 10;
    struct log *log = open_log(&limits);
    char large[128];
    memset(large, 'x', sizeof large);

    log_event(log, "large", log_bytes("text", slice_of_bytes(large, sizeof large)));
    log_event(log, "large", log_bytes("text", slice_of_bytes(large, sizeof large)));
    assert_int_equal(log_dropped(log), 2);
    wait_for_text("count="); /* once for each of them, or for both */
    log_fields(log, "small", NULL, 0);
    log_close(log);

    char *content = read_file();
    assert_non_null(strstr(content, " event=log_lines_dropped count="));
    assert_non_null(strstr(content, " event=small\n"));
    assert_null(strstr(content, "event=large"));
    free(content);
}

static void lines_that_the_disk_refuses_are_counted_and_told_of_later(void **state)
{
    (void)state;
    struct log_limits limits = patient;
    limits.write_every_ms = 10;
    struct log *log = open_log(&limits);
    log_fields(log, "before", NULL, 0);
    wait_for_text(" event=before\n");

    from_here_on_files_end_at(0);
    for (int i = 0; i < 5; i++) {
        log_event(log, "refused", log_number("n", i));
    }
    wait_for_dropped(log, 5);
    from_here_on_files_end_at(RLIM_INFINITY);

    wait_for_text(" event=log_lines_dropped count=5\n");
    log_fields(log, "after", NULL, 0);
    log_close(log);

    char *content = read_file();
    assert_non_null(strstr(content, " event=after\n"));
    assert_null(strstr(content, "event=refused"));
    const char *told = strstr(content, "log_lines_dropped");
    assert_null(strstr(told + 1, "log_lines_dropped"));
    free(content);
}

static void a_disk_that_stays_full_does_not_keep_a_log_from_closing(void **state)
{
    (void)state;
    struct log_limits limits = patient;
    limits.write_every_ms = 10;
    struct log *log = NULL;
    assert_int_equal(log_open("/dev/full", &limits, &log), STATUS_OK);

    log_fields(log, "one", NULL, 0);
    log_fields(log, "two", NULL, 0);
    wait_for_dropped(log, 2);

    log_fields(log, "three", NULL, 0);
    log_close(log);
}

/*
 * A log whose thread waits in its write until the process ends: standard error is a full pipe that
 * nobody reads. Its reading end stays open, as that thread would otherwise go on, in whatever
 * standard error is by then.
 */
struct stuck {
    struct log *log;
    int standard_error;
};

static struct stuck open_stuck_log(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct stuck stuck = {.standard_error = dup(STDERR_FILENO)};
    assert_true(stuck.standard_error >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    struct log_limits limits = patient;
    limits.pending_max = (size_t)1024 * 1024;
    assert_int_equal(log_open("-", &limits, &stuck.log), STATUS_OK);
    return stuck;
}

static void close_stuck_log(const struct stuck *stuck)
{
    log_close(stuck->log);
    assert_true(dup2(stuck->standard_error, STDERR_FILENO) >= 0);
    close(stuck->standard_error);
}

static void a_write_that_never_returns_holds_up_nobody(void **state)
{
    (void)state;
    struct stuck stuck = open_stuck_log();

    const struct instant deadline = instant_after_ms(instant_now(), LONG_MS);
    while (log_dropped(stuck.log) == 0) {
        assert_true(instant_is_before(instant_now(), deadline));
        log_event(stuck.log, "nobody_reads_this", log_text("text", "a line of some length"));
    }
    close_stuck_log(&stuck);
    assert_true(instant_is_before(instant_now(), deadline));
}

static void traffic_leaves_room_for_events(void **state)
{
    (void)state;
    struct stuck stuck = open_stuck_log();
    while (log_dropped(stuck.log) == 0) {
        log_traffic(stuck.log, "input", log_text("line", "one of very many"));
    }

    for (int i = 0; i < 1000; i++) {
        log_event(stuck.log, "node_down", log_text("cause", "one of few"));
    }

    assert_int_equal(log_dropped(stuck.log), 1);
    close_stuck_log(&stuck);
}

static void a_log_rotates(void **state)
{
    (void)state;
    struct log_limits limits = patient;
    limits.file_size_max = 100;
    struct log *log = open_log(&limits);
    for (int i = 0; i < 9; i++) {
        log_event(log, "line", log_number("n", i)); /* 42 bytes */
    }
    log_close(log);

    char older[sizeof path + 2];
    snprintf(older, sizeof older, "%s.1", path);
    assert_only_line("event=line n=8");
    assert_int_equal(unlink(older), 0);
}

static void opening_says_why_it_failed(void **state)
{
    (void)state;
    struct log *log = NULL;
    assert_int_equal(log_open("/tmp/absent/log", &patient, &log), STATUS_NOT_FOUND);
    assert_int_equal(log_open("/tmp", &patient, &log), STATUS_IO);

    const bool is_root = geteuid() == 0; /* whom no permission binds */
    if (is_root) {
        assert_int_equal(seteuid(65534), 0);
    }
    const enum status status = log_open("/usr/herd.log", &patient, &log);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(status, STATUS_NOT_PERMITTED);
    assert_null(log);
}

static void opening_says_when_there_is_no_memory(void **state)
{
    (void)state;
    struct log *log = NULL;
    unsigned nth = 1;
    for (;; nth++) {
        faults_begin(nth);
        const enum status status = log_open(path, &patient, &log);
        if (!faults_end()) {
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_null(log);
    }
    assert_true(nth > 6); /* itself, two buffers, the file, the condition, the thread */
    log_close(log);
}

static void the_default_limits_are_those_of_the_header(void **state)
{
    (void)state;
    assert_int_equal(log_limits_default.file_size_max, 64 * 1024 * 1024);
    assert_int_equal(log_limits_default.files_max, 4);
    assert_int_equal(log_limits_default.pending_max, 4 * 1024 * 1024);
    assert_int_equal(log_limits_default.write_every_ms, 100);
}

#define WITH_FILE(claim) cmocka_unit_test_setup_teardown(claim, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(an_event_is_a_line_of_time_name_and_fields),
        WITH_FILE(an_event_may_have_no_fields),
        WITH_FILE(the_time_is_that_of_the_event),
        WITH_FILE(numbers_of_any_size_are_written),
        WITH_FILE(text_that_is_not_plain_is_quoted),
        WITH_FILE(any_byte_stays_within_its_line_and_its_quotes),
        cmocka_unit_test(no_log_drops_the_event),
        WITH_FILE(lines_of_many_threads_are_whole_and_in_the_order_of_each),
        WITH_FILE(a_line_is_in_the_file_soon),
        WITH_FILE(many_lines_do_not_wait_for_their_time),
        WITH_FILE(a_line_that_no_memory_can_hold_is_dropped_and_told_of),
        WITH_FILE(lines_that_the_disk_refuses_are_counted_and_told_of_later),
        cmocka_unit_test(a_disk_that_stays_full_does_not_keep_a_log_from_closing),
        cmocka_unit_test(a_write_that_never_returns_holds_up_nobody),
        cmocka_unit_test(traffic_leaves_room_for_events),
        WITH_FILE(a_log_rotates),
        cmocka_unit_test(opening_says_why_it_failed),
        WITH_FILE(opening_says_when_there_is_no_memory),
        cmocka_unit_test(the_default_limits_are_those_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
