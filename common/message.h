/*
 * What the processes say to each other: shapes and limits, without any encoding (message_codec.h).
 *
 *   gateway ──request: operations──▶ node         gateway ──nearby──▶ places worker
 *           ◀──response: outcomes───                      ◀──places──
 *
 *   node ──gossip: what I hold of yours, what I have, some reports──▶ neighbour
 *
 * All slices in these structs are borrowed: from the caller when encoding, from the message when
 * decoding.
 */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

#include "common/location.h"
#include "common/places_provider.h"
#include "common/places_status.h"
#include "common/report.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MESSAGE_VERSION = 3,
    MESSAGE_BATCH_BYTES_MAX =
        64 * 1024, /* requests, responses, gossip: the cost of a message is per message */
    MESSAGE_OPERATIONS_MAX = 2048, /* per request; 64 KiB hold about 900 of the usual size */
    MESSAGE_REPORTS_MAX = 2048,    /* per gossip message, likewise */
    MESSAGE_SERVERS_MAX = 255,     /* different accepting servers named in one gossip message */
    MESSAGE_FIELD_MAX = REPORT_BYTES_MAX, /* any id, location or time */
    MESSAGE_NAME_MAX = 255,               /* herd and server names */
    MESSAGE_PLACES_MAX = 4 * 1024 * 1024, /* the text of one places answer */
};

/* ---- gateway -> node: a batch of operations, done in order ---- */

enum operation_kind {
    OPERATION_ACCEPT = 1, /* take this report: IAMAT */
    OPERATION_LOCATE = 2, /* tell the report of this id: the first step of WHATSAT */
};

struct operation {
    enum operation_kind kind;
    struct slice id;
    struct slice location; /* ACCEPT only, likewise time */
    struct slice time;
};

/* Whom the request is meant for; a node refuses what is meant for another. No operations: a
 * greeting. */
struct request {
    struct slice herd;
    struct slice server;
    size_t count;
    struct operation operations[MESSAGE_OPERATIONS_MAX];
};

/* ---- node -> gateway ---- */

enum outcome_kind {
    OUTCOME_ACCEPTED = 1, /* by `server` at `received_ns` of the response, newer or not */
    OUTCOME_REFUSED =
        2, /* the table is full and does not know the id, or a field breaks its rule */
    OUTCOME_UNKNOWN = 3, /* no report of this id */
    OUTCOME_FOUND = 4,   /* `report` is the last one known */
};

struct outcome {
    enum outcome_kind kind;
    struct report report; /* FOUND only; report.id is empty: the gateway knows whom it asked for */
};

/*
 * Outcomes of the first `count` operations, in order. Fewer than were asked when the response is
 * full: the rest was not done and is to be asked again.
 */
struct response {
    struct slice herd;
    struct slice server;
    uint64_t incarnation;
    int64_t received_ns; /* the node's wall clock when it got the request */
    size_t count;
    struct outcome outcomes[MESSAGE_OPERATIONS_MAX];
};

/* ---- gateway -> places worker -> gateway ---- */

struct nearby {
    struct location location;
    double radius_m;      /* 0 .. 50 000 */
    unsigned results_max; /* 0 .. 20 */
    uint32_t timeout_ms;  /* how long the gateway will wait */
};

struct places {
    enum places_provider provider; /* whose answer it is; of several that failed, the last */
    enum places_status status;     /* which the JSON says, too */
    uint32_t keep_ms;  /* for how long the gateway may give the same answer to the same question;
                          0 where there is no provider */
    struct slice json; /* as the client gets it, without the two newlines that end an answer */
};

/* ---- node -> neighbour (herd-node/README.md explains the protocol) ---- */

/* The sum of a hash of every report of a table, modulo 2^128: equal digests mean equal tables. */
struct digest {
    uint64_t low;
    uint64_t high;
};

/* What the sender holds of the receiver's log: all up to `mark`, and `(island_from, island_to]`
 * beyond a gap. */
struct holding {
    uint64_t incarnation; /* of the receiver, which this is about; 0: nothing heard from it yet */
    uint64_t number;      /* the last message of the receiver that got here */
    uint64_t mark;
    uint64_t island_from; /* equal to island_to where there is no gap */
    uint64_t island_to;
};

struct gossip_header {
    struct slice herd;
    struct slice sender;
    struct slice receiver;
    uint64_t
        incarnation; /* of the sender: random at each start, compared only for equality, never 0 */
    uint64_t number; /* counts the sender's messages on this link, from 1 */
    struct holding holding;
    uint64_t head;        /* the sender's last local sequence number */
    uint64_t count;       /* reports in its table */
    struct digest digest; /* of its table */
    bool wants_lazy;      /* the receiver is asked to push lazily: others bring what it sends */
    uint64_t from;        /* the reports below are all of the sender's with from < lseq <= to ... */
    uint64_t to;          /* ... but those that the receiver is known to hold; from == to: none */
};

/* A message without reports is a HELLO, one with reports a BATCH. */
struct gossip_message {
    struct gossip_header header;
    size_t count;
    struct report reports[MESSAGE_REPORTS_MAX];
};

#endif
