/*
 * herd-cores: what a report costs in the pure parts of a node (table, codec, gossip), without any
 * socket, at the number of ids that is given. Processor time, so that a busy machine matters
 * little.
 */
#include "common/instant.h"
#include "common/message_codec.h"
#include "common/random.h"
#include "herd-node/gossip.h"
#include "herd-node/report_table.h"
#include "tests/bench/cpu_clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHANGES = 1000 * 1000, /* of random ids, per measurement */
    BATCH = 700,           /* reports of one message, as many as fit into 64 KiB */
    ID_SIZE = 21,          /* 20 bytes and a terminator */
    TIME_SIZE = 32,
};

struct bench {
    uint64_t ids;
    uint64_t time; /* each report is newer than all before */
    struct random random;
    struct report_table *table;
};

/* The texts of one report. */
struct text {
    char id[ID_SIZE];
    char time[TIME_SIZE];
};

static struct report report_of(struct bench *bench, uint64_t id, struct text *text)
{
    bench->time++;
    (void)snprintf(text->id, sizeof text->id, "client-%013llu", (unsigned long long)id);
    int length = snprintf(
        text->time, sizeof text->time, "1520023934.%09llu", (unsigned long long)bench->time);
    return (struct report){
        .id = slice_of_bytes(text->id, ID_SIZE - 1),
        .location = slice_of("+34.068930-118.445127"),
        .time = slice_of_bytes(text->time, (size_t)length),
        .server = slice_of("Goloman"),
        .time_ns = INT64_C(1520023934) * NS_PER_SECOND + (int64_t)bench->time,
        .received_ns = INT64_C(1520023935182837383),
    };
}

static int64_t cpu_ns(void)
{
    int64_t ns = 0;
    enum status status = cpu_clock_read((uint64_t)getpid(), &ns);
    assert(status == STATUS_OK);
    (void)status;
    return ns;
}

static void print_cost(const char *what, int64_t ns, uint64_t reports)
{
    printf("%-34s %7.0f ns per report\n", what, (double)ns / (double)reports);
}

static struct report random_report(struct bench *bench, struct text *text)
{
    return report_of(bench, random_below(&bench->random, bench->ids), text);
}

/* Time is taken around whole batches, so that making the reports is not measured. */
static void measure_upsert(struct bench *bench)
{
    static struct text texts[BATCH];
    static struct report reports[BATCH];
    int64_t ns = 0;
    uint64_t count = 0;
    for (; count < CHANGES; count += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            reports[i] = random_report(bench, &texts[i]);
        }
        int64_t start = cpu_ns();
        for (size_t i = 0; i < BATCH; i++) {
            (void)report_table_upsert(bench->table, &reports[i], 0);
        }
        ns += cpu_ns() - start;
    }
    print_cost("report_table_upsert", ns, count);
}

static void fill(struct bench *bench)
{
    int64_t start = cpu_ns();
    for (uint64_t id = 0; id < bench->ids; id++) {
        struct text text;
        struct report report = report_of(bench, id, &text);
        enum upsert upsert = report_table_upsert(bench->table, &report, 0);
        assert(upsert == UPSERT_NEWER);
        (void)upsert;
    }
    print_cost("filling, with the reports made", cpu_ns() - start, bench->ids);
    printf("%-34s %7.1f bytes per id of %d bytes\n",
        "memory",
        (double)report_table_memory(bench->table) / (double)bench->ids,
        ID_SIZE - 1);
}

static struct gossip *gossip_of(struct bench *bench)
{
    struct slice neighbour = slice_of("Hands");
    struct gossip_config config = {
        .herd = slice_of("goloman"),
        .self = slice_of("Goloman"),
        .incarnation = 1,
        .link_count = 1,
        .neighbours = &neighbour,
    };
    struct gossip *gossip;
    enum status status = gossip_create(&config, bench->table, &gossip);
    assert(status == STATUS_OK);
    (void)status;
    return gossip;
}

static struct gossip_header header_from_hands(uint64_t number)
{
    return (struct gossip_header){
        .herd = slice_of("goloman"),
        .sender = slice_of("Hands"),
        .receiver = slice_of("Goloman"),
        .incarnation = 2,
        .number = number,
        .holding = {.incarnation = 1, .number = number},
        .head = number * BATCH,
        .from = (number - 1) * BATCH,
        .to = number * BATCH,
    };
}

