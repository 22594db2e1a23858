/* Each story sets a herd up, lets one thing happen, and says what must be seen. */
#include "tests/simulation/stories.h"

#include "tests/simulation/sim_herd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LATENCY_MS = 1, BREAK_NOTICED_MS = 20, A = 0, B = 1, C = 2 };

#define CLIENT_TIME (INT64_C(1520023934) * NS_PER_SECOND)

static const char *const names[] = {"Ada", "Bob", "Cyd"};
static const struct sim_edge pair[] = {{A, B}};
static const struct sim_edge chain[] = {{A, B}, {B, C}};
static const struct sim_edge triangle[] = {{A, B}, {B, C}, {A, C}};

static struct sim *herd_of(size_t node_count, size_t edge_count, const struct sim_edge *edges)
{
    struct sim_config config = {
        .seed = 1,
        .node_count = node_count,
        .names = names,
        .edge_count = edge_count,
        .edges = edges,
        .id_count = 20000,
        .latency_us_min = INT64_C(1000) * LATENCY_MS,
        .latency_us_max = INT64_C(1000) * LATENCY_MS,
    };
    return sim_create(&config);
}

static void check(const struct sim *sim)
{
    if (sim_failure(sim) != NULL) {
        fail_msg("%s", sim_failure(sim));
    }
}

/* Runs until all nodes know that they are equal; the milliseconds it took. */
static int64_t settle(struct sim *sim)
{
    int64_t waited_ms = 0;
    while (!sim_is_converged(sim) && waited_ms < 60000) {
        sim_run_ms(sim, 1);
        waited_ms++;
    }
    check(sim);
    assert_true(sim_is_converged(sim));
    return waited_ms;
}

static struct sim *settled(size_t node_count, size_t edge_count, const struct sim_edge *edges)
{
    struct sim *sim = herd_of(node_count, edge_count, edges);
    settle(sim);
    return sim;
}

/* Milliseconds until the node knows this report or a later one. */
static int64_t wait_for(struct sim *sim, size_t node, size_t id, uint32_t serial)
{
    int64_t waited_ms = 0;
    while (sim_wins(sim, serial, sim_value(sim, node, id)) && waited_ms < 10000) {
        sim_run_ms(sim, 1);
        waited_ms++;
    }
    check(sim);
    return waited_ms;
}

/* Until A has sent so many more batches to B. */
static void run_until_batches(struct sim *sim, uint64_t count)
{
    uint64_t before = sim_link_counters(sim, A, B).batches;
    while (sim_link_counters(sim, A, B).batches < before + count) {
        sim_run_us(sim, 100);
        check(sim);
    }
}

static void accept_many(struct sim *sim, size_t node, size_t count, size_t padding)
{
    for (size_t id = 0; id < count; id++) {
        sim_accept(sim, node, id, CLIENT_TIME + sim_now(sim).ns, padding);
    }
}

static void restart(struct sim *sim, size_t node, int64_t down_ms, enum sim_notice notice)
{
    sim_kill(sim, node, notice);
    sim_run_ms(sim, down_ms);
    sim_start(sim, node);
}

/* A client of the node reports every so often, each time with another id. */
static void report_steadily(
    struct sim *sim, size_t node, size_t id, size_t count, int64_t every_us, size_t padding)
{
    for (size_t i = 0; i < count; i++) {
        sim_accept(sim, node, id + i, CLIENT_TIME, padding);
        sim_run_us(sim, every_us);
    }
}

/* Both notice within BREAK_NOTICED_MS. */
static void cut_apart(struct sim *sim, size_t a, size_t b)
{
    sim_cut(sim, a, b, SIM_CUT_BREAKS);
    sim_cut(sim, b, a, SIM_CUT_BREAKS);
}

static void end(struct sim *sim)
{
    check(sim);
    sim_destroy(sim);
}

/* ---- Losses ---- */

static void a_lost_last_message_is_noticed_with_the_next_hello(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    sim_lose_batches(sim, A, B, 1);

    uint32_t serial = sim_accept(sim, A, 7, CLIENT_TIME, 0);
    int64_t waited_ms = wait_for(sim, B, 7, serial);

    assert_in_range(waited_ms, GOSSIP_HELLO_EVERY_MS, GOSSIP_HELLO_EVERY_MS + 4 * LATENCY_MS);
    settle(sim);
    assert_int_equal(sim_link_status(sim, A, B).batches_lost, 1);
    assert_int_equal(sim_link_status(sim, A, B).batches_repeated, 1);
    end(sim);
}

