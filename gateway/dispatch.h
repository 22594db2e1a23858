/*
 * Which node works on a command, over which lane, and what is done when one fails. Pure: events
 * come in with the time, effects go out.
 *
 * A lane carries one request at a time. While it is away, commands gather; when it is back, all
 * that gathered leave as the next batch: at once where few clients are busy; where many are, the
 * requests of a lane keep a distance, the more the more there are, unless a batch is full.
 *
 *              greets            answered by the right server         sends
 *   WAITING ──────────▶ GREETING ───────────────────────────▶ READY ────────▶ BUSY
 *     ▲ ▲ ▲               │  │                                │  ▲   answered  │ │
 *     │ │ └───────────────┘  │ late             lost          │  └─────────────┘ │
 *     │ └────────────────────┼────────────────────────────────┘                  │
 *     │         failed       ▼                           late                    │
 *     ├───────────────── CANCELLED ◀─────────────────────────────────────────────┤
 *     └──────────────────────────────────────────────────────────────────────────┘
 *                                    failed, or answered wrongly
 *
 * A node is up while a lane of it is READY or BUSY. A client stays with one lane, so its commands
 * stay in order; it moves to another (of its own server where that is up) only when none of its
 * commands is out. The batches of a lane that fails go, in order, to a lane of another node that is
 * up, or wait for one, until the deadline of each command.
 *
 * A report may be asked for sooner than it gets here from the server that took it. So an id that is
 * unknown is asked for again, a few times within some 60 ms, before it is called unknown; the next
 * IAMAT of that client waits as long, because its report must not be found by an earlier command.
 *
 * Limits: DISPATCH_BATCHES_MAX altogether, DISPATCH_LANE_BATCHES_MAX waiting at a lane.
 */
#ifndef GATEWAY_DISPATCH_H
#define GATEWAY_DISPATCH_H

#include "common/instant.h"
#include "common/report.h"
#include "common/slice.h"
#include "common/status.h"
#include "gateway/command.h"
#include "gateway/origin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DISPATCH_BATCHES_MAX = 1024,   /* 160 KiB each, where all are full */
    DISPATCH_LANE_BATCHES_MAX = 8, /* beyond them clients wait, so one slow node is not all */
    /* A node answers in less than a millisecond, or it is ill; at most half the time for an answer.
     */
    DISPATCH_LANE_DEADLINE_MS_MAX = 1000,
    DISPATCH_GREET_EVERY_MS = 250,
    DISPATCH_DISTANCE_US_PER_CLIENT = 20, /* that is busy, beyond as many as there are lanes */
    DISPATCH_DISTANCE_US_MAX = 1000,
    DISPATCH_REPEATS_MAX = 6,       /* of an unknown id: after 1, 2, 4, 8, 16, 32 ms */
    DISPATCH_REPEATING_MAX = 1024,  /* at once; beyond them unknown is unknown */
    DISPATCH_REDIAL_MS_MIN = 2000,  /* after a loss, then doubling: the network may have */
    DISPATCH_REDIAL_MS_MAX = 16000, /* swallowed what would have brought the lane back */
};

struct dispatch;

struct dispatch_settings {
    struct slice herd;           /* borrowed, like the names */
    const struct slice *servers; /* the names of the nodes, in the order of the topology */
    size_t node_count;
    size_t lanes_per_node; /* lane = node * lanes_per_node + 0 .. lanes_per_node-1 */
    size_t clients_max;
    unsigned answer_within_ms;
    struct instant now;
};

/* STATUS_NO_MEMORY. */
enum status dispatch_create(
    const struct dispatch_settings *settings, struct dispatch **ret_dispatch) MUST_USE;
void dispatch_destroy(struct dispatch *dispatch);

/* ---- Effects: what the caller must now do, in order, before the next event ---- */

