/*
 * What came of the commands of a measurement: how many were answered rightly, refused, wrongly or
 * not at all, by which servers, and after how long.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include "common/buffer.h"
#include "common/json_writer.h"
#include "tests/bench/histogram.h"
#include "tests/bench/workload.h"

enum {
    TALLY_KINDS = 2, /* enum command_kind */
    TALLY_SERVERS_MAX = 64,
    TALLY_EXAMPLES_MAX = 5,
    TALLY_EXAMPLE_BYTES_MAX = 400,
    TALLY_NAME_BYTES_MAX = 64,
};

struct tally_server {
    char name[TALLY_NAME_BYTES_MAX];
    size_t name_length;
    uint64_t answers;
};

/* All zeroes is an empty one. */
struct tally {
    uint64_t said;    /* commands, whatever came of them */
    uint64_t refused; /* answered with `? ` */
    uint64_t wrong;   /* answered otherwise than the protocol says */
    uint64_t unasked; /* bytes that arrived when nothing was owed, as lines or pieces of lines */
    uint64_t missing; /* never answered */
    struct histogram
        right[TALLY_KINDS]; /* by kind: ns from when it was due until the answer was there */
    size_t server_count;
    struct tally_server servers[TALLY_SERVERS_MAX]; /* those beyond are counted with the last */
    size_t example_count;
    char examples[TALLY_EXAMPLES_MAX]
                 [TALLY_EXAMPLE_BYTES_MAX]; /* of what was not right, each one line of text */
};

void tally_reset(struct tally *tally);

/* `count` right answers of one server to commands of one kind, after the same time. */
void tally_right(struct tally *tally,
    enum command_kind kind,
    uint64_t latency_ns,
    uint64_t count,
    struct slice server);

/* Keeps what was sent and what came back, cut short and made printable, unless there are examples
 * enough. */
void tally_example(
    struct tally *tally, const char *fault, struct slice command, struct slice answer);

/* Adds all of `from` but its examples and servers' order. */
void tally_add(struct tally *tally, const struct tally *from);

/* How many commands were answered rightly. */
uint64_t tally_right_total(const struct tally *tally);

/* Right answers came, and nothing else. Refusals are answers that a server may give: they do not
 * count here. */
bool tally_is_clean(const struct tally *tally);

/* The counts, latencies in ns and servers, as members of the JSON object that is open. */
void tally_write_json(const struct tally *tally, struct json_writer *json);

/* A histogram's count, mean, percentiles and maximum as one more member, an object. */
void tally_write_latency_json(
    const struct histogram *histogram, const char *key, struct json_writer *json);

/* The same for people, in lines indented by two spaces; and a histogram's part of a line. */
enum status tally_append_text(const struct tally *tally, struct buffer *text) MUST_USE;
enum status tally_append_latency_text(
    const struct histogram *histogram, struct buffer *text) MUST_USE;

#endif
