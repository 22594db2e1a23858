/* One connection's side of the client protocol. */
#include "tests/bench/conversation.h"

#include "tests/bench/reply_checker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)REPLY_SERVER_NAME_MAX <= (int)TALLY_NAME_BYTES_MAX,
    "a name that was checked can be counted");

struct pending {
    int64_t due_ns;
    int64_t reported_ns;
    uint64_t id;
    uint16_t line_length;
    uint16_t id_offset;
    enum command_kind kind;
};

enum status conversation_init(struct conversation *conversation,
    struct workload *workload,
    struct workload_client client,
    size_t window)
{
    assert(window > 0);
    assert(window <= SIZE_MAX / 4 / WORKLOAD_LINE_BYTES_MAX);

    size_t slots = 1;
    while (slots < window) {
        slots *= 2;
    }
    /* Twice the window: the lines are moved to the front once per window, not once per answer. */
    const size_t capacity = 2 * window * workload_line_bytes_max(workload);
    struct pending *pending = calloc(slots, sizeof *pending);
    char *lines = malloc(capacity);
    if (pending == NULL || lines == NULL) {
        free(pending);
        free(lines);
        return STATUS_NO_MEMORY;
    }
    *conversation = (struct conversation){
        .workload = workload,
        .client = client,
        .window = window,
        .pending = pending,
        .pending_mask = slots - 1,
        .lines = lines,
        .capacity = capacity,
    };
    return STATUS_OK;
}

void conversation_clear(struct conversation *conversation)
{
    free(conversation->pending);
    free(conversation->lines);
    *conversation = (struct conversation){0};
}

bool conversation_has_room(const struct conversation *conversation)
{
    return conversation->outstanding < conversation->window;
}

static void make_room_for_line(struct conversation *conversation)
{
    if (conversation->capacity - conversation->end >=
        workload_line_bytes_max(conversation->workload)) {
        return;
    }
    const size_t start = conversation->answered;
    memmove(conversation->lines, conversation->lines + start, conversation->end - start);
    conversation->answered = 0;
    conversation->sent -= start;
    conversation->end -= start;
}

typedef struct command next_command(
    struct workload *workload, struct workload_client *client, int64_t time_ns, char *line);

static void say(
    struct conversation *conversation, next_command *next, int64_t due_ns, int64_t time_ns)
{
    assert(conversation_has_room(conversation));

    make_room_for_line(conversation);
    const struct command command = next(conversation->workload,
        &conversation->client,
        time_ns,
        conversation->lines + conversation->end);
    const size_t slot =
        (conversation->oldest + conversation->outstanding) & conversation->pending_mask;
    conversation->pending[slot] = (struct pending){
        .due_ns = due_ns,
        .reported_ns = command.reported_ns,
        .id = command.id,
        .line_length = (uint16_t)command.line_length,
        .id_offset = (uint16_t)command.id_offset,
        .kind = command.kind,
    };
    conversation->end += command.line_length;
    conversation->outstanding++;
}

void conversation_say(struct conversation *conversation, int64_t due_ns, int64_t time_ns)
{
    say(conversation, workload_next, due_ns, time_ns);
}

void conversation_report(struct conversation *conversation, int64_t due_ns, int64_t time_ns)
{
    say(conversation, workload_next_report, due_ns, time_ns);
}

struct slice conversation_unsent(const struct conversation *conversation)
{
    return slice_of_bytes(
        conversation->lines + conversation->sent, conversation->end - conversation->sent);
}

void conversation_mark_sent(struct conversation *conversation, size_t count)
{
    assert(count <= conversation->end - conversation->sent);
    conversation->sent += count;
}

static struct slice oldest_command(
    const struct conversation *conversation, const struct pending *pending)
{
    return slice_of_bytes(conversation->lines + conversation->answered, pending->line_length - 1U);
}

