/* Is the file read again as it is now, and what only a restart takes over told? */
#include "common/reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALL_PARTS = ((1U << TOPOLOGY_PARTS) - 1) & ~(1U << TOPOLOGY_WORKERS) };

static const char lone[] =
    "{\"herd\": \"lone\","
    " \"nodes\": {\"A\": {\"requests\": \"tcp://127.0.0.1:1001\", \"gossip\": "
    "\"tcp://127.0.0.1:1002\", \"neighbours\": []}},"
    " \"gateways\": {\"g\": {\"listeners\": [{\"address\": \"127.0.0.1:%s\", \"server\": "
    "\"A\"}]}},"
    " \"places\": {\"workers\": {\"%s\": {\"requests\": \"tcp://127.0.0.1:1004\"}},"
    "   \"timeout_ms\": %s}}";

static struct {
    char folder[32];
    char path[64];
    char log_path[64];
    struct log *log;
    struct topology *running;
} scene;

static void write_text(const char *text)
{
    FILE *file = fopen(scene.path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void write_lone(const char *port, const char *worker, const char *timeout_ms)
{
    char text[1024];
    const int length = snprintf(text, sizeof text, lone, port, worker, timeout_ms);
    assert_in_range(length, 1, sizeof text - 1);
    write_text(text);
}

static int begin(void **state)
{
    (void)state;
    struct buffer complaint = buffer_with_max(1024);
    (void)snprintf(scene.folder, sizeof scene.folder, "/tmp/reload_test.XXXXXX");
    assert_non_null(mkdtemp(scene.folder));
    (void)snprintf(scene.path, sizeof scene.path, "%s/lone.json", scene.folder);
    (void)snprintf(scene.log_path, sizeof scene.log_path, "%s/log", scene.folder);
    assert_int_equal(log_open(scene.log_path, &log_limits_default, &scene.log), STATUS_OK);
    write_lone("1003", "w", "5000");
    assert_int_equal(topology_read(scene.path, &scene.running, &complaint), STATUS_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    topology_destroy(scene.running);
    assert_int_equal(unlink(scene.path), 0);
    assert_int_equal(unlink(scene.log_path), 0);
    assert_int_equal(rmdir(scene.folder), 0);
    return 0;
}

/* Closes the log; whether this is in it, or, if `is_in` is false, that it is not. */
static void expect_log(const char *wanted, bool is_in)
{
    char text[4096];
    log_close(scene.log);
    FILE *file = fopen(scene.log_path, "r");
    assert_non_null(file);
    const size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    assert_int_equal(fclose(file), 0);
    if ((strstr(text, wanted) != NULL) != is_in) {
        fail_msg("%s %s:\n%s", wanted, is_in ? "is not in" : "is in", text);
    }
}

static void read_and_note(struct reload *reload, const char *own)
{
    struct topology *topology = reload_read(reload, scene.log);
    assert_non_null(topology);
    reload_note(reload, topology, own, scene.log);
    topology_destroy(topology);
}

static void expect_status(const struct reload *reload, uint64_t digest, const char *restart_for)
{
    char wanted[256];
    struct buffer text = buffer_with_max(256);
    struct json_writer json = json_writer_into(&text);
    (void)snprintf(wanted,
        sizeof wanted,
        "{\"topology\":{\"digest\":\"%016llx\",\"restart_for\":\"%s\"}}",
        (unsigned long long)digest,
        restart_for);
    json_writer_begin_object(&json, NULL);
    reload_write_status(reload, &json);
    json_writer_end_object(&json);
    assert_int_equal(json.status, STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(text.data, wanted);
    buffer_clear(&text);
}

static void before_any_reload_the_status_tells_what_runs(void **state)
{
    (void)state;
    const struct reload reload = reload_of(scene.running, ALL_PARTS);

    expect_status(&reload, topology_digest(scene.running), "");
    log_close(scene.log);
}

static void what_the_file_says_now_is_read(void **state)
{
    (void)state;
    struct reload reload = reload_of(scene.running, ALL_PARTS);
    write_lone("1003", "other", "5000");

    struct topology *topology = reload_read(&reload, scene.log);
    assert_non_null(topology);
    assert_string_equal(topology->places.workers[0].name, "other");
    reload_note(&reload, topology, NULL, scene.log);

    expect_status(&reload, topology_digest(topology), "");
    topology_destroy(topology);
    expect_log("event=restart_needed", false);
}

static void other_workers_are_no_reason_to_restart(void **state)
{
    (void)state;
    struct reload reload = reload_of(scene.running, ALL_PARTS);
    write_lone("1003", "other", "5000");

    read_and_note(&reload, NULL);

    expect_log("event=topology_reloaded workers=1\n", true);
}

static void what_only_a_restart_takes_over_is_named_until_then(void **state)
{
    (void)state;
    struct reload reload = reload_of(scene.running, ALL_PARTS);
    write_lone("1009", "w", "4000");

    read_and_note(&reload, NULL);
    assert_string_equal(reload.restart_for, "gateways, places");
    read_and_note(&reload, "places.workers.w");
    assert_string_equal(reload.restart_for, "gateways, places, places.workers.w");

    write_lone("1003", "w", "5000"); /* as it was */
    read_and_note(&reload, NULL);
    expect_status(&reload, topology_digest(scene.running), "");
    expect_log("event=restart_needed for=\"gateways, places\" cause=", true);
}

static void parts_that_a_process_does_not_use_are_not_its_business(void **state)
{
    (void)state;
    struct reload reload = reload_of(scene.running, 1U << TOPOLOGY_PLACES);
    write_lone("1009", "w", "4000");

    read_and_note(&reload, NULL);

    assert_string_equal(reload.restart_for, "places");
    log_close(scene.log);
}

static void a_broken_file_is_refused_with_its_complaint_and_changes_nothing(void **state)
{
    (void)state;
    const struct reload reload = reload_of(scene.running, ALL_PARTS);
    write_lone("1003", "a name", "5000");

    assert_null(reload_read(&reload, scene.log));

    expect_status(&reload, topology_digest(scene.running), "");
    expect_log("is no name", true);
}

static void a_file_that_is_gone_is_refused(void **state)
{
    (void)state;
    const struct reload reload = reload_of(scene.running, ALL_PARTS);
    assert_int_equal(unlink(scene.path), 0);

    assert_null(reload_read(&reload, scene.log));

    expect_log("event=topology_refused cause=", true);
    write_text("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(before_any_reload_the_status_tells_what_runs),
        TEST(what_the_file_says_now_is_read),
        TEST(other_workers_are_no_reason_to_restart),
        TEST(what_only_a_restart_takes_over_is_named_until_then),
        TEST(parts_that_a_process_does_not_use_are_not_its_business),
        TEST(a_broken_file_is_refused_with_its_complaint_and_changes_nothing),
        TEST(a_file_that_is_gone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
