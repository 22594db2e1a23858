/* Does gossip keep the promises of its header, message by message? What follows from them for a
 * whole herd is the simulation's question. */
#include "common/message_codec.h"
#include "herd-node/gossip.h"
#include "herd-node/redundancy.h"
#include "tests/support/faults.h"

#include <assert.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HANDS, WELSH, HOLIDAY, NEIGHBOURS_MAX, NEIGHBOURS = 2 /* of most tests */ };

enum { REPORTS_MAX = 1000 }; /* of the table */

enum { GATHER_MS = NEIGHBOURS * GOSSIP_GATHER_US_MAX / 1000 }; /* at most */

/* What the test has said as one neighbour. */
struct peer {
    uint64_t incarnation;
    uint64_t number; /* of its last message */
    uint64_t head;
};

/* A node named Goloman with its table; the test plays its neighbours. */
struct node {
    struct report_table *table;
    struct gossip *gossip;
    struct instant now;
    struct buffer message;
    struct gossip_message said; /* the last message, borrowed from `message` */
    struct peer peers[NEIGHBOURS_MAX];
};

#define OUR_INCARNATION UINT64_C(100)

static const char *const neighbour_names[NEIGHBOURS_MAX] = {"Hands", "Welsh", "Holiday"};

static int start_with(void **state, size_t neighbour_count)
{
    struct node *node = calloc(1, sizeof *node);
    struct slice neighbours[NEIGHBOURS_MAX];
    for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
        neighbours[i] = slice_of(neighbour_names[i]);
    }
    struct gossip_config config = {
        .herd = slice_of("goloman"),
        .self = slice_of("Goloman"),
        .incarnation = OUR_INCARNATION,
        .link_count = neighbour_count,
        .neighbours = neighbours,
    };
    if (node == NULL ||
        report_table_create(REPORTS_MAX, 2 * NEIGHBOURS_MAX, 1, &node->table) != STATUS_OK ||
        gossip_create(&config, node->table, &node->gossip) != STATUS_OK) {
        return -1;
    }
    node->now.ns = NS_PER_SECOND;
    node->message = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    *state = node;
    return 0;
}

static int start(void **state)
{
    return start_with(state, NEIGHBOURS);
}

static int start_with_three(void **state)
{
    return start_with(state, NEIGHBOURS_MAX);
}

static int stop(void **state)
{
    struct node *node = *state;
    gossip_destroy(node->gossip);
    report_table_destroy(node->table);
    buffer_clear(&node->message);
    free(node);
    return 0;
}

static void pass_ms(struct node *node, int64_t milliseconds)
{
    node->now = instant_after_ms(node->now, milliseconds);
}

static struct report report_of(const char *id, const char *time)
{
    struct report report;
    assert_int_equal(
        report_from_parts(
            slice_of(id), slice_of("+34-118"), slice_of(time), slice_of("Goloman"), 1, &report),
        STATUS_OK);
    return report;
}

static void change_at_once(struct node *node, const char *id, const char *time)
{
    struct report report = report_of(id, time);
    assert_int_equal(report_table_upsert(node->table, &report, 0), UPSERT_NEWER);
}

/* Some time after the one before, so that it need not gather. */
static void change(struct node *node, const char *id, const char *time)
{
    pass_ms(node, GATHER_MS);
    change_at_once(node, id, time);
}

static void change_many(struct node *node, unsigned from, unsigned to)
{
    char id[32];
    for (unsigned i = from; i < to; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        change(node, id, "1");
    }
}

/* Whether the node has something to say on the link; then node->said is it. */
static bool says(struct node *node, size_t link)
{
    buffer_reset(&node->message);
    if (!gossip_next_message(node->gossip, node->now, link, &node->message)) {
        return false;
    }
    assert_int_equal(gossip_decode(buffer_slice(&node->message), &node->said), STATUS_OK);
    return true;
}

static void expect_silence(struct node *node, size_t link)
{
    assert_false(says(node, link));
}

static void let_say_all(struct node *node, size_t link)
{
    while (says(node, link)) {
    }
}

/* A HELLO from the neighbour, as it would be at the start, but of a table that is never ours; tests
 * change what matters to them. */
static struct gossip_message message_from(size_t link, uint64_t incarnation, uint64_t number)
{
    return (struct gossip_message){
        .header =
            {
                .herd = slice_of("goloman"),
                .sender = slice_of(neighbour_names[link]),
                .receiver = slice_of("Goloman"),
                .incarnation = incarnation,
                .number = number,
                .holding = {.incarnation = OUR_INCARNATION},
                .count = UINT64_MAX,
                .digest = {.low = UINT64_MAX, .high = UINT64_MAX},
            },
    };
}

/* The neighbour says that its table is what ours is now. */
static void claim_our_table(const struct node *node, struct gossip_message *message)
{
    message->header.digest = report_table_digest(node->table);
    message->header.count = report_table_count(node->table);
}

static enum gossip_verdict hear(struct node *node, const struct gossip_message *message)
{
    size_t link = SIZE_MAX;
    return gossip_receive(node->gossip, node->now, message, &link);
}

static void take(struct node *node, const struct gossip_message *message)
{
    assert_int_equal(hear(node, message), GOSSIP_TAKEN);
}

static struct gossip_link_status status_of(const struct node *node, size_t link)
{
    return gossip_link_status(node->gossip, node->now, link);
}

/* What the neighbour says next, about nothing new. */
static struct gossip_message next_from(struct node *node, size_t link)
{
    struct peer *peer = &node->peers[link];
    struct gossip_message message = message_from(link, peer->incarnation, ++peer->number);
    message.header.head = peer->head;
    message.header.from = peer->head;
    message.header.to = peer->head;
    return message;
}

static void hear_hello(struct node *node, size_t link)
{
    struct gossip_message hello = next_from(node, link);
    take(node, &hello);
}

/* The link is open and both know each other, the neighbour with nothing in its table; all that was
 * to be said is said. */
static void meet(struct node *node, size_t link, uint64_t incarnation)
{
    node->peers[link] = (struct peer){.incarnation = incarnation};
    struct gossip_message hello = next_from(node, link);
    hello.header.digest = (struct digest){0};
    hello.header.count = 0;
    gossip_link_opened(node->gossip, node->now, link);
    take(node, &hello);
    let_say_all(node, link);
}

/* The neighbour's word about our log, with the number of our last message. */
static struct gossip_message confirmation(
    struct node *node, uint64_t number, uint64_t mark, uint64_t island_from, uint64_t island_to)
{
    struct gossip_message message = message_from(HANDS, 7, ++node->peers[HANDS].number);
    message.header.holding.number = number;
    message.header.holding.mark = mark;
    message.header.holding.island_from = island_from;
    message.header.holding.island_to = island_to;
    return message;
}

static void confirm(struct node *node, uint64_t number, uint64_t mark)
{
    struct gossip_message message = confirmation(node, number, mark, mark, mark);
    take(node, &message);
}

/* ---- When it speaks ---- */

static void nothing_is_said_while_no_link_is_open(void **state)
{
    struct node *node = *state;
    change(node, "kiwi", "1");

    expect_silence(node, HANDS);
    assert_int_equal(gossip_deadline(node->gossip).ns, INSTANT_NEVER.ns);
}

static void an_opened_link_is_greeted_at_once_and_every_100_ms(void **state)
{
    struct node *node = *state;
    gossip_link_opened(node->gossip, node->now, HANDS);
    assert_int_equal(gossip_deadline(node->gossip).ns, node->now.ns);

    for (uint64_t number = 1; number <= 5; number++) {
        assert_true(says(node, HANDS));
        assert_int_equal(node->said.header.number, number);
        assert_int_equal(node->said.count, 0);
        expect_silence(node, HANDS);
        expect_silence(node, WELSH);
        struct instant due = instant_after_ms(node->now, GOSSIP_HELLO_EVERY_MS);
        assert_int_equal(gossip_deadline(node->gossip).ns, due.ns);
        pass_ms(node, GOSSIP_HELLO_EVERY_MS - 1);
        expect_silence(node, HANDS);
        pass_ms(node, 1);
    }
}

