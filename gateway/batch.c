/* Operations in a row, and beside them whose they are. */
#include "gateway/batch.h"

#include "common/message_codec.h"

#include <assert.h>
#include <stdlib.h>

/* What a request needs before its operations: version, kind, and two names with their lengths. */
enum { HEAD_MAX = 2 * (MESSAGE_NAME_MAX + 8) };

struct batch *batch_create(void)
{
    struct batch *batch = malloc(sizeof *batch); /* not cleared: 96 KiB that may stay untouched */
    if (batch == NULL) {
        return NULL;
    }
    batch->body = buffer_with_max(MESSAGE_BATCH_BYTES_MAX - HEAD_MAX);
    batch_reset(batch);
    return batch;
}

void batch_destroy(struct batch *batch)
{
    if (batch != NULL) {
        buffer_clear(&batch->body);
        free(batch);
    }
}

void batch_reset(struct batch *batch)
{
    batch->next = NULL;
    batch->earliest = INSTANT_NEVER;
    batch->count = 0;
    batch->expired_count = 0;
    buffer_reset(&batch->body);
}

bool batch_add(struct batch *batch,
    const struct command *command,
    struct origin origin,
    struct instant deadline)
{
    assert(command->kind != COMMAND_INVALID);
    if (batch->count == MESSAGE_OPERATIONS_MAX) {
        return false;
    }
    const struct operation operation = {
        .kind = command->kind == COMMAND_IAMAT ? OPERATION_ACCEPT : OPERATION_LOCATE,
        .id = command->id,
        .location = command->location,
        .time = command->time,
    };
    const size_t start = batch->body.length;
    if (request_add(&batch->body, &operation) != STATUS_OK) {
        return false;
    }
    batch->operations[batch->count++] = (struct batch_operation){
        .origin = origin,
        .deadline = deadline,
        .radius_m = command->radius_m,
        .body_start = (uint32_t)start,
        .body_length = (uint32_t)(batch->body.length - start),
        .kind = (uint8_t)operation.kind,
        .results_max = (uint8_t)command->results_max,
        .is_expired = false,
    };
    batch->earliest = instant_earlier(batch->earliest, deadline);
    return true;
}

bool batch_add_again(
    struct batch *batch, const struct batch_operation *operation, struct slice encoded)
{
    const size_t start = batch->body.length;
    if (batch->count == MESSAGE_OPERATIONS_MAX ||
        buffer_append(&batch->body, encoded) != STATUS_OK) {
        return false;
    }
    struct batch_operation *added = &batch->operations[batch->count++];
    *added = *operation;
    added->body_start = (uint32_t)start;
    added->body_length = (uint32_t)encoded.length;
    batch->earliest = instant_earlier(batch->earliest, operation->deadline);
    return true;
}

struct slice batch_encoded(const struct batch *batch, size_t index)
{
    const struct batch_operation *operation = &batch->operations[index];
    return slice_of_bytes(batch->body.data + operation->body_start, operation->body_length);
}

static void forget_expired(struct batch *batch)
{
    if (batch->expired_count == 0) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->operations[i].is_expired) {
            batch->operations[kept++] = batch->operations[i];
        }
    }
    batch->count = kept;
    batch->expired_count = 0;
}

/* The bytes of operations [from, ...) that lie one behind the other in the body; *from moves on. */
static struct slice next_run(const struct batch *batch, size_t *from)
{
    const size_t start = batch->operations[*from].body_start;
    size_t end = start;
    while (*from < batch->count && batch->operations[*from].body_start == end) {
        end += batch->operations[*from].body_length;
        (*from)++;
    }
    return slice_of_bytes(batch->body.data + start, end - start);
}

enum status batch_encode(
    struct batch *batch, struct slice herd, struct slice server, struct buffer *message)
{
    forget_expired(batch);
    buffer_reset(message);
    enum status status = request_begin(message, herd, server);
    size_t index = 0;
    while (status == STATUS_OK && index < batch->count) {
        status = buffer_append(message, next_run(batch, &index));
    }
    return status;
}

void batch_drop_front(struct batch *batch, size_t count)
{
    assert(count <= batch->count);
    for (size_t i = 0; i < count; i++) {
        batch->expired_count -= batch->operations[i].is_expired;
    }
    batch->count -= count;
    memmove(
        batch->operations, batch->operations + count, batch->count * sizeof batch->operations[0]);
}

const struct batch_operation *batch_expire(struct batch *batch, struct instant now, size_t *index)
{
    while (*index < batch->count) {
        struct batch_operation *operation = &batch->operations[(*index)++];
        if (!operation->is_expired && !instant_is_before(now, operation->deadline)) {
            operation->is_expired = true;
            batch->expired_count++;
            return operation;
        }
    }
    batch->earliest = INSTANT_NEVER;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->operations[i].is_expired) {
            batch->earliest = instant_earlier(batch->earliest, batch->operations[i].deadline);
        }
    }
    return NULL;
}
