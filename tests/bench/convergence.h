/* Whether all nodes of a herd know the same, asked of their admin endpoints: their digests are
 * equal. */
#ifndef BENCH_CONVERGENCE_H
#define BENCH_CONVERGENCE_H

#include "common/instant.h"
#include "tests/bench/tcp_endpoint.h"

enum {
    CONVERGENCE_NODES_MAX = 256,
    CONVERGENCE_DIGEST_BYTES_MAX = 64,
};

/* What one node says of its table. */
struct convergence_view {
    char digest[CONVERGENCE_DIGEST_BYTES_MAX + 1];
    uint64_t reports;
};

/*
 * The digest and the number of reports within the text of a /status answer, HTTP header and all.
 * STATUS_TIMED_OUT: the node says (503) that its loop was too busy to answer; STATUS_MALFORMED: one
 * of them is missing.
 */
enum status convergence_read(struct slice answer, struct convergence_view *ret_view) MUST_USE;

/*
 * Asks every node in turn, again and again, until all say the same in one round; *ret_view is what
 * they say then. Nobody may be reporting meanwhile; a node that is busy is asked again.
 * STATUS_TIMED_OUT: `deadline` passed. STATUS_DISCONNECTED, STATUS_MALFORMED, ...: a node does not
 * answer, or not as it should.
 */
enum status convergence_wait(const struct tcp_endpoint *nodes,
    size_t count,
    struct instant deadline,
    struct convergence_view *ret_view) MUST_USE;

#endif