static void a_lost_message_with_another_behind_it_is_repaired_in_one_round_trip(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    sim_lose_batches(sim, A, B, 1);

    uint32_t serial = sim_accept(sim, A, 7, CLIENT_TIME, 0);
    sim_run_us(sim, 100);
    sim_accept(sim, A, 8, CLIENT_TIME, 0);
    int64_t waited_ms = wait_for(sim, B, 7, serial);

    assert_in_range(waited_ms, 1, 3 * LATENCY_MS + 1);
    settle(sim);
    end(sim);
}

static void a_lost_answer_repeats_nothing(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    sim_lose_hellos(sim, B, A, 1);

    uint32_t serial = sim_accept(sim, A, 7, CLIENT_TIME, 0);
    int64_t waited_ms = wait_for(sim, B, 7, serial);

    assert_in_range(waited_ms, LATENCY_MS, LATENCY_MS + 1);
    settle(sim);
    assert_int_equal(sim_link_status(sim, A, B).batches_sent, 1);
    assert_int_equal(sim_link_status(sim, A, B).batches_lost, 0);
    end(sim);
}

static void a_loss_inside_a_backfill_is_repaired(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    sim_cut(sim, A, B, SIM_CUT_BREAKS);
    sim_run_ms(sim, 50);
    accept_many(sim, A, 500, 2000); /* some sixteen messages */
    restart(sim, B, 20, SIM_NOTICED);

    sim_cut(sim, A, B, SIM_CUT_NONE);
    run_until_batches(sim, 2);
    sim_lose_batches(sim, A, B, 2);

    assert_in_range(settle(sim), 1, 600);
    assert_true(sim_link_status(sim, A, B).batches_lost > 0);
    assert_true(sim_link_status(sim, A, B).batches_repeated > 1);
    end(sim);
}

/* The live stretch goes on beyond what was lost; only the gap is sent again. */
static void live_messages_lost_during_a_backfill_cost_only_themselves(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, 1000, 2000);
    settle(sim);
    sim_set_speed(sim, A, B, 2000); /* 2 MB take a second */
    restart(sim, B, 20, SIM_NOTICED);
    sim_run_ms(sim, 400);
    uint64_t sent_before = sim_link_status(sim, A, B).reports_sent;

    for (size_t i = 0; i < 30; i++) {
        sim_lose_batches(sim, A, B, i % 10 == 4 ? 1 : 0);
        sim_accept(sim, A, 5000 + i, CLIENT_TIME, 0);
        sim_run_ms(sim, 5);
    }
    settle(sim);

    uint64_t sent = sim_link_status(sim, A, B).reports_sent - sent_before;
    assert_in_range(sent, 500, 1030 + 3 * GOSSIP_WINDOW * 33);
    end(sim);
}

/* Found by seed 4010: the neighbour dropped each live message, and got it again at once. */
static void a_stale_island_repeats_no_live_message(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, 300, 2000);
    settle(sim);
    sim_set_speed(sim, A, B, 2000);
    /* The successor gets a message that was meant for the one before: an island, far from all that
     * follows. */
    sim_kill(sim, B, SIM_UNNOTICED);
    sim_start(sim, B);
    sim_accept(sim, A, 400, CLIENT_TIME, 0);
    sim_run_us(sim, 10);
    accept_many(sim, A, 100, 2000);
    uint64_t sent_before = sim_link_status(sim, A, B).reports_sent;

    settle(sim);

    assert_in_range(sim_link_status(sim, A, B).reports_sent - sent_before, 300, 700);
    end(sim);
}

static void a_slow_link_drops_hellos_and_no_reports(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    sim_set_speed(sim, A, B, 10);
    for (size_t i = 0; i < 300; i++) {
        sim_accept(sim, A, i, CLIENT_TIME, 2000);
        sim_run_ms(sim, 1);
    }
    sim_run_ms(sim, 5000);
    sim_set_speed(sim, A, B, 0);

    settle(sim);

    assert_true(sim_counters(sim).dropped > 0);
    assert_int_equal(sim_link_status(sim, A, B).batches_lost, 0);
    end(sim);
}

/* ---- Restarts ---- */