static void a_message_says_who_what_and_how_far(void **state)
{
    struct node *node = *state;
    change(node, "kiwi", "1");
    change(node, "kiwi", "2");
    gossip_link_opened(node->gossip, node->now, WELSH);

    assert_true(says(node, WELSH));

    const struct gossip_header *header = &node->said.header;
    assert_true(slice_equals(header->herd, slice_of("goloman")));
    assert_true(slice_equals(header->sender, slice_of("Goloman")));
    assert_true(slice_equals(header->receiver, slice_of("Welsh")));
    assert_int_equal(header->incarnation, OUR_INCARNATION);
    assert_int_equal(header->holding.incarnation, 0);
    assert_int_equal(header->head, 2);
    assert_int_equal(header->count, 1);
    assert_int_equal(header->digest.low, report_table_digest(node->table).low);
    assert_int_equal(header->from, header->to);
}

static void reports_go_only_to_a_neighbour_that_was_heard(void **state)
{
    struct node *node = *state;
    change(node, "kiwi", "1");
    gossip_link_opened(node->gossip, node->now, HANDS);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 0);

    struct gossip_message hello = message_from(HANDS, 7, 1);
    take(node, &hello);

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
    assert_int_equal(node->said.header.from, 0);
    assert_int_equal(node->said.header.to, 1);
    assert_int_equal(node->said.header.holding.incarnation, 7);
    assert_int_equal(node->said.header.holding.number, 1);
}

static void a_change_leaves_in_the_turn_it_happened(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change(node, "kiwi", "1");
    change(node, "lime", "1");

    assert_true(says(node, HANDS));

    assert_int_equal(node->said.count, 2);
    assert_int_equal(node->said.header.to, 2);
    expect_silence(node, HANDS);
}

static void a_lost_link_is_silent_until_it_opens_again(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    gossip_link_lost(node->gossip, node->now, HANDS);
    change(node, "kiwi", "1");
    pass_ms(node, 1000);
    expect_silence(node, HANDS);
    assert_int_equal(gossip_deadline(node->gossip).ns, INSTANT_NEVER.ns);

    gossip_link_opened(node->gossip, node->now, HANDS);

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
}

static void what_came_from_a_neighbour_is_not_sent_back_but_told_to_be_all(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    meet(node, WELSH, 8);
    struct gossip_message batch = message_from(HANDS, 7, 2);
    batch.header.head = 1;
    batch.header.to = 1;
    batch.count = 1;
    batch.reports[0] = report_of("kiwi", "1");
    take(node, &batch);

    assert_false(says(node, HANDS)); /* a confirmation alone can wait a little */
    pass_ms(node, GOSSIP_CONFIRM_WITHIN_MS);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 0);
    assert_int_equal(node->said.header.from, 0);
    assert_int_equal(node->said.header.to, 1);
    assert_int_equal(node->said.header.holding.number, 2);
    assert_int_equal(node->said.header.holding.mark, 1);
    assert_int_equal(status_of(node, HANDS).behind, 0);
    assert_true(says(node, WELSH));
    assert_int_equal(node->said.count, 1);
}

static void on_an_idle_link_nothing_waits_and_on_a_busy_one_little_gathers(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS)); /* at the very time */

    change_at_once(node, "lime", "1");
    expect_silence(node, HANDS);
    change_at_once(node, "plum", "1");
    node->now = gossip_deadline(node->gossip);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 2);
}

static void add_client(struct node *node)
{
    char id[32];
    (void)snprintf(id, sizeof id, "after-%" PRIu64, report_table_head(node->table));
    change_at_once(node, id, "1");
}

/* From a batch of so many changes to the next one. */
static int64_t distance_us(struct node *node, unsigned changes)
{
    pass_ms(node, GATHER_MS);
    for (unsigned i = 0; i < changes; i++) {
        add_client(node);
    }
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, changes);
    let_say_all(node, WELSH); /* so that nothing is due on its link before the one of Hands */
    const struct instant sent = node->now;
    add_client(node);
    expect_silence(node, HANDS);
    const struct instant due = gossip_deadline(node->gossip);
    node->now = (struct instant){.ns = due.ns - 1};
    expect_silence(node, HANDS);
    node->now = due;
    assert_true(says(node, HANDS));
    return instant_ns_between(sent, due) / NS_PER_US;
}

static void large_batches_keep_a_longer_distance_up_to_a_limit(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    assert_int_equal(distance_us(node, 1), GOSSIP_GATHER_US + GOSSIP_GATHER_US_PER_CHANGE);
    assert_int_equal(distance_us(node, 50), GOSSIP_GATHER_US + 50 * GOSSIP_GATHER_US_PER_CHANGE);
    assert_int_equal(distance_us(node, 400), GOSSIP_GATHER_US_MAX);
}

/* Welsh has so many changes that we lack: it still fills us. */
static void meet_welsh_with(struct node *node, uint64_t head)
{
    node->peers[WELSH] = (struct peer){.incarnation = 8, .head = head};
    struct gossip_message hello = next_from(node, WELSH);
    gossip_link_opened(node->gossip, node->now, WELSH);
    take(node, &hello);
    let_say_all(node, WELSH);
}

static void the_distance_is_times_the_eager_links(void **state)
{
    const int64_t once = GOSSIP_GATHER_US + GOSSIP_GATHER_US_PER_CHANGE;
    struct node *node = *state;
    meet(node, HANDS, 7);
    meet_welsh_with(node, 1);
    assert_int_equal(distance_us(node, 1), once);

    struct gossip_message rest = next_from(node, WELSH);
    rest.header.from = 0;
    take(node, &rest);
    assert_int_equal(distance_us(node, 1), 2 * once);
    assert_int_equal(distance_us(node, 400), 2 * GOSSIP_GATHER_US_MAX);

    struct gossip_message wish = next_from(node, WELSH);
    wish.header.wants_lazy = true;
    take(node, &wish);
    assert_int_equal(distance_us(node, 1), once);
}

static void much_waits_for_nothing(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    char id[32];
    for (unsigned i = 0; i < GOSSIP_GATHER_MAX; i++) {
        expect_silence(node, HANDS);
        (void)snprintf(id, sizeof id, "client-%u", i);
        change_at_once(node, id, "1");
    }
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, GOSSIP_GATHER_MAX);
}

enum { OLD = 100 }; /* reports: more than half a window of full messages */

/* A node that meets an empty Hands, and has told it the first of OLD large reports. */
static void begin_backfill(struct node *node)
{
    enum { ID_LENGTH = 4000 };
    char id[ID_LENGTH + 1];
    for (int i = 0; i < OLD; i++) {
        (void)snprintf(id, sizeof id, "%0*d", ID_LENGTH, i);
        change(node, id, "1");
    }
    gossip_link_opened(node->gossip, node->now, HANDS);
    node->peers[HANDS].incarnation = 7;
    hear_hello(node, HANDS);
    assert_true(says(node, HANDS));
    assert_in_range(node->said.header.to, 1, OLD - 1);
}

static void the_batches_of_a_backfill_keep_a_distance(void **state)
{
    struct node *node = *state;
    begin_backfill(node);
    const uint64_t first_to = node->said.header.to;

    expect_silence(node, HANDS);
    struct instant due = instant_after_ms(node->now, GOSSIP_BACKFILL_EVERY_MS);
    assert_int_equal(gossip_deadline(node->gossip).ns, due.ns);

    pass_ms(node, GOSSIP_BACKFILL_EVERY_MS);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.from, first_to);
}

static void live_reports_leave_a_backfill_half_of_the_window(void **state)
{
    struct node *node = *state;
    begin_backfill(node);
    const uint64_t first_number = node->said.header.number;
    const uint64_t first_to = node->said.header.to;
    for (unsigned i = 1; i < GOSSIP_WINDOW / 2; i++) {
        pass_ms(node, GOSSIP_BACKFILL_EVERY_MS);
        assert_true(says(node, HANDS));
    }
    pass_ms(node, GOSSIP_BACKFILL_EVERY_MS);
    expect_silence(node, HANDS);
    for (unsigned i = 0; i < GOSSIP_WINDOW / 2; i++) {
        change_many(node, OLD + i, OLD + i + 1);
        assert_true(says(node, HANDS));
        assert_in_range(node->said.header.from, OLD, OLD + i);
    }

    confirm(node, first_number, first_to);
    change(node, "kiwi", "1");

    assert_true(says(node, HANDS));
    assert_in_range(node->said.header.from, first_to, OLD - 1);
    expect_silence(node, HANDS);
}

