/* What a places worker counts: look-ups, and what each provider made of them. */
#ifndef PLACES_WORKER_WORKER_COUNTS_H
#define PLACES_WORKER_WORKER_COUNTS_H

#include "common/places_provider.h"
#include "common/places_status.h"

#include <stddef.h>
#include <stdint.h>

enum { WORKER_BOUNDS = 12 };

/* Upper bounds of the classes in which durations are counted, in microseconds. */
extern const uint64_t worker_bounds_us[WORKER_BOUNDS];

struct worker_durations {
    uint64_t counts[WORKER_BOUNDS + 1]; /* the last: beyond all bounds */
    uint64_t sum_us;
    uint64_t max_us;
};

struct worker_counts {
    uint64_t asked;                      /* look-ups that came in and were understood */
    uint64_t refused;                    /* requests that were not understood */
    uint64_t by_status[PLACES_STATUSES]; /* look-ups that were done, by how they ended */
    struct worker_durations lookups;
    struct {
        uint64_t by_status[PLACES_STATUSES];
        struct worker_durations durations;
        uint64_t cached;           /* look-ups that got an answer which had been kept */
        uint64_t joined;           /* ... or that of another look-up which was on its way */
    } providers[PLACES_PROVIDERS]; /* by enum places_provider */
};

void worker_durations_add(struct worker_durations *durations, uint64_t duration_us);
uint64_t worker_durations_count(const struct worker_durations *durations);

#endif