static void an_empty_node_gets_everything_back_from_its_neighbours(void **state)
{
    (void)state;
    struct sim *sim = settled(3, 3, triangle);
    accept_many(sim, A, 200, 0);
    settle(sim);
    uint32_t best[20000];
    sim_best_values(sim, best);

    restart(sim, A, 10, SIM_NOTICED);
    settle(sim);

    assert_true(sim_check_values(sim, best));
    end(sim);
}

static void a_restart_during_catch_up_begins_anew_and_comes_to_its_end(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, 1000, 2000);
    settle(sim);
    sim_set_speed(sim, A, B, 4000);
    for (int round = 0; round < 4; round++) {
        restart(sim, B, 5, round % 2 == 0 ? SIM_NOTICED : SIM_UNNOTICED);
        sim_run_ms(sim, 400);
        assert_false(sim_is_equal(sim));
    }

    settle(sim);

    assert_true(sim_is_caught_up(sim, B));
    end(sim);
}

static void what_a_restarted_node_once_sent_is_sent_back_to_it(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    uint32_t serial = sim_accept(sim, A, 7, CLIENT_TIME, 0);
    wait_for(sim, B, 7, serial);

    restart(sim, A, 1, SIM_UNNOTICED); /* B knows that "A" has it, and must not rely on it */
    settle(sim);

    assert_int_equal(sim_value(sim, A, 7), serial);
    end(sim);
}

/* Found by seed 386: A says "and that is all up to here, without what you hold anyway", and means
 * the process that has just died. */
static void a_range_meant_for_a_former_process_promises_nothing(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, B, 40, 2000);
    sim_run_us(sim, 1500); /* A has them, and its answer is on the way */
    sim_kill(sim, B, SIM_UNNOTICED);
    sim_start(sim, B);
    sim_run_ms(sim, 100);
    sim_lose_batches(sim, A, B, 1);

    settle(sim);

    assert_int_not_equal(sim_value(sim, B, 0), 0);
    assert_int_equal(sim_repeats_of_all(sim), 0);
    end(sim);
}

static void what_only_the_dead_knew_is_gone_and_what_it_told_one_is_everywhere(void **state)
{
    (void)state;
    struct sim *sim = settled(3, 2, chain);
    sim_cut(sim, B, C, SIM_CUT_BREAKS);
    sim_cut(sim, C, B, SIM_CUT_BREAKS);
    uint32_t told = sim_accept(sim, A, 1, CLIENT_TIME, 0);
    wait_for(sim, B, 1, told);
    sim_accept(sim, A, 2, CLIENT_TIME, 0); /* and dies before a word leaves */
    sim_kill(sim, A, SIM_NOTICED);
    sim_heal(sim);
    sim_start(sim, A);

    settle(sim);

    for (size_t node = A; node <= C; node++) {
        assert_int_equal(sim_value(sim, node, 1), told);
        assert_int_equal(sim_value(sim, node, 2), 0);
    }
    end(sim);
}

static void two_neighbours_restarted_at_once_meet_again(void **state)
{
    (void)state;
    struct sim *sim = settled(3, 3, triangle);
    accept_many(sim, A, 100, 0);
    settle(sim);

    sim_kill(sim, A, SIM_NOTICED);
    sim_kill(sim, B, SIM_UNNOTICED);
    sim_start(sim, A);
    sim_start(sim, B);
    settle(sim);

    assert_int_not_equal(sim_value(sim, A, 99), 0);
    end(sim);
}

/* ---- Which report wins ---- */

static void two_servers_given_the_same_id_and_time_agree(void **state)
{
    (void)state;
    struct sim *sim = settled(3, 3, triangle);

    sim_accept(sim, A, 7, CLIENT_TIME, 0);
    uint32_t of_last_name = sim_accept(sim, C, 7, CLIENT_TIME, 0);
    sim_accept(sim, B, 7, CLIENT_TIME, 0);
    settle(sim);

    for (size_t node = A; node <= C; node++) {
        assert_int_equal(sim_value(sim, node, 7), of_last_name);
    }
    end(sim);
}

static void an_older_report_changes_nothing_and_goes_nowhere(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    uint32_t newer = sim_accept(sim, A, 7, CLIENT_TIME + 1, 0);
    settle(sim);
    struct sim_counters before = sim_counters(sim);

    sim_accept(sim, A, 7, CLIENT_TIME, 0);
    sim_run_ms(sim, 300);

    assert_int_equal(sim_value(sim, B, 7), newer);
    assert_int_equal(sim_counters(sim).batches, before.batches);
    end(sim);
}

