/* A plan is drawn, lived through, and then judged. */
#include "tests/simulation/schedule.h"

#include "tests/simulation/sim_herd.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    EDGES_MAX = 4 * SIM_NODES_MAX,
    IDS_MAX = 600,
    ACTIONS_MAX = 12,
};

/* The herds that are shipped; names in the order of their bytes. */
struct shipped {
    const char *names[5];
    size_t edge_count;
    struct sim_edge edges[6];
};

static const struct shipped shipped[] = {
    {{"Goloman", "Hands", "Holiday", "Welsh", "Wilkes"},
        6,
        {{0, 1}, {0, 2}, {0, 4}, {1, 4}, {2, 3}, {2, 4}}},
    {{"Campbell", "Hill", "Jaquez", "Singleton", "Smith"},
        6,
        {{1, 2}, {1, 4}, {3, 2}, {3, 4}, {3, 0}, {4, 0}}},
    {{"Alford", "Ball", "Hamilton", "Holiday", "Welsh"},
        5,
        {{0, 2}, {0, 4}, {1, 3}, {1, 4}, {2, 3}}},
};

/* What may happen while the herd lives; a schedule has some of it. */
enum action {
    ACTION_RESTART,
    ACTION_RESTART_QUICKLY, /* within GOSSIP_SILENCE_MS, noticed by the neighbours or not */
    ACTION_RESTART_TWO,     /* at once */
    ACTION_PAUSE,
    ACTION_PARTITION,
    ACTION_CUT_ONE_WAY,
    ACTION_HEAL,
    ACTION_USURP,
    ACTION_BURST, /* many clients at one node */
    ACTION_LOSE_NEXT,
    ACTION_COUNT,
};

struct plan {
    size_t node_count;
    const struct shipped *shipped; /* NULL: a random graph */
    size_t edge_count;
    struct sim_edge edges[EDGES_MAX];
    size_t id_count;
    size_t padding_max;
    int64_t live_ms;
    unsigned accepts_per_second;
    unsigned actions_per_second;
    int64_t clock_grain_ns; /* clients round their times to it: many are equal */
    bool has_future_times;
    bool allowed[ACTION_COUNT];
    struct sim_faults faults;
    int64_t latency_us_max;
    bool has_slow_links;
};

struct life {
    struct random random;
    struct plan plan;
    struct sim *sim;
    int64_t end_ms;                 /* of the faults */
    double wakes_ms[SIM_NODES_MAX]; /* dead or paused until then */
    double heals_ms;
    double usurper_dies_ms;
    uint32_t last_serial;
    size_t last_node;
};

static uint64_t below(struct life *life, uint64_t bound)
{
    return random_below(&life->random, bound);
}

static bool is_chosen(struct life *life, unsigned per_mille)
{
    return random_chance(&life->random, per_mille);
}

/* ---- The plan ---- */

static size_t draw_node_count(struct life *life)
{
    uint64_t draw = below(life, 1000);
    if (draw < 650) {
        return 2 + below(life, 4);
    }
    if (draw < 900) {
        return 6 + below(life, 5);
    }
    if (draw < 985) {
        return 11 + below(life, 10);
    }
    return 21 + below(life, SIM_NODES_MAX - 20);
}

static size_t degree_of(const struct plan *plan, size_t node)
{
    size_t degree = 0;
    for (size_t i = 0; i < plan->edge_count; i++) {
        degree += plan->edges[i].a == node || plan->edges[i].b == node ? 1 : 0;
    }
    return degree;
}

static void add_edge(struct plan *plan, size_t a, size_t b)
{
    if (a == b || plan->edge_count == EDGES_MAX || degree_of(plan, a) >= GOSSIP_LINKS_MAX - 1 ||
        degree_of(plan, b) >= GOSSIP_LINKS_MAX - 1) {
        return;
    }
    for (size_t i = 0; i < plan->edge_count; i++) {
        const struct sim_edge *edge = &plan->edges[i];
        if ((edge->a == a && edge->b == b) || (edge->a == b && edge->b == a)) {
            return;
        }
    }
    plan->edges[plan->edge_count++] = (struct sim_edge){.a = a, .b = b};
}

