/* Links with marks, a window and two cursors each: the live end of the log and, behind a gap, what
 * fills it. */
#include "herd-node/gossip.h"

#include "common/message_codec.h"
#include "herd-node/redundancy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A message in flight: it covered (from, to] of our log and nothing was heard of it yet. */
struct flight {
    uint64_t number;
    uint64_t from;
    uint64_t to;
    bool has_reports;
    bool is_backfill;
    bool is_void; /* its range was taken back and is sent again: its loss says nothing */
};

/*
 * A stretch of our log on its way to the neighbour. The cursor is ahead of `told` where it went
 * over reports that the neighbour holds anyway: the next message that is sent tells that they need
 * not be waited for.
 */
struct stretch {
    unsigned cursor;
    uint64_t told;    /* sent and told up to here */
    uint64_t scanned; /* the cursor has seen all up to here */
};

struct link {
    struct slice neighbour;
    uint32_t bit;
    bool is_open;
    bool is_present; /* heard, and not silent since */

    /* The neighbour's log, as far as it is here. */
    uint64_t incarnation;          /* of the neighbour; 0: never heard */
    uint64_t replaced_incarnation; /* the one before, which may not come back */
    struct instant heard;
    struct holding held; /* what we hold of it; incarnation is the neighbour's */
    uint64_t peer_head;
    uint64_t peer_head_at_first; /* what it had when it was first heard */
    bool is_caught_up;
    bool is_lost_since_heard; /* its process may be gone */
    bool owes_answer;         /* a batch came, or a loss was seen, and was not confirmed yet */

    /* Our log, as far as it is there: see repair() for how the two stretches share it. */
    uint64_t number;          /* of the last message sent */
    uint64_t trusted_from;    /* known bits of reports changed up to here are a former process's */
    struct holding confirmed; /* the neighbour's last word about ours; incarnation is ours */
    struct stretch live;      /* (backfill_end, head] */
    struct stretch backfill;  /* (confirmed.mark, backfill_end], after a loss or a restart */
    uint64_t backfill_end;
    size_t flight_count;
    struct flight flights[GOSSIP_WINDOW];
    struct instant hello_due;
    struct instant live_due; /* not before it, unless much has gathered */
    bool wants_lazy;         /* the neighbour asked for it */
    struct instant backfill_due;
    unsigned unconfirmed; /* batches that came since we last said anything */

    /* Comparison of the tables. */
    unsigned differed; /* comparisons in a row that found different digests */
    bool was_equal;
    struct instant equal_at;
    uint64_t equal_head; /* our head at that time */
    struct instant repeat_all_after;
    int64_t repeat_all_ms;

    struct instant behind_since; /* INSTANT_NEVER: everything is confirmed */
    uint64_t sent_to_max;
    struct gossip_link_status counters;
};

struct gossip {
    struct slice herd;
    struct slice self;
    uint64_t incarnation;
    struct report_table *table;
    size_t link_count;
    struct link links[GOSSIP_LINKS_MAX];
    struct redundancy redundancy; /* of what comes over them */
    bool is_in_hurry;
    enum upsert upserts[MESSAGE_REPORTS_MAX]; /* scratch */
    char names[];                             /* what the slices borrow */
};

/* ---- Creation ---- */

static struct slice copy_name(char **free_space, struct slice name)
{
    memcpy(*free_space, name.data, name.length);
    struct slice copy = slice_of_bytes(*free_space, name.length);
    *free_space += name.length;
    return copy;
}

enum status gossip_create(
    const struct gossip_config *config, struct report_table *table, struct gossip **ret_gossip)
{
    assert(config->link_count <= GOSSIP_LINKS_MAX && config->incarnation != 0);
    size_t names_length = config->herd.length + config->self.length;
    for (size_t i = 0; i < config->link_count; i++) {
        names_length += config->neighbours[i].length;
    }
    struct gossip *gossip = calloc(1, sizeof *gossip + names_length);
    if (gossip == NULL) {
        return STATUS_NO_MEMORY;
    }

    char *free_space = gossip->names;
    gossip->herd = copy_name(&free_space, config->herd);
    gossip->self = copy_name(&free_space, config->self);
    gossip->incarnation = config->incarnation;
    gossip->table = table;
    gossip->link_count = config->link_count;
    static_assert((int)GOSSIP_LINKS_MAX <= (int)REDUNDANCY_LINKS_MAX, "each link has its share");
    gossip->redundancy = redundancy_of(config->link_count);
    for (size_t i = 0; i < config->link_count; i++) {
        struct link *link = &gossip->links[i];
        link->neighbour = copy_name(&free_space, config->neighbours[i]);
        link->bit = UINT32_C(1) << i;
        link->live.cursor = (unsigned)(2 * i);
        link->backfill.cursor = (unsigned)(2 * i + 1);
        link->hello_due = INSTANT_NEVER;
        link->behind_since = INSTANT_NEVER;
        link->repeat_all_ms = GOSSIP_REPEAT_ALL_MS_MIN;
    }
    *ret_gossip = gossip;
    return STATUS_OK;
}