static void a_neighbour_that_still_fills_us_hears_little(void **state)
{
    struct node *node = *state;
    struct gossip_message hello = message_from(HANDS, 7, ++node->peers[HANDS].number);
    hello.header.head = 2;
    gossip_link_opened(node->gossip, node->now, HANDS);
    take(node, &hello);
    assert_false(status_of(node, HANDS).is_lazy); /* which it did not ask for */
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));

    char id[32];
    for (unsigned i = 0; i < GOSSIP_GATHER_MAX; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        change_at_once(node, id, "1");
    }
    pass_ms(node, GOSSIP_LAZY_EVERY_MS - 1);
    expect_silence(node, HANDS);
    pass_ms(node, 1);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, GOSSIP_GATHER_MAX);

    struct gossip_message last = message_from(HANDS, 7, ++node->peers[HANDS].number);
    last.header.head = 2;
    last.header.to = 2;
    last.header.holding.incarnation = OUR_INCARNATION;
    take(node, &last);
    change(node, "lime", "1"); /* now it is like any other */
    pass_ms(node, GOSSIP_LAZY_EVERY_MS);
    assert_true(says(node, HANDS));
    change_at_once(node, "plum", "1");
    pass_ms(node, GATHER_MS);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
}

static void half_a_window_of_batches_is_confirmed_at_once(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    for (unsigned i = 1; i <= GOSSIP_WINDOW / 2; i++) {
        assert_false(says(node, HANDS));
        struct gossip_message batch = message_from(HANDS, 7, 1 + i);
        batch.header.head = i;
        batch.header.from = i - 1;
        batch.header.to = i;
        batch.count = 1;
        batch.reports[0] = report_of("kiwi", "1");
        take(node, &batch);
    }

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.holding.mark, GOSSIP_WINDOW / 2);
}

static void no_more_than_the_window_is_in_flight(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t last = 0;
    for (unsigned i = 0; i < GOSSIP_WINDOW; i++) {
        change_many(node, i, i + 1);
        assert_true(says(node, HANDS));
        assert_int_equal(node->said.count, 1);
        last = node->said.header.number;
    }
    change_many(node, GOSSIP_WINDOW, GOSSIP_WINDOW + 2);
    expect_silence(node, HANDS);

    confirm(node, last - GOSSIP_WINDOW + 1, 1); /* the first of them */

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 2); /* what gathered leaves together */
    expect_silence(node, HANDS);
}

static void a_closed_window_lets_hellos_through(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    for (unsigned i = 0; i < GOSSIP_WINDOW + 1; i++) {
        change_many(node, i, i + 1);
        (void)says(node, HANDS);
    }
    pass_ms(node, GOSSIP_HELLO_EVERY_MS);

    assert_true(says(node, HANDS));

    assert_int_equal(node->said.count, 0);
    assert_int_equal(node->said.header.from, node->said.header.to);
}

/* What was skipped is confirmed only by the next HELLO, and would close the window for long. */
static void half_of_the_window_is_left_to_reports(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    for (unsigned i = 0; i < GOSSIP_WINDOW; i++) {
        char time[16];
        (void)snprintf(time, sizeof time, "%u", i);
        struct report report = report_of("kiwi", time);
        assert_int_equal(report_table_upsert(node->table, &report, 1U << HANDS), UPSERT_NEWER);
        pass_ms(node, GOSSIP_HELLO_EVERY_MS);
        assert_true(says(node, HANDS));
        assert_int_equal(node->said.count, 0);
        assert_int_equal(node->said.header.to, i < GOSSIP_WINDOW / 2 ? i + 1 : GOSSIP_WINDOW / 2);
    }

    change(node, "lime", "1");

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
    assert_int_equal(node->said.header.from, GOSSIP_WINDOW / 2);
}

static void it_allocates_only_when_it_is_created(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change_many(node, 0, 100);
    char *room;
    assert_int_equal(buffer_reserve(&node->message, MESSAGE_BATCH_BYTES_MAX, &room), STATUS_OK);
    struct gossip_message message = confirmation(node, 1, 0, 0, 0);

    faults_begin(1);
    for (int turn = 0; turn < 100; turn++) {
        (void)gossip_next_message(node->gossip, node->now, HANDS, &node->message);
        buffer_reset(&node->message);
        message.header.number++;
        size_t link;
        (void)gossip_receive(node->gossip, node->now, &message, &link);
        pass_ms(node, 50);
    }

    assert_false(faults_end());
}

static void memory_that_runs_out_at_creation_is_said(void **state)
{
    struct node *node = *state;
    struct gossip_config config = {
        .herd = slice_of("goloman"), .self = slice_of("Goloman"), .incarnation = 1};
    struct gossip *gossip;
    faults_begin(1);

    enum status status = gossip_create(&config, node->table, &gossip);

    assert_true(faults_end());
    assert_int_equal(status, STATUS_NO_MEMORY);
    gossip_destroy(NULL);
}

/* ---- Whom it hears ---- */

static struct gossip_message batch_from(size_t link, uint64_t incarnation, uint64_t number)
{
    struct gossip_message batch = message_from(link, incarnation, number);
    batch.header.head = 1;
    batch.header.to = 1;
    batch.count = 1;
    batch.reports[0] = report_of("kiwi", "1");
    return batch;
}

static void messages_of_others_are_refused_and_change_nothing(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message batch = batch_from(HANDS, 7, 2);
    batch.header.herd = slice_of("hill");
    assert_int_equal(hear(node, &batch), GOSSIP_REFUSED_HERD);
    batch = batch_from(HANDS, 7, 2);
    batch.header.receiver = slice_of("Wilkes");
    assert_int_equal(hear(node, &batch), GOSSIP_REFUSED_RECEIVER);
    batch = batch_from(HANDS, 7, 2);
    batch.header.sender = slice_of("Wilkes");
    assert_int_equal(hear(node, &batch), GOSSIP_REFUSED_SENDER);
    batch = batch_from(HANDS, 9, 2);
    assert_int_equal(hear(node, &batch), GOSSIP_REFUSED_SECOND);

    assert_int_equal(report_table_count(node->table), 0);
    assert_int_equal(status_of(node, HANDS).peer_incarnation, 7);
    assert_int_equal(status_of(node, HANDS).reports_received, 0);
    expect_silence(node, HANDS);
}

static void the_link_of_a_message_is_told(void **state)
{
    struct node *node = *state;
    struct gossip_message hello = message_from(WELSH, 8, 1);
    size_t link = SIZE_MAX;

    assert_int_equal(gossip_receive(node->gossip, node->now, &hello, &link), GOSSIP_TAKEN);

    assert_int_equal(link, WELSH);
}

static void a_new_process_is_believed_after_250_ms_of_silence(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message hello = message_from(HANDS, 9, 1);
    pass_ms(node, GOSSIP_SILENCE_MS - 1);
    assert_int_equal(hear(node, &hello), GOSSIP_REFUSED_SECOND);
    pass_ms(node, 1);

    take(node, &hello);

    assert_int_equal(status_of(node, HANDS).peer_incarnation, 9);
}

static void a_new_process_is_believed_at_once_where_the_link_broke(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    gossip_link_lost(node->gossip, node->now, HANDS);
    struct gossip_message hello = message_from(HANDS, 9, 1);

    take(node, &hello);
}

static void a_new_process_is_believed_at_once_where_the_link_opened_anew(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    gossip_link_opened(node->gossip, node->now, HANDS); /* that it broke was never told */
    struct gossip_message hello = message_from(HANDS, 9, 1);

    take(node, &hello);
}

