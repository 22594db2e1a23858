/*
 * Clients that say what a workload has them say, over many TCP connections of one thread: as fast
 * as answers come with so many commands outstanding each (closed loop), or at a given rate,
 * whatever the answers do (open loop).
 *
 * In an open loop every command has the time at which it is due, and its latency counts from then:
 * a server that stops for a second is charged with every command that was due in that second.
 * Thread: one. Runs until it is done; every wait has an end.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "common/instant.h"
#include "tests/bench/tally.h"
#include "tests/bench/tcp_endpoint.h"
#include "tests/bench/workload.h"

struct load_plan {
    const struct tcp_endpoint
        *endpoints; /* borrowed; the connections are dealt over them in turn */
    size_t endpoint_count;
    size_t connections;      /* that speak */
    size_t idle_connections; /* that report once, when they are greeted, and then only stay */
    size_t window;           /* commands outstanding per connection, at most */
    uint64_t rate;           /* commands per second over all connections; 0: closed loop */
    uint64_t count_max;      /* commands of a measurement; 0: no limit */
    int64_t duration_ns;     /* of a measurement; 0: no limit. One of the two is given */
    int64_t grace_ns;        /* how long answers may take after the last command */
    bool shows_progress;     /* a line per second on standard error */
    struct workload_plan workload;
};

struct load;

/*
 * Connects all. STATUS_DISCONNECTED, STATUS_FULL (descriptors, ports), STATUS_OUT_OF_RANGE (the
 * workload), STATUS_NO_MEMORY, STATUS_IO, STATUS_TIMED_OUT.
 */
enum status load_open(const struct load_plan *plan, struct load **ret_load) MUST_USE;
void load_close(struct load *load);

struct load_result {
    struct tally tally;
    int64_t elapsed_ns;   /* from the first command until the last answer */
    uint64_t disconnects; /* connections that the server closed */
};

/* Every connection, the idle ones too, reports once. With the time from load_open, this measures
 * how fast a server accepts. */
enum status load_greet(struct load *load, struct load_result *ret_result) MUST_USE;

/* Each id that has not been reported yet is, once, as fast as the window allows. */
enum status load_introduce(struct load *load, struct load_result *ret_result) MUST_USE;

/* The measurement itself. */
enum status load_measure(struct load *load, struct load_result *ret_result) MUST_USE;

#endif
