/*
 * One connection's side of the client protocol: the commands that are said and not yet answered, in
 * order, and the check of what comes back. Knows no socket and no clock.
 *
 * Owns:   the lines it said, until they are answered.
 * Limits: `window` commands outstanding.
 */
#ifndef BENCH_CONVERSATION_H
#define BENCH_CONVERSATION_H

#include "tests/bench/tally.h"
#include "tests/bench/workload.h"

struct pending;

/* lines[answered .. sent) waits for answers, lines[sent .. end) waits to be sent. */
struct conversation {
    struct workload *workload; /* borrowed */
    struct workload_client client;
    size_t window;
    size_t outstanding;      /* commands said and not answered */
    size_t oldest;           /* where the oldest of them is in the ring `pending` */
    size_t scanned;          /* bytes of an incomplete answer that were looked at already */
    struct pending *pending; /* of a power of two, at least window */
    size_t pending_mask;
    char *lines;
    size_t capacity;
    size_t answered;
    size_t sent;
    size_t end;
};

/* STATUS_NO_MEMORY. The workload outlives the conversation. */
enum status conversation_init(struct conversation *conversation,
    struct workload *workload,
    struct workload_client client,
    size_t window) MUST_USE;
void conversation_clear(struct conversation *conversation);

bool conversation_has_room(const struct conversation *conversation);

/* Says the next command, or the next report, which counts as due at due_ns (of any clock), with
 * time_ns as its time stamp. Needs room. */
void conversation_say(struct conversation *conversation, int64_t due_ns, int64_t time_ns);
void conversation_report(struct conversation *conversation, int64_t due_ns, int64_t time_ns);

/* What waits to be sent; borrowed until the next call. `count` bytes of it have been sent. */
struct slice conversation_unsent(const struct conversation *conversation);
void conversation_mark_sent(struct conversation *conversation, size_t count);

/*
 * Checks the answers in `received`, which starts where the last call stopped, and tallies them as
 * of now_ns (of the clock of due_ns). Returns how many bytes it is done with; the rest must come
 * again with what follows it.
 */
size_t conversation_hear(
    struct conversation *conversation, struct slice received, int64_t now_ns, struct tally *tally);

#endif
