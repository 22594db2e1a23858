/*
 * A herd in virtual time: the real table, gossip and codec of every node over a network that obeys
 * the test.
 *
 * Each directed link is what a BUS socket over TCP is: connections that open and break, bytes that
 * arrive in order, a queue of 16 messages that drops what does not fit. Faults that TCP has not
 * (loss, late and doubled messages) can be put on top. Everything follows from the configuration,
 * its seed and the calls: the same run again is the same run.
 *
 * What must hold at every moment is checked at every moment (sim_failure): a value in a table was
 * accepted by someone; on one process no id goes back; at most GOSSIP_WINDOW messages are in flight
 * on a link; no message is too long; a node falls silent when it has said everything.
 *
 * Owns: everything it shows.
 */
#ifndef TESTS_SIMULATION_SIM_HERD_H
#define TESTS_SIMULATION_SIM_HERD_H

#include "common/instant.h"
#include "common/random.h"
#include "herd-node/gossip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    SIM_NODES_MAX = 50,
    SIM_BUS_QUEUE = 16,               /* messages that wait for the connection; more are dropped */
    SIM_PIPE_BYTES_DEFAULT = 1 << 18, /* what TCP holds between two processes */
};

struct sim_edge {
    size_t a;
    size_t b;
};

struct sim_config {
    uint64_t seed;
    size_t node_count;
    const char *const *names; /* in the order of their bytes; NULL: N00, N01, ... */
    size_t edge_count;
    const struct sim_edge *edges;
    size_t id_count;
    int64_t latency_us_min; /* each link gets one of its own between these, one way */
    int64_t latency_us_max;
    FILE *trace; /* a line per event; NULL: none */
};

struct sim;

struct sim *sim_create(const struct sim_config *config);
void sim_destroy(struct sim *sim);

/* From now on a line per event goes there; NULL: nowhere. */
void sim_set_trace(struct sim *sim, FILE *trace);

/* The first thing that did not hold; NULL: all did. */
const char *sim_failure(const struct sim *sim);

struct instant sim_now(const struct sim *sim);
double sim_now_ms(const struct sim *sim); /* since the start */

void sim_run_ms(struct sim *sim, int64_t milliseconds);
void sim_run_us(struct sim *sim, int64_t microseconds);

/* ---- Clients ---- */

/*
 * A client tells this node where it is; `padding` makes the report longer. Returns the serial
 * number of the report: no two are the same.
 */
uint32_t sim_accept(
    struct sim *sim, size_t node, size_t id, int64_t client_time_ns, size_t padding);

/* The same client says the same once more, at the same moment by the node's clock. */
void sim_accept_again(struct sim *sim, uint32_t serial);

/* The serial number of what the node knows of the id; 0: nothing. */
uint32_t sim_value(const struct sim *sim, size_t node, size_t id);

/* ---- Processes ---- */

enum sim_notice {
    SIM_NOTICED,   /* the neighbours' connections break */
    SIM_UNNOTICED, /* they do not: the next process goes on with them */
};

void sim_kill(struct sim *sim, size_t node, enum sim_notice notice);
void sim_start(struct sim *sim, size_t node);
void sim_pause(struct sim *sim, size_t node);
void sim_continue(struct sim *sim, size_t node);
bool sim_is_alive(const struct sim *sim, size_t node);
bool sim_is_paused(const struct sim *sim, size_t node);

/*
 * A second process under the name of the node: it talks to the neighbours, and hears them only if
 * they find it at the node's address. One at a time; sim_usurper() is its number for the calls of
 * this header that take a node.
 */
void sim_start_usurper(struct sim *sim, size_t node, bool takes_address);
void sim_kill_usurper(struct sim *sim);
size_t sim_usurper(const struct sim *sim);

/* ---- The network ---- */

enum sim_cut {
    SIM_CUT_NONE,
    SIM_CUT_STALLS, /* bytes wait, and arrive when the cut is healed */
    SIM_CUT_BREAKS, /* the connection breaks, and none opens */
};

/* One direction. */
void sim_cut(struct sim *sim, size_t from, size_t to, enum sim_cut cut);
void sim_heal(struct sim *sim);

struct sim_faults {
    unsigned loss_per_mille;
    unsigned double_per_mille; /* a second copy, some time later */
    unsigned late_per_mille;   /* overtaken by others */
    unsigned hollow_per_mille; /* the reports of a message get lost, but not its promises: what a
                                  bug or a bad memory could do, for the digests to find */
};

void sim_set_faults(struct sim *sim, struct sim_faults faults);

/* Of one direction; bytes_per_ms 0: unlimited. */
void sim_set_speed(struct sim *sim, size_t from, size_t to, int64_t bytes_per_ms);

/* The next messages of one direction that carry reports, or that carry none, vanish. */
void sim_lose_batches(struct sim *sim, size_t from, size_t to, unsigned count);
void sim_lose_hellos(struct sim *sim, size_t from, size_t to, unsigned count);

/* ---- What is seen ---- */

/* All nodes live and have equal digests. */
bool sim_is_equal(const struct sim *sim);

/* Also every link of every node says so, and that nothing is behind. */
bool sim_is_converged(const struct sim *sim);

/* Compares all tables value by value, and with `at_least`, a serial per id (0: none). */
bool sim_check_values(struct sim *sim, const uint32_t *at_least);

/* For every id the greatest value in the table of a live node, into ret_best[id_count]. */
void sim_best_values(const struct sim *sim, uint32_t *ret_best);

/* Whether report `a` wins against `b`, by a rule of the simulator's own; 0 loses against all. */
bool sim_wins(const struct sim *sim, uint32_t a, uint32_t b);

/* How often a node that lives sent everything again, because digests differed. */
uint64_t sim_repeats_of_all(const struct sim *sim);

struct gossip_link_status sim_link_status(const struct sim *sim, size_t node, size_t neighbour);
uint64_t sim_table_memory(const struct sim *sim, size_t node);
uint64_t sim_table_head(const struct sim *sim, size_t node);
bool sim_is_caught_up(const struct sim *sim, size_t node);

struct sim_counters {
    uint64_t messages;
    uint64_t bytes;
    uint64_t batches; /* messages with reports */
    uint64_t reports;
    uint64_t redundant; /* reports that changed nothing where they arrived */
    uint64_t dropped;   /* by a full BUS queue */
    uint64_t refused;   /* by the receiver */
};

struct sim_counters sim_counters(const struct sim *sim);

/* Messages that were sent over one direction since the start. */
struct sim_counters sim_link_counters(const struct sim *sim, size_t from, size_t to);

#endif
