/*
 * Kills one of two processes with SIGKILL in the midst of their traffic, starts it anew, and
 * measures how long until the traffic is back; again and again. Fails when it stays away, or when
 * the survivor's threads or descriptors grow.
 *
 * Thread: the killer has one and never touches NNG, so that both sides may be made by fork.
 */
#ifndef SOAK_KILLER_H
#define SOAK_KILLER_H

#include <stddef.h>
#include <stdint.h>

enum { KILLER_COUNTERS_MAX = 32 };

/* What the processes report their progress on; it outlives each of them. */
struct killer_board {
    _Atomic uint64_t counters[KILLER_COUNTERS_MAX];
};

struct killer_soak {
    const char *name;
    const char *sides[2];
    /* The life of one side, in a process of its own; never returns. */
    void (*run[2])(struct killer_board *board, const char *const *urls);
    size_t counter_count;
    /* Steps of a counter that what was on its way at the moment of death can explain. */
    uint64_t steps_in_flight;
};

/*
 * `program [--kills N] [--back-within MS] [--side NAME]`; by default 200 kills of each side, 500
 * ms. Prints one line per side with the numbers. The exit status of the program.
 */
int killer_main(const struct killer_soak *soak, int argc, char **argv);

#endif