/* ---- Pauses and load ---- */

static void a_paused_neighbour_gets_each_changed_report_once(void **state)
{
    (void)state;
    enum { IDS = 100, ROUNDS = 50 };
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, IDS, 0);
    settle(sim);
    uint64_t memory = sim_table_memory(sim, A);
    uint64_t received_before = sim_link_status(sim, B, A).reports_received;
    sim_pause(sim, B);
    for (int round = 0; round < ROUNDS; round++) {
        accept_many(sim, A, IDS, 0);
        sim_run_ms(sim, 200);
    }

    sim_continue(sim, B);
    settle(sim);

    /* Those in the window when B stopped, and then each one once. */
    uint64_t received = sim_link_status(sim, B, A).reports_received - received_before;
    assert_in_range(received, IDS, (GOSSIP_WINDOW + 1) * IDS);
    assert_int_equal(sim_table_memory(sim, A), memory);
    assert_int_equal(sim_link_status(sim, A, B).batches_lost, 0);
    end(sim);
}

/* What empties the table of a million reports in five seconds is 14 MB a second. */
static void catching_up_delays_live_reports_by_less_than_50_ms(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, 10000, 1000);
    settle(sim);
    sim_set_speed(sim, A, B, 14000);
    restart(sim, B, 5, SIM_NOTICED);
    run_until_batches(sim, 30);
    int64_t longest_ms = 0;

    size_t live = 0;
    for (; !sim_is_equal(sim) && live < 1000; live++) {
        uint32_t serial = sim_accept(sim, A, 15000 + live, CLIENT_TIME, 0);
        int64_t waited_ms = wait_for(sim, B, 15000 + live, serial);
        longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
    }

    assert_true(live > 10);
    assert_in_range(longest_ms, 1, 49);
    settle(sim);
    end(sim);
}

/* Whenever an answer opens the window there is a new live report, and none of them may take the
 * place of the backfill. */
static void live_reports_do_not_starve_a_backfill(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, 1000, 2000);
    settle(sim);
    sim_set_speed(sim, A, B, 14000); /* 2 MB take 150 ms */
    restart(sim, B, 5, SIM_NOTICED);
    run_until_batches(sim, 10);

    int64_t waited_ms = 0;
    while (sim_value(sim, B, 999) == 0 && waited_ms < 2000) {
        for (size_t i = 0; i < 200; i++) {
            sim_accept(sim, A, 4000 + i, CLIENT_TIME + sim_now(sim).ns, 0);
            sim_run_us(sim, 5);
        }
        waited_ms++;
    }

    assert_in_range(waited_ms, 1, 400);
    settle(sim);
    end(sim);
}

/* B skips what A sent, and tells so with its answers: these are not answered, and must leave room.
 */
static void answers_to_a_burst_do_not_delay_a_report_the_other_way(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    for (size_t i = 0; i < GOSSIP_WINDOW; i++) {
        sim_accept(sim, A, i, CLIENT_TIME, 0);
        sim_run_us(sim, 10);
    }
    sim_run_ms(sim, 3);

    uint32_t serial = sim_accept(sim, B, 100, CLIENT_TIME, 0);

    assert_in_range(wait_for(sim, A, 100, serial), 1, LATENCY_MS + 1);
    settle(sim);
    end(sim);
}

/* ---- More than one process under a name ---- */

static void a_second_process_under_a_living_name_is_refused(void **state)
{
    (void)state;
    struct sim *sim = settled(3, 3, triangle);
    uint64_t incarnation = sim_link_status(sim, B, A).peer_incarnation;
    sim_start_usurper(sim, A, false);
    sim_run_ms(sim, 300); /* it has connected */

    sim_accept(sim, sim_usurper(sim), 7, CLIENT_TIME, 0);
    sim_run_ms(sim, 500);

    assert_int_equal(sim_value(sim, B, 7), 0);
    assert_int_equal(sim_link_status(sim, B, A).peer_incarnation, incarnation);
    assert_true(sim_counters(sim).refused >= 2);
    sim_kill_usurper(sim);
    settle(sim);
    end(sim);
}

/* B knew A's process under this incarnation, and has met another one since, which still runs while
 * A is paused. */