/* A random tree, in which everybody is connected, and some more edges. */
static void draw_graph(struct life *life)
{
    struct plan *plan = &life->plan;
    if (is_chosen(life, 150)) {
        plan->shipped = &shipped[below(life, sizeof shipped / sizeof *shipped)];
        plan->node_count = 5;
        plan->edge_count = plan->shipped->edge_count;
        memcpy(plan->edges, plan->shipped->edges, plan->edge_count * sizeof *plan->edges);
        return;
    }
    plan->node_count = draw_node_count(life);
    for (size_t i = 1; i < plan->node_count; i++) {
        size_t parent = below(life, i);
        while (degree_of(plan, parent) >= GOSSIP_LINKS_MAX - 1) {
            parent = below(life, i);
        }
        add_edge(plan, parent, i);
    }
    for (size_t more = below(life, plan->node_count + 1); more > 0; more--) {
        add_edge(plan, below(life, plan->node_count), below(life, plan->node_count));
    }
}

/* Long backfills over slow links, while live reports go on and get lost. */
static void draw_catching_up(struct life *life)
{
    struct plan *plan = &life->plan;
    plan->id_count = 100;
    plan->padding_max = (size_t)8 * 1024;
    plan->accepts_per_second = 400;
    plan->allowed[ACTION_BURST] = true;
    plan->allowed[ACTION_RESTART_QUICKLY] = true;
    plan->has_slow_links = true;
    plan->faults.loss_per_mille = 50 + (unsigned)below(life, 250);
    plan->live_ms = 300 + (int64_t)below(life, 700);
}

static void draw_plan(struct life *life)
{
    struct plan *plan = &life->plan;
    draw_graph(life);
    bool is_small = plan->node_count <= 10;
    plan->id_count = is_chosen(life, 150) && is_small ? IDS_MAX : 1 + below(life, 30);
    if (is_chosen(life, 200) && is_small) {
        plan->padding_max = is_chosen(life, 300) ? (size_t)16 * 1024 : (size_t)2 * 1024;
    }
    plan->live_ms = 200 + (int64_t)below(life, 2000);
    plan->accepts_per_second = is_chosen(life, 500) ? 20 : 200;
    plan->actions_per_second = 1 + (unsigned)below(life, 12);
    plan->clock_grain_ns = is_chosen(life, 300) ? (int64_t)below(life, 1000) * NS_PER_MS + 1 : 1;
    plan->has_future_times = is_chosen(life, 200);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        plan->allowed[i] = is_chosen(life, 400);
    }
    plan->latency_us_max = is_chosen(life, 200) ? 20 * 1000 : 1000;
    plan->has_slow_links = is_chosen(life, 100);
    if (is_chosen(life, 400)) {
        plan->faults.loss_per_mille = is_chosen(life, 500) ? 300 : 1 + (unsigned)below(life, 100);
    }
    if (is_chosen(life, 200)) {
        plan->faults.double_per_mille = 1 + (unsigned)below(life, 100);
        plan->faults.late_per_mille = 1 + (unsigned)below(life, 200);
    }
    if (is_chosen(life, 30)) {
        plan->faults.hollow_per_mille = 50;
    }
    if (is_small && is_chosen(life, 80)) {
        draw_catching_up(life);
    }
    if (plan->node_count <= 5 && is_chosen(life, 5)) {
        plan->live_ms = INT64_C(60) * 1000;
    }
}

/* ---- Clients ---- */

static bool can_accept(const struct life *life, size_t node)
{
    return sim_is_alive(life->sim, node) && !sim_is_paused(life->sim, node);
}

static int64_t draw_time(struct life *life)
{
    int64_t now_ns = INT64_C(1800000000) * NS_PER_SECOND + sim_now(life->sim).ns;
    int64_t time_ns = now_ns - (int64_t)below(life, NS_PER_SECOND);
    if (life->plan.has_future_times && is_chosen(life, 50)) {
        time_ns += (int64_t)below(life, UINT64_C(1000000000)) * NS_PER_SECOND;
    }
    return time_ns - time_ns % life->plan.clock_grain_ns;
}

static size_t draw_padding(struct life *life)
{
    size_t max = life->plan.padding_max;
    return max == 0 ? 0 : is_chosen(life, 300) ? max : below(life, max + 1);
}

