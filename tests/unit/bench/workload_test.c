/* Do the clients of a measurement say what the plan says, each in its own part of the ids? */
#include "tests/bench/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct workload_plan reports_only = {
    .ids = 10, .id_bytes = 10, .iamat_weight = 1, .seed = 1};

static struct workload *create(const struct workload_plan *plan, size_t client_count)
{
    struct workload *workload = NULL;
    assert_int_equal(workload_create(plan, client_count, &workload), STATUS_OK);
    return workload;
}

static struct slice id_of(const struct command *command, const char *line)
{
    return slice_of_bytes(line + command->id_offset, command->id_length);
}

static void a_report_is_a_line_of_word_id_location_and_time(void **state)
{
    (void)state;
    struct workload *workload = create(&reports_only, 1);
    struct workload_client client = workload_client(workload, 0);
    char line[WORKLOAD_LINE_BYTES_MAX];

    const struct command command =
        workload_next(workload, &client, INT64_C(1520023934918963997), line);

    struct slice rest = slice_of_bytes(line, command.line_length);
    assert_true(slice_equals(slice_next_word(&rest), slice_of("IAMAT")));
    assert_true(slice_equals(slice_next_word(&rest), slice_of("veh0000000")));
    assert_int_equal(slice_next_word(&rest).length, WORKLOAD_LOCATION_BYTES);
    assert_true(slice_equals(slice_next_word(&rest), slice_of("1520023934.918963997")));
    assert_true(slice_equals(rest, slice_of("\n")));
    workload_destroy(workload);
}

static void every_id_is_introduced_once_before_chance_picks(void **state)
{
    (void)state;
    enum { CLIENTS = 3, IDS = 10 };
    struct workload *workload = create(&reports_only, CLIENTS);
    unsigned seen[IDS] = {0};
    char line[WORKLOAD_LINE_BYTES_MAX];
    for (size_t i = 0; i < CLIENTS; i++) {
        struct workload_client client = workload_client(workload, i);
        while (client.introduced < client.owned) {
            const struct command command = workload_next(workload, &client, 1, line);
            assert_int_equal(command.id % CLIENTS, i);
            seen[command.id]++;
        }
        for (unsigned more = 0; more < 50; more++) {
            assert_int_equal(workload_next(workload, &client, 1, line).id % CLIENTS, i);
        }
    }
    for (size_t i = 0; i < IDS; i++) {
        assert_int_equal(seen[i], 1);
    }
    workload_destroy(workload);
}

static void a_question_is_about_an_id_of_the_same_client_and_knows_its_last_report(void **state)
{
    (void)state;
    const struct workload_plan plan = {.ids = 8,
        .id_bytes = 5,
        .iamat_weight = 1,
        .whatsat_weight = 1,
        .radius_km = 10,
        .bound = 5,
        .seed = 3};
    struct workload *workload = create(&plan, 2);
    struct workload_client client = workload_client(workload, 1);
    int64_t reported[8] = {0};
    char line[WORKLOAD_LINE_BYTES_MAX];
    unsigned questions = 0;
    for (int64_t time_ns = 1; time_ns <= 1000; time_ns++) {
        const struct command command = workload_next(workload, &client, time_ns, line);
        assert_int_equal(command.id % 2, 1);
        if (command.kind == COMMAND_IAMAT) {
            reported[command.id] = time_ns;
            continue;
        }
        questions++;
        assert_int_not_equal(reported[command.id], 0);
        assert_int_equal(command.reported_ns, reported[command.id]);
        const struct slice id = id_of(&command, line);
        assert_true(command.line_length <= workload_line_bytes_max(workload));
        assert_memory_equal(line, "WHATSAT ", 8);
        assert_memory_equal(id.data + id.length, " 10 5\n", 6);
    }
    assert_in_range(questions, 400, 600);
    workload_destroy(workload);
}

static void a_report_is_had_for_the_asking_whatever_the_weights_are(void **state)
{
    (void)state;
    const struct workload_plan plan = {.ids = 8, .id_bytes = 5, .whatsat_weight = 1, .seed = 3};
    struct workload *workload = create(&plan, 1);
    struct workload_client client = workload_client(workload, 0);
    char line[WORKLOAD_LINE_BYTES_MAX];
    for (int64_t time_ns = 1; time_ns <= 8; time_ns++) {
        assert_int_equal(
            workload_next_report(workload, &client, time_ns, line).kind, COMMAND_IAMAT);
    }
    assert_int_equal(client.introduced, client.owned);
    assert_int_equal(workload_next(workload, &client, 9, line).kind, COMMAND_WHATSAT);
    workload_destroy(workload);
}