void gossip_destroy(struct gossip *gossip)
{
    free(gossip);
}

static size_t index_of(const struct gossip *gossip, const struct link *link)
{
    return (size_t)(link - gossip->links);
}

/* ---- Our log on its way to the neighbour ---- */

static void rewind_stretch(struct gossip *gossip, struct stretch *stretch, uint64_t lseq)
{
    stretch->told = lseq;
    stretch->scanned = lseq;
    report_table_seek(gossip->table, stretch->cursor, lseq);
}

static void void_flights(struct link *link, bool is_backfill)
{
    for (size_t i = 0; i < link->flight_count; i++) {
        if (link->flights[i].is_backfill == is_backfill) {
            link->flights[i].is_void = true;
        }
    }
}

static bool is_backfilling(const struct link *link)
{
    return link->backfill.told < link->backfill_end;
}

/* Sends (mark, end] again; what changes from now on goes on beside it. */
static void start_backfill(struct gossip *gossip, struct link *link, uint64_t mark, uint64_t end)
{
    void_flights(link, true);
    link->backfill_end = end;
    rewind_stretch(gossip, &link->backfill, mark);
}

/* Everything that is in the table now is sent anew, whatever the neighbour was known to hold. */
static void start_over(struct gossip *gossip, struct link *link)
{
    uint64_t head = report_table_head(gossip->table);
    void_flights(link, false);
    rewind_stretch(gossip, &link->live, head);
    start_backfill(gossip, link, 0, head);
    link->trusted_from = head;
}

static bool has_island(const struct holding *holding)
{
    return holding->island_from < holding->island_to;
}

