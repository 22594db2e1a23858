/* Does a node answer every request, operation by operation, and only those that are meant for it?
 */
#include "common/message_codec.h"
#include "herd-node/operations.h"
#include "tests/support/faults.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECEIVED_NS INT64_C(1520023935182837383)

enum { TOLD_MAX = 16, REPORTS_MAX = 3 };

struct told {
    enum operation_kind operation;
    enum outcome_kind outcome;
    bool has_report;
};

struct node {
    struct report_table *table;
    struct operations *operations;
    struct buffer request;
    struct buffer answer;
    struct response response; /* the last one, borrowed from `answer` */
    size_t told_count;
    struct told told[TOLD_MAX];
};

static void tell(void *context,
    const struct operation *operation,
    enum outcome_kind outcome,
    const struct report *report)
{
    struct node *node = context;
    if (node->told_count < TOLD_MAX) {
        node->told[node->told_count++] = (struct told){
            .operation = operation->kind, .outcome = outcome, .has_report = report != NULL};
    }
}

static int start(void **state)
{
    struct node *node = calloc(1, sizeof *node);
    struct operations_config config = {
        .herd = slice_of("goloman"), .self = slice_of("Hands"), .incarnation = 5};
    if (node == NULL || report_table_create(REPORTS_MAX, 1, 1, &node->table) != STATUS_OK ||
        operations_create(&config, node->table, tell, node, &node->operations) != STATUS_OK) {
        return -1;
    }
    node->request = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    node->answer = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    *state = node;
    return 0;
}

static int stop(void **state)
{
    struct node *node = *state;
    operations_destroy(node->operations);
    report_table_destroy(node->table);
    buffer_clear(&node->request);
    buffer_clear(&node->answer);
    free(node);
    return 0;
}

static void ask(struct node *node, const char *herd, const char *server)
{
    buffer_reset(&node->request);
    assert_int_equal(request_begin(&node->request, slice_of(herd), slice_of(server)), STATUS_OK);
}

static void add_accept(struct node *node, const char *id, const char *location, const char *time)
{
    struct operation operation = {
        .kind = OPERATION_ACCEPT,
        .id = slice_of(id),
        .location = slice_of(location),
        .time = slice_of(time),
    };
    assert_int_equal(request_add(&node->request, &operation), STATUS_OK);
}

static void add_locate(struct node *node, const char *id)
{
    struct operation operation = {.kind = OPERATION_LOCATE, .id = slice_of(id)};
    assert_int_equal(request_add(&node->request, &operation), STATUS_OK);
}

/* Lets the node answer, and reads the answer, which there always is. */
static enum status answer(struct node *node)
{
    buffer_reset(&node->answer);
    enum status status = operations_answer(
        node->operations, buffer_slice(&node->request), RECEIVED_NS, &node->answer);
    assert_int_equal(response_decode(buffer_slice(&node->answer), &node->response), STATUS_OK);
    assert_true(slice_equals(node->response.herd, slice_of("goloman")));
    assert_true(slice_equals(node->response.server, slice_of("Hands")));
    assert_int_equal(node->response.incarnation, 5);
    assert_int_equal(node->response.received_ns, RECEIVED_NS);
    return status;
}

static void assert_outcomes(const struct node *node, const enum outcome_kind *kinds, size_t count)
{
    assert_int_equal(node->response.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(node->response.outcomes[i].kind, kinds[i]);
    }
}

static void a_greeting_is_answered_without_outcomes(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");

    assert_int_equal(answer(node), STATUS_OK);

    assert_int_equal(node->response.count, 0);
}

static void what_was_accepted_is_found_in_the_same_request(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_locate(node, "kiwi");
    add_accept(node, "kiwi", "+34-118", "1520023934.918963997");
    add_locate(node, "kiwi");

    assert_int_equal(answer(node), STATUS_OK);

    static const enum outcome_kind wanted[] = {OUTCOME_UNKNOWN, OUTCOME_ACCEPTED, OUTCOME_FOUND};
    assert_outcomes(node, wanted, 3);
    const struct report *report = &node->response.outcomes[2].report;
    assert_true(slice_equals(report->server, slice_of("Hands")));
    assert_true(slice_equals(report->location, slice_of("+34-118")));
    assert_true(slice_equals(report->time, slice_of("1520023934.918963997")));
    assert_int_equal(report->received_ns, RECEIVED_NS);
}

static void what_was_accepted_is_known_to_no_neighbour_yet(void **state)
{
    struct node *node = *state;
    struct report_table_item item;
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");
    assert_int_equal(answer(node), STATUS_OK);

    report_table_seek(node->table, 0, 0);
    assert_true(report_table_peek(node->table, 0, UINT64_MAX, &item));
    assert_int_equal(item.known, 0);
}