static void a_new_process_is_answered_at_once(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    pass_ms(node, GOSSIP_SILENCE_MS);
    (void)says(node, HANDS);
    expect_silence(node, HANDS);
    struct gossip_message hello = message_from(HANDS, 9, 1);

    take(node, &hello);

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.holding.incarnation, 9);
}

static void nothing_that_a_former_process_said_is_believed_of_the_next(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    struct gossip_message last = message_from(HANDS, 7, 2);
    last.header.holding.number = node->said.header.number;
    last.header.holding.mark = 1;
    take(node, &last);
    assert_int_equal(status_of(node, HANDS).behind, 0);
    assert_true(status_of(node, HANDS).is_caught_up);
    gossip_link_lost(node->gossip, node->now, HANDS);
    struct gossip_message hello = message_from(HANDS, 9, 1);
    hello.header.head = 5;

    take(node, &hello);

    assert_int_equal(status_of(node, HANDS).peer_mark, 0);
    assert_int_equal(status_of(node, HANDS).behind, 1);
    assert_false(status_of(node, HANDS).is_caught_up);
}

static void late_messages_of_a_replaced_process_do_not_bring_it_back(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    gossip_link_lost(node->gossip, node->now, HANDS);
    struct gossip_message hello = message_from(HANDS, 9, 1);
    take(node, &hello);
    gossip_link_lost(node->gossip, node->now, HANDS);
    struct gossip_message late = batch_from(HANDS, 7, 50);

    assert_int_equal(hear(node, &late), GOSSIP_REFUSED_SECOND);
    pass_ms(node, GOSSIP_RETURN_MS - 1);
    assert_int_equal(hear(node, &late), GOSSIP_REFUSED_SECOND);
    pass_ms(node, 1);
    assert_int_equal(hear(node, &late), GOSSIP_TAKEN); /* its successor has gone */
}

static void what_a_former_process_held_is_sent_to_the_next(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message batch = batch_from(HANDS, 7, 2);
    take(node, &batch);
    let_say_all(node, HANDS);
    gossip_link_lost(node->gossip, node->now, HANDS);
    gossip_link_opened(node->gossip, node->now, HANDS);
    struct gossip_message hello = message_from(HANDS, 9, 1);
    take(node, &hello);

    assert_true(says(node, HANDS));

    assert_int_equal(node->said.count, 1);
    assert_int_equal(node->said.header.from, 0);
    assert_int_equal(node->said.header.to, 1);
}

/* ---- What it holds ---- */

static struct holding holding_after(
    struct node *node, const uint64_t (*ranges)[2], size_t range_count)
{
    meet(node, HANDS, 7);
    for (size_t i = 0; i < range_count; i++) {
        struct gossip_message message = message_from(HANDS, 7, 2 + i);
        message.header.head = 1000;
        message.header.from = ranges[i][0];
        message.header.to = ranges[i][1];
        take(node, &message);
    }
    pass_ms(node, GOSSIP_HELLO_EVERY_MS);
    assert_true(says(node, HANDS));
    return node->said.header.holding;
}

static void assert_holding(
    struct holding holding, uint64_t mark, uint64_t island_from, uint64_t island_to)
{
    assert_int_equal(holding.mark, mark);
    assert_int_equal(holding.island_from, island_from);
    assert_int_equal(holding.island_to, island_to);
}

static void the_mark_moves_over_what_follows_it(void **state)
{
    static const uint64_t ranges[][2] = {{0, 3}, {3, 3}, {3, 10}, {5, 8}, {2, 12}};
    assert_holding(holding_after(*state, ranges, 5), 12, 12, 12);
}

static void what_lies_beyond_a_gap_is_an_island_that_grows(void **state)
{
    static const uint64_t ranges[][2] = {{0, 3}, {10, 20}, {20, 30}, {8, 12}};
    assert_holding(holding_after(*state, ranges, 4), 3, 8, 30);
}

static void mark_and_island_join_when_the_gap_is_filled(void **state)
{
    static const uint64_t ranges[][2] = {{0, 3}, {10, 20}, {3, 7}, {7, 10}};
    assert_holding(holding_after(*state, ranges, 4), 20, 20, 20);
}

static void of_two_islands_the_later_one_is_kept(void **state)
{
    static const uint64_t ranges[][2] = {{10, 20}, {30, 40}, {22, 25}};
    assert_holding(holding_after(*state, ranges, 3), 0, 30, 40);
}

static void a_range_for_another_process_of_our_name_is_not_held(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message batch = batch_from(HANDS, 7, 2);
    batch.header.holding.incarnation = OUR_INCARNATION + 1;

    take(node, &batch);

    assert_int_equal(report_table_count(node->table), 1); /* the reports are as good as any */
    assert_int_equal(status_of(node, HANDS).mark, 0);
}

static void a_loss_is_answered_at_once(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message hello = message_from(HANDS, 7, 2);
    take(node, &hello);
    expect_silence(node, HANDS);

    hello = message_from(HANDS, 7, 4);
    take(node, &hello);

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.holding.number, 4);
}

static void a_late_message_takes_back_nothing_that_was_said_since(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message hello = message_from(HANDS, 7, 5);
    take(node, &hello);
    hello = message_from(HANDS, 7, 3);
    take(node, &hello);

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.holding.number, 5);
}

/* ---- Repairing ---- */

/* Changes one report and lets it leave; the number of the message. */
static uint64_t send_one(struct node *node, unsigned id)
{
    change_many(node, id, id + 1);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
    return node->said.header.number;
}

static void expect_batch(struct node *node, uint64_t from, uint64_t to, size_t count)
{
    pass_ms(node, GATHER_MS);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.from, from);
    assert_int_equal(node->said.header.to, to);
    assert_int_equal(node->said.count, count);
}

static void what_was_confirmed_is_not_repeated(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    send_one(node, 0);
    uint64_t last = send_one(node, 1);

    confirm(node, last, 2);

    expect_silence(node, HANDS);
    assert_int_equal(status_of(node, HANDS).behind, 0);
    assert_int_equal(status_of(node, HANDS).batches_lost, 0);
}

static void what_is_still_under_way_is_not_repeated(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t first = send_one(node, 0);
    send_one(node, 1);

    confirm(node, first, 1);

    expect_silence(node, HANDS);
}

static void a_lost_last_message_is_sent_again(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t first = send_one(node, 0);
    uint64_t last = send_one(node, 1);
    assert_int_equal(last, first + 1);

    confirm(node, last + 0, 1); /* its number came back, and its range did not */

    expect_batch(node, 1, 2, 1);
    assert_int_equal(status_of(node, HANDS).batches_lost, 1);
}

static void a_gap_is_filled_and_the_live_stretch_goes_on(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    send_one(node, 0);
    send_one(node, 1);
    uint64_t last = send_one(node, 2);

    struct gossip_message message = confirmation(node, last, 0, 1, 3);
    take(node, &message);

    expect_batch(node, 0, 1, 1);
    expect_silence(node, HANDS);
    send_one(node, 3);
    assert_int_equal(node->said.header.from, 3);
}

/* Found on paper: the live stretch returned to the island, and nobody sent what is before it. */
static void a_loss_behind_an_island_leaves_no_gap(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t first = send_one(node, 0);
    send_one(node, 1);
    send_one(node, 2);
    confirm(node, first, 0); /* the first is lost: all goes again, though 1 and 2 still arrive */
    expect_batch(node, 0, 3, 3);
    uint64_t last = send_one(node, 3);
    struct gossip_message message = confirmation(node, last, 0, 1, 3); /* but not these two */
    take(node, &message);
    pass_ms(node, GATHER_MS);

    bool is_covered[5] = {false, false, true, true, false};
    while (says(node, HANDS)) {
        for (uint64_t lseq = node->said.header.from + 1; lseq <= node->said.header.to; lseq++) {
            is_covered[lseq] = true;
        }
    }

    for (size_t lseq = 1; lseq <= 4; lseq++) {
        assert_true(is_covered[lseq]);
    }
}