enum dispatch_effect_kind {
    DISPATCH_SEND,      /* lane, bytes */
    DISPATCH_CANCEL,    /* lane: its request is given up */
    DISPATCH_REDIAL,    /* lane: it stays lost */
    DISPATCH_ACCEPTED,  /* origin, server, received_ns: the answer to an IAMAT */
    DISPATCH_FOUND,     /* origin, found: the first step of a WHATSAT; its places are still owed */
    DISPATCH_REJECTED,  /* origin, cause: the answer to either */
    DISPATCH_NODE_UP,   /* node */
    DISPATCH_NODE_DOWN, /* node, fault: why its last lane failed */
    DISPATCH_FAULT,     /* lane, fault: a lane of it failed otherwise than by a lost connection */
};

enum dispatch_cause {
    DISPATCH_UNKNOWN_ID, /* the server has never heard of it */
    DISPATCH_REFUSED,    /* by the node: its table is full */
    DISPATCH_EXPIRED,    /* no node took it in time */
};

struct dispatch_found {
    const struct report *report; /* its id is empty: the client knows it */
    double radius_m;
    unsigned results_max;
};

/* All pointers are borrowed until the next event; `bytes` and `server` longer: until the lane
 * answers, and for ever. */
struct dispatch_effect {
    enum dispatch_effect_kind kind;
    size_t lane;
    size_t node;
    struct origin origin;
    union {
        struct slice bytes;
        struct {
            struct slice server;
            int64_t received_ns;
        } accepted;
        struct dispatch_found found;
        enum dispatch_cause cause;
        const char *fault; /* a static text */
    };
};

/* The next effect of the last event; NULL: no more. */
const struct dispatch_effect *dispatch_next_effect(struct dispatch *dispatch);

/* ---- Events ---- */

enum { DISPATCH_ANY_NODE = -1 };

/* A client came; `home` is the node it wants. Its place must be free. Returns its generation. */
uint32_t dispatch_client_opened(struct dispatch *dispatch, uint32_t client, int home);

/* It went: its commands are worked on, and no effect will name it again. */
void dispatch_client_closed(struct dispatch *dispatch, uint32_t client);

enum dispatch_result {
    DISPATCH_TAKEN,
    DISPATCH_NOT_YET, /* it changes lanes: again after the next answer to this client */
    DISPATCH_NO_ROOM, /* again when dispatch_room_count has changed */
};

/* A command of a client; its bytes are copied. It will be answered exactly once if it was taken. */
enum dispatch_result dispatch_submit(struct dispatch *dispatch,
    struct instant now,
    uint32_t client,
    uint64_t ticket,
    struct instant read_at,
    const struct command *command);

/* Lanes that are not busy send what has gathered and is due. To be called once per turn of the
 * loop, and so also when dispatch_deadline has passed. */
void dispatch_flush(struct dispatch *dispatch, struct instant now);

void dispatch_lane_connected(struct dispatch *dispatch, struct instant now, size_t lane_index);
void dispatch_lane_lost(struct dispatch *dispatch, struct instant now, size_t lane_index);
void dispatch_lane_response(
    struct dispatch *dispatch, struct instant now, size_t lane_index, struct slice response);
void dispatch_lane_failed(
    struct dispatch *dispatch, struct instant now, size_t lane_index, enum status status);

/* To be called when dispatch_deadline has passed; earlier or a little later does no harm. */
void dispatch_tick(struct dispatch *dispatch, struct instant now);
struct instant dispatch_deadline(const struct dispatch *dispatch);

/* ---- What can be known of it ---- */

/* Changes whenever room for commands appears. */
uint64_t dispatch_room_count(const struct dispatch *dispatch);

struct dispatch_node_view {
    bool is_up;
    size_t lanes_usable;
    size_t operations_waiting; /* out or gathering */
    uint64_t batches;          /* answered, likewise operations */
    uint64_t operations;
    uint64_t failures; /* requests that failed, or were answered wrongly, or too late */
};

struct dispatch_node_view dispatch_view_node(const struct dispatch *dispatch, size_t node_index);
size_t dispatch_nodes_up(const struct dispatch *dispatch);

struct dispatch_view {
    size_t operations_homeless; /* waiting for any node to come up */
    uint64_t moved_batches;     /* from a lane that failed */
    uint64_t rejected[3];       /* by enum dispatch_cause */
};

struct dispatch_view dispatch_view(const struct dispatch *dispatch);

#endif