static struct sim *with_a_replaced(uint64_t *ret_incarnation)
{
    struct sim *sim = settled(2, 1, pair);
    accept_many(sim, A, 50, 0);
    settle(sim);
    uint64_t incarnation = sim_link_status(sim, B, A).peer_incarnation;
    sim_pause(sim, A);
    sim_run_ms(sim, GOSSIP_SILENCE_MS + 100);
    sim_start_usurper(sim, A, true);
    sim_run_ms(sim, 600);
    assert_int_not_equal(sim_link_status(sim, B, A).peer_incarnation, incarnation);
    *ret_incarnation = incarnation;
    return sim;
}

static void a_replaced_process_returns_after_its_successor_died(void **state)
{
    (void)state;
    uint64_t incarnation;
    struct sim *sim = with_a_replaced(&incarnation);
    uint32_t serial = sim_accept(sim, sim_usurper(sim), 70, CLIENT_TIME, 0);
    wait_for(sim, B, 70, serial);

    sim_continue(sim, A); /* both speak, and the successor is believed */
    sim_run_ms(sim, 600);
    assert_int_not_equal(sim_link_status(sim, B, A).peer_incarnation, incarnation);
    sim_kill_usurper(sim);
    int64_t waited_ms = settle(sim);

    assert_in_range(waited_ms, GOSSIP_RETURN_MS / 2, GOSSIP_RETURN_MS + 500);
    assert_int_equal(sim_link_status(sim, B, A).peer_incarnation, incarnation);
    assert_int_equal(sim_value(sim, A, 70), serial);
    end(sim);
}

/* Tables that are equal would tell as well; while reports keep coming they never are. */
static void being_forgotten_is_noticed_while_reports_keep_coming(void **state)
{
    (void)state;
    uint64_t incarnation;
    struct sim *sim = with_a_replaced(&incarnation);
    sim_continue(sim, A);
    sim_kill_usurper(sim);

    report_steadily(sim, B, 100, 2 * (GOSSIP_RETURN_MS + 500), 500, 0);
    for (size_t i = 0; i < 500; i++) {
        sim_accept(sim, i % 2 == 0 ? A : B, 5000 + i, CLIENT_TIME, 0);
        sim_run_us(sim, 500);
    }

    assert_int_equal(sim_link_status(sim, B, A).peer_incarnation, incarnation); /* A is back */
    assert_false(sim_is_equal(sim));
    assert_true(sim_link_status(sim, A, B).peer_mark + 50 > sim_table_head(sim, A));
    settle(sim);
    end(sim);
}

/* ---- Lazy links ---- */

/* Clients of A report until B and C need not hear from each other. */
static struct sim *with_a_lazy_edge(void)
{
    struct sim *sim = settled(3, 3, triangle);
    report_steadily(sim, A, 0, 2000, 500, 0);
    check(sim);
    assert_true(sim_link_status(sim, B, C).is_lazy && sim_link_status(sim, C, B).is_lazy);
    assert_false(sim_link_status(sim, A, B).is_lazy || sim_link_status(sim, A, C).is_lazy);
    return sim;
}

/* One report every half millisecond; the longest that C waited for one. */
static int64_t longest_wait_of_c(struct sim *sim, size_t id, size_t count)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t serial = sim_accept(sim, A, id + i, CLIENT_TIME, 0);
        sim_run_us(sim, 500);
        int64_t waited_ms = wait_for(sim, C, id + i, serial);
        longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
    }
    return longest_ms;
}

static uint64_t batches_between(const struct sim *sim, size_t a, size_t b)
{
    return sim_link_counters(sim, a, b).batches + sim_link_counters(sim, b, a).batches;
}

static void in_a_circle_what_others_bring_is_pushed_lazily(void **state)
{
    (void)state;
    enum { MS = 1000, DIRECTIONS = 2 };
    struct sim *sim = with_a_lazy_edge();
    uint64_t before = batches_between(sim, B, C);
    uint64_t eager_before = sim_link_counters(sim, A, C).batches;

    report_steadily(sim, A, 5000, 2 * MS, 500, 0);

    assert_in_range(
        batches_between(sim, B, C) - before, 1, DIRECTIONS * (MS / GOSSIP_LAZY_EVERY_MS + 1));
    assert_true(sim_link_counters(sim, A, C).batches - eager_before > MS / 4);
    settle(sim);
    end(sim);
}