static void accept_one(struct life *life, size_t node)
{
    if (node == sim_usurper(life->sim) ? !sim_is_alive(life->sim, node)
                                       : node >= life->plan.node_count || !can_accept(life, node)) {
        return;
    }
    if (life->last_serial != 0 && life->last_node == node && node < life->plan.node_count &&
        is_chosen(life, 100)) {
        sim_accept_again(life->sim, life->last_serial);
        return;
    }
    life->last_serial = sim_accept(
        life->sim, node, below(life, life->plan.id_count), draw_time(life), draw_padding(life));
    life->last_node = node;
}

static size_t draw_node(struct life *life)
{
    return below(life, life->plan.node_count);
}

/* ---- Faults ---- */

static bool is_awake(const struct life *life, size_t node)
{
    return sim_is_alive(life->sim, node) && !sim_is_paused(life->sim, node);
}

static void kill_for_ms(struct life *life, size_t node, uint64_t ms_max, enum sim_notice notice)
{
    if (!is_awake(life, node)) {
        return;
    }
    sim_kill(life->sim, node, notice);
    if (life->last_node == node) {
        life->last_serial = 0;
    }
    life->wakes_ms[node] = sim_now_ms(life->sim) + (double)below(life, ms_max + 1);
}

static void partition(struct life *life)
{
    size_t parts = 2 + below(life, 2);
    size_t part_of[SIM_NODES_MAX];
    for (size_t i = 0; i < life->plan.node_count; i++) {
        part_of[i] = below(life, parts);
    }
    enum sim_cut cut = is_chosen(life, 500) ? SIM_CUT_BREAKS : SIM_CUT_STALLS;
    for (size_t i = 0; i < life->plan.edge_count; i++) {
        struct sim_edge edge = life->plan.edges[i];
        if (part_of[edge.a] != part_of[edge.b]) {
            sim_cut(life->sim, edge.a, edge.b, cut);
            sim_cut(life->sim, edge.b, edge.a, cut);
        }
    }
}

/* All in one turn of the loop, or in turns that follow each other closely. */
static void burst(struct life *life, size_t node)
{
    bool is_one_turn = is_chosen(life, 500);
    for (size_t i = below(life, life->plan.id_count + 1); i > 0; i--) {
        accept_one(life, node);
        if (!is_one_turn) {
            sim_run_us(life->sim, (int64_t)below(life, 300));
        }
    }
}

static void act(struct life *life, enum action action)
{
    struct sim *sim = life->sim;
    size_t node = draw_node(life);
    struct sim_edge edge = life->plan.edges[below(life, life->plan.edge_count)];
    bool is_reversed = is_chosen(life, 500);
    size_t from = is_reversed ? edge.b : edge.a;
    size_t to = is_reversed ? edge.a : edge.b;
    switch (action) {
    case ACTION_RESTART:
        kill_for_ms(life, node, 1000, SIM_NOTICED);
        break;
    case ACTION_RESTART_QUICKLY:
        kill_for_ms(life,
            node,
            is_chosen(life, 500) ? 50 : GOSSIP_SILENCE_MS,
            is_chosen(life, 500) ? SIM_UNNOTICED : SIM_NOTICED);
        break;
    case ACTION_RESTART_TWO:
        kill_for_ms(life, from, 300, SIM_NOTICED);
        kill_for_ms(life, to, 300, SIM_NOTICED);
        break;
    case ACTION_PAUSE:
        if (is_awake(life, node)) {
            sim_pause(sim, node);
            life->wakes_ms[node] =
                sim_now_ms(sim) + (double)below(life, is_chosen(life, 20) ? 60000 : 1500);
        }
        break;
    case ACTION_PARTITION:
        partition(life);
        break;
    case ACTION_CUT_ONE_WAY:
        sim_cut(sim, from, to, is_chosen(life, 500) ? SIM_CUT_BREAKS : SIM_CUT_STALLS);
        break;
    case ACTION_HEAL:
        sim_heal(sim);
        break;
    case ACTION_USURP:
        if (!sim_is_alive(sim, sim_usurper(sim)) && life->usurper_dies_ms < 0) {
            sim_start_usurper(sim, node, is_chosen(life, 500));
            life->usurper_dies_ms = sim_now_ms(sim) + (double)below(life, 1500);
        }
        break;
    case ACTION_BURST:
        burst(life, node);
        break;
    case ACTION_LOSE_NEXT:
        if (is_chosen(life, 500)) {
            sim_lose_batches(sim, from, to, 1 + (unsigned)below(life, 3));
        } else {
            sim_lose_hellos(sim, from, to, 1 + (unsigned)below(life, 3));
        }
        break;
    case ACTION_COUNT:
        break;
    }
}

