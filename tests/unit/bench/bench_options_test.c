/* Does the command line become the plan that it says, and is nonsense told? */
#include "tests/bench/bench_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 20 };

static struct bench_options options;
static char complaint_text[4096];

static enum status parse(const char *const *arguments)
{
    char copies[ARGUMENTS_MAX][128];
    char *argv[ARGUMENTS_MAX + 1] = {NULL};
    int argc = 0;
    static const char program[] = "herd-bench";
    memcpy(copies[argc], program, sizeof program);
    argv[argc] = copies[argc];
    argc++;
    for (; *arguments != NULL; arguments++) {
        memcpy(copies[argc], *arguments, strlen(*arguments) + 1);
        argv[argc] = copies[argc];
        argc++;
    }
    struct buffer complaint = buffer_with_max(sizeof complaint_text - 1);
    bool is_done = false;
    memset(&options, 0, sizeof options);
    const enum status status = bench_options_parse(argc, argv, &options, &is_done, &complaint);
    if (complaint.length > 0) {
        memcpy(complaint_text, complaint.data, complaint.length);
    }
    complaint_text[complaint.length] = '\0';
    buffer_clear(&complaint);
    assert_false(is_done);
    return status;
}

static void defaults_are_a_closed_loop_of_five_seconds(void **state)
{
    (void)state;
    assert_int_equal(parse((const char *const[]){"--connect", "127.0.0.1:16670", NULL}), STATUS_OK);

    assert_int_equal(options.load.endpoint_count, 1);
    assert_int_equal(options.load.endpoints[0].port, 16670);
    assert_int_equal(options.load.connections, 1);
    assert_int_equal(options.load.rate, 0);
    assert_int_equal(options.load.duration_ns, INT64_C(5000000000));
    assert_int_equal(options.load.workload.iamat_weight, 1);
    assert_int_equal(options.load.workload.whatsat_weight, 0);
    assert_int_equal(options.node_count, 0);
    assert_false(options.probes);
}

static void what_is_given_is_in_the_plan(void **state)
{
    (void)state;
    assert_int_equal(parse((const char *const[]){"--connect=127.0.0.1:1,127.0.0.1:2",
                         "--admin=127.0.0.1:3",
                         "--mix=whatsat=5,iamat=95",
                         "--duration=0.25",
                         "--ids=10000000",
                         "--id-bytes=20",
                         "--rate=50000",
                         "--introduce",
                         "--json",
                         "--radius=3",
                         "--bound=0",
                         "--cpu-of=4711,4712",
                         NULL}),
        STATUS_OK);

    assert_int_equal(options.load.endpoint_count, 2);
    assert_int_equal(options.node_count, 1);
    assert_int_equal(options.load.workload.iamat_weight, 95);
    assert_int_equal(options.load.workload.whatsat_weight, 5);
    assert_int_equal(options.load.duration_ns, 250000000);
    assert_int_equal(options.load.workload.ids, 10000000);
    assert_int_equal(options.load.workload.id_bytes, 20);
    assert_int_equal(options.load.workload.radius_km, 3);
    assert_int_equal(options.load.rate, 50000);
    assert_int_equal(options.process_count, 2);
    assert_int_equal(options.processes[1], 4712);
    assert_true(options.introduces);
    assert_true(options.writes_json);
}

static void a_count_alone_has_no_end_in_time(void **state)
{
    (void)state;
    assert_int_equal(
        parse((const char *const[]){"--connect=127.0.0.1:1", "--count=7", NULL}), STATUS_OK);

    assert_int_equal(options.load.count_max, 7);
    assert_int_equal(options.load.duration_ns, 0);
}

static void nonsense_is_told_with_the_option_and_the_value(void **state)
{
    (void)state;
    const char *const nonsense[][2] = {
        {"--connections=0", "--connections 0: "},
        {"--connections=many", "--connections many: "},
        {"--id-bytes=65", "--id-bytes 65: "},
        {"--mix=iamat", "--mix iamat: "},
        {"--mix=iamat=0", "--mix iamat=0: "},
        {"--mix=iamat=1,", "--mix iamat=1,: "},
        {"--mix=iamat=1;whatsat=1", "--mix iamat=1;whatsat=1: "},
        {"--duration=fast", "--duration fast: "},
        {"--admin=localhost", "--admin localhost: "},
        {"--probe-propagation=127.0.0.1:1,127.0.0.1:2", "--probe-propagation "},
        {"--bound=21", "--bound 21: "},
        {"--cpu-of=1,", "--cpu-of 1,: "},
        {"--cpu-of=self", "--cpu-of self: "},
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        const char *const arguments[] = {"--connect=127.0.0.1:1", nonsense[i][0], NULL};
        assert_int_equal(parse(arguments), STATUS_MALFORMED);
        assert_non_null(strstr(complaint_text, nonsense[i][1]));
    }
    assert_int_equal(parse((const char *const[]){"--connect=there", NULL}), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_a_closed_loop_of_five_seconds),
        cmocka_unit_test(what_is_given_is_in_the_plan),
        cmocka_unit_test(a_count_alone_has_no_end_in_time),
        cmocka_unit_test(nonsense_is_told_with_the_option_and_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