static bool is_covered(const struct flight *flight, const struct holding *holding)
{
    return flight->to <= holding->mark ||
           (flight->from >= holding->island_from && flight->to <= holding->island_to);
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The backfill is to reach `end` at least; what it has sent already stays in flight. */
static void extend_backfill(
    struct gossip *gossip, struct link *link, const struct holding *holding, uint64_t end)
{
    if (holding->mark >= link->backfill_end) {
        start_backfill(gossip, link, holding->mark, end);
    } else {
        link->backfill_end = max_of(link->backfill_end, end);
    }
}

/*
 * A message got lost. Whatever the neighbour does not hold must be in flight or before one of the
 * two cursors again: the backfill goes up to the island, if there is one, and the live stretch goes
 * on behind both. What was lost before an island costs the live stretch nothing.
 */
static void repair(struct gossip *gossip,
    struct link *link,
    const struct flight *lost,
    const struct holding *holding)
{
    if (lost->is_backfill) {
        start_backfill(gossip, link, holding->mark, link->backfill_end);
        return;
    }
    if (has_island(holding)) {
        extend_backfill(gossip, link, holding, holding->island_from);
        if (lost->to <= holding->island_to) {
            return;
        }
    }
    void_flights(link, false);
    uint64_t end = max_of(holding->mark, holding->island_to);
    rewind_stretch(gossip, &link->live, max_of(end, link->backfill_end));
}

/*
 * The neighbour says what it holds of our log, and by the number of our last message that it got
 * also what it should hold: what is missing of that is lost.
 */
static void take_confirmation(
    struct gossip *gossip, struct link *link, const struct holding *holding)
{
    uint64_t head = report_table_head(gossip->table);
    if (holding->incarnation != gossip->incarnation || holding->number < link->confirmed.number ||
        holding->number > link->number || holding->island_to > head || holding->mark > head) {
        return;
    }
    struct holding before = link->confirmed;
    struct flight island = {.from = before.island_from, .to = before.island_to};
    bool has_dropped_island = has_island(&before) && !is_covered(&island, holding);
    bool has_forgotten = holding->mark < before.mark; /* it met another process of our name */
    if (holding->number == before.number && (has_forgotten || has_dropped_island)) {
        return; /* said before what we know already, and late */
    }
    link->confirmed = *holding;
    if (has_forgotten) {
        start_over(gossip, link);
    } else if (has_dropped_island) {
        repair(gossip, link, &island, holding);
    }
    if (link->live.scanned < holding->mark) {
        rewind_stretch(gossip, &link->live, holding->mark); /* held, and never sent: see receive */
    }
    while (link->flight_count > 0 && link->flights[0].number <= holding->number) {
        struct flight flight = link->flights[0];
        link->flight_count--;
        memmove(&link->flights[0], &link->flights[1], link->flight_count * sizeof flight);
        if (!flight.is_void && !is_covered(&flight, holding)) {
            link->counters.batches_lost++;
            repair(gossip, link, &flight, holding);
        }
    }
}

/* A lazy link that is needed again: what was held back goes at once, and yet nothing that is new
 * waits for it. */
static void take_wish(struct gossip *gossip, struct link *link, struct instant now, bool wants_lazy)
{
    const bool was_lazy = link->wants_lazy;
    link->wants_lazy = wants_lazy;
    if (!was_lazy || wants_lazy) {
        return;
    }
    link->live_due = now;
    uint64_t head = report_table_head(gossip->table);
    if (link->live.scanned < head) {
        extend_backfill(gossip, link, &link->confirmed, head);
        rewind_stretch(gossip, &link->live, head);
    }
}

/* ---- The neighbour's log on its way here ---- */

/*
 * Notes that (from, to] of the neighbour's log is here, as far as mark and one island can say it.
 * Of two islands the later one is kept: there the live reports go on, while the neighbour fills the
 * gap.
 */
static void note_range(struct holding *held, uint64_t from, uint64_t to)
{
    if (from == to) {
        return;
    }
    if (from <= held->mark) {
        held->mark = max_of(held->mark, to);
    } else if (!has_island(held) || from > held->island_to) {
        held->island_from = from;
        held->island_to = to;
    } else if (to >= held->island_from) {
        held->island_from = from < held->island_from ? from : held->island_from;
        held->island_to = max_of(held->island_to, to);
    }
    if (held->island_from > held->mark) {
        return;
    }
    held->mark = max_of(held->mark, held->island_to);
    held->island_from = held->mark;
    held->island_to = held->mark;
}

/* A batch is confirmed with whatever is said next; at the latest when half a window has come, or
 * soon. */
static void owe_confirmation(struct link *link, struct instant now)
{
    link->unconfirmed++;
    if (link->unconfirmed >= GOSSIP_WINDOW / 2) {
        link->owes_answer = true;
    } else if (link->is_open) {
        struct instant soon = instant_after_ms(now, GOSSIP_CONFIRM_WITHIN_MS);
        link->hello_due = instant_earlier(link->hello_due, soon);
    }
}

static void apply_reports(struct gossip *gossip,
    struct link *link,
    struct instant now,
    const struct gossip_message *message)
{
    report_table_upsert_all(
        gossip->table, message->reports, message->count, link->bit, gossip->upserts);
    uint64_t known = 0;
    for (size_t i = 0; i < message->count; i++) {
        const enum upsert upsert = gossip->upserts[i];
        known += upsert == UPSERT_SAME || upsert == UPSERT_OLDER ? 1 : 0;
    }
    link->counters.reports_redundant += known;
    link->counters.reports_received += message->count;
    redundancy_note(&gossip->redundancy, now, index_of(gossip, link), message->count, known);
    if (message->count > 0) {
        owe_confirmation(link, now);
    }
}

/* Who is asked for lazy push, or for eager push again, hears of it at once. */
static void tell_wishes(struct gossip *gossip)
{
    for (size_t i = 0; i < gossip->link_count; i++) {
        gossip->links[i].owes_answer = true;
    }
}

/* Others may have to bring what came over this way. */
static void lose_way(struct gossip *gossip, struct link *link, struct instant now)
{
    link->is_present = false;
    if (redundancy_all_eager(&gossip->redundancy, now)) {
        tell_wishes(gossip);
    }
}

/* A process that was not heard before, maybe the successor of one that was: it knows nothing of
 * ours. */
static void meet(struct gossip *gossip,
    struct link *link,
    struct instant now,
    const struct gossip_header *header)
{
    link->replaced_incarnation = link->incarnation;
    link->incarnation = header->incarnation;
    link->held = (struct holding){.incarnation = header->incarnation};
    link->confirmed = (struct holding){.incarnation = gossip->incarnation};
    link->flight_count = 0;
    link->peer_head_at_first = header->head;
    link->is_caught_up = false;
    link->differed = 0;
    link->was_equal = false;
    link->repeat_all_ms = GOSSIP_REPEAT_ALL_MS_MIN;
    link->owes_answer = true; /* so that it soon knows that it is known */
    start_over(gossip, link);
    lose_way(gossip, link, now); /* what it forgot, it will not bring */
}

static bool has_equal_table(const struct gossip *gossip, const struct gossip_header *header)
{
    struct digest digest = report_table_digest(gossip->table);
    return digest.low == header->digest.low && digest.high == header->digest.high &&
           report_table_count(gossip->table) == header->count;
}

/* With nothing under way in either direction the tables must be equal; if they stay different, all
 * is sent again. */
static void compare_tables(struct gossip *gossip,
    struct link *link,
    struct instant now,
    const struct gossip_header *header)
{
    uint64_t head = report_table_head(gossip->table);
    if (link->held.mark != header->head || header->holding.mark != head ||
        header->holding.incarnation != gossip->incarnation) {
        return;
    }
    if (has_equal_table(gossip, header)) {
        link->differed = 0;
        link->repeat_all_ms = GOSSIP_REPEAT_ALL_MS_MIN;
        link->was_equal = true;
        link->equal_at = now;
        link->equal_head = head;
        return;
    }
    link->was_equal = false;
    if (++link->differed < GOSSIP_DIGESTS_DIFFER_MAX ||
        instant_is_before(now, link->repeat_all_after)) {
        return;
    }
    link->differed = 0;
    link->counters.repeats_of_all++;
    link->repeat_all_after = instant_after_ms(now, link->repeat_all_ms);
    link->repeat_all_ms *= 2;
    if (link->repeat_all_ms > GOSSIP_REPEAT_ALL_MS_MAX) {
        link->repeat_all_ms = GOSSIP_REPEAT_ALL_MS_MAX;
    }
    start_over(gossip, link);
}

static bool is_silent(const struct link *link, struct instant now, int64_t milliseconds)
{
    return !instant_is_before(now, instant_after_ms(link->heard, milliseconds));
}

static void review_ways(struct gossip *gossip, struct instant now)
{
    for (size_t i = 0; i < gossip->link_count; i++) {
        struct link *link = &gossip->links[i];
        if (link->is_present && is_silent(link, now, GOSSIP_MISSED_MS)) {
            lose_way(gossip, link, now);
        }
    }
    if (redundancy_review(&gossip->redundancy, now)) {
        tell_wishes(gossip);
    }
}

/* Late messages of a process that was replaced must not bring it back; itself may, when its
 * successor has gone. */
static bool may_take_over(const struct link *link, struct instant now, uint64_t incarnation)
{
    if (link->incarnation == 0) {
        return true;
    }
    if (incarnation == link->replaced_incarnation) {
        return is_silent(link, now, GOSSIP_RETURN_MS);
    }
    return link->is_lost_since_heard || is_silent(link, now, GOSSIP_SILENCE_MS);
}

static struct link *find_link(struct gossip *gossip, struct slice neighbour)
{
    for (size_t i = 0; i < gossip->link_count; i++) {
        if (slice_equals(gossip->links[i].neighbour, neighbour)) {
            return &gossip->links[i];
        }
    }
    return NULL;
}

/* ---- Events ---- */

void gossip_link_opened(struct gossip *gossip, struct instant now, size_t index)
{
    struct link *link = &gossip->links[index];
    link->is_open = true;
    link->is_lost_since_heard = true; /* the loss of the way before may not have been told */
    link->hello_due = now;
}

void gossip_link_lost(struct gossip *gossip, struct instant now, size_t index)
{
    struct link *link = &gossip->links[index];
    link->is_open = false;
    link->is_lost_since_heard = true;
    link->hello_due = INSTANT_NEVER;
    take_wish(gossip, link, now, false); /* who is back says it again */
    lose_way(gossip, link, now);
}

void gossip_hurry(struct gossip *gossip)
{
    gossip->is_in_hurry = true;
}

enum gossip_verdict gossip_receive(struct gossip *gossip,
    struct instant now,
    const struct gossip_message *message,
    size_t *ret_link)
{
    const struct gossip_header *header = &message->header;
    if (!slice_equals(header->herd, gossip->herd)) {
        return GOSSIP_REFUSED_HERD;
    }
    struct link *link = find_link(gossip, header->sender);
    if (link == NULL) {
        return GOSSIP_REFUSED_SENDER;
    }
    *ret_link = index_of(gossip, link);
    if (!slice_equals(header->receiver, gossip->self)) {
        return GOSSIP_REFUSED_RECEIVER;
    }
    if (header->incarnation != link->incarnation) {
        if (!may_take_over(link, now, header->incarnation)) {
            return GOSSIP_REFUSED_SECOND;
        }
        meet(gossip, link, now, header);
    }

    link->heard = now;
    link->is_present = true;
    link->is_lost_since_heard = false;
    if (header->number > link->held.number + 1) {
        link->owes_answer = true; /* something got lost: let it know at once */
    }
    if (header->head > link->peer_head || header->number > link->held.number) {
        link->peer_head = header->head;
    }
    take_confirmation(gossip, link, &header->holding);
    if (header->number > link->held.number) {
        link->held.number = header->number;
        take_wish(gossip, link, now, header->wants_lazy);
    }
    apply_reports(gossip, link, now, message);
    /* What the sender skipped, another process of our name was known to hold. */
    if (header->holding.incarnation == gossip->incarnation) {
        note_range(&link->held, header->from, header->to);
    }
    /* Nor need it be sent what it holds already, from whomever. */
    if (has_equal_table(gossip, header)) {
        note_range(&link->held, link->held.mark, max_of(link->held.mark, header->head));
    }
    if (link->held.mark >= link->peer_head_at_first) {
        link->is_caught_up = true;
    }
    compare_tables(gossip, link, now, header);
    review_ways(gossip, now);
    return GOSSIP_TAKEN;
}

/* ---- Effects ---- */

/* Adds what the stretch has for the neighbour, up to lseq_max, until the message is full. */
static void add_reports(struct gossip *gossip,
    const struct link *link,
    struct stretch *stretch,
    uint64_t lseq_max,
    struct gossip_writer *writer)
{
    struct report_table_item item;
    while (report_table_peek(gossip->table, stretch->cursor, lseq_max, &item)) {
        bool is_known = (item.known & link->bit) != 0 && item.lseq > link->trusted_from;
        if (!is_known && gossip_writer_add(writer, &item.report) != STATUS_OK) {
            if (writer->report_count > 0) {
                return;
            }
            assert(!"every report fits into an empty message");
        }
        report_table_advance(gossip->table, stretch->cursor);
        stretch->scanned = item.lseq;
    }
    stretch->scanned = lseq_max;
}

static void begin(struct gossip *gossip,
    struct link *link,
    struct gossip_writer *writer,
    struct buffer *message,
    uint64_t from)
{
    buffer_reset(message);
    struct gossip_header header = {
        .herd = gossip->herd,
        .sender = gossip->self,
        .receiver = link->neighbour,
        .incarnation = gossip->incarnation,
        .number = link->number + 1,
        .holding = link->held,
        .head = report_table_head(gossip->table),
        .count = report_table_count(gossip->table),
        .digest = report_table_digest(gossip->table),
        .wants_lazy = gossip->redundancy.links[index_of(gossip, link)].is_lazy,
        .from = from,
        .to = from,
    };
    enum status status = gossip_writer_begin(writer, message, &header);
    assert(status == STATUS_OK);
    (void)status;
}

/* The message is complete: it covers what the stretch told last up to what its cursor has seen. */
static void commit(
    struct link *link, struct instant now, struct gossip_writer *writer, struct stretch *stretch)
{
    link->number++;
    if (stretch->told < stretch->scanned) {
        assert(link->flight_count < GOSSIP_WINDOW);
        gossip_writer_set_to(writer, stretch->scanned);
        link->flights[link->flight_count++] = (struct flight){
            .number = link->number,
            .from = stretch->told,
            .to = stretch->scanned,
            .has_reports = writer->report_count > 0,
            .is_backfill = stretch == &link->backfill,
        };
        if (stretch->told < link->sent_to_max && writer->report_count > 0) {
            link->counters.batches_repeated++;
        }
        if (stretch->scanned > link->sent_to_max) {
            link->sent_to_max = stretch->scanned;
        }
        stretch->told = stretch->scanned;
    }
    link->counters.batches_sent += writer->report_count > 0 ? 1 : 0;
    link->counters.reports_sent += writer->report_count;
    link->owes_answer = false;
    link->unconfirmed = 0;
    link->hello_due = instant_after_ms(now, GOSSIP_HELLO_EVERY_MS);
}

/* Whether the window is open for the stretch: while both have something to say, each gets half of
 * it, so that live reports need not wait for a backfill, nor the backfill for a pause of theirs. */
static bool has_room(const struct link *link, const struct stretch *stretch)
{
    bool is_backfill = stretch == &link->backfill;
    size_t same_count = 0;
    for (size_t i = 0; i < link->flight_count; i++) {
        same_count += link->flights[i].is_backfill == is_backfill ? 1 : 0;
    }
    bool is_shared = is_backfill || is_backfilling(link);
    return link->incarnation != 0 && link->flight_count < GOSSIP_WINDOW &&
           same_count < (is_shared ? GOSSIP_WINDOW / 2 : GOSSIP_WINDOW);
}

/* A neighbour that is still sending us all that it has would get most of it back from us, as it
 * came from another one a moment before. */
static bool is_lazy(const struct link *link)
{
    return link->wants_lazy || !link->is_caught_up;
}

static uint64_t count_eager(const struct gossip *gossip)
{
    uint64_t count = 0;
    for (size_t i = 0; i < gossip->link_count; i++) {
        count += is_lazy(&gossip->links[i]) ? 0 : 1;
    }
    return count;
}

/*
 * What costs is the message, not the report. So on a busy link each batch keeps a distance from the
 * one before, the more the more links there are and the more it covered, and changes gather
 * meanwhile; on an idle link nothing waits. A lazy link waits longer.
 */
static int64_t distance_us(const struct gossip *gossip, const struct link *link, uint64_t covered)
{
    if (is_lazy(link)) {
        return (int64_t)GOSSIP_LAZY_EVERY_MS * NS_PER_MS / NS_PER_US;
    }
    const uint64_t us = GOSSIP_GATHER_US + covered * GOSSIP_GATHER_US_PER_CHANGE;
    return (int64_t)((us < GOSSIP_GATHER_US_MAX ? us : GOSSIP_GATHER_US_MAX) *
                     max_of(count_eager(gossip), 1));
}

static bool is_gathering(const struct gossip *gossip, const struct link *link, struct instant now)
{
    uint64_t gathered = report_table_head(gossip->table) - link->live.scanned;
    bool is_much = gathered >= GOSSIP_GATHER_MAX && !is_lazy(link);
    return !is_much && !gossip->is_in_hurry && instant_is_before(now, link->live_due);
}

static bool next_live_batch(
    struct gossip *gossip, struct link *link, struct instant now, struct buffer *message)
{
    uint64_t head = report_table_head(gossip->table);
    if (link->live.scanned == head || !has_room(link, &link->live)) {
        return false;
    }
    if (is_gathering(gossip, link, now)) {
        return false;
    }
    struct gossip_writer writer;
    begin(gossip, link, &writer, message, link->live.told);
    add_reports(gossip, link, &link->live, head, &writer);
    if (writer.report_count == 0) {
        return false;
    }
    const uint64_t covered = link->live.scanned - link->live.told;
    commit(link, now, &writer, &link->live);
    link->live_due = instant_after_us(now, distance_us(gossip, link, covered));
    return true;
}

static bool next_backfill(
    struct gossip *gossip, struct link *link, struct instant now, struct buffer *message)
{
    if (!is_backfilling(link) || !has_room(link, &link->backfill) ||
        instant_is_before(now, link->backfill_due)) {
        return false;
    }
    struct gossip_writer writer;
    begin(gossip, link, &writer, message, link->backfill.told);
    add_reports(gossip, link, &link->backfill, link->backfill_end, &writer);
    commit(link, now, &writer, &link->backfill);
    link->backfill_due = instant_after_ms(now, GOSSIP_BACKFILL_EVERY_MS);
    return true;
}

/*
 * How far the neighbour surely holds our log: up to its mark, or as far as nothing needed to be
 * sent beyond it. Its word about what was not sent comes with a later HELLO.
 */
static uint64_t settled_up_to(const struct link *link)
{
    bool is_under_way = is_backfilling(link);
    for (size_t i = 0; i < link->flight_count; i++) {
        const struct flight *flight = &link->flights[i];
        is_under_way = is_under_way || (flight->has_reports && !flight->is_void);
    }
    if (is_under_way || link->live.scanned < link->confirmed.mark) {
        return link->confirmed.mark;
    }
    return link->live.scanned;
}

static void note_behind(struct gossip *gossip, struct link *link, struct instant now)
{
    if (settled_up_to(link) == report_table_head(gossip->table)) {
        link->behind_since = INSTANT_NEVER;
    } else if (link->behind_since.ns == INSTANT_NEVER.ns) {
        link->behind_since = now;
    }
}

bool gossip_next_message(
    struct gossip *gossip, struct instant now, size_t index, struct buffer *message)
{
    struct link *link = &gossip->links[index];
    note_behind(gossip, link, now);
    if (!link->is_open) {
        return false;
    }
    if (next_live_batch(gossip, link, now, message) || next_backfill(gossip, link, now, message)) {
        return true;
    }
    if (!link->owes_answer && instant_is_before(now, link->hello_due)) {
        return false;
    }
    /* It also tells what was skipped. That is answered only by the next HELLO, so half of the
     * window is left to what is more urgent. */
    bool can_tell = link->incarnation != 0 && link->flight_count < GOSSIP_WINDOW / 2;
    struct gossip_writer writer;
    begin(gossip, link, &writer, message, link->live.told);
    struct stretch nothing = {0};
    commit(link, now, &writer, can_tell ? &link->live : &nothing);
    return true;
}

struct instant gossip_deadline(const struct gossip *gossip)
{
    struct instant deadline = INSTANT_NEVER;
    for (size_t i = 0; i < gossip->link_count; i++) {
        const struct link *link = &gossip->links[i];
        deadline = instant_earlier(deadline, link->hello_due);
        bool has_live = link->live.scanned != report_table_head(gossip->table);
        if (link->is_open && has_live && has_room(link, &link->live)) {
            deadline = instant_earlier(deadline, link->live_due);
        }
        if (link->is_open && is_backfilling(link) && has_room(link, &link->backfill)) {
            deadline = instant_earlier(deadline, link->backfill_due);
        }
    }
    return deadline;
}

/* ---- What it knows ---- */

struct gossip_link_status gossip_link_status(
    const struct gossip *gossip, struct instant now, size_t index)
{
    const struct link *link = &gossip->links[index];
    uint64_t head = report_table_head(gossip->table);
    struct gossip_link_status status = link->counters;
    status.neighbour = link->neighbour;
    status.is_open = link->is_open;
    status.is_heard = link->incarnation != 0 && !is_silent(link, now, GOSSIP_SILENCE_MS);
    status.peer_incarnation = link->incarnation;
    status.peer_mark = link->confirmed.mark;
    status.mark = link->held.mark;
    status.peer_head = link->peer_head;
    status.behind = head - settled_up_to(link);
    status.behind_ms = status.behind == 0 || link->behind_since.ns == INSTANT_NEVER.ns
                           ? 0
                           : instant_ns_between(link->behind_since, now) / NS_PER_MS;
    status.is_caught_up = link->is_caught_up;
    status.is_lazy = link->wants_lazy;
    status.is_equal =
        link->was_equal && link->equal_head == head && link->peer_head == link->held.mark;
    status.equal_ms_ago =
        link->was_equal ? instant_ns_between(link->equal_at, now) / NS_PER_MS : -1;
    return status;
}

bool gossip_is_caught_up(const struct gossip *gossip)
{
    bool is_any_heard = false;
    for (size_t i = 0; i < gossip->link_count; i++) {
        if (gossip->links[i].is_caught_up) {
            return true;
        }
        is_any_heard = is_any_heard || gossip->links[i].incarnation != 0;
    }
    return !is_any_heard;
}