static void a_mark_that_goes_back_means_to_begin_anew(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    send_one(node, 0);
    uint64_t last = send_one(node, 1);
    confirm(node, last, 2);
    pass_ms(node, GOSSIP_HELLO_EVERY_MS);
    assert_true(says(node, HANDS));

    confirm(node, node->said.header.number, 0);

    expect_batch(node, 0, 2, 2);
}

static void a_loss_that_is_being_repaired_is_not_repaired_again(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t first = send_one(node, 0);
    send_one(node, 1);
    uint64_t last = send_one(node, 2);
    confirm(node, first, 0); /* lost: all three go again */
    expect_batch(node, 0, 3, 3);

    struct gossip_message message = confirmation(node, last, 0, 2, 3); /* the second is lost, too */
    take(node, &message);

    pass_ms(node, GATHER_MS);
    expect_silence(node, HANDS);
    assert_int_equal(status_of(node, HANDS).batches_lost, 1);
}

static void a_late_confirmation_means_nothing(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t first = send_one(node, 0);
    uint64_t last = send_one(node, 1);
    confirm(node, last, 2);

    confirm(node, first, 1);
    confirm(node, last, 1); /* of the same number, but said before */

    expect_silence(node, HANDS);
    assert_int_equal(status_of(node, HANDS).peer_mark, 2);
}

static void a_confirmation_that_cannot_be_is_not_believed(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t last = send_one(node, 0);

    confirm(node, last + 10, 1);
    confirm(node, last, 99);
    struct gossip_message of_the_future = confirmation(node, last, 0, 1, 99);
    take(node, &of_the_future);
    struct gossip_message of_another = confirmation(node, last, 1, 1, 1);
    of_another.header.holding.incarnation = OUR_INCARNATION + 1;
    take(node, &of_another);

    assert_int_equal(status_of(node, HANDS).peer_mark, 0);
    assert_int_equal(status_of(node, HANDS).batches_lost, 0);
    expect_silence(node, HANDS);
}

/* ---- Proof of equality ---- */

/* The neighbour holds all of ours, we hold all of its, and it says what its digest is. */
static struct gossip_message comparison(struct node *node, uint64_t digest_low)
{
    uint64_t head = report_table_head(node->table);
    struct gossip_message message = confirmation(node, 1, head, head, head);
    claim_our_table(node, &message);
    message.header.digest.low += digest_low;
    return message;
}

static void equal_digests_are_shown_until_something_changes(void **state)
{
    struct node *node = *state;
    assert_false(status_of(node, HANDS).is_equal);
    assert_int_equal(status_of(node, HANDS).equal_ms_ago, -1);
    meet(node, HANDS, 7);
    struct gossip_message message = comparison(node, 0);
    take(node, &message);
    pass_ms(node, 30);
    assert_true(status_of(node, HANDS).is_equal);
    assert_int_equal(status_of(node, HANDS).equal_ms_ago, 30);

    change(node, "kiwi", "1");

    assert_false(status_of(node, HANDS).is_equal);
    assert_int_equal(status_of(node, HANDS).equal_ms_ago, 30 + GATHER_MS);

    message = comparison(node, 0);
    take(node, &message);
    assert_true(status_of(node, HANDS).is_equal);
    message = comparison(node, 1);
    message.header.head++; /* the neighbour has something new, which did not come yet */
    take(node, &message);
    assert_false(status_of(node, HANDS).is_equal);
}

static void different_digests_three_times_in_a_row_repeat_all(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    uint64_t last = send_one(node, 0);
    for (unsigned i = 0; i < GOSSIP_DIGESTS_DIFFER_MAX; i++) {
        expect_silence(node, HANDS);
        struct gossip_message message = comparison(node, 1);
        message.header.holding.number = last;
        take(node, &message);
    }

    expect_batch(node, 0, 1, 1);
    assert_int_equal(status_of(node, HANDS).repeats_of_all, 1);
    assert_false(status_of(node, HANDS).is_equal);
}

static void tables_are_equal_only_if_all_of_digest_and_count_are(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message message = comparison(node, 0);
    message.header.digest.high++;
    take(node, &message);
    assert_false(status_of(node, HANDS).is_equal);

    message = comparison(node, 0);
    message.header.count++;
    take(node, &message);
    assert_false(status_of(node, HANDS).is_equal);
}

static void different_digests_that_became_equal_meanwhile_repeat_nothing(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    for (unsigned i = 0; i < 2 * GOSSIP_DIGESTS_DIFFER_MAX; i++) {
        struct gossip_message message = comparison(node, i % GOSSIP_DIGESTS_DIFFER_MAX);
        take(node, &message);
    }

    assert_int_equal(status_of(node, HANDS).repeats_of_all, 0);
}

/* Compares every 100 ms until all is sent again; after how many milliseconds that was. */
static int64_t next_repetition_ms(struct node *node)
{
    const uint64_t before = status_of(node, HANDS).repeats_of_all;
    int64_t passed_ms = 0;
    while (status_of(node, HANDS).repeats_of_all == before) {
        pass_ms(node, 100);
        passed_ms += 100;
        assert_in_range(passed_ms, 0, 2 * GOSSIP_REPEAT_ALL_MS_MAX);
        struct gossip_message message = comparison(node, 1);
        take(node, &message);
        let_say_all(node, HANDS);
    }
    return passed_ms;
}

static void repetitions_of_all_become_rarer_up_to_a_minute(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    static const int64_t wanted_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    (void)next_repetition_ms(node);
    for (size_t i = 0; i < sizeof wanted_ms / sizeof *wanted_ms; i++) {
        assert_in_range(next_repetition_ms(node), wanted_ms[i], wanted_ms[i] + 100);
    }

    pass_ms(node, GOSSIP_REPEAT_ALL_MS_MAX);
    struct gossip_message equal = comparison(node, 0);
    take(node, &equal);

    (void)next_repetition_ms(node); /* from here on as if it had never been */
    assert_in_range(next_repetition_ms(node), wanted_ms[0], wanted_ms[0] + 100);
}

/* ---- Pushing lazily ---- */

static void hear_wish(struct node *node, bool wants_lazy)
{
    struct gossip_message hello = next_from(node, HANDS);
    hello.header.wants_lazy = wants_lazy;
    take(node, &hello);
}

static void a_lazy_neighbour_gets_a_batch_every_20_ms_however_much_gathers(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS)); /* on an idle link nothing waits */

    char id[32];
    for (unsigned i = 0; i < GOSSIP_GATHER_MAX; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        change_at_once(node, id, "1");
    }
    expect_silence(node, HANDS);
    const struct instant due = instant_after_ms(node->now, GOSSIP_LAZY_EVERY_MS);
    assert_int_equal(gossip_deadline(node->gossip).ns, due.ns);
    node->now.ns = due.ns - 1;
    expect_silence(node, HANDS);
    node->now = due;
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, GOSSIP_GATHER_MAX);
}

static void the_wish_of_one_neighbour_is_none_of_the_others(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    meet(node, WELSH, 8);
    assert_false(status_of(node, HANDS).is_lazy);

    hear_wish(node, true);

    assert_true(status_of(node, HANDS).is_lazy);
    assert_false(status_of(node, WELSH).is_lazy);
    change(node, "kiwi", "1");
    assert_true(says(node, WELSH));
    change(node, "lime", "1");
    assert_true(says(node, WELSH));
    hear_wish(node, false);
    assert_false(status_of(node, HANDS).is_lazy);
}

static void a_late_message_changes_no_wish(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message late = next_from(node, HANDS);
    hear_wish(node, true);
    take(node, &late);
    assert_true(status_of(node, HANDS).is_lazy);

    late = next_from(node, HANDS);
    late.header.wants_lazy = true;
    hear_wish(node, false);
    take(node, &late);
    assert_false(status_of(node, HANDS).is_lazy);
}

static void a_new_process_of_a_lazy_neighbour_is_eager(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    hear_wish(node, true);
    assert_true(status_of(node, HANDS).is_lazy);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));

    meet(node, HANDS, 9);

    assert_false(status_of(node, HANDS).is_lazy);
    change_at_once(node, "lime", "1");
    assert_true(says(node, HANDS)); /* the former one's 20 ms are none of its own */
    assert_int_equal(node->said.count, 1);
}

