/*
 * The gate before a provider on the network: how often it may be asked, and that one look-up at a
 * time is with it where it wants that.
 *
 * The limits are those of all workers together: without a word between them, each passes its part,
 * and the parts sum up to the whole. Of a second, a part may be a fraction: 1 a second among two
 * workers is a request of each every two seconds. Of a day it is a whole number, and a worker that
 * has just started may not use it up at once: it has 1/24 (PROVIDER_START_MIN at least) from the
 * beginning, and the rest comes evenly over its first day. So starting again gains next to nothing.
 *
 * When the number of workers changes, a smaller part holds at once, for the rest of the day, and a
 * larger one from the next day on: whoever went may have used its part. What was passed stays
 * counted. So no change of the number gains anything.
 *
 * Servers of others that count by address want one look-up at a time of the whole machine, and to
 * be left alone by all of it when they have too much: a gate with a machine_turn is in only with
 * the turn, and rests for all.
 *
 * Thread: any, but for create and destroy.
 */
#ifndef PLACES_WORKER_PROVIDER_GATE_H
#define PLACES_WORKER_PROVIDER_GATE_H

#include "common/instant.h"
#include "common/status.h"

struct machine_turn;
struct provider_gate;

enum { PROVIDER_START_MIN = 50 }; /* what a person needs to try it out */

struct provider_limits {
    unsigned per_second; /* requests of all workers; 1 or more, likewise: */
    unsigned per_day;    /* in 24 hours, counted from `started` */
    unsigned workers;
    unsigned worker; /* which of them this is, from 0: the first have what cannot be divided */
    struct instant started;
};

enum provider_pass {
    PROVIDER_PASSES,
    PROVIDER_IS_BUSY,      /* somebody else stayed in for too long */
    PROVIDER_RESTS,        /* it has asked to be left alone */
    PROVIDER_OVER_SECONDS, /* more was asked than the limit of a second allows */
    PROVIDER_OVER_DAYS,
};

/* `turn` is borrowed and used by nobody else; NULL: other processes do not matter.
 * STATUS_NO_MEMORY. */
enum status provider_gate_create(const struct provider_limits *limits,
    struct machine_turn *turn,
    struct provider_gate **ret_gate) MUST_USE;

/* Nobody is in or waits; NULL is allowed. */
void provider_gate_destroy(struct provider_gate *gate);

/* PROVIDER_PASSES: the caller is in, alone, until it leaves. PROVIDER_IS_BUSY (after `deadline`),
 * PROVIDER_RESTS (as soon as that is known): it is not. */
enum provider_pass provider_gate_enter(
    struct provider_gate *gate, struct instant deadline) MUST_USE;
void provider_gate_leave(struct provider_gate *gate);

/* For who is in. Counts a request that is about to be sent; PROVIDER_OVER_...: it must not be. */
enum provider_pass provider_gate_count(struct provider_gate *gate, struct instant now) MUST_USE;

/* The limits are divided anew from `now` on; whoever is in stays in. */
void provider_gate_divide(
    struct provider_gate *gate, unsigned workers, unsigned worker, struct instant now);

/* For who is in: nobody enters before `until`, which with a turn is at most
 * MACHINE_TURN_REST_MAX_MS from now. */
void provider_gate_rest(struct provider_gate *gate, struct instant until);

#endif
