/* Classes from a tenth of a millisecond to ten seconds. */
#include "places-worker/worker_counts.h"

const uint64_t worker_bounds_us[WORKER_BOUNDS] = {
    100, 250, 500, 1000, 2000, 5000, 10000, 50000, 200000, 1000000, 3000000, 10000000};

void worker_durations_add(struct worker_durations *durations, uint64_t duration_us)
{
    size_t class = 0;
    while (class < WORKER_BOUNDS && duration_us > worker_bounds_us[class]) {
        class ++;
    }
    durations->counts[class]++;
    durations->sum_us += duration_us;
    durations->max_us = duration_us > durations->max_us ? duration_us : durations->max_us;
}

uint64_t worker_durations_count(const struct worker_durations *durations)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= WORKER_BOUNDS; i++) {
        count += durations->counts[i];
    }
    return count;
}