static void a_wish_ends_with_the_link_over_which_it_came(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    change_at_once(node, "lime", "1");
    expect_silence(node, HANDS);

    gossip_link_lost(node->gossip, node->now, HANDS);
    assert_false(status_of(node, HANDS).is_lazy);

    gossip_link_opened(node->gossip, node->now, HANDS);
    assert_true(says(node, HANDS)); /* what was held back */
    assert_in_range(node->said.count, 1, 2);
    assert_int_equal(node->said.header.to, 2);
}

/* Notes what the message that was said last covers. */
static void note_covered(const struct node *node, bool *covered)
{
    for (uint64_t lseq = node->said.header.from + 1; lseq <= node->said.header.to; lseq++) {
        covered[lseq] = true;
    }
}

static void expect_all_covered(const struct node *node, const bool *covered)
{
    for (uint64_t lseq = 1; lseq <= report_table_head(node->table); lseq++) {
        assert_true(covered[lseq]);
    }
}

static void what_was_held_back_leaves_as_soon_as_the_wish_is_taken_back(void **state)
{
    struct node *node = *state;
    bool covered[1 + 3] = {false};
    meet(node, HANDS, 7);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    note_covered(node, covered);
    change_at_once(node, "lime", "1");
    change_at_once(node, "plum", "1");
    expect_silence(node, HANDS);

    hear_wish(node, false);

    assert_true(says(node, HANDS));
    assert_in_range(node->said.count, 2, 3);
    note_covered(node, covered);
    expect_all_covered(node, covered);
    expect_silence(node, HANDS);
}

static void once_the_wish_is_taken_back_the_next_change_leaves_at_once(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));

    hear_wish(node, false);

    change_at_once(node, "lime", "1");
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
    assert_int_equal(node->said.header.to, 2);
}

static void nothing_new_waits_for_what_was_held_back(void **state)
{
    enum { HELD_BACK = 40, LENGTH = 4000 }; /* reports that fill several messages */
    struct node *node = *state;
    bool covered[1 + 1 + HELD_BACK + 1] = {false};
    meet(node, HANDS, 7);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    note_covered(node, covered);
    char id[LENGTH + 1];
    for (int i = 0; i < HELD_BACK; i++) {
        (void)snprintf(id, sizeof id, "%0*d", LENGTH, i);
        change_at_once(node, id, "1");
    }
    expect_silence(node, HANDS);

    hear_wish(node, false);
    change_at_once(node, "lime", "1");

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.from, 1 + HELD_BACK);
    assert_int_equal(node->said.header.to, 1 + HELD_BACK + 1);
    assert_int_equal(node->said.count, 1);
    note_covered(node, covered);
    size_t report_count = 0;
    while (says(node, HANDS)) {
        note_covered(node, covered);
        report_count += node->said.count;
        pass_ms(node, GOSSIP_BACKFILL_EVERY_MS);
    }
    expect_all_covered(node, covered);
    assert_in_range(report_count, HELD_BACK, HELD_BACK + 1);
}

static void a_backfill_that_is_under_way_takes_in_what_was_held_back(void **state)
{
    struct node *node = *state;
    bool covered[OLD + 3 + 2] = {false};
    begin_backfill(node);
    note_covered(node, covered);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.from, OLD);
    note_covered(node, covered);
    change_at_once(node, "lime", "1");
    change_at_once(node, "plum", "1");

    hear_wish(node, false);

    uint64_t mark = 0;
    for (unsigned turn = 0; mark < OLD + 3; turn++) {
        assert_in_range(turn, 0, OLD); /* fewer messages than reports */
        pass_ms(node, GOSSIP_BACKFILL_EVERY_MS);
        assert_true(says(node, HANDS));
        note_covered(node, covered);
        while (covered[mark + 1]) {
            mark++;
        }
        struct gossip_message message = confirmation(node,
            node->said.header.number,
            mark,
            mark < OLD ? OLD : mark,
            mark < OLD ? OLD + 1 : mark);
        take(node, &message);
    }
    assert_int_equal(status_of(node, HANDS).behind, 0);
    assert_int_equal(status_of(node, HANDS).batches_lost, 0);
}

static void whoever_is_in_a_hurry_lets_nothing_gather(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    meet(node, WELSH, 8);
    hear_wish(node, true);
    change(node, "kiwi", "1");
    assert_true(says(node, HANDS));
    assert_true(says(node, WELSH));
    change_at_once(node, "lime", "1");
    expect_silence(node, HANDS);
    expect_silence(node, WELSH);

    gossip_hurry(node->gossip);

    assert_true(says(node, HANDS));
    assert_int_equal(node->said.count, 1);
    assert_true(says(node, WELSH));
    assert_int_equal(node->said.count, 1);
    change_at_once(node, "plum", "1");
    assert_true(says(node, HANDS));
    assert_true(says(node, WELSH));
}

/* ---- Asking for lazy push ---- */

enum { ENOUGH = REDUNDANCY_REPORTS_MIN }; /* reports for a judgement */

/* The neighbour brings the reports of so many clients, from this one on. */
static void hear_batch(struct node *node, size_t link, unsigned first, unsigned count)
{
    static char ids[ENOUGH][16];
    struct gossip_message batch = next_from(node, link);
    node->peers[link].head += count;
    batch.header.head += count;
    batch.header.to += count;
    assert_true(count <= ENOUGH);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "client-%u", first + i);
        batch.reports[batch.count++] = report_of(ids[i], "1");
    }
    take(node, &batch);
}

/* Says all that it has to say on the link, and each time this wish. */
static void expect_wish(struct node *node, size_t link, bool wants_lazy)
{
    assert_true(says(node, link));
    do {
        assert_int_equal(node->said.header.wants_lazy, wants_lazy);
    } while (says(node, link));
}

/* What Welsh brings has come from Hands already; then it is time to judge. */
static void hear_the_same_from_both(struct node *node)
{
    pass_ms(node, REDUNDANCY_REVIEW_EVERY_MS); /* what came earlier would not count */
    hear_batch(node, HANDS, 0, ENOUGH);
    hear_batch(node, WELSH, 0, ENOUGH);
    pass_ms(node, REDUNDANCY_REVIEW_EVERY_MS);
    expect_wish(node, HANDS, false);
    expect_wish(node, WELSH, false);
}

/* Welsh has just been asked for lazy push, and Hands was heard that very moment. */
static void ask_welsh(struct node *node)
{
    meet(node, HANDS, 7);
    meet(node, WELSH, 8);
    hear_the_same_from_both(node);
    hear_hello(node, HANDS);
    expect_wish(node, WELSH, true);
    let_say_all(node, HANDS);
}

static void a_neighbour_that_brings_what_is_known_is_asked_for_lazy_push_at_once(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    meet(node, WELSH, 8);
    hear_the_same_from_both(node);
    expect_silence(node, WELSH);

    hear_hello(node, HANDS);

    expect_wish(node, WELSH, true);
    expect_wish(node, HANDS, false);
    pass_ms(node, GOSSIP_HELLO_EVERY_MS); /* and whatever is said later repeats it */
    expect_wish(node, WELSH, true);
    expect_wish(node, HANDS, false);
}

static void what_a_full_table_refuses_was_not_known(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    while (report_table_count(node->table) < REPORTS_MAX) {
        add_client(node);
    }

    hear_batch(node, HANDS, 0, ENOUGH);

    assert_int_equal(status_of(node, HANDS).reports_received, ENOUGH);
    assert_int_equal(status_of(node, HANDS).reports_redundant, 0);
}

static void a_batch_says_the_wish_too(void **state)
{
    struct node *node = *state;
    ask_welsh(node);
    change(node, "kiwi", "1");

    assert_true(says(node, WELSH));

    assert_int_equal(node->said.count, 1);
    assert_true(node->said.header.wants_lazy);
}