static void wake(struct life *life, size_t node)
{
    if (!sim_is_alive(life->sim, node)) {
        sim_start(life->sim, node);
    } else if (sim_is_paused(life->sim, node)) {
        sim_continue(life->sim, node);
    }
}

static void let_time_heal(struct life *life)
{
    double now_ms = sim_now_ms(life->sim);
    for (size_t i = 0; i < life->plan.node_count; i++) {
        if (!is_awake(life, i) && life->wakes_ms[i] <= now_ms) {
            wake(life, i);
        }
    }
    if (life->usurper_dies_ms >= 0 && life->usurper_dies_ms <= now_ms) {
        sim_kill_usurper(life->sim);
        life->usurper_dies_ms = -1;
    }
}

static void live(struct life *life)
{
    struct plan *plan = &life->plan;
    sim_set_faults(life->sim, plan->faults);
    for (size_t i = 0; plan->has_slow_links && i < plan->edge_count; i++) {
        struct sim_edge edge = plan->edges[i];
        sim_set_speed(life->sim, edge.a, edge.b, 200 + (int64_t)below(life, 20000));
        sim_set_speed(life->sim, edge.b, edge.a, 200 + (int64_t)below(life, 20000));
    }
    unsigned events_per_second = plan->accepts_per_second + plan->actions_per_second;
    while (sim_now_ms(life->sim) < (double)life->end_ms && sim_failure(life->sim) == NULL) {
        sim_run_us(life->sim, (int64_t)below(life, 2 * 1000 * 1000 / events_per_second) + 1);
        let_time_heal(life);
        if (below(life, events_per_second) < plan->accepts_per_second) {
            accept_one(life, is_chosen(life, 50) ? sim_usurper(life->sim) : draw_node(life));
            continue;
        }
        enum action action = (enum action)below(life, ACTION_COUNT);
        if (plan->allowed[action]) {
            act(life, action);
            /* A long pause is lived through. */
            if (action == ACTION_PAUSE && is_chosen(life, 20)) {
                life->end_ms += 1000;
            }
        }
    }
}

/* ---- The judgement ---- */

static bool run_until(
    struct life *life, bool (*claim)(const struct sim *), double start_ms, double *ret_after_ms)
{
    while (!claim(life->sim)) {
        if (sim_failure(life->sim) != NULL ||
            sim_now_ms(life->sim) - start_ms > SCHEDULE_QUIET_MS_MAX) {
            return false;
        }
        sim_run_ms(life->sim, 1);
    }
    *ret_after_ms = sim_now_ms(life->sim) - start_ms;
    return true;
}

static bool says(struct schedule_result *result, const char *what)
{
    (void)snprintf(result->failure, sizeof result->failure, "%s", what);
    return false;
}

/* On an idle herd there are HELLOs, and nothing else. */
static bool stays_silent(struct life *life, struct schedule_result *result)
{
    enum { IDLE_MS = 1000 };
    sim_run_ms(life->sim, 300); /* what is still under way */
    struct sim_counters before = sim_counters(life->sim);
    sim_run_ms(life->sim, IDLE_MS);
    struct sim_counters after = sim_counters(life->sim);
    uint64_t hellos_max = 2 * life->plan.edge_count * (IDLE_MS / GOSSIP_HELLO_EVERY_MS + 1);
    if (after.batches != before.batches) {
        return says(result, "an idle herd repeats reports");
    }
    if (after.messages - before.messages > hellos_max) {
        return says(result, "an idle herd says more than its HELLOs");
    }
    return true;
}

/* One report costs at most one batch in each direction of each edge and an answer to each, and is
 * everywhere as soon as the hops allow. */
