/*
 * The second step of WHATSAT: which places worker is asked, and what is said when none answers.
 * Pure: events come in with the time, effects go out.
 *
 * A lane carries one look-up, and a worker has as many lanes as threads. The least busy worker is
 * asked first, one that answered late or wrongly last; while all are busy, look-ups wait in the
 * order they came. One that fails is repeated until its deadline, or until it has failed
 * LOOKUPS_TRIES_MAX times, of which all lanes of a worker that dies are one. Then, or when too many
 * wait, the answer says so in Google's own terms. An answer that its worker allows to be kept is
 * given again to the same question, without asking anybody.
 *
 *           connected         sends            late
 *     AWAY ───────────▶ IDLE ───────▶ BUSY ───────────▶ CANCELLED
 *      ▲ ▲     lost      │ ▲ answered   │  failed           │ failed
 *      │ └───────────────┘ └────────────┤                   │
 *      └────────────────────────────────┴───────────────────┘   (IDLE where still connected)
 *
 * Workers come and go by lookups_set_workers. One that goes is asked nothing more, and its lanes
 * are closed, those that are BUSY when they no longer are. So nothing is asked twice for that.
 *
 * Limits: LOOKUPS_MAX look-ups at once; LOOKUPS_TRIES_MAX for each; cache_bytes_max; the topology's
 *         of workers and threads.
 */
#ifndef GATEWAY_LOOKUPS_H
#define GATEWAY_LOOKUPS_H

#include "common/instant.h"
#include "common/location.h"
#include "common/places_provider.h"
#include "common/places_status.h"
#include "common/slice.h"
#include "common/status.h"
#include "common/topology.h"
#include "gateway/origin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOOKUPS_MAX = 4096,
    LOOKUPS_TRIES_MAX = 3,          /* a look-up that ends workers must not end them all */
    LOOKUPS_REDIAL_MS_MIN = 2000,   /* after a loss, then doubling: the network may have */
    LOOKUPS_REDIAL_MS_MAX = 16000,  /* swallowed what would have brought the lane back */
    LOOKUPS_SUSPECT_MS = 60 * 1000, /* a worker that answered wrongly or late is asked last */
    LOOKUPS_MARGIN_MS = 250, /* beyond the time a worker may take, for the way there and back */
    /* Those of workers that go have a look-up each. */
    LOOKUPS_LANES_MAX = TOPOLOGY_WORKERS_MAX * TOPOLOGY_THREADS_MAX + LOOKUPS_MAX,
};

struct lookups;

struct lookups_settings {
    unsigned timeout_ms;    /* of one look-up at a worker */
    size_t cache_bytes_max; /* of answers that are kept; 0: none are */
};

/* Without workers, of which nothing is found. STATUS_NO_MEMORY. */
enum status lookups_create(
    const struct lookups_settings *settings, struct lookups **ret_lookups) MUST_USE;
void lookups_destroy(struct lookups *lookups);

/*
 * The number of a lane is its place in a table, and above that how many lanes had that place
 * before: what is still told of a lane that was closed is not taken for news of the next one there.
 */
enum { LOOKUPS_PLACE_BITS = 32 };
size_t lookups_place_of(uint64_t lane); /* below LOOKUPS_LANES_MAX */

/* ---- Effects: what the caller must now do, in order, before the next event ---- */

enum lookups_effect_kind {
    LOOKUPS_DIAL,           /* lane, worker, url: it is new, or stays lost */
    LOOKUPS_SEND,           /* lane, bytes */
    LOOKUPS_CANCEL,         /* lane: its request is given up */
    LOOKUPS_CLOSE,          /* lane: it is not to be heard of again */
    LOOKUPS_DONE,           /* origin, at_line, json; fault: why it has no places, or NULL */
    LOOKUPS_WORKER_ADDED,   /* worker */
    LOOKUPS_WORKER_REMOVED, /* worker */
    LOOKUPS_WORKER_UP,      /* worker */
    LOOKUPS_WORKER_DOWN,    /* worker */
    LOOKUPS_FAULT,          /* lane, worker, fault: it answered wrongly, or not in time */
};

/* All pointers are borrowed until the next event. */
struct lookups_effect {
    enum lookups_effect_kind kind;
    uint64_t lane;
    const char *worker; /* its name */
    const char *url;
    struct origin origin;
    struct slice bytes;
    struct slice at_line;
    struct slice json;
    const char *fault; /* a static text */
};

/* The next effect of the last event; NULL: no more. */
const struct lookups_effect *lookups_next_effect(struct lookups *lookups);

/* ---- Events ---- */

/*
 * These are the workers from now on; only name, requests_url and threads matter, and they are
 * copied. One that was there before with the same three stays as it is. STATUS_NO_MEMORY: all do.
 */
enum status lookups_set_workers(struct lookups *lookups,
    struct instant now,
    const struct topology_worker *workers,
    size_t count) MUST_USE;

struct lookups_question {
    struct origin origin;
    struct slice at_line; /* copied; given back with the answer */
    struct location location;
    double radius_m;
    unsigned results_max;
};

/* Exactly one LOOKUPS_DONE with this origin will follow, at once or later. */
void lookups_ask(
    struct lookups *lookups, struct instant now, const struct lookups_question *question);

void lookups_lane_connected(struct lookups *lookups, struct instant now, uint64_t lane_number);
void lookups_lane_lost(struct lookups *lookups, struct instant now, uint64_t lane_number);
void lookups_lane_response(
    struct lookups *lookups, struct instant now, uint64_t lane_number, struct slice response);
void lookups_lane_failed(
    struct lookups *lookups, struct instant now, uint64_t lane_number, enum status status);

/* To be called when lookups_deadline has passed; earlier or a little later does no harm. */
void lookups_tick(struct lookups *lookups, struct instant now);
struct instant lookups_deadline(const struct lookups *lookups);

/* ---- What can be known of it ---- */

struct lookups_worker_view {
    const char *name;
    bool is_up;
    size_t lanes_connected;
    size_t lanes_busy;
    uint64_t answered;
    uint64_t failures;
};

/* In the order of lookups_set_workers. */
size_t lookups_worker_count(const struct lookups *lookups);
struct lookups_worker_view lookups_view_worker(const struct lookups *lookups, size_t index);

struct lookups_view {
    size_t waiting;      /* for a free lane */
    size_t leaving;      /* at workers that were removed */
    uint64_t answered;   /* by a worker */
    uint64_t unanswered; /* ended with a text of ours */
    uint64_t repeated;
    uint64_t cached[PLACES_PROVIDERS][PLACES_STATUSES]; /* with an answer that had been kept */
    size_t cache_answers;
    size_t cache_bytes;
};

struct lookups_view lookups_view(const struct lookups *lookups);

#endif
