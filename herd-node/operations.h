/*
 * What gateways ask of a node: requests are answered from the report table, operation by operation,
 * in order.
 *
 * A pure core. Owns: its scratch memory and counters; the table is borrowed.
 */
#ifndef HERD_NODE_OPERATIONS_H
#define HERD_NODE_OPERATIONS_H

#include "common/buffer.h"
#include "common/message.h"
#include "herd-node/report_table.h"

struct operations;

struct operations_config {
    struct slice herd; /* names are borrowed for the lifetime */
    struct slice self;
    uint64_t incarnation;
};

/* Told about each operation after it was done, for the traffic log; `report` of a LOCATE that found
 * nothing is NULL. */
typedef void operations_observer(void *context,
    const struct operation *operation,
    enum outcome_kind outcome,
    const struct report *report);

struct operations_counters {
    uint64_t requests;
    uint64_t refused_requests; /* malformed, another version, or meant for another node */
    uint64_t accepted_newer;
    uint64_t accepted_older; /* or the same once more: answered alike, nothing changed */
    uint64_t refused;
    uint64_t found;
    uint64_t unknown;
};

/* observer may be NULL. STATUS_NO_MEMORY. */
enum status operations_create(const struct operations_config *config,
    struct report_table *table,
    operations_observer *observer,
    void *observer_context,
    struct operations **ret_operations) MUST_USE;
void operations_destroy(struct operations *operations);

/*
 * Does what `request` (an encoded message) asks at the wall clock time `received_ns` and writes the
 * response into the empty buffer (max MESSAGE_BATCH_BYTES_MAX). There is always a response: one
 * without outcomes answers a greeting, and whatever cannot be understood or is meant for another
 * node. STATUS_OK or, for the log, why it was refused: STATUS_MALFORMED,
 * STATUS_UNSUPPORTED_VERSION, STATUS_NOT_FOUND (another herd or node).
 */
enum status operations_answer(struct operations *operations,
    struct slice request,
    int64_t received_ns,
    struct buffer *response) MUST_USE;

struct operations_counters operations_counters(const struct operations *operations);

#endif