/* Neighbouring ACCEPTs are taken together; a LOCATE must not see the ones behind it. */
static void each_locate_finds_what_the_accepts_before_it_made(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");
    add_locate(node, "kiwi");
    add_accept(node, "kiwi", "+34-118", "11");
    add_accept(node, "kiwi", "+34-118", "9");
    add_accept(node, "kiwi", "34-118", "99");
    add_accept(node, "kiwi", "+34-118", "12");
    add_locate(node, "kiwi");
    add_accept(node, "kiwi", "+34-118", "13");

    assert_int_equal(answer(node), STATUS_OK);

    static const enum outcome_kind wanted[] = {OUTCOME_ACCEPTED,
        OUTCOME_FOUND,
        OUTCOME_ACCEPTED,
        OUTCOME_ACCEPTED,
        OUTCOME_REFUSED,
        OUTCOME_ACCEPTED,
        OUTCOME_FOUND,
        OUTCOME_ACCEPTED};
    assert_outcomes(node, wanted, 8);
    assert_true(slice_equals(node->response.outcomes[1].report.time, slice_of("10")));
    assert_true(slice_equals(node->response.outcomes[6].report.time, slice_of("12")));
    assert_int_equal(operations_counters(node->operations).accepted_newer, 4);
    assert_int_equal(operations_counters(node->operations).accepted_older, 1);
}

static void an_older_report_is_answered_alike_and_changes_nothing(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");
    add_accept(node, "kiwi", "+35-118", "9");
    add_accept(node, "kiwi", "+34-118", "10");
    add_locate(node, "kiwi");

    assert_int_equal(answer(node), STATUS_OK);

    static const enum outcome_kind wanted[] = {
        OUTCOME_ACCEPTED, OUTCOME_ACCEPTED, OUTCOME_ACCEPTED, OUTCOME_FOUND};
    assert_outcomes(node, wanted, 4);
    assert_true(slice_equals(node->response.outcomes[3].report.time, slice_of("10")));
    assert_int_equal(report_table_head(node->table), 1);
    assert_int_equal(operations_counters(node->operations).accepted_newer, 1);
    assert_int_equal(operations_counters(node->operations).accepted_older, 2);
}

static void a_report_that_breaks_a_rule_is_refused_and_the_next_one_is_not(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "34-118", "10");
    add_accept(node, "kiwi", "+34-118", "-10");
    add_accept(node, "", "+34-118", "10");
    add_accept(node, "kiwi", "+34-118", "10");

    assert_int_equal(answer(node), STATUS_OK);

    static const enum outcome_kind wanted[] = {
        OUTCOME_REFUSED, OUTCOME_REFUSED, OUTCOME_REFUSED, OUTCOME_ACCEPTED};
    assert_outcomes(node, wanted, 4);
    assert_int_equal(operations_counters(node->operations).refused, 3);
}

static void a_full_table_refuses_new_ids_only(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_accept(node, "a", "+34-118", "10");
    add_accept(node, "b", "+34-118", "10");
    add_accept(node, "c", "+34-118", "10");
    add_accept(node, "d", "+34-118", "10");
    add_accept(node, "a", "+34-118", "11");

    assert_int_equal(answer(node), STATUS_OK);

    static const enum outcome_kind wanted[] = {
        OUTCOME_ACCEPTED, OUTCOME_ACCEPTED, OUTCOME_ACCEPTED, OUTCOME_REFUSED, OUTCOME_ACCEPTED};
    assert_outcomes(node, wanted, 5);
}