static void who_brings_news_though_it_was_asked_is_told_at_once_to_push_again(void **state)
{
    struct node *node = *state;
    ask_welsh(node);
    pass_ms(node, REDUNDANCY_LAZY_MS_MIN / 2);
    hear_hello(node, HANDS);
    hear_hello(node, WELSH);
    let_say_all(node, WELSH);
    pass_ms(node, REDUNDANCY_LAZY_MS_MIN / 2);

    hear_batch(node, WELSH, ENOUGH, ENOUGH);

    assert_true(says(node, WELSH));
    assert_false(node->said.header.wants_lazy);
}

static void a_lost_link_takes_all_wishes_back_at_once(void **state)
{
    struct node *node = *state;
    ask_welsh(node);
    expect_silence(node, WELSH);

    gossip_link_lost(node->gossip, node->now, HANDS);

    expect_wish(node, WELSH, false);
}

static void a_silent_neighbour_takes_all_wishes_back_at_once(void **state)
{
    struct node *node = *state;
    ask_welsh(node);
    for (int ms = 1; ms < GOSSIP_MISSED_MS; ms++) {
        pass_ms(node, 1);
        hear_hello(node, WELSH);
        while (says(node, WELSH)) {
            assert_true(node->said.header.wants_lazy);
        }
    }
    pass_ms(node, 1);

    hear_hello(node, WELSH); /* the first that anybody says since */

    expect_wish(node, WELSH, false);
}

static void a_new_process_takes_all_wishes_back_at_once(void **state)
{
    struct node *node = *state;
    ask_welsh(node);
    gossip_link_opened(node->gossip, node->now, HANDS); /* that it broke was never told */
    expect_silence(node, WELSH);
    struct gossip_message hello = message_from(HANDS, 9, 1);

    take(node, &hello);

    expect_wish(node, WELSH, false);
}

static void who_stays_silent_keeps_nobody_from_being_asked(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    meet(node, WELSH, 8);
    meet(node, HOLIDAY, 9);
    for (int ms = 0; ms < GOSSIP_MISSED_MS; ms += GOSSIP_MISSED_MS / 5) {
        pass_ms(node, GOSSIP_MISSED_MS / 5);
        hear_hello(node, HANDS);
        hear_hello(node, WELSH);
    }
    hear_the_same_from_both(node);

    hear_hello(node, HANDS);

    expect_wish(node, WELSH, true);
}

/* ---- Equal tables end all debts ---- */

/* What Hands says next, with this head and a table that equals ours. */
static struct gossip_message with_our_table(struct node *node, uint64_t head)
{
    struct gossip_message hello = next_from(node, HANDS);
    hello.header.head = head;
    claim_our_table(node, &hello);
    return hello;
}

static void a_neighbour_whose_table_equals_ours_owes_us_nothing(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change(node, "kiwi", "1");
    struct gossip_message hello = with_our_table(node, 5);

    take(node, &hello);

    assert_int_equal(status_of(node, HANDS).mark, 5);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.holding.mark, 5);
}

static void who_has_an_equal_table_is_caught_up_with(void **state)
{
    struct node *node = *state;
    change(node, "kiwi", "1");
    meet_welsh_with(node, 5);
    assert_false(status_of(node, WELSH).is_caught_up);

    struct gossip_message hello = next_from(node, WELSH);
    claim_our_table(node, &hello);
    take(node, &hello);

    assert_true(status_of(node, WELSH).is_caught_up);
}

static void a_table_that_differs_in_digest_or_count_may_lack_anything(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    change(node, "kiwi", "1");
    struct gossip_message hello = with_our_table(node, 5);
    hello.header.digest.low++;
    take(node, &hello);
    assert_int_equal(status_of(node, HANDS).mark, 0);

    hello = with_our_table(node, 5);
    hello.header.digest.high++;
    take(node, &hello);
    assert_int_equal(status_of(node, HANDS).mark, 0);

    hello = with_our_table(node, 5);
    hello.header.count++;
    take(node, &hello);
    assert_int_equal(status_of(node, HANDS).mark, 0);
}

static void equal_tables_close_the_gap_before_an_island(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message island = next_from(node, HANDS);
    island.header.head = 20;
    island.header.from = 10;
    island.header.to = 20;
    take(node, &island);
    struct gossip_message hello = with_our_table(node, 30);
    take(node, &hello);

    pass_ms(node, GOSSIP_HELLO_EVERY_MS);
    assert_true(says(node, HANDS));
    assert_int_equal(node->said.header.holding.mark, 30);
    assert_int_equal(node->said.header.holding.island_from, 30);
    assert_int_equal(node->said.header.holding.island_to, 30);
}

/* Late, as it tells of a head that has moved on since. */
static void an_equal_table_of_before_takes_no_mark_back(void **state)
{
    struct node *node = *state;
    meet(node, HANDS, 7);
    struct gossip_message late = with_our_table(node, 3);
    struct gossip_message hello = with_our_table(node, 5);
    take(node, &hello);

    take(node, &late);

    assert_int_equal(status_of(node, HANDS).mark, 5);
}

static void the_reports_of_a_message_count_before_the_tables_are_compared(void **state)
{
    struct node *node = *state;
    struct report kiwi = report_of("kiwi", "1");
    struct report_table *table_of_hands;
    assert_int_equal(report_table_create(1, 1, 1, &table_of_hands), STATUS_OK);
    assert_int_equal(report_table_upsert(table_of_hands, &kiwi, 0), UPSERT_NEWER);
    meet(node, HANDS, 7);
    struct gossip_message batch = next_from(node, HANDS);
    batch.header.head = 5;
    batch.header.from = 4; /* what went before is lost, or was replaced by this */
    batch.header.to = 5;
    batch.header.digest = report_table_digest(table_of_hands);
    batch.header.count = 1;
    batch.count = 1;
    batch.reports[0] = kiwi;

    take(node, &batch);

    assert_int_equal(status_of(node, HANDS).mark, 5);
    report_table_destroy(table_of_hands);
}

/* Hands is lazy and knows of the first of three changes. */
static uint64_t hold_back_two(struct node *node)
{
    meet(node, HANDS, 7);
    hear_wish(node, true);
    uint64_t last = send_one(node, 0);
    change_at_once(node, "kiwi", "1");
    change_at_once(node, "lime", "1");
    expect_silence(node, HANDS);
    return last;
}

static void what_a_neighbour_holds_from_others_is_not_sent(void **state)
{
    struct node *node = *state;
    uint64_t last = hold_back_two(node);
    struct gossip_message message = confirmation(node, last, 3, 3, 3);
    message.header.wants_lazy = true;
    take(node, &message);
    assert_int_equal(status_of(node, HANDS).behind, 0);

    pass_ms(node, GOSSIP_LAZY_EVERY_MS);
    expect_silence(node, HANDS);
    change_at_once(node, "plum", "1");
    expect_batch(node, 3, 4, 1);
}

static void what_a_neighbour_lacks_beyond_that_is_sent(void **state)
{
    struct node *node = *state;
    uint64_t last = hold_back_two(node);
    struct gossip_message message = confirmation(node, last, 2, 2, 2);
    message.header.wants_lazy = true;
    take(node, &message);

    pass_ms(node, GOSSIP_LAZY_EVERY_MS);
    expect_batch(node, 2, 3, 1);
}

/* ---- What it knows ---- */

static void a_node_has_caught_up_when_it_holds_what_a_neighbour_had_at_first(void **state)
{
    struct node *node = *state;
    assert_true(gossip_is_caught_up(node->gossip)); /* nobody was heard */
    struct gossip_message hello = message_from(HANDS, 7, 1);
    hello.header.head = 5;
    take(node, &hello);
    assert_false(gossip_is_caught_up(node->gossip));

    struct gossip_message more = message_from(HANDS, 7, 2);
    more.header.head = 9; /* it goes on changing */
    more.header.to = 5;
    take(node, &more);

    assert_true(gossip_is_caught_up(node->gossip));
    assert_true(status_of(node, HANDS).is_caught_up);
    assert_int_equal(status_of(node, HANDS).peer_head, 9);
    assert_int_equal(status_of(node, HANDS).mark, 5);
}

