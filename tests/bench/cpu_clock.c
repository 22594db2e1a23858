/* How much processor time other processes have used. */
#include "tests/bench/cpu_clock.h"

#include "common/instant.h"

#include <time.h>

enum status cpu_clock_read(uint64_t pid, int64_t *ret_ns)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid((pid_t)pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return STATUS_NOT_FOUND;
    }
    *ret_ns = (int64_t)used.tv_sec * NS_PER_SECOND + used.tv_nsec;
    return STATUS_OK;
}
