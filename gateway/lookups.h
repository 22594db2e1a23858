/*
 * The second step of WHATSAT: which places worker is asked, and what is said when none answers.
 * Pure: events come in with the time, effects go out.
 *
 * A lane carries one look-up, and a worker has as many lanes as threads. The least busy worker is
 * asked first, one that answered late or wrongly last; while all are busy, look-ups wait in the
 * order they came. One that fails is repeated until its deadline. Then, or when too many wait, the
 * answer says so in Google's own terms. An answer that its worker allows to be kept is given again
 * to the same question, without asking anybody.
 *
 *           connected         sends            late
 *     AWAY ───────────▶ IDLE ───────▶ BUSY ───────────▶ CANCELLED
 *      ▲ ▲     lost      │ ▲ answered   │  failed           │ failed
 *      │ └───────────────┘ └────────────┤                   │
 *      └────────────────────────────────┴───────────────────┘   (IDLE where still connected)
 *
 * Limits: LOOKUPS_MAX look-ups at once; LOOKUPS_TRIES_MAX for each; cache_bytes_max.
 */
#ifndef GATEWAY_LOOKUPS_H
#define GATEWAY_LOOKUPS_H

#include "common/instant.h"
#include "common/location.h"
#include "common/slice.h"
#include "common/status.h"
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
};

struct lookups;

struct lookups_settings {
    size_t worker_count;     /* 0 is allowed: then nothing is ever found */
    const unsigned *threads; /* of each worker; only read by lookups_create */
    unsigned timeout_ms;     /* of one look-up at a worker */
    size_t cache_bytes_max;  /* of answers that are kept; 0: none are */
    struct instant now;
};

/* STATUS_NO_MEMORY. */
enum status lookups_create(
    const struct lookups_settings *settings, struct lookups **ret_lookups) MUST_USE;
void lookups_destroy(struct lookups *lookups);

/* Lanes are numbered through: those of worker 0 first, one for each of its threads. */
size_t lookups_lane_count(const struct lookups *lookups);
size_t lookups_worker_of_lane(const struct lookups *lookups, size_t lane);

/* ---- Effects: what the caller must now do, in order, before the next event ---- */

enum lookups_effect_kind {
    LOOKUPS_SEND,        /* lane, bytes */
    LOOKUPS_CANCEL,      /* lane: its request is given up */
    LOOKUPS_REDIAL,      /* lane: it stays lost */
    LOOKUPS_DONE,        /* origin, at_line, json; fault: why it has no places, or NULL */
    LOOKUPS_WORKER_UP,   /* worker */
    LOOKUPS_WORKER_DOWN, /* worker */
    LOOKUPS_FAULT,       /* lane, fault: it answered wrongly, or not in time */
};

/* All pointers are borrowed until the next event. */
struct lookups_effect {
    enum lookups_effect_kind kind;
    size_t lane;
    size_t worker;
    struct origin origin;
    struct slice bytes;
    struct slice at_line;
    struct slice json;
    const char *fault; /* a static text */
};

/* The next effect of the last event; NULL: no more. */
const struct lookups_effect *lookups_next_effect(struct lookups *lookups);

/* ---- Events ---- */

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

void lookups_lane_connected(struct lookups *lookups, struct instant now, size_t lane_index);
void lookups_lane_lost(struct lookups *lookups, struct instant now, size_t lane_index);
void lookups_lane_response(
    struct lookups *lookups, struct instant now, size_t lane_index, struct slice response);
void lookups_lane_failed(
    struct lookups *lookups, struct instant now, size_t lane_index, enum status status);

/* To be called when lookups_deadline has passed; earlier or a little later does no harm. */
void lookups_tick(struct lookups *lookups, struct instant now);
struct instant lookups_deadline(const struct lookups *lookups);

/* ---- What can be known of it ---- */

struct lookups_worker_view {
    bool is_up;
    size_t lanes_busy;
    uint64_t answered;
    uint64_t failures;
};

struct lookups_worker_view lookups_view_worker(const struct lookups *lookups, size_t worker_index);

struct lookups_view {
    size_t waiting;      /* for a free lane */
    uint64_t answered;   /* by a worker */
    uint64_t cached;     /* with an answer that had been kept */
    uint64_t unanswered; /* ended with a text of ours */
    uint64_t repeated;
    size_t cache_answers;
    size_t cache_bytes;
};

struct lookups_view lookups_view(const struct lookups *lookups);

#endif
