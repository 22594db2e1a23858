/*
 * Who hears what next: the protocol that makes the tables of all nodes equal (README.md draws it).
 *
 * A pure core. Events go in by calls that carry the time; what is to be sent is pulled out, link by
 * link, with gossip_next_message. It knows no socket, clock, thread or log, and allocates only when
 * it is created.
 *
 * Owns:   the state of each link. The table is borrowed and must outlive it; cursors 2*i and 2*i+1
 * of it belong to link i. Local changes of the table need no call: gossip follows its log. Limits:
 * GOSSIP_LINKS_MAX neighbours; GOSSIP_WINDOW messages in flight on a link.
 */
#ifndef HERD_NODE_GOSSIP_H
#define HERD_NODE_GOSSIP_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/message.h"
#include "common/status.h"
#include "herd-node/report_table.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GOSSIP_LINKS_MAX = 32,  /* a bit each in `known` of every report, two cursors each */
    GOSSIP_WINDOW = 8,      /* BUS queues hold 16 messages and drop the rest silently */
    GOSSIP_GATHER_US = 400, /* times the eager links: from one live batch to the next on one, */
    GOSSIP_GATHER_US_PER_CHANGE = 4, /* longer by this for each change that it covers, */
    GOSSIP_GATHER_US_MAX = 1000,     /* at most this, */
    GOSSIP_GATHER_MAX = 512,         /* and at once if so many changes are at hand */
    GOSSIP_LAZY_EVERY_MS = 20,    /* a live batch to a neighbour that gets it from others as well */
    GOSSIP_BACKFILL_EVERY_MS = 2, /* on a link: what is filled should not crowd out what is live */
    GOSSIP_CONFIRM_WITHIN_MS = 20, /* a batch, unless half a window is confirmed sooner */
    GOSSIP_HELLO_EVERY_MS = 100,   /* bounds how long a lost last message stays unnoticed */
    GOSSIP_SILENCE_MS = 250, /* two HELLOs missed: the name may be taken over by a new process */
    GOSSIP_RETURN_MS = 1000, /* silence after which a process that was replaced may return */
    GOSSIP_MISSED_MS = 1000, /* ... and after which others may have to bring what came from there:
                                on a busy machine half of it is nothing */
    GOSSIP_DIGESTS_DIFFER_MAX = 3,        /* comparisons in a row before everything is sent again */
    GOSSIP_REPEAT_ALL_MS_MIN = 1000,      /* between two such repetitions, doubled each time ... */
    GOSSIP_REPEAT_ALL_MS_MAX = 60 * 1000, /* ... up to this */
};

struct gossip;

struct gossip_config {
    struct slice herd; /* names are copied */
    struct slice self;
    uint64_t incarnation; /* random at each start, not 0 */
    size_t link_count;
    const struct slice *neighbours; /* link i leads to neighbours[i] */
};

/* STATUS_NO_MEMORY. */
enum status gossip_create(const struct gossip_config *config,
    struct report_table *table,
    struct gossip **ret_gossip) MUST_USE;
void gossip_destroy(struct gossip *gossip);

/* ---- Events ---- */

/* The way to the neighbour is open, or broken. What was sent before it broke may be lost. */
void gossip_link_opened(struct gossip *gossip, struct instant now, size_t index);
void gossip_link_lost(struct gossip *gossip, struct instant now, size_t index);

enum gossip_verdict {
    GOSSIP_TAKEN,
    GOSSIP_REFUSED_HERD,     /* another herd's */
    GOSSIP_REFUSED_RECEIVER, /* meant for another node */
    GOSSIP_REFUSED_SENDER,   /* not a neighbour of this node */
    GOSSIP_REFUSED_SECOND,   /* another process under the name of a neighbour that is alive, or was
                                replaced */
};

/* A message arrived. A refused one changes nothing. *ret_link is set unless the sender is no
 * neighbour. */
enum gossip_verdict gossip_receive(struct gossip *gossip,
    struct instant now,
    const struct gossip_message *message,
    size_t *ret_link);

/* The node is about to stop: what there is to send leaves at once from now on. */
void gossip_hurry(struct gossip *gossip);

/* ---- Effects ---- */

/*
 * The next message for this link, written into the empty `message` (max at least
 * MESSAGE_BATCH_BYTES_MAX); false: nothing is to be sent now. Call it until it says so for each
 * link, after the events at hand are in and when gossip_deadline has come.
 */
bool gossip_next_message(
    struct gossip *gossip, struct instant now, size_t index, struct buffer *message);

/* When something is to be sent even if nothing happens; INSTANT_NEVER if no link is open. */
struct instant gossip_deadline(const struct gossip *gossip);

/* ---- What it knows ---- */

struct gossip_link_status {
    struct slice neighbour;
    bool is_open;              /* we can send */
    bool is_heard;             /* a message came within GOSSIP_SILENCE_MS */
    uint64_t peer_incarnation; /* 0: never heard */
    uint64_t peer_mark;        /* the neighbour holds all of ours up to this lseq */
    uint64_t mark;             /* we hold all of its up to this lseq of its own */
    uint64_t peer_head;
    uint64_t behind; /* our changes from the first that it may lack, in lseq; 0: it lacks nothing */
    int64_t behind_ms; /* for how long `behind` was not 0 */
    bool is_caught_up; /* we hold all that it had when we first heard of it */
    bool is_lazy;      /* it asked us to push lazily: others bring it what we send */
    bool
        is_equal; /* the last comparison of digests found equal tables, and nothing changed since */
    int64_t equal_ms_ago; /* -1: never */
    uint64_t batches_sent;
    uint64_t reports_sent;
    uint64_t reports_received;
    uint64_t reports_redundant; /* of those, the ones already known */
    uint64_t batches_lost;      /* messages that did not arrive */
    uint64_t batches_repeated;  /* messages sent again, that is, at or below what was once sent */
    uint64_t repeats_of_all;    /* because digests differed */
};

struct gossip_link_status gossip_link_status(
    const struct gossip *gossip, struct instant now, size_t index);

/* Whether this node holds what a neighbour held when it was first heard, or no neighbour was heard.
 */
bool gossip_is_caught_up(const struct gossip *gossip);

#endif
