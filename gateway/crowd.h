/*
 * How many clients have been busy of late: counted anew every CROWD_WINDOW_MS, and the last full
 * count holds meanwhile. Pure.
 */
#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H

#include "common/instant.h"

#include <stddef.h>
#include <stdint.h>

enum { CROWD_WINDOW_MS = 10 };

/* All zeros: nobody. */
struct crowd {
    int64_t window; /* the number of the present one, since the clock began */
    size_t count;   /* clients that were busy in it, */
    size_t before;  /* and in the one before */
};

/* A client is busy; *seen_in is its own, and 0 at first. */
void crowd_note(struct crowd *crowd, struct instant now, int64_t *seen_in);

/* How many were busy in the last window or in the present one, whichever is more. */
size_t crowd_size(const struct crowd *crowd, struct instant now);

#endif