/* The way of a report into a node: written by its neighbour, read, and taken. */
static void measure_messages(struct bench *bench)
{
    static struct text texts[BATCH];
    static struct report reports[BATCH];
    static struct gossip_message decoded;
    struct gossip *gossip = gossip_of(bench);
    struct buffer message = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    struct instant now = instant_now();
    int64_t written_ns = 0;
    int64_t read_ns = 0;
    int64_t taken_ns = 0;
    uint64_t count = 0;
    uint64_t bytes = 0;
    for (uint64_t number = 1; count < CHANGES; number++) {
        for (size_t i = 0; i < BATCH; i++) {
            reports[i] = random_report(bench, &texts[i]);
        }
        struct gossip_header header = header_from_hands(number);
        struct gossip_writer writer;
        buffer_reset(&message);
        int64_t start = cpu_ns();
        enum status status = gossip_writer_begin(&writer, &message, &header);
        for (size_t i = 0; i < BATCH && status == STATUS_OK; i++) {
            status = gossip_writer_add(&writer, &reports[i]);
        }
        int64_t written = cpu_ns();
        assert(status == STATUS_OK);
        status = gossip_decode(buffer_slice(&message), &decoded);
        int64_t read = cpu_ns();
        assert(status == STATUS_OK);
        size_t link;
        enum gossip_verdict verdict = gossip_receive(gossip, now, &decoded, &link);
        int64_t taken = cpu_ns();
        assert(verdict == GOSSIP_TAKEN);
        (void)verdict;
        written_ns += written - start;
        read_ns += read - written;
        taken_ns += taken - read;
        count += BATCH;
        bytes += message.length;
    }
    print_cost("gossip_writer_add", written_ns, count);
    print_cost("gossip_decode", read_ns, count);
    print_cost("gossip_receive", taken_ns, count);
    printf("%-34s %7.1f bytes per report\n", "message", (double)bytes / (double)count);
    buffer_clear(&message);
    gossip_destroy(gossip);
}

/* A neighbour that knows nothing gets everything: the cost of pulling it, message by message. */
static void measure_catch_up(struct bench *bench)
{
    struct gossip *gossip = gossip_of(bench);
    struct buffer message = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    struct instant now = instant_now();
    int64_t start = cpu_ns();
    static struct gossip_message hello;
    hello.header = header_from_hands(1);
    hello.header.head = 0;
    hello.header.from = 0;
    hello.header.to = 0;
    hello.header.holding = (struct holding){0};
    size_t link;
    gossip_link_opened(gossip, now, 0);
    (void)gossip_receive(gossip, now, &hello, &link);
    uint64_t reports = 0;
    uint64_t messages = 0;
    while (reports < bench->ids) {
        buffer_reset(&message);
        while (gossip_next_message(gossip, now, 0, &message)) {
            messages++;
        }
        struct gossip_link_status status = gossip_link_status(gossip, now, 0);
        reports = status.reports_sent;
        now = instant_after_ms(now, 1000); /* whatever distance its messages keep */
        hello.header.number++;
        hello.header.holding = (struct holding){
            .incarnation = 1,
            .number = messages,
            .mark = report_table_head(bench->table),
            .island_from = report_table_head(bench->table),
            .island_to = report_table_head(bench->table),
        };
        (void)gossip_receive(gossip, now, &hello, &link);
    }
    print_cost("gossip_next_message, all of it", cpu_ns() - start, reports);
    buffer_clear(&message);
    gossip_destroy(gossip);
}

int main(int count, char **words)
{
    uint64_t ids = 100000;
    if (count > 2 || (count == 2 && !slice_parse_number(slice_of(words[1]), 1 << 30, &ids)) ||
        ids == 0) {
        fputs("usage: herd-cores [IDS]\n", stderr);
        return 2;
    }
    struct bench bench = {.ids = ids, .random = random_from_seed(1)};
    enum status status = report_table_create(ids, 2, 1, &bench.table);
    assert(status == STATUS_OK);
    (void)status;
    printf("%llu ids\n", (unsigned long long)ids);
    fill(&bench);
    measure_upsert(&bench);
    measure_messages(&bench);
    measure_catch_up(&bench);
    report_table_destroy(bench.table);
    return 0;
}
