/* ACCEPTs that follow each other change the table together; LOCATE reads it. */
#include "herd-node/operations.h"

#include "common/message_codec.h"

#include <assert.h>
#include <stdlib.h>

struct operations {
    struct operations_config config;
    struct report_table *table;
    operations_observer *observer;
    void *observer_context;
    struct operations_counters counters;
    struct request request; /* scratch, like the next: too large for a stack */
    struct response response;
    struct report reports[MESSAGE_OPERATIONS_MAX]; /* of a run */
    enum upsert upserts[MESSAGE_OPERATIONS_MAX];
};

enum status operations_create(const struct operations_config *config,
    struct report_table *table,
    operations_observer *observer,
    void *observer_context,
    struct operations **ret_operations)
{
    struct operations *operations = calloc(1, sizeof *operations);
    if (operations == NULL) {
        return STATUS_NO_MEMORY;
    }
    operations->config = *config;
    operations->table = table;
    operations->observer = observer;
    operations->observer_context = observer_context;
    *ret_operations = operations;
    return STATUS_OK;
}

void operations_destroy(struct operations *operations)
{
    free(operations);
}

static void observe(const struct operations *operations,
    const struct operation *operation,
    enum outcome_kind outcome,
    const struct report *report)
{
    if (operations->observer != NULL) {
        operations->observer(operations->observer_context, operation, outcome, report);
    }
}

/* ACCEPTs that follow each other. */
struct run {
    size_t first; /* operation of the request */
    size_t count; /* their reports and upserts stand in the scratch */
};

/* Takes the reports of all ACCEPTs from `first` on, up to one that breaks a rule. */
static struct run take_run(struct operations *operations, size_t first, int64_t received_ns)
{
    size_t count = 0;
    for (size_t i = first; i < operations->request.count; i++) {
        const struct operation *operation = &operations->request.operations[i];
        if (operation->kind != OPERATION_ACCEPT || report_from_parts(operation->id,
                                                       operation->location,
                                                       operation->time,
                                                       operations->config.self,
                                                       received_ns,
                                                       &operations->reports[count]) != STATUS_OK) {
            break;
        }
        count++;
    }
    report_table_upsert_all(operations->table, operations->reports, count, 0, operations->upserts);
    return (struct run){.first = first, .count = count};
}

/* *run is the one before, and becomes the one that the operation belongs to. */
static struct outcome accept_report(
    struct operations *operations, size_t index, int64_t received_ns, struct run *run)
{
    if (index >= run->first + run->count) {
        *run = take_run(operations, index, received_ns);
    }
    const size_t place = index - run->first;
    const bool is_valid = place < run->count;
    const enum upsert upsert = is_valid ? operations->upserts[place] : UPSERT_REFUSED;
    struct outcome outcome = {.kind = OUTCOME_ACCEPTED};
    if (upsert == UPSERT_REFUSED) {
        outcome.kind = OUTCOME_REFUSED;
        operations->counters.refused++;
    } else if (upsert == UPSERT_NEWER) {
        operations->counters.accepted_newer++;
    } else {
        operations->counters.accepted_older++;
    }
    observe(operations,
        &operations->request.operations[index],
        outcome.kind,
        is_valid ? &operations->reports[place] : NULL);
    return outcome;
}

static struct outcome locate(struct operations *operations, const struct operation *operation)
{
    struct outcome outcome = {.kind = OUTCOME_FOUND};
    if (report_table_find(operations->table, operation->id, &outcome.report)) {
        operations->counters.found++;
    } else {
        outcome.kind = OUTCOME_UNKNOWN;
        operations->counters.unknown++;
    }
    bool is_found = outcome.kind == OUTCOME_FOUND;
    observe(operations, operation, outcome.kind, is_found ? &outcome.report : NULL);
    return outcome;
}

static enum status understand(struct operations *operations, struct slice message)
{
    struct request *request = &operations->request;
    enum status status = request_decode(message, request);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_for_us = slice_equals(request->herd, operations->config.herd) &&
                     slice_equals(request->server, operations->config.self);
    return is_for_us ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status operations_answer(struct operations *operations,
    struct slice request,
    int64_t received_ns,
    struct buffer *response)
{
    operations->counters.requests++;
    operations->response.herd = operations->config.herd;
    operations->response.server = operations->config.self;
    operations->response.incarnation = operations->config.incarnation;
    operations->response.received_ns = received_ns;
    enum status begun = response_begin(response, &operations->response);
    assert(begun == STATUS_OK);
    (void)begun;

    enum status status = understand(operations, request);
    if (status != STATUS_OK) {
        operations->counters.refused_requests++;
        return status;
    }
    struct run run = {0};
    for (size_t i = 0; i < operations->request.count; i++) {
        const struct operation *operation = &operations->request.operations[i];
        struct outcome outcome = operation->kind == OPERATION_ACCEPT
                                     ? accept_report(operations, i, received_ns, &run)
                                     : locate(operations, operation);
        /* What no longer fits is asked again: ACCEPT and LOCATE may be done twice. */
        if (response_add(response, &outcome) != STATUS_OK) {
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

struct operations_counters operations_counters(const struct operations *operations)
{
    return operations->counters;
}