static void the_same_seed_says_the_same(void **state)
{
    (void)state;
    struct workload *first = create(&reports_only, 2);
    struct workload *second = create(&reports_only, 2);
    struct workload_client a = workload_client(first, 1);
    struct workload_client b = workload_client(second, 1);
    char line_a[WORKLOAD_LINE_BYTES_MAX];
    char line_b[WORKLOAD_LINE_BYTES_MAX];
    for (int64_t time_ns = 0; time_ns < 200; time_ns++) {
        const struct command command = workload_next(first, &a, time_ns, line_a);
        assert_int_equal(
            workload_next(second, &b, time_ns, line_b).line_length, command.line_length);
        assert_memory_equal(line_a, line_b, command.line_length);
    }
    workload_destroy(first);
    workload_destroy(second);
}

static void what_is_written_of_a_report_is_what_the_line_said(void **state)
{
    (void)state;
    struct workload *workload = create(&reports_only, 1);
    struct workload_client client = workload_client(workload, 0);
    char line[WORKLOAD_LINE_BYTES_MAX];
    char report[WORKLOAD_REPORT_BYTES_MAX];
    const struct command command = workload_next(workload, &client, INT64_C(1234567890123), line);

    const size_t length = workload_write_report(workload, command.id, command.reported_ns, report);

    assert_int_equal(length, command.line_length - command.id_offset - 1);
    assert_memory_equal(report, line + command.id_offset, length);
    workload_destroy(workload);
}

static void visitors_have_ids_of_their_own(void **state)
{
    (void)state;
    struct workload_plan plan = reports_only;
    plan.visitors = 5;
    struct workload *workload = create(&plan, 1);
    char line[WORKLOAD_LINE_BYTES_MAX];
    for (uint64_t i = 0; i < plan.visitors; i++) {
        struct workload_client visitor = workload_visitor(workload, i);
        assert_int_equal(visitor.owned, 1);
        assert_int_equal(workload_next(workload, &visitor, 1, line).id, plan.ids + i);
    }
    workload_destroy(workload);
}

static void ids_of_any_allowed_length_have_that_length(void **state)
{
    (void)state;
    for (size_t id_bytes = 1; id_bytes <= WORKLOAD_ID_BYTES_MAX; id_bytes++) {
        struct workload_plan plan = reports_only;
        plan.id_bytes = id_bytes;
        struct workload *workload = create(&plan, 1);
        struct workload_client client = workload_client(workload, 0);
        char line[WORKLOAD_LINE_BYTES_MAX];
        const struct command command = workload_next(workload, &client, 1, line);
        struct slice rest = slice_of_bytes(line, command.line_length);
        (void)slice_next_word(&rest);
        assert_int_equal(slice_next_word(&rest).length, id_bytes);
        workload_destroy(workload);
    }
}

static void a_plan_that_cannot_be_is_out_of_range(void **state)
{
    (void)state;
    const struct workload_plan bad[] = {
        {.ids = 0, .id_bytes = 10, .iamat_weight = 1},
        {.ids = 11, .id_bytes = 1, .iamat_weight = 1},
        {.ids = 10, .id_bytes = 1, .iamat_weight = 1, .visitors = 1},
        {.ids = 10, .id_bytes = WORKLOAD_ID_BYTES_MAX + 1, .iamat_weight = 1},
        {.ids = 10, .id_bytes = 10},
        {.ids = 10, .id_bytes = 10, .iamat_weight = 1, .radius_km = 51},
        {.ids = 10, .id_bytes = 10, .iamat_weight = 1, .bound = 21},
        {.ids = 1, .id_bytes = 10, .iamat_weight = 1, .whatsat_weight = 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct workload *workload = NULL;
        assert_int_equal(workload_create(&bad[i], 2, &workload), STATUS_OUT_OF_RANGE);
        assert_null(workload);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_a_line_of_word_id_location_and_time),
        cmocka_unit_test(every_id_is_introduced_once_before_chance_picks),
        cmocka_unit_test(a_question_is_about_an_id_of_the_same_client_and_knows_its_last_report),
        cmocka_unit_test(a_report_is_had_for_the_asking_whatever_the_weights_are),
        cmocka_unit_test(the_same_seed_says_the_same),
        cmocka_unit_test(what_is_written_of_a_report_is_what_the_line_said),
        cmocka_unit_test(visitors_have_ids_of_their_own),
        cmocka_unit_test(ids_of_any_allowed_length_have_that_length),
        cmocka_unit_test(a_plan_that_cannot_be_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