static struct reply check_oldest(
    const struct conversation *conversation, const struct pending *pending, struct slice bytes)
{
    const struct slice command = oldest_command(conversation, pending);
    if (pending->kind == COMMAND_IAMAT) {
        return reply_check_iamat(bytes, command, slice_from(command, pending->id_offset));
    }
    char report[WORKLOAD_REPORT_BYTES_MAX];
    const size_t length =
        workload_write_report(conversation->workload, pending->id, pending->reported_ns, report);
    return reply_check_whatsat(
        bytes, conversation->scanned, command, slice_of_bytes(report, length));
}

static void forget_oldest(struct conversation *conversation, const struct pending *pending)
{
    conversation->answered += pending->line_length;
    conversation->oldest = (conversation->oldest + 1) & conversation->pending_mask;
    conversation->outstanding--;
    conversation->scanned = 0;
}

/* Right answers in a row that differ in nothing that is counted: they are tallied at once. */
struct streak {
    enum command_kind kind;
    int64_t due_ns;
    struct slice server;
    uint64_t count;
};

static void end_streak(struct streak *streak, int64_t now_ns, struct tally *tally)
{
    if (streak->count > 0) {
        const uint64_t latency_ns =
            now_ns > streak->due_ns ? (uint64_t)(now_ns - streak->due_ns) : 0;
        tally_right(tally, streak->kind, latency_ns, streak->count, streak->server);
    }
    streak->count = 0;
}

static void extend_streak(struct streak *streak,
    const struct pending *pending,
    struct slice server,
    int64_t now_ns,
    struct tally *tally)
{
    const bool continues = streak->count > 0 && streak->kind == pending->kind &&
                           streak->due_ns == pending->due_ns &&
                           slice_equals(streak->server, server);
    if (!continues) {
        end_streak(streak, now_ns, tally);
        *streak =
            (struct streak){.kind = pending->kind, .due_ns = pending->due_ns, .server = server};
    }
    streak->count++;
}

static void tally_fault(
    struct tally *tally, enum reply_verdict verdict, struct slice command, struct slice answer)
{
    if (verdict == REPLY_REFUSED) {
        tally->refused++;
        tally_example(tally, "refused", command, answer);
        return;
    }
    tally->wrong++;
    tally_example(tally, "wrong", command, answer);
}

/* What nobody asked for: line by line, so that the count means something. */
static size_t hear_unasked(struct slice bytes, struct tally *tally)
{
    size_t start = 0;
    while (start < bytes.length) {
        const struct slice rest = slice_from(bytes, start);
        const char *end = memchr(rest.data, '\n', rest.length);
        const size_t length = end == NULL ? rest.length : (size_t)(end - rest.data) + 1;
        tally->unasked++;
        tally_example(tally, "unasked", slice_of(""), slice_of_bytes(rest.data, length));
        start += length;
    }
    return bytes.length;
}

size_t conversation_hear(
    struct conversation *conversation, struct slice received, int64_t now_ns, struct tally *tally)
{
    struct streak streak = {.count = 0};
    size_t done = 0;
    while (done < received.length && conversation->outstanding > 0) {
        const struct pending *pending = &conversation->pending[conversation->oldest];
        const struct slice bytes = slice_from(received, done);
        const struct reply reply = check_oldest(conversation, pending, bytes);
        if (reply.verdict == REPLY_INCOMPLETE) {
            conversation->scanned = bytes.length;
            end_streak(&streak, now_ns, tally);
            return done;
        }
        if (reply.verdict == REPLY_RIGHT) {
            extend_streak(&streak, pending, reply.server, now_ns, tally);
        } else {
            tally_fault(tally,
                reply.verdict,
                oldest_command(conversation, pending),
                slice_of_bytes(bytes.data, reply.length));
        }
        done += reply.length;
        forget_oldest(conversation, pending);
    }
    end_streak(&streak, now_ns, tally);
    return done + hear_unasked(slice_from(received, done), tally);
}