static bool tells_at_once(struct life *life, struct schedule_result *result)
{
    size_t node = draw_node(life);
    struct sim_counters before = sim_counters(life->sim);
    int64_t time_ns = INT64_C(5000000000) * NS_PER_SECOND;
    sim_accept(life->sim, node, below(life, life->plan.id_count), time_ns, 0);
    int64_t hops_ms = 1 + (int64_t)life->plan.node_count * (life->plan.latency_us_max + 1) / 1000;
    int64_t waited_ms = 0;
    do {
        sim_run_ms(life->sim, 1);
    } while (++waited_ms < hops_ms && !sim_is_equal(life->sim));
    if (!sim_is_equal(life->sim)) {
        return says(result, "a report takes longer than its hops");
    }
    sim_run_ms(life->sim, 2 * life->plan.latency_us_max / 1000 + 1);
    struct sim_counters after = sim_counters(life->sim);
    uint64_t hellos_max =
        2 * life->plan.edge_count * (2 + (uint64_t)waited_ms / (GOSSIP_HELLO_EVERY_MS / 2));
    if (after.batches - before.batches > 2 * life->plan.edge_count) {
        return says(result, "one report costs more than a batch per direction of an edge");
    }
    if (after.messages - before.messages > 4 * life->plan.edge_count + hellos_max) {
        return says(result, "one report costs more than a batch and an answer per direction");
    }
    return true;
}

static bool judge(struct life *life, struct schedule_result *result)
{
    uint32_t best[IDS_MAX];
    for (size_t i = 0; i < life->plan.node_count; i++) {
        life->wakes_ms[i] = 0;
    }
    if (life->usurper_dies_ms >= 0) {
        life->usurper_dies_ms = 0;
    }
    let_time_heal(life);
    for (size_t i = 0; i < life->plan.edge_count; i++) {
        struct sim_edge edge = life->plan.edges[i];
        sim_set_speed(life->sim, edge.a, edge.b, 0);
        sim_set_speed(life->sim, edge.b, edge.a, 0);
        sim_lose_batches(life->sim, edge.a, edge.b, 0);
        sim_lose_batches(life->sim, edge.b, edge.a, 0);
        sim_lose_hellos(life->sim, edge.a, edge.b, 0);
        sim_lose_hellos(life->sim, edge.b, edge.a, 0);
    }
    sim_set_faults(life->sim, (struct sim_faults){0});
    sim_heal(life->sim);
    sim_best_values(life->sim, best);

    double start_ms = sim_now_ms(life->sim);
    if (!run_until(life, sim_is_equal, start_ms, &result->equal_after_ms)) {
        return sim_failure(life->sim) == NULL && says(result, "the tables do not become equal");
    }
    if (!run_until(life, sim_is_converged, start_ms, &result->converged_after_ms)) {
        return sim_failure(life->sim) == NULL &&
               says(result, "the tables are equal, and not every link knows it");
    }
    if (life->plan.faults.hollow_per_mille == 0 && sim_repeats_of_all(life->sim) > 0) {
        return says(result, "the protocol lost a report, and only the digests found it");
    }
    return sim_check_values(life->sim, best) && stays_silent(life, result) &&
           tells_at_once(life, result) && sim_failure(life->sim) == NULL;
}

struct schedule_result schedule_run(uint64_t seed, FILE *trace)
{
    struct life *life = calloc(1, sizeof *life);
    assert(life != NULL);
    life->random = random_from_seed(seed);
    draw_plan(life);
    life->end_ms = life->plan.live_ms;
    life->usurper_dies_ms = -1;
    struct sim_config config = {
        .seed = random_next(&life->random),
        .node_count = life->plan.node_count,
        .names = life->plan.shipped != NULL ? life->plan.shipped->names : NULL,
        .edge_count = life->plan.edge_count,
        .edges = life->plan.edges,
        .id_count = life->plan.id_count,
        .latency_us_min = 50,
        .latency_us_max = life->plan.latency_us_max,
        .trace = trace,
    };
    life->sim = sim_create(&config);
    struct schedule_result result = {0};
    live(life);
    result.is_good = sim_failure(life->sim) == NULL && judge(life, &result);
    if (sim_failure(life->sim) != NULL) {
        (void)says(&result, sim_failure(life->sim));
    }
    struct sim_counters counters = sim_counters(life->sim);
    result.messages = counters.messages;
    result.reports = counters.reports;
    sim_destroy(life->sim);
    free(life);
    return result;
}
