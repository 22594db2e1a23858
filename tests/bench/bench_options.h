/* The command line of herd-bench: texts become plans, and what cannot be is told in one line. */
#ifndef BENCH_BENCH_OPTIONS_H
#define BENCH_BENCH_OPTIONS_H

#include "tests/bench/convergence.h"
#include "tests/bench/load.h"
#include "tests/bench/propagation.h"
#include "tests/bench/tcp_endpoint.h"

enum { BENCH_ENDPOINTS_MAX = 256, BENCH_PROCESSES_MAX = 64 };

struct bench_options {
    struct tcp_endpoint endpoints[BENCH_ENDPOINTS_MAX]; /* load.endpoints points here */
    struct tcp_endpoint
        nodes[CONVERGENCE_NODES_MAX]; /* admin endpoints; none: convergence is not asked for */
    size_t node_count;
    uint64_t processes[BENCH_PROCESSES_MAX]; /* whose processor time is told, by pid */
    size_t process_count;
    struct load_plan load;
    bool introduces; /* all ids are reported once before the measurement */
    bool probes;     /* measures propagation instead of load */
    struct propagation_plan propagation;
    bool writes_json;
};

/*
 * STATUS_MALFORMED, STATUS_OUT_OF_RANGE: *complaint says which option and why. *ret_is_done: --help
 * or --version was given and answered.
 */
enum status bench_options_parse(int argc,
    char **argv,
    struct bench_options *ret_options,
    bool *ret_is_done,
    struct buffer *complaint) MUST_USE;

#endif