static void the_status_of_a_link_tells_what_happened(void **state)
{
    struct node *node = *state;
    assert_true(slice_equals(status_of(node, WELSH).neighbour, slice_of("Welsh")));
    assert_false(status_of(node, HANDS).is_open);
    assert_false(status_of(node, HANDS).is_heard);
    meet(node, HANDS, 7);
    assert_true(status_of(node, HANDS).is_open);
    assert_true(status_of(node, HANDS).is_heard);
    struct gossip_message batch = batch_from(HANDS, 7, 2);
    take(node, &batch);
    for (batch.header.number = 3; batch.header.number <= 4; batch.header.number++) {
        take(node, &batch);
    }
    assert_int_equal(status_of(node, HANDS).reports_received, 3);
    assert_int_equal(status_of(node, HANDS).reports_redundant, 2);

    change(node, "lime", "1");
    assert_true(says(node, HANDS));
    pass_ms(node, 40);
    struct gossip_link_status status = status_of(node, HANDS);
    assert_int_equal(status.batches_sent, 1);
    assert_int_equal(status.reports_sent, 1);
    assert_true(status.behind > 0);
    assert_int_equal(status.behind_ms, 40);
    pass_ms(node, GOSSIP_SILENCE_MS);
    assert_false(status_of(node, HANDS).is_heard);
}

#define GOSSIP_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GOSSIP_TEST(nothing_is_said_while_no_link_is_open),
        GOSSIP_TEST(an_opened_link_is_greeted_at_once_and_every_100_ms),
        GOSSIP_TEST(a_message_says_who_what_and_how_far),
        GOSSIP_TEST(reports_go_only_to_a_neighbour_that_was_heard),
        GOSSIP_TEST(a_change_leaves_in_the_turn_it_happened),
        GOSSIP_TEST(a_lost_link_is_silent_until_it_opens_again),
        GOSSIP_TEST(on_an_idle_link_nothing_waits_and_on_a_busy_one_little_gathers),
        GOSSIP_TEST(large_batches_keep_a_longer_distance_up_to_a_limit),
        GOSSIP_TEST(the_distance_is_times_the_eager_links),
        GOSSIP_TEST(much_waits_for_nothing),
        GOSSIP_TEST(the_batches_of_a_backfill_keep_a_distance),
        GOSSIP_TEST(live_reports_leave_a_backfill_half_of_the_window),
        GOSSIP_TEST(a_neighbour_that_still_fills_us_hears_little),
        GOSSIP_TEST(half_a_window_of_batches_is_confirmed_at_once),
        GOSSIP_TEST(what_came_from_a_neighbour_is_not_sent_back_but_told_to_be_all),
        GOSSIP_TEST(no_more_than_the_window_is_in_flight),
        GOSSIP_TEST(a_closed_window_lets_hellos_through),
        GOSSIP_TEST(half_of_the_window_is_left_to_reports),
        GOSSIP_TEST(it_allocates_only_when_it_is_created),
        GOSSIP_TEST(memory_that_runs_out_at_creation_is_said),
        GOSSIP_TEST(messages_of_others_are_refused_and_change_nothing),
        GOSSIP_TEST(the_link_of_a_message_is_told),
        GOSSIP_TEST(a_new_process_is_believed_after_250_ms_of_silence),
        GOSSIP_TEST(a_new_process_is_believed_at_once_where_the_link_broke),
        GOSSIP_TEST(a_new_process_is_believed_at_once_where_the_link_opened_anew),
        GOSSIP_TEST(a_new_process_is_answered_at_once),
        GOSSIP_TEST(nothing_that_a_former_process_said_is_believed_of_the_next),
        GOSSIP_TEST(late_messages_of_a_replaced_process_do_not_bring_it_back),
        GOSSIP_TEST(what_a_former_process_held_is_sent_to_the_next),
        GOSSIP_TEST(the_mark_moves_over_what_follows_it),
        GOSSIP_TEST(what_lies_beyond_a_gap_is_an_island_that_grows),
        GOSSIP_TEST(mark_and_island_join_when_the_gap_is_filled),
        GOSSIP_TEST(of_two_islands_the_later_one_is_kept),
        GOSSIP_TEST(a_range_for_another_process_of_our_name_is_not_held),
        GOSSIP_TEST(a_loss_is_answered_at_once),
        GOSSIP_TEST(a_late_message_takes_back_nothing_that_was_said_since),
        GOSSIP_TEST(what_was_confirmed_is_not_repeated),
        GOSSIP_TEST(what_is_still_under_way_is_not_repeated),
        GOSSIP_TEST(a_lost_last_message_is_sent_again),
        GOSSIP_TEST(a_gap_is_filled_and_the_live_stretch_goes_on),
        GOSSIP_TEST(a_loss_behind_an_island_leaves_no_gap),
        GOSSIP_TEST(a_mark_that_goes_back_means_to_begin_anew),
        GOSSIP_TEST(a_loss_that_is_being_repaired_is_not_repaired_again),
        GOSSIP_TEST(a_late_confirmation_means_nothing),
        GOSSIP_TEST(a_confirmation_that_cannot_be_is_not_believed),
        GOSSIP_TEST(equal_digests_are_shown_until_something_changes),
        GOSSIP_TEST(different_digests_three_times_in_a_row_repeat_all),
        GOSSIP_TEST(tables_are_equal_only_if_all_of_digest_and_count_are),
        GOSSIP_TEST(different_digests_that_became_equal_meanwhile_repeat_nothing),
        GOSSIP_TEST(repetitions_of_all_become_rarer_up_to_a_minute),
        GOSSIP_TEST(a_lazy_neighbour_gets_a_batch_every_20_ms_however_much_gathers),
        GOSSIP_TEST(the_wish_of_one_neighbour_is_none_of_the_others),
        GOSSIP_TEST(a_late_message_changes_no_wish),
        GOSSIP_TEST(a_new_process_of_a_lazy_neighbour_is_eager),
        GOSSIP_TEST(a_wish_ends_with_the_link_over_which_it_came),
        GOSSIP_TEST(what_was_held_back_leaves_as_soon_as_the_wish_is_taken_back),
        GOSSIP_TEST(once_the_wish_is_taken_back_the_next_change_leaves_at_once),
        GOSSIP_TEST(nothing_new_waits_for_what_was_held_back),
        GOSSIP_TEST(a_backfill_that_is_under_way_takes_in_what_was_held_back),
        GOSSIP_TEST(whoever_is_in_a_hurry_lets_nothing_gather),
        GOSSIP_TEST(a_neighbour_that_brings_what_is_known_is_asked_for_lazy_push_at_once),
        GOSSIP_TEST(what_a_full_table_refuses_was_not_known),
        GOSSIP_TEST(a_batch_says_the_wish_too),
        GOSSIP_TEST(who_brings_news_though_it_was_asked_is_told_at_once_to_push_again),
        GOSSIP_TEST(a_lost_link_takes_all_wishes_back_at_once),
        GOSSIP_TEST(a_silent_neighbour_takes_all_wishes_back_at_once),
        GOSSIP_TEST(a_new_process_takes_all_wishes_back_at_once),
        cmocka_unit_test_setup_teardown(
            who_stays_silent_keeps_nobody_from_being_asked, start_with_three, stop),
        GOSSIP_TEST(a_neighbour_whose_table_equals_ours_owes_us_nothing),
        GOSSIP_TEST(who_has_an_equal_table_is_caught_up_with),
        GOSSIP_TEST(a_table_that_differs_in_digest_or_count_may_lack_anything),
        GOSSIP_TEST(equal_tables_close_the_gap_before_an_island),
        GOSSIP_TEST(an_equal_table_of_before_takes_no_mark_back),
        GOSSIP_TEST(the_reports_of_a_message_count_before_the_tables_are_compared),
        GOSSIP_TEST(what_a_neighbour_holds_from_others_is_not_sent),
        GOSSIP_TEST(what_a_neighbour_lacks_beyond_that_is_sent),
        GOSSIP_TEST(a_node_has_caught_up_when_it_holds_what_a_neighbour_had_at_first),
        GOSSIP_TEST(the_status_of_a_link_tells_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
