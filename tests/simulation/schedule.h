/* One random life of a herd, all of it from one seed: faults of every kind, then quiet, then proof
 * that the herd became equal. */
#ifndef TESTS_SIMULATION_SCHEDULE_H
#define TESTS_SIMULATION_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    SCHEDULE_QUIET_MS_MAX =
        10 * 1000, /* from the end of the faults until all know they are equal */
};

struct schedule_result {
    bool is_good;
    char failure[512];
    double equal_after_ms;     /* the end of the faults: until all digests were equal */
    double converged_after_ms; /* until every link of every node knew it */
    uint64_t messages;
    uint64_t reports;
    uint64_t accepted;
};

/* trace: a line per event; NULL: none. */
struct schedule_result schedule_run(uint64_t seed, FILE *trace);

#endif
