/* Some seconds of virtual time at rising loads, less the HELLOs that an idle herd says anyway. */
#include "tests/simulation/cost.h"

#include "tests/simulation/sim_herd.h"

#include <inttypes.h>

enum { NODES = 5, EDGES = 6, IDS = 5000, SECONDS = 2, TURN_US = 500 };

static const char *const names[NODES] = {"Goloman", "Hands", "Holiday", "Welsh", "Wilkes"};
static const struct sim_edge edges[EDGES] = {{0, 1}, {0, 2}, {0, 4}, {1, 4}, {2, 3}, {2, 4}};

static struct sim *goloman(void)
{
    struct sim_config config = {
        .seed = 1,
        .node_count = NODES,
        .names = names,
        .edge_count = EDGES,
        .edges = edges,
        .id_count = IDS,
        .latency_us_min = 40,
        .latency_us_max = 60,
    };
    struct sim *sim = sim_create(&config);
    while (!sim_is_converged(sim) && sim_failure(sim) == NULL) {
        sim_run_ms(sim, 10);
    }
    return sim;
}

/* Reports of random clients at random nodes, evenly in time. */
static struct sim_counters live(struct sim *sim, unsigned reports_per_second)
{
    struct random random = random_from_seed(1);
    struct sim_counters before = sim_counters(sim);
    uint64_t accepted = 0;
    const uint64_t turns_per_second = 1000 * 1000 / TURN_US;
    for (uint64_t turn = 1; turn <= SECONDS * turns_per_second; turn++) {
        uint64_t due = turn * reports_per_second / turns_per_second;
        for (; accepted < due; accepted++) {
            int64_t time_ns = INT64_C(1520023934) * NS_PER_SECOND + sim_now(sim).ns;
            sim_accept(sim, random_below(&random, NODES), random_below(&random, IDS), time_ns, 0);
        }
        sim_run_us(sim, TURN_US);
    }
    struct sim_counters after = sim_counters(sim);
    return (struct sim_counters){
        .messages = after.messages - before.messages,
        .bytes = after.bytes - before.bytes,
        .batches = after.batches - before.batches,
        .reports = after.reports - before.reports,
        .redundant = after.redundant - before.redundant,
    };
}

static int print_load(unsigned reports_per_second, struct sim_counters idle)
{
    struct sim *sim = goloman();
    struct sim_counters counters = live(sim, reports_per_second);
    double reports = (double)reports_per_second * SECONDS;
    double messages = (double)counters.messages - (double)idle.messages;
    double bytes = (double)counters.bytes - (double)idle.bytes;
    printf("%8u reports/s: per report %5.2f messages, %6.0f bytes, %4.2f copies, of which %4.2f "
           "in vain\n",
        reports_per_second,
        messages / reports,
        bytes / reports,
        (double)counters.reports / reports,
        (double)counters.redundant / reports);
    const char *failure = sim_failure(sim);
    if (failure != NULL) {
        printf("%s\n", failure);
    }
    int result = failure == NULL ? 0 : 1;
    sim_destroy(sim);
    return result;
}

int cost_print(void)
{
    struct sim *sim = goloman();
    struct sim_counters idle = live(sim, 0);
    sim_destroy(sim);
    printf("idle: %" PRIu64 " messages/s, %" PRIu64 " bytes/s in the whole herd; %d nodes need at "
           "least %d copies of a report\n",
        idle.messages / SECONDS,
        idle.bytes / SECONDS,
        NODES,
        NODES - 1);
    return print_load(10, idle) + print_load(1000, idle) + print_load(10000, idle) +
           print_load(100000, idle);
}