static void a_lazy_link_is_there_when_the_other_way_breaks(void **state)
{
    (void)state;
    struct sim *sim = with_a_lazy_edge();
    cut_apart(sim, A, C);
    sim_run_ms(sim, BREAK_NOTICED_MS);

    assert_in_range(longest_wait_of_c(sim, 5000, 2000), 1, GOSSIP_LAZY_EVERY_MS / 2);

    assert_false(sim_link_status(sim, B, C).is_lazy);
    sim_heal(sim);
    settle(sim);
    end(sim);
}

/* Nobody tells C that A no longer gets through to it, and it hears B alone. */
static void a_lazy_link_brings_what_is_swallowed_on_the_other_way(void **state)
{
    (void)state;
    struct sim *sim = with_a_lazy_edge();
    sim_cut(sim, A, C, SIM_CUT_STALLS);

    assert_in_range(longest_wait_of_c(sim, 5000, 20), 1, GOSSIP_LAZY_EVERY_MS + 4 * LATENCY_MS);
    sim_run_ms(sim, GOSSIP_MISSED_MS);
    assert_in_range(longest_wait_of_c(sim, 6000, 2000), 1, GOSSIP_LAZY_EVERY_MS / 2);

    assert_false(sim_link_status(sim, B, C).is_lazy);
    sim_heal(sim);
    settle(sim);
    end(sim);
}

/* More than a lazy link takes: what it holds back is never sent once the tables are equal. */
static void equal_tables_need_not_be_told_what_was_held_back(void **state)
{
    (void)state;
    enum { IDS = 5000 };
    struct sim *sim = with_a_lazy_edge();
    uint64_t before = sim_link_status(sim, B, C).reports_sent;
    report_steadily(sim, A, 5000, IDS, 50, 2000);
    assert_true(sim_link_status(sim, B, C).behind > IDS / 2);

    assert_in_range(settle(sim), 1, 2 * GOSSIP_HELLO_EVERY_MS);

    assert_int_equal(sim_link_status(sim, B, C).behind, 0);
    assert_true(sim_link_status(sim, B, C).reports_sent - before < IDS / 2);
    end(sim);
}

/* What was held back is not in front of what is new, and comes as well. */
static void a_lazy_link_that_is_needed_again_sends_what_is_new_first(void **state)
{
    (void)state;
    enum { IDS = 10000 };
    struct sim *sim = with_a_lazy_edge();
    sim_set_speed(sim, B, C, 14000);
    report_steadily(sim, A, 5000, IDS, 50, 2000);
    assert_true(sim_link_status(sim, B, C).behind > IDS / 2); /* a second at that speed */
    cut_apart(sim, A, C);
    uint32_t held_back = sim_accept(sim, A, 3000, CLIENT_TIME, 0);
    sim_run_ms(sim, BREAK_NOTICED_MS + 2 * LATENCY_MS);

    uint32_t serial = sim_accept(sim, A, 4000, CLIENT_TIME, 0);

    assert_in_range(wait_for(sim, C, 4000, serial), 1, 50);
    assert_int_not_equal(sim_value(sim, C, 3000), held_back);
    assert_in_range(wait_for(sim, C, 3000, held_back), 1, 2000);
    sim_heal(sim);
    settle(sim);
    end(sim);
}

/* ---- Proof of equality ---- */

static void tables_that_differ_though_all_was_confirmed_are_found_and_made_equal(void **state)
{
    (void)state;
    struct sim *sim = settled(2, 1, pair);
    sim_set_faults(sim, (struct sim_faults){.hollow_per_mille = 1000});
    uint32_t serial = sim_accept(sim, A, 7, CLIENT_TIME, 0);
    sim_run_ms(sim, 110);
    sim_set_faults(sim, (struct sim_faults){0});
    assert_int_equal(sim_value(sim, B, 7), 0);
    assert_int_equal(sim_link_status(sim, A, B).behind, 0);

    settle(sim);

    assert_int_equal(sim_value(sim, B, 7), serial);
    assert_int_equal(sim_link_status(sim, A, B).repeats_of_all, 1);
    end(sim);
}

/* ---- Word by word ---- */

/* The lines of a trace without their times. */
static void drop_times(char *trace)
{
    char *end = trace;
    for (const char *line = trace; *line != '\0';) {
        const char *text = strstr(line, "] ") + 2;
        const char *next = strchr(text, '\n') + 1;
        memmove(end, text, (size_t)(next - text));
        end += next - text;
        line = next;
    }
    *end = '\0';
}

