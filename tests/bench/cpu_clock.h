/* How much processor time other processes have used: what a server costs, apart from what its
 * clients do. */
#ifndef BENCH_CPU_CLOCK_H
#define BENCH_CPU_CLOCK_H

#include "common/status.h"

#include <stdint.h>

/* Of all threads of the process so far, in ns. STATUS_NOT_FOUND: there is no such process. */
enum status cpu_clock_read(uint64_t pid, int64_t *ret_ns) MUST_USE;

#endif
