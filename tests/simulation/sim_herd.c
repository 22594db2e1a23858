/* Events in a heap, processes with the real cores, links as pipes of packets. */
#include "tests/simulation/sim_herd.h"

#include "common/message_codec.h"
#include "herd-node/report_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROCESSES_MAX = SIM_NODES_MAX + 1, /* and a usurper */
    SAID_IN_ONE_TURN_MAX = 64,         /* messages of one link; more: it does not come to an end */
    REPORT_TIME_MAX = 20 * 1024,
    REDIAL_MS_MIN = 5,
    REDIAL_MS_MAX = 250,
};

#define START_NS      (INT64_C(1000) * NS_PER_SECOND)
#define WALL_START_NS (INT64_C(1800000000) * NS_PER_SECOND)

struct packet {
    struct packet *next;
    int64_t arrives_ns;
    uint32_t connection;
    size_t length;
    char data[];
};

struct packets {
    struct packet *first;
    struct packet *last;
    size_t count;
    size_t bytes;
};

/* One direction between two processes: the sender's socket and the way of its bytes. */
struct channel {
    size_t from; /* process */
    size_t to;   /* node */
    int64_t latency_ns;
    int64_t bytes_per_ms; /* 0: unlimited */
    enum sim_cut cut;
    unsigned batches_to_lose;
    unsigned hellos_to_lose;
    bool is_open;
    bool is_dialing;
    bool owes_opened; /* events that a paused sender has not taken yet */
    bool owes_lost;
    uint32_t connection;  /* counts them, so that events of an old one are known */
    struct packets queue; /* in the sender's process */
    struct packets pipe;  /* in the network, and in the receiver's buffers */
    int64_t departed_ns;  /* when the last one left */
    int64_t arrives_ns;   /* when the last one arrives */
    uint64_t in_flight[GOSSIP_WINDOW + 1];
    size_t in_flight_count;
    struct sim_counters counters;
};

struct process {
    size_t node; /* whose name it bears */
    bool is_alive;
    bool is_paused;
    bool is_dirty; /* something happened: what is to be said now? */
    uint64_t incarnation;
    uint32_t birth;
    int64_t timer_ns;
    struct report_table *table;
    struct gossip *gossip;
    size_t channel_count;
    struct channel channels[GOSSIP_LINKS_MAX];
    uint32_t *values; /* by id: the serial number of what its table was last seen to hold */
};

enum event_kind {
    EVENT_TIMER,   /* of process a */
    EVENT_ARRIVAL, /* at the end of channel b of process a */
    EVENT_LATE,    /* a packet that took a way of its own, likewise */
    EVENT_DIAL,    /* likewise */
    EVENT_LOST,    /* likewise: the sender hears that its connection broke */
};

struct event {
    int64_t at_ns;
    uint64_t order;
    enum event_kind kind;
    uint16_t a;
    uint16_t b;
    uint32_t connection;
    struct packet *packet;
};

struct accepted {
    size_t id;
    size_t node;
    int64_t time_ns;
    int64_t received_ns;
    size_t padding;
};

struct sim {
    struct random random;
    size_t node_count;
    size_t id_count;
    const char *names[SIM_NODES_MAX];
    char own_names[SIM_NODES_MAX][8];
    size_t neighbour_count[SIM_NODES_MAX];
    size_t neighbours[SIM_NODES_MAX][GOSSIP_LINKS_MAX];
    size_t address[SIM_NODES_MAX]; /* the process that is found there */
    struct process processes[PROCESSES_MAX];
    uint32_t births;
    struct sim_faults faults;
    int64_t latency_us_min;
    int64_t latency_us_max;

    int64_t now_ns;
    uint64_t order;
    struct event *heap;
    size_t heap_count;
    size_t heap_capacity;

    struct accepted *accepted; /* by serial number, from 1 */
    uint32_t accepted_count;
    uint32_t accepted_capacity;

    struct buffer message;
    struct gossip_message decoded;
    struct sim_counters counters;
    char failure[512];
    FILE *trace;
};

static const struct slice herd_name = {.data = "simulated", .length = 9};

/* ---- Telling ---- */

static void fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct sim *sim, const char *format, ...)
{
    if (sim->failure[0] != '\0') {
        return;
    }
    int length = snprintf(sim->failure, sizeof sim->failure, "at %.3f ms: ", sim_now_ms(sim));
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sim->failure + length, sizeof sim->failure - (size_t)length, format, arguments);
    va_end(arguments);
}