static void a_tail_loss_word_by_word(void **state)
{
    (void)state;
    static const char wanted[] =
        "Ada accepts report 1 of client 7, time 1520023934000000000\n"
        "Ada > Bob sends, and it is lost: BATCH 2: (0,1] of 1, 1 reports; holds 0 (0,0] at 2\n"
        "Bob > Ada sends HELLO 3: (0,0] of 0, 0 reports; holds 0 (0,0] at 1\n"
        "Ada takes 3 of Bob\n"
        "Ada > Bob sends HELLO 3: (1,1] of 1, 0 reports; holds 0 (0,0] at 3\n"
        "Bob takes 3 of Ada\n"
        "Bob > Ada sends HELLO 4: (0,0] of 0, 0 reports; holds 0 (0,0] at 3\n"
        "Ada takes 4 of Bob\n"
        "Ada > Bob sends BATCH 4: (0,1] of 1, 1 reports; holds 0 (0,0] at 4\n"
        "Bob takes 4 of Ada\n"
        "Bob > Ada sends HELLO 5: (0,1] of 1, 0 reports; holds 1 (1,1] at 4\n"
        "Ada takes 5 of Bob\n";
    struct sim *sim = settled(2, 1, pair);
    char *trace = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&trace, &length);
    sim_set_trace(sim, file);
    sim_lose_batches(sim, A, B, 1);

    uint32_t serial = sim_accept(sim, A, 7, CLIENT_TIME, 0);
    wait_for(sim, B, 7, serial);
    sim_run_ms(sim, GOSSIP_CONFIRM_WITHIN_MS + INT64_C(2) * LATENCY_MS);

    fclose(file);
    drop_times(trace);
    assert_string_equal(trace, wanted);
    free(trace);
    sim_set_trace(sim, NULL);
    end(sim);
}

int stories_run(const char *pattern)
{
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(a_lost_last_message_is_noticed_with_the_next_hello),
        cmocka_unit_test(a_lost_message_with_another_behind_it_is_repaired_in_one_round_trip),
        cmocka_unit_test(a_lost_answer_repeats_nothing),
        cmocka_unit_test(a_loss_inside_a_backfill_is_repaired),
        cmocka_unit_test(live_messages_lost_during_a_backfill_cost_only_themselves),
        cmocka_unit_test(a_stale_island_repeats_no_live_message),
        cmocka_unit_test(a_slow_link_drops_hellos_and_no_reports),
        cmocka_unit_test(an_empty_node_gets_everything_back_from_its_neighbours),
        cmocka_unit_test(a_restart_during_catch_up_begins_anew_and_comes_to_its_end),
        cmocka_unit_test(what_a_restarted_node_once_sent_is_sent_back_to_it),
        cmocka_unit_test(a_range_meant_for_a_former_process_promises_nothing),
        cmocka_unit_test(what_only_the_dead_knew_is_gone_and_what_it_told_one_is_everywhere),
        cmocka_unit_test(two_neighbours_restarted_at_once_meet_again),
        cmocka_unit_test(two_servers_given_the_same_id_and_time_agree),
        cmocka_unit_test(an_older_report_changes_nothing_and_goes_nowhere),
        cmocka_unit_test(a_paused_neighbour_gets_each_changed_report_once),
        cmocka_unit_test(catching_up_delays_live_reports_by_less_than_50_ms),
        cmocka_unit_test(live_reports_do_not_starve_a_backfill),
        cmocka_unit_test(answers_to_a_burst_do_not_delay_a_report_the_other_way),
        cmocka_unit_test(a_second_process_under_a_living_name_is_refused),
        cmocka_unit_test(a_replaced_process_returns_after_its_successor_died),
        cmocka_unit_test(being_forgotten_is_noticed_while_reports_keep_coming),
        cmocka_unit_test(in_a_circle_what_others_bring_is_pushed_lazily),
        cmocka_unit_test(a_lazy_link_is_there_when_the_other_way_breaks),
        cmocka_unit_test(a_lazy_link_brings_what_is_swallowed_on_the_other_way),
        cmocka_unit_test(equal_tables_need_not_be_told_what_was_held_back),
        cmocka_unit_test(a_lazy_link_that_is_needed_again_sends_what_is_new_first),
        cmocka_unit_test(tables_that_differ_though_all_was_confirmed_are_found_and_made_equal),
        cmocka_unit_test(a_tail_loss_word_by_word),
    };
    cmocka_set_test_filter(pattern);
    return cmocka_run_group_tests_name("stories", stories, NULL, NULL);
}