static void what_is_meant_for_another_is_answered_empty_and_not_done(void **state)
{
    struct node *node = *state;
    ask(node, "hill", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");
    assert_int_equal(answer(node), STATUS_NOT_FOUND);
    assert_int_equal(node->response.count, 0);

    ask(node, "goloman", "Welsh");
    add_accept(node, "kiwi", "+34-118", "10");
    assert_int_equal(answer(node), STATUS_NOT_FOUND);
    assert_int_equal(node->response.count, 0);

    assert_int_equal(report_table_count(node->table), 0);
    assert_int_equal(operations_counters(node->operations).refused_requests, 2);
    assert_int_equal(operations_counters(node->operations).requests, 2);
}

static void what_cannot_be_understood_is_answered_empty(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");
    node->request.data[0] = MESSAGE_VERSION + 1;
    assert_int_equal(answer(node), STATUS_UNSUPPORTED_VERSION);
    assert_int_equal(node->response.count, 0);
    node->request.data[0] = MESSAGE_VERSION;
    buffer_truncate(&node->request, node->request.length - 1);
    assert_int_equal(answer(node), STATUS_MALFORMED);
    assert_int_equal(node->response.count, 0);
    buffer_reset(&node->request);
    assert_int_equal(answer(node), STATUS_MALFORMED);

    assert_int_equal(report_table_count(node->table), 0);
}

/* The gateway asks again for what is missing. */
static void what_does_not_fit_into_the_response_is_left_out_at_its_end(void **state)
{
    enum { LONG = 20000, ASKED = 10 };
    struct node *node = *state;
    static char time[LONG + 1];
    memset(time, '1', LONG);
    time[1] = '.';
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", time);
    assert_int_equal(answer(node), STATUS_OK);
    ask(node, "goloman", "Hands");
    for (int i = 0; i < ASKED; i++) {
        add_locate(node, "kiwi");
    }
    add_locate(node, "lime"); /* its outcome would fit, and would be taken for another's */

    assert_int_equal(answer(node), STATUS_OK);

    assert_int_equal(node->response.count, MESSAGE_BATCH_BYTES_MAX / LONG);
    for (size_t i = 0; i < node->response.count; i++) {
        assert_int_equal(node->response.outcomes[i].kind, OUTCOME_FOUND);
    }
}

static void the_observer_is_told_of_each_operation(void **state)
{
    struct node *node = *state;
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");
    add_accept(node, "kiwi", "34-118", "10");
    add_locate(node, "kiwi");
    add_locate(node, "lime");

    assert_int_equal(answer(node), STATUS_OK);

    static const struct told wanted[] = {
        {OPERATION_ACCEPT, OUTCOME_ACCEPTED, true},
        {OPERATION_ACCEPT, OUTCOME_REFUSED, false},
        {OPERATION_LOCATE, OUTCOME_FOUND, true},
        {OPERATION_LOCATE, OUTCOME_UNKNOWN, false},
    };
    assert_int_equal(node->told_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(node->told[i].operation, wanted[i].operation);
        assert_int_equal(node->told[i].outcome, wanted[i].outcome);
        assert_int_equal(node->told[i].has_report, wanted[i].has_report);
    }
    assert_int_equal(operations_counters(node->operations).found, 1);
    assert_int_equal(operations_counters(node->operations).unknown, 1);
}

static void it_works_without_an_observer(void **state)
{
    struct node *node = *state;
    struct operations_config config = {
        .herd = slice_of("goloman"), .self = slice_of("Hands"), .incarnation = 5};
    operations_destroy(node->operations);
    assert_int_equal(
        operations_create(&config, node->table, NULL, NULL, &node->operations), STATUS_OK);
    ask(node, "goloman", "Hands");
    add_accept(node, "kiwi", "+34-118", "10");

    assert_int_equal(answer(node), STATUS_OK);

    assert_int_equal(node->response.count, 1);
}

static void memory_that_runs_out_at_creation_is_said(void **state)
{
    struct node *node = *state;
    struct operations_config config = {
        .herd = slice_of("goloman"), .self = slice_of("Hands"), .incarnation = 5};
    struct operations *operations;
    faults_begin(1);

    enum status status = operations_create(&config, node->table, NULL, NULL, &operations);

    assert_true(faults_end());
    assert_int_equal(status, STATUS_NO_MEMORY);
    operations_destroy(NULL);
}

#define OPERATIONS_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPERATIONS_TEST(a_greeting_is_answered_without_outcomes),
        OPERATIONS_TEST(what_was_accepted_is_found_in_the_same_request),
        OPERATIONS_TEST(what_was_accepted_is_known_to_no_neighbour_yet),
        OPERATIONS_TEST(each_locate_finds_what_the_accepts_before_it_made),
        OPERATIONS_TEST(an_older_report_is_answered_alike_and_changes_nothing),
        OPERATIONS_TEST(a_report_that_breaks_a_rule_is_refused_and_the_next_one_is_not),
        OPERATIONS_TEST(a_full_table_refuses_new_ids_only),
        OPERATIONS_TEST(what_is_meant_for_another_is_answered_empty_and_not_done),
        OPERATIONS_TEST(what_cannot_be_understood_is_answered_empty),
        OPERATIONS_TEST(what_does_not_fit_into_the_response_is_left_out_at_its_end),
        OPERATIONS_TEST(the_observer_is_told_of_each_operation),
        OPERATIONS_TEST(it_works_without_an_observer),
        OPERATIONS_TEST(memory_that_runs_out_at_creation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
