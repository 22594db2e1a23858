/*
 * Commands that go to a node together: encoded once, when they come, and sent as often as it takes.
 * Pure.
 *
 * Limits: a request holds at most MESSAGE_OPERATIONS_MAX operations and MESSAGE_BATCH_BYTES_MAX.
 */
#ifndef GATEWAY_BATCH_H
#define GATEWAY_BATCH_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/message.h"
#include "common/status.h"
#include "gateway/command.h"
#include "gateway/origin.h"

#include <stdbool.h>

struct batch_operation {
    struct origin origin;
    struct instant deadline;
    double radius_m;     /* LOCATE only, likewise results_max: what to do with what is found */
    uint32_t body_start; /* its encoded bytes in the body */
    uint32_t body_length;
    uint8_t kind; /* enum operation_kind */
    uint8_t results_max;
    uint8_t repeats; /* LOCATE only: how often the id was unknown so far */
    bool is_expired; /* answered already, because its deadline passed */
};

struct batch {
    struct batch *next; /* for whoever keeps batches in a list */
    struct buffer body;
    struct instant earliest; /* the first deadline among the operations, or before it */
    size_t count;
    size_t expired_count;
    struct batch_operation operations[MESSAGE_OPERATIONS_MAX];
};

/* Empty; NULL: no memory. */
struct batch *batch_create(void);
void batch_destroy(struct batch *batch);

/* Empties it and keeps the memory. */
void batch_reset(struct batch *batch);

/* Appends an IAMAT or WHATSAT; its bytes are copied. False: it is full, or memory is. */
bool batch_add(struct batch *batch,
    const struct command *command,
    struct origin origin,
    struct instant deadline);

/* The same with an operation of another batch, and its encoded bytes. */
bool batch_add_again(
    struct batch *batch, const struct batch_operation *operation, struct slice encoded);

/* The encoded bytes of the operation at `index`, borrowed until the batch changes. */
struct slice batch_encoded(const struct batch *batch, size_t index);

/*
 * Forgets the expired operations, and writes all others as one request to `server` into `message`
 * (whose max is MESSAGE_BATCH_BYTES_MAX; emptied before). STATUS_NO_MEMORY.
 */
enum status batch_encode(
    struct batch *batch, struct slice herd, struct slice server, struct buffer *message) MUST_USE;

/* Forgets the first `count` operations. */
void batch_drop_front(struct batch *batch, size_t count);

/*
 * The next operation, from *index on, whose deadline is not after `now`, marked as expired; *index
 * moves behind it. NULL: none is left, and `earliest` is right again.
 */
const struct batch_operation *batch_expire(struct batch *batch, struct instant now, size_t *index);

#endif