static void trace(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void trace(struct sim *sim, const char *format, ...)
{
    if (sim->trace == NULL) {
        return;
    }
    fprintf(sim->trace, "[%10.3f] ", sim_now_ms(sim));
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(sim->trace, format, arguments);
    va_end(arguments);
    fputc('\n', sim->trace);
}

static const char *name_of(const struct sim *sim, size_t process)
{
    return sim->names[sim->processes[process].node];
}

static const char *mark_of(const struct sim *sim, size_t process)
{
    return process == sim->node_count ? "'" : "";
}

static void trace_message(
    struct sim *sim, const char *what, const struct channel *channel, struct slice message)
{
    if (sim->trace == NULL) {
        return;
    }
    enum status status = gossip_decode(message, &sim->decoded);
    assert(status == STATUS_OK);
    (void)status;
    const struct gossip_header *header = &sim->decoded.header;
    const struct holding *holding = &header->holding;
    trace(sim,
        "%s%s > %s %s %s %" PRIu64 ": (%" PRIu64 ",%" PRIu64 "] of %" PRIu64
        ", %zu reports; holds %" PRIu64 " (%" PRIu64 ",%" PRIu64 "] at %" PRIu64 "%s",
        name_of(sim, channel->from),
        mark_of(sim, channel->from),
        sim->names[channel->to],
        what,
        sim->decoded.count > 0 ? "BATCH" : "HELLO",
        header->number,
        header->from,
        header->to,
        header->head,
        sim->decoded.count,
        holding->mark,
        holding->island_from,
        holding->island_to,
        holding->number,
        holding->incarnation == sim->processes[sim->address[channel->to]].incarnation ? ""
                                                                                      : " (other)");
}

/* ---- Events ---- */

static bool comes_first(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void schedule(struct sim *sim, struct event event)
{
    if (sim->heap_count == sim->heap_capacity) {
        sim->heap_capacity = sim->heap_capacity == 0 ? 256 : 2 * sim->heap_capacity;
        sim->heap = realloc(sim->heap, sim->heap_capacity * sizeof *sim->heap);
        assert(sim->heap != NULL);
    }
    event.order = sim->order++;
    size_t place = sim->heap_count++;
    while (place > 0 && comes_first(&event, &sim->heap[(place - 1) / 2])) {
        sim->heap[place] = sim->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    sim->heap[place] = event;
}

static struct event next_event(struct sim *sim)
{
    struct event first = sim->heap[0];
    struct event last = sim->heap[--sim->heap_count];
    size_t place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= sim->heap_count) {
            break;
        }
        if (child + 1 < sim->heap_count && comes_first(&sim->heap[child + 1], &sim->heap[child])) {
            child++;
        }
        if (!comes_first(&sim->heap[child], &last)) {
            break;
        }
        sim->heap[place] = sim->heap[child];
        place = child;
    }
    sim->heap[place] = last;
    return first;
}

static struct event channel_event(
    const struct sim *sim, enum event_kind kind, const struct channel *channel, int64_t at_ns)
{
    const struct process *process = &sim->processes[channel->from];
    return (struct event){
        .at_ns = at_ns,
        .kind = kind,
        .a = (uint16_t)channel->from,
        .b = (uint16_t)(channel - process->channels),
        .connection = channel->connection,
    };
}

/* ---- Reports and their serial numbers ---- */

static const struct accepted *accepted_of(const struct sim *sim, uint32_t serial)
{
    assert(serial > 0 && serial <= sim->accepted_count);
    return &sim->accepted[serial - 1];
}

bool sim_wins(const struct sim *sim, uint32_t a, uint32_t b)
{
    if (a == 0 || b == 0 || a == b) {
        return a != 0 && b == 0;
    }
    const struct accepted *left = accepted_of(sim, a);
    const struct accepted *right = accepted_of(sim, b);
    if (left->time_ns != right->time_ns) {
        return left->time_ns > right->time_ns;
    }
    if (left->node != right->node) {
        return left->node > right->node; /* names are in the order of nodes */
    }
    if (left->received_ns != right->received_ns) {
        return left->received_ns > right->received_ns;
    }
    return a > b; /* the location is the serial number, with leading zeros */
}

struct report_text {
    char id[16];
    char location[32];
    char time[REPORT_TIME_MAX];
};

static struct report report_of(const struct sim *sim, uint32_t serial, struct report_text *text)
{
    const struct accepted *accepted = accepted_of(sim, serial);
    int id_length = snprintf(text->id, sizeof text->id, "client-%05zu", accepted->id);
    int location_length =
        snprintf(text->location, sizeof text->location, "+34.%09" PRIu32 "-118.445", serial);
    int time_length = snprintf(text->time,
        64,
        "%" PRId64 ".%09" PRId64,
        accepted->time_ns / NS_PER_SECOND,
        accepted->time_ns % NS_PER_SECOND);
    memset(text->time + time_length, '0', accepted->padding);
    struct report report;
    enum status status = report_from_parts(slice_of_bytes(text->id, (size_t)id_length),
        slice_of_bytes(text->location, (size_t)location_length),
        slice_of_bytes(text->time, (size_t)time_length + accepted->padding),
        slice_of(sim->names[accepted->node]),
        accepted->received_ns,
        &report);
    assert(status == STATUS_OK);
    (void)status;
    return report;
}

static bool parse_digits(struct slice text, size_t offset, size_t count, uint64_t *ret_number)
{
    return text.length >= offset + count &&
           slice_parse_number(slice_of_bytes(text.data + offset, count), UINT32_MAX, ret_number);
}

/* The serial number of a report that is exactly as it was accepted; 0: it was not. */
static uint32_t serial_of(const struct sim *sim, const struct report *report)
{
    uint64_t serial;
    if (!parse_digits(report->location, 4, 9, &serial) || serial == 0 ||
        serial > sim->accepted_count) {
        return 0;
    }
    static struct report_text text;
    struct report accepted = report_of(sim, (uint32_t)serial, &text);
    bool is_same = slice_equals(accepted.id, report->id) &&
                   slice_equals(accepted.location, report->location) &&
                   slice_equals(accepted.time, report->time) &&
                   slice_equals(accepted.server, report->server) &&
                   accepted.time_ns == report->time_ns &&
                   accepted.received_ns == report->received_ns;
    return is_same ? (uint32_t)serial : 0;
}

/* What the table holds of the id, checked: accepted by someone, of this id; 0: nothing. */
static uint32_t value_in(struct sim *sim, size_t process, size_t id)
{
    char text[16];
    int length = snprintf(text, sizeof text, "client-%05zu", id);
    struct report report;
    if (!report_table_find(
            sim->processes[process].table, slice_of_bytes(text, (size_t)length), &report)) {
        return 0;
    }
    uint32_t serial = serial_of(sim, &report);
    if (serial == 0 || accepted_of(sim, serial)->id != id) {
        fail(sim, "%s holds of client %zu what nobody accepted", name_of(sim, process), id);
        return 0;
    }
    return serial;
}

/* A report of this id reached the process: what it holds now must be no older than before, nor than
 * the report. */
static void check_value(struct sim *sim, size_t process, size_t id, uint32_t reached)
{
    uint32_t *value = &sim->processes[process].values[id];
    uint32_t now = value_in(sim, process, id);
    if (sim_wins(sim, *value, now)) {
        fail(sim,
            "client %zu went back on %s, from report %" PRIu32 " to %" PRIu32,
            id,
            name_of(sim, process),
            *value,
            now);
    }
    if (sim_wins(sim, reached, now)) {
        fail(sim,
            "%s got report %" PRIu32 " of client %zu and keeps %" PRIu32,
            name_of(sim, process),
            reached,
            id,
            now);
    }
    *value = now;
}

uint32_t sim_accept(struct sim *sim, size_t node, size_t id, int64_t client_time_ns, size_t padding)
{
    assert(id < sim->id_count && padding < REPORT_TIME_MAX - 64);
    struct process *process = &sim->processes[node];
    assert(process->is_alive && !process->is_paused);
    if (sim->accepted_count == sim->accepted_capacity) {
        sim->accepted_capacity = sim->accepted_capacity == 0 ? 256 : 2 * sim->accepted_capacity;
        sim->accepted = realloc(sim->accepted, sim->accepted_capacity * sizeof *sim->accepted);
        assert(sim->accepted != NULL);
    }
    sim->accepted[sim->accepted_count++] = (struct accepted){
        .id = id,
        .node = process->node,
        .time_ns = client_time_ns,
        .received_ns = WALL_START_NS + sim->now_ns,
        .padding = padding,
    };
    uint32_t serial = sim->accepted_count;
    trace(sim,
        "%s%s accepts report %" PRIu32 " of client %zu, time %" PRId64,
        name_of(sim, node),
        mark_of(sim, node),
        serial,
        id,
        client_time_ns);
    static struct report_text text;
    struct report report = report_of(sim, serial, &text);
    (void)report_table_upsert(process->table, &report, 0);
    check_value(sim, node, id, serial);
    process->is_dirty = true;
    return serial;
}

void sim_accept_again(struct sim *sim, uint32_t serial)
{
    const struct accepted *accepted = accepted_of(sim, serial);
    struct process *process = &sim->processes[accepted->node];
    assert(process->is_alive && !process->is_paused);
    static struct report_text text;
    struct report report = report_of(sim, serial, &text);
    uint64_t head = report_table_head(process->table);
    enum upsert upsert = report_table_upsert(process->table, &report, 0);
    if (process->values[accepted->id] == serial &&
        (upsert != UPSERT_SAME || report_table_head(process->table) != head)) {
        fail(sim, "the same report again changed the table of %s", name_of(sim, accepted->node));
    }
    check_value(sim, accepted->node, accepted->id, serial);
    process->is_dirty = true;
}

uint32_t sim_value(const struct sim *sim, size_t node, size_t id)
{
    return sim->processes[node].values[id];
}

/* ---- Packets ---- */

static void append_packet(struct packets *packets, struct packet *packet)
{
    packet->next = NULL;
    if (packets->last != NULL) {
        packets->last->next = packet;
    } else {
        packets->first = packet;
    }
    packets->last = packet;
    packets->count++;
    packets->bytes += packet->length;
}

static struct packet *take_packet(struct packets *packets)
{
    struct packet *packet = packets->first;
    packets->first = packet->next;
    if (packets->first == NULL) {
        packets->last = NULL;
    }
    packets->count--;
    packets->bytes -= packet->length;
    return packet;
}

static void drop_packets(struct packets *packets)
{
    while (packets->count > 0) {
        free(take_packet(packets));
    }
}

static void enter_pipe(struct sim *sim, struct channel *channel, struct packet *packet)
{
    int64_t departs = sim->now_ns > channel->departed_ns ? sim->now_ns : channel->departed_ns;
    if (channel->bytes_per_ms > 0) {
        departs += (int64_t)packet->length * NS_PER_MS / channel->bytes_per_ms;
    }
    channel->departed_ns = departs;
    int64_t arrives = departs + channel->latency_ns;
    channel->arrives_ns = arrives > channel->arrives_ns ? arrives : channel->arrives_ns;
    packet->arrives_ns = channel->arrives_ns;
    append_packet(&channel->pipe, packet);
    schedule(sim, channel_event(sim, EVENT_ARRIVAL, channel, packet->arrives_ns));
}

static bool pipe_has_room(const struct channel *channel)
{
    return channel->pipe.bytes < SIM_PIPE_BYTES_DEFAULT;
}

static void check_window(struct sim *sim, struct channel *channel, struct slice message)
{
    enum status status = gossip_decode(message, &sim->decoded);
    if (status != STATUS_OK) {
        fail(sim, "%s says what cannot be read", name_of(sim, channel->from));
        return;
    }
    const struct gossip_header *header = &sim->decoded.header;
    if (header->from == header->to) {
        if (sim->decoded.count > 0) {
            fail(sim, "%s sends reports of no range", name_of(sim, channel->from));
        }
        return;
    }
    if (channel->in_flight_count == GOSSIP_WINDOW) {
        fail(sim,
            "%s has more than %d messages in flight to %s",
            name_of(sim, channel->from),
            GOSSIP_WINDOW,
            sim->names[channel->to]);
        return;
    }
    channel->in_flight[channel->in_flight_count++] = header->number;
}

static bool is_lost(struct sim *sim, struct channel *channel)
{
    unsigned *to_lose =
        sim->decoded.count > 0 ? &channel->batches_to_lose : &channel->hellos_to_lose;
    if (*to_lose > 0) {
        (*to_lose)--;
        return true;
    }
    return sim->faults.loss_per_mille > 0 &&
           random_chance(&sim->random, sim->faults.loss_per_mille);
}

static struct packet *copy_packet(const struct packet *packet)
{
    struct packet *copy = malloc(sizeof *copy + packet->length);
    assert(copy != NULL);
    memcpy(copy, packet, sizeof *copy + packet->length);
    return copy;
}

static void send_late(struct sim *sim, const struct channel *channel, struct packet *packet)
{
    int64_t delay_ns = (int64_t)random_below(&sim->random, UINT64_C(150) * NS_PER_MS);
    struct event event =
        channel_event(sim, EVENT_LATE, channel, sim->now_ns + channel->latency_ns + delay_ns);
    event.packet = packet;
    schedule(sim, event);
}

static void count_message(struct sim_counters *counters, struct slice message, size_t reports)
{
    counters->messages++;
    counters->bytes += message.length;
    counters->batches += reports > 0 ? 1 : 0;
    counters->reports += reports;
}

static void send_message(struct sim *sim, struct channel *channel, struct slice message)
{
    check_window(sim, channel, message);
    count_message(&sim->counters, message, sim->decoded.count);
    count_message(&channel->counters, message, sim->decoded.count);
    if (message.length > MESSAGE_BATCH_BYTES_MAX) {
        fail(sim, "%s sends %zu bytes", name_of(sim, channel->from), message.length);
    }
    if (!channel->is_open) {
        trace_message(sim, "sends into nothing:", channel, message);
        return;
    }
    if (is_lost(sim, channel)) {
        trace_message(sim, "sends, and it is lost:", channel, message);
        return;
    }
    trace_message(sim, "sends", channel, message);
    struct packet *packet = malloc(sizeof *packet + message.length);
    assert(packet != NULL);
    packet->length = message.length;
    memcpy(packet->data, message.data, message.length);
    if (sim->faults.double_per_mille > 0 &&
        random_chance(&sim->random, sim->faults.double_per_mille)) {
        send_late(sim, channel, copy_packet(packet));
    }
    if (sim->faults.late_per_mille > 0 && random_chance(&sim->random, sim->faults.late_per_mille)) {
        send_late(sim, channel, packet);
    } else if (channel->queue.count == 0 && pipe_has_room(channel)) {
        enter_pipe(sim, channel, packet);
    } else if (channel->queue.count < SIM_BUS_QUEUE) {
        append_packet(&channel->queue, packet);
    } else {
        trace(sim, "... which does not fit into the queue");
        sim->counters.dropped++;
        channel->counters.dropped++;
        free(packet);
    }
}

/* ---- What nodes do ---- */

static struct instant now_of(const struct sim *sim)
{
    return (struct instant){.ns = sim->now_ns};
}

/* Everything that is to be said now, and the time when there will be more. */
static void speak(struct sim *sim, size_t index)
{
    struct process *process = &sim->processes[index];
    process->is_dirty = false;
    for (size_t i = 0; i < process->channel_count; i++) {
        unsigned said = 0;
        for (;;) {
            buffer_reset(&sim->message);
            if (!gossip_next_message(process->gossip, now_of(sim), i, &sim->message)) {
                break;
            }
            if (++said > SAID_IN_ONE_TURN_MAX) {
                fail(sim, "%s does not stop talking", name_of(sim, index));
                return;
            }
            send_message(sim, &process->channels[i], buffer_slice(&sim->message));
        }
    }
    int64_t deadline_ns = gossip_deadline(process->gossip).ns;
    if (deadline_ns <= sim->now_ns) {
        fail(sim, "%s has said everything and wants to be called at once", name_of(sim, index));
        return;
    }
    if (deadline_ns < process->timer_ns) {
        process->timer_ns = deadline_ns;
        schedule(
            sim, (struct event){.at_ns = deadline_ns, .kind = EVENT_TIMER, .a = (uint16_t)index});
    }
}

static struct channel *channel_to(struct sim *sim, size_t process, size_t node)
{
    struct process *from = &sim->processes[process];
    for (size_t i = 0; i < from->channel_count; i++) {
        if (from->channels[i].to == node) {
            return &from->channels[i];
        }
    }
    assert(!"they are neighbours");
    return NULL;
}

static void note_echo(struct channel *channel, uint64_t number)
{
    size_t kept = 0;
    for (size_t i = 0; i < channel->in_flight_count; i++) {
        if (channel->in_flight[i] > number) {
            channel->in_flight[kept++] = channel->in_flight[i];
        }
    }
    channel->in_flight_count = kept;
}

static const char *verdict_text(enum gossip_verdict verdict)
{
    switch (verdict) {
    case GOSSIP_TAKEN:
        return "takes";
    case GOSSIP_REFUSED_HERD:
        return "refuses (another herd)";
    case GOSSIP_REFUSED_RECEIVER:
        return "refuses (another receiver)";
    case GOSSIP_REFUSED_SENDER:
        return "refuses (unknown sender)";
    case GOSSIP_REFUSED_SECOND:
        return "refuses (a second process)";
    }
    return "";
}

static void deliver(struct sim *sim, const struct channel *channel, const struct packet *packet)
{
    size_t index = sim->address[channel->to];
    struct process *process = &sim->processes[index];
    enum status status = gossip_decode(slice_of_bytes(packet->data, packet->length), &sim->decoded);
    assert(status == STATUS_OK);
    (void)status;
    if (sim->decoded.count > 0 && sim->faults.hollow_per_mille > 0 &&
        random_chance(&sim->random, sim->faults.hollow_per_mille)) {
        trace(sim, "the reports of the next message are lost, but not its range");
        sim->decoded.count = 0;
    }
    const struct gossip_header *header = &sim->decoded.header;
    size_t sender = sim->processes[channel->from].node;
    struct channel *back = channel_to(sim, index, sender);
    size_t back_link = (size_t)(back - process->channels);
    struct gossip_link_status before = gossip_link_status(process->gossip, now_of(sim), back_link);

    size_t link = SIZE_MAX;
    enum gossip_verdict verdict =
        gossip_receive(process->gossip, now_of(sim), &sim->decoded, &link);
    trace(sim,
        "%s%s %s %" PRIu64 " of %s%s",
        name_of(sim, index),
        mark_of(sim, index),
        verdict_text(verdict),
        header->number,
        name_of(sim, channel->from),
        mark_of(sim, channel->from));
    process->is_dirty = true;
    if (verdict != GOSSIP_TAKEN) {
        sim->counters.refused++;
        if (verdict != GOSSIP_REFUSED_SECOND) {
            fail(sim, "%s refuses a neighbour's message", name_of(sim, index));
        }
        return;
    }
    assert(link == back_link);
    struct gossip_link_status after = gossip_link_status(process->gossip, now_of(sim), link);
    sim->counters.redundant += after.reports_redundant - before.reports_redundant;
    if (after.repeats_of_all != before.repeats_of_all) {
        trace(sim, "... and sends all again, for the tables differ");
    }
    if (header->holding.incarnation == process->incarnation) {
        note_echo(back, header->holding.number);
    }
    for (size_t i = 0; i < sim->decoded.count; i++) {
        uint32_t serial = serial_of(sim, &sim->decoded.reports[i]);
        if (serial == 0) {
            fail(sim, "a message has a report that nobody accepted");
            return;
        }
        check_value(sim, index, accepted_of(sim, serial)->id, serial);
    }
}

/* A process that was not heard before, or one after another, starts a new window. */
static void note_meeting(
    struct sim *sim, size_t index, const uint64_t incarnations_before[GOSSIP_LINKS_MAX])
{
    struct process *process = &sim->processes[index];
    for (size_t i = 0; i < process->channel_count; i++) {
        if (gossip_link_status(process->gossip, now_of(sim), i).peer_incarnation !=
            incarnations_before[i]) {
            process->channels[i].in_flight_count = 0;
        }
    }
}

static void deliver_and_note(
    struct sim *sim, const struct channel *channel, const struct packet *packet)
{
    size_t index = sim->address[channel->to];
    struct process *process = &sim->processes[index];
    uint64_t incarnations[GOSSIP_LINKS_MAX] = {0};
    for (size_t i = 0; i < process->channel_count; i++) {
        incarnations[i] = gossip_link_status(process->gossip, now_of(sim), i).peer_incarnation;
    }
    deliver(sim, channel, packet);
    note_meeting(sim, index, incarnations);
}

static bool can_take(const struct sim *sim, size_t node)
{
    const struct process *process = &sim->processes[sim->address[node]];
    return process->is_alive && !process->is_paused;
}

/* Delivers what has arrived and refills the pipe from the queue. */
static void arrive(struct sim *sim, struct channel *channel)
{
    while (channel->pipe.count > 0 && channel->pipe.first->arrives_ns <= sim->now_ns &&
           channel->cut != SIM_CUT_STALLS && sim->failure[0] == '\0') {
        if (!sim->processes[sim->address[channel->to]].is_alive) {
            drop_packets(&channel->pipe);
            break;
        }
        if (!can_take(sim, channel->to)) {
            return;
        }
        struct packet *packet = take_packet(&channel->pipe);
        deliver_and_note(sim, channel, packet);
        free(packet);
    }
    while (channel->queue.count > 0 && pipe_has_room(channel)) {
        enter_pipe(sim, channel, take_packet(&channel->queue));
    }
}

/* ---- Connections ---- */

static void tell_opened(struct sim *sim, struct channel *channel)
{
    struct process *process = &sim->processes[channel->from];
    if (process->is_paused) {
        channel->owes_opened = true;
        return;
    }
    trace(sim, "%s connected to %s", name_of(sim, channel->from), sim->names[channel->to]);
    gossip_link_opened(process->gossip, now_of(sim), (size_t)(channel - process->channels));
    process->is_dirty = true;
}

static void tell_lost(struct sim *sim, struct channel *channel)
{
    struct process *process = &sim->processes[channel->from];
    if (process->is_paused) {
        channel->owes_lost = true;
        channel->owes_opened = false;
        return;
    }
    trace(sim, "%s lost %s", name_of(sim, channel->from), sim->names[channel->to]);
    gossip_link_lost(process->gossip, now_of(sim), (size_t)(channel - process->channels));
    process->is_dirty = true;
}

static void dial(struct sim *sim, struct channel *channel, int64_t delay_ms_min)
{
    if (channel->is_dialing) {
        return;
    }
    channel->is_dialing = true;
    uint64_t spread_ns = (uint64_t)(REDIAL_MS_MAX - REDIAL_MS_MIN) * NS_PER_MS;
    int64_t at_ns =
        sim->now_ns + delay_ms_min * NS_PER_MS + (int64_t)random_below(&sim->random, spread_ns);
    schedule(sim, channel_event(sim, EVENT_DIAL, channel, at_ns));
}

static void try_to_connect(struct sim *sim, struct channel *channel)
{
    channel->is_dialing = false;
    struct process *process = &sim->processes[channel->from];
    if (!process->is_alive || channel->is_open) {
        return;
    }
    bool is_there = sim->processes[sim->address[channel->to]].is_alive;
    bool is_reachable = channel->cut == SIM_CUT_NONE;
    if (!is_there || !is_reachable || process->is_paused) {
        dial(sim, channel, REDIAL_MS_MIN);
        return;
    }
    channel->is_open = true;
    channel->connection++;
    channel->departed_ns = sim->now_ns;
    channel->arrives_ns = sim->now_ns;
    tell_opened(sim, channel);
}

/* The connection breaks: what was on the way is gone, and the sender hears of it some time later.
 */
static void break_connection(struct sim *sim, struct channel *channel, bool keeps_arriving)
{
    if (!channel->is_open) {
        return;
    }
    channel->is_open = false;
    drop_packets(&channel->queue);
    if (!keeps_arriving) {
        drop_packets(&channel->pipe);
    }
    channel->connection++;
    int64_t notice_ns = (int64_t)random_below(&sim->random, UINT64_C(20) * NS_PER_MS);
    schedule(sim, channel_event(sim, EVENT_LOST, channel, sim->now_ns + notice_ns));
}

static void handle(struct sim *sim, const struct event *event)
{
    struct process *process = &sim->processes[event->a];
    struct channel *channel = &process->channels[event->b];
    switch (event->kind) {
    case EVENT_TIMER:
        if (process->timer_ns == event->at_ns) {
            process->timer_ns = INT64_MAX;
            process->is_dirty = process->is_alive;
        }
        break;
    case EVENT_ARRIVAL:
        arrive(sim, channel);
        break;
    case EVENT_LATE:
        if (can_take(sim, channel->to) && channel->cut == SIM_CUT_NONE &&
            (event->a != sim_usurper(sim) || event->connection == channel->connection)) {
            deliver_and_note(sim, channel, event->packet);
        }
        free(event->packet);
        break;
    case EVENT_DIAL:
        try_to_connect(sim, channel);
        break;
    case EVENT_LOST:
        if (process->is_alive && channel->connection == event->connection) {
            tell_lost(sim, channel);
            dial(sim, channel, REDIAL_MS_MIN);
        }
        break;
    }
}

static void run_until(struct sim *sim, int64_t end_ns)
{
    while (sim->failure[0] == '\0') {
        for (size_t i = 0; i <= sim->node_count; i++) {
            if (sim->processes[i].is_dirty && !sim->processes[i].is_paused) {
                speak(sim, i);
            }
        }
        if (sim->heap_count == 0 || sim->heap[0].at_ns > end_ns) {
            break;
        }
        sim->now_ns = sim->heap[0].at_ns;
        while (sim->heap_count > 0 && sim->heap[0].at_ns == sim->now_ns) {
            struct event event = next_event(sim);
            handle(sim, &event);
        }
    }
    sim->now_ns = end_ns;
}

void sim_run_us(struct sim *sim, int64_t microseconds)
{
    run_until(sim, sim->now_ns + microseconds * NS_PER_US);
}

void sim_run_ms(struct sim *sim, int64_t milliseconds)
{
    sim_run_us(sim, milliseconds * 1000);
}

struct instant sim_now(const struct sim *sim)
{
    return now_of(sim);
}

double sim_now_ms(const struct sim *sim)
{
    return (double)(sim->now_ns - START_NS) / NS_PER_MS;
}

void sim_set_trace(struct sim *sim, FILE *trace_file)
{
    sim->trace = trace_file;
}

const char *sim_failure(const struct sim *sim)
{
    return sim->failure[0] == '\0' ? NULL : sim->failure;
}

/* ---- Processes ---- */

static void give_birth(struct sim *sim, size_t index, size_t node)
{
    struct process *process = &sim->processes[index];
    process->node = node;
    process->is_alive = true;
    process->is_paused = false;
    process->is_dirty = true;
    process->timer_ns = INT64_MAX;
    process->birth = ++sim->births;
    process->incarnation = random_next(&sim->random) | 1;
    memset(process->values, 0, sim->id_count * sizeof *process->values);

    struct slice names[GOSSIP_LINKS_MAX];
    for (size_t i = 0; i < sim->neighbour_count[node]; i++) {
        names[i] = slice_of(sim->names[sim->neighbours[node][i]]);
    }
    enum status status = report_table_create(UINT64_C(1) << 20,
        2 * (unsigned)sim->neighbour_count[node],
        random_next(&sim->random),
        &process->table);
    assert(status == STATUS_OK);
    struct gossip_config config = {
        .herd = herd_name,
        .self = slice_of(sim->names[node]),
        .incarnation = process->incarnation,
        .link_count = sim->neighbour_count[node],
        .neighbours = names,
    };
    status = gossip_create(&config, process->table, &process->gossip);
    assert(status == STATUS_OK);
    (void)status;
    process->channel_count = sim->neighbour_count[node];
    for (size_t i = 0; i < process->channel_count; i++) {
        struct channel *channel = &process->channels[i];
        channel->from = index;
        channel->to = sim->neighbours[node][i];
        channel->in_flight_count = 0;
        channel->owes_lost = false;
        channel->owes_opened = false;
        channel->connection++; /* what was planned for the process before is void */
        dial(sim, channel, 0);
    }
    trace(sim, "%s%s starts", name_of(sim, index), mark_of(sim, index));
}

static void bury(struct sim *sim, size_t index)
{
    struct process *process = &sim->processes[index];
    trace(sim, "%s%s dies", name_of(sim, index), mark_of(sim, index));
    process->is_alive = false;
    process->is_dirty = false;
    process->is_paused = false;
    gossip_destroy(process->gossip);
    report_table_destroy(process->table);
    process->gossip = NULL;
    process->table = NULL;
    for (size_t i = 0; i < process->channel_count; i++) {
        break_connection(sim, &process->channels[i], true);
    }
}

/* The connections to the node, from all that are its neighbours. */
static void break_connections_to(struct sim *sim, size_t node)
{
    for (size_t i = 0; i <= sim->node_count; i++) {
        struct process *process = &sim->processes[i];
        for (size_t k = 0; k < process->channel_count; k++) {
            if (process->channels[k].to == node) {
                break_connection(sim, &process->channels[k], false);
            }
        }
    }
}

void sim_kill(struct sim *sim, size_t node, enum sim_notice notice)
{
    bury(sim, node);
    if (notice == SIM_NOTICED && sim->address[node] == node) {
        break_connections_to(sim, node);
    }
}

void sim_start(struct sim *sim, size_t node)
{
    assert(!sim->processes[node].is_alive);
    give_birth(sim, node, node);
}

void sim_pause(struct sim *sim, size_t node)
{
    trace(sim, "%s pauses", name_of(sim, node));
    sim->processes[node].is_paused = true;
}

void sim_continue(struct sim *sim, size_t node)
{
    struct process *process = &sim->processes[node];
    trace(sim, "%s continues", name_of(sim, node));
    process->is_paused = false;
    process->is_dirty = true;
    for (size_t i = 0; i < process->channel_count; i++) {
        struct channel *channel = &process->channels[i];
        if (channel->owes_lost) {
            channel->owes_lost = false;
            tell_lost(sim, channel);
            if (!channel->is_open) {
                dial(sim, channel, REDIAL_MS_MIN);
            }
        }
        if (channel->owes_opened) {
            channel->owes_opened = false;
            tell_opened(sim, channel);
        }
    }
    for (size_t i = 0; i <= sim->node_count; i++) {
        for (size_t k = 0; k < sim->processes[i].channel_count; k++) {
            struct channel *channel = &sim->processes[i].channels[k];
            if (sim->address[channel->to] == node) {
                arrive(sim, channel);
            }
        }
    }
}

bool sim_is_alive(const struct sim *sim, size_t node)
{
    return sim->processes[node].is_alive;
}

bool sim_is_paused(const struct sim *sim, size_t node)
{
    return sim->processes[node].is_paused;
}

void sim_start_usurper(struct sim *sim, size_t node, bool takes_address)
{
    size_t usurper = sim_usurper(sim);
    assert(!sim->processes[usurper].is_alive);
    for (size_t i = 0; i < GOSSIP_LINKS_MAX; i++) {
        struct channel *channel = &sim->processes[usurper].channels[i];
        const struct channel *model = &sim->processes[node].channels[i];
        drop_packets(&channel->pipe); /* of the usurper before, maybe of another node */
        channel->connection++;
        channel->latency_ns = model->latency_ns;
        channel->bytes_per_ms = model->bytes_per_ms;
        channel->cut = model->cut;
    }
    give_birth(sim, usurper, node);
    if (takes_address) {
        break_connections_to(sim, node);
        sim->address[node] = usurper;
    }
}

void sim_kill_usurper(struct sim *sim)
{
    size_t usurper = sim_usurper(sim);
    size_t node = sim->processes[usurper].node;
    bury(sim, usurper);
    if (sim->address[node] == usurper) {
        break_connections_to(sim, node);
        sim->address[node] = node;
    }
}

size_t sim_usurper(const struct sim *sim)
{
    return sim->node_count;
}

/* ---- The network ---- */

static void cut_channel(struct sim *sim, struct channel *channel, enum sim_cut cut)
{
    channel->cut = cut;
    if (cut == SIM_CUT_BREAKS) {
        break_connection(sim, channel, false);
    }
    if (cut == SIM_CUT_NONE) {
        arrive(sim, channel);
    }
}

void sim_cut(struct sim *sim, size_t from, size_t to, enum sim_cut cut)
{
    trace(sim, "%s > %s: cut %d", name_of(sim, from), sim->names[to], (int)cut);
    cut_channel(sim, channel_to(sim, from, to), cut);
}

void sim_heal(struct sim *sim)
{
    trace(sim, "all cuts are healed");
    for (size_t i = 0; i <= sim->node_count; i++) {
        for (size_t k = 0; k < sim->processes[i].channel_count; k++) {
            cut_channel(sim, &sim->processes[i].channels[k], SIM_CUT_NONE);
        }
    }
}

void sim_set_faults(struct sim *sim, struct sim_faults faults)
{
    sim->faults = faults;
}

void sim_set_speed(struct sim *sim, size_t from, size_t to, int64_t bytes_per_ms)
{
    channel_to(sim, from, to)->bytes_per_ms = bytes_per_ms;
}

void sim_lose_batches(struct sim *sim, size_t from, size_t to, unsigned count)
{
    channel_to(sim, from, to)->batches_to_lose = count;
}

void sim_lose_hellos(struct sim *sim, size_t from, size_t to, unsigned count)
{
    channel_to(sim, from, to)->hellos_to_lose = count;
}

/* ---- What is seen ---- */

bool sim_is_equal(const struct sim *sim)
{
    struct digest first = {0};
    for (size_t i = 0; i < sim->node_count; i++) {
        if (!sim->processes[i].is_alive) {
            return false;
        }
        struct digest digest = report_table_digest(sim->processes[i].table);
        if (i == 0) {
            first = digest;
        }
        if (digest.low != first.low || digest.high != first.high) {
            return false;
        }
    }
    return true;
}

bool sim_is_converged(const struct sim *sim)
{
    if (!sim_is_equal(sim)) {
        return false;
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        const struct process *process = &sim->processes[i];
        for (size_t k = 0; k < process->channel_count; k++) {
            struct gossip_link_status status = gossip_link_status(process->gossip, now_of(sim), k);
            size_t peer = process->channels[k].to;
            if (!status.is_open || !status.is_heard || !status.is_equal || status.behind != 0 ||
                !status.is_caught_up ||
                status.peer_incarnation != sim->processes[peer].incarnation) {
                return false;
            }
        }
    }
    return true;
}

uint64_t sim_repeats_of_all(const struct sim *sim)
{
    uint64_t repeats = 0;
    for (size_t i = 0; i < sim->node_count; i++) {
        const struct process *process = &sim->processes[i];
        for (size_t k = 0; process->is_alive && k < process->channel_count; k++) {
            repeats += gossip_link_status(process->gossip, now_of(sim), k).repeats_of_all;
        }
    }
    return repeats;
}

bool sim_check_values(struct sim *sim, const uint32_t *at_least)
{
    for (size_t id = 0; id < sim->id_count; id++) {
        uint32_t first = value_in(sim, 0, id);
        if (sim_wins(sim, at_least[id], first)) {
            fail(sim,
                "of client %zu report %" PRIu32 " was lost, %" PRIu32 " remained",
                id,
                at_least[id],
                first);
        }
        for (size_t i = 1; i < sim->node_count; i++) {
            uint32_t other = value_in(sim, i, id);
            if (other != first) {
                fail(sim,
                    "equal digests, but of client %zu %s holds %" PRIu32 " and %s %" PRIu32,
                    id,
                    name_of(sim, 0),
                    first,
                    name_of(sim, i),
                    other);
            }
        }
    }
    return sim->failure[0] == '\0';
}

void sim_best_values(const struct sim *sim, uint32_t *ret_best)
{
    for (size_t id = 0; id < sim->id_count; id++) {
        ret_best[id] = 0;
        for (size_t i = 0; i < sim->node_count; i++) {
            const struct process *process = &sim->processes[i];
            if (process->is_alive && sim_wins(sim, process->values[id], ret_best[id])) {
                ret_best[id] = process->values[id];
            }
        }
    }
}

static size_t link_of(const struct sim *sim, size_t process, size_t neighbour)
{
    const struct process *from = &sim->processes[process];
    size_t link = 0;
    while (from->channels[link].to != neighbour) {
        link++;
    }
    return link;
}

struct gossip_link_status sim_link_status(const struct sim *sim, size_t node, size_t neighbour)
{
    return gossip_link_status(
        sim->processes[node].gossip, now_of(sim), link_of(sim, node, neighbour));
}

uint64_t sim_table_memory(const struct sim *sim, size_t node)
{
    return report_table_memory(sim->processes[node].table);
}

uint64_t sim_table_head(const struct sim *sim, size_t node)
{
    return report_table_head(sim->processes[node].table);
}

bool sim_is_caught_up(const struct sim *sim, size_t node)
{
    return gossip_is_caught_up(sim->processes[node].gossip);
}

struct sim_counters sim_counters(const struct sim *sim)
{
    return sim->counters;
}

struct sim_counters sim_link_counters(const struct sim *sim, size_t from, size_t to)
{
    return sim->processes[from].channels[link_of(sim, from, to)].counters;
}

/* ---- Creation ---- */

static int64_t latency_ns(struct sim *sim)
{
    uint64_t spread = (uint64_t)(sim->latency_us_max - sim->latency_us_min) + 1;
    return (sim->latency_us_min + (int64_t)random_below(&sim->random, spread)) * NS_PER_US;
}

struct sim *sim_create(const struct sim_config *config)
{
    assert(config->node_count >= 1 && config->node_count <= SIM_NODES_MAX);
    struct sim *sim = calloc(1, sizeof *sim);
    assert(sim != NULL);
    sim->random = random_from_seed(config->seed);
    sim->node_count = config->node_count;
    sim->id_count = config->id_count;
    sim->latency_us_min = config->latency_us_min;
    sim->latency_us_max = config->latency_us_max;
    sim->now_ns = START_NS;
    sim->trace = config->trace;
    sim->message = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    for (size_t i = 0; i < config->node_count; i++) {
        (void)snprintf(sim->own_names[i], sizeof sim->own_names[i], "N%02u", (unsigned)i % 100);
        sim->names[i] = config->names != NULL ? config->names[i] : sim->own_names[i];
        sim->address[i] = i;
    }
    for (size_t i = 0; i < config->edge_count; i++) {
        size_t a = config->edges[i].a;
        size_t b = config->edges[i].b;
        sim->neighbours[a][sim->neighbour_count[a]++] = b;
        sim->neighbours[b][sim->neighbour_count[b]++] = a;
    }
    for (size_t i = 0; i <= sim->node_count; i++) {
        sim->processes[i].values = calloc(sim->id_count, sizeof(uint32_t));
        assert(sim->processes[i].values != NULL);
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        for (size_t k = 0; k < sim->neighbour_count[i]; k++) {
            sim->processes[i].channels[k].latency_ns = latency_ns(sim);
        }
        give_birth(sim, i, i);
    }
    return sim;
}

void sim_destroy(struct sim *sim)
{
    for (size_t i = 0; i <= sim->node_count; i++) {
        struct process *process = &sim->processes[i];
        for (size_t k = 0; k < GOSSIP_LINKS_MAX; k++) {
            drop_packets(&process->channels[k].queue);
            drop_packets(&process->channels[k].pipe);
        }
        gossip_destroy(process->gossip);
        report_table_destroy(process->table);
        free(process->values);
    }
    for (size_t i = 0; i < sim->heap_count; i++) {
        free(sim->heap[i].packet);
    }
    free(sim->heap);
    free(sim->accepted);
    buffer_clear(&sim->message);
    free(sim);
}
