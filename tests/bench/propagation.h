/*
 * How long a report takes from one server to another: it is sent to the first, and the second is
 * asked about that id without pause until its answer shows it.
 *
 * The time counts from when the report was sent until the answer that shows it was read, so up to
 * two questions' round trips are part of it: the client's view, and an upper bound of the herd's
 * own time. Thread: one. Every wait has an end.
 */
#ifndef BENCH_PROPAGATION_H
#define BENCH_PROPAGATION_H

#include "common/instant.h"
#include "tests/bench/histogram.h"
#include "tests/bench/tcp_endpoint.h"

struct propagation_plan {
    struct tcp_endpoint reported_to;
    struct tcp_endpoint asked;
    uint64_t rate; /* reports per second; one starts later when the one before it takes longer */
    int64_t duration_ns;
    uint64_t seed; /* part of the id, so that several may measure at once */
};

/* All zeroes before the first. */
struct propagation_result {
    struct histogram known;    /* ns from sending a report until an answer showed it */
    struct histogram question; /* ns from question to answer, each */
};

/* STATUS_TIMED_OUT: a report did not show within a second. STATUS_MALFORMED: a server answered
 * otherwise than the protocol says. STATUS_DISCONNECTED, STATUS_IO, ... */
enum status propagation_measure(
    const struct propagation_plan *plan, struct propagation_result *ret_result) MUST_USE;

#endif
