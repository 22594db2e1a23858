/*
 * What the clients of a measurement say: reports of a fixed set of ids, each newer than the one
 * before, and questions about ids that were reported. The ids are divided among the clients, so
 * that a client knows what must be answered.
 *
 * A client first introduces each of its ids in turn; from then on it picks them by chance. A
 * question is about an id that the same client has reported. Thread: one.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "common/random.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WORKLOAD_ID_BYTES_MAX = 64,
    WORKLOAD_LOCATION_BYTES = 21, /* +34.068930-118.445127 */
    WORKLOAD_TIME_BYTES = 20,     /* 1520023934.918963997 */
    WORKLOAD_REPORT_BYTES_MAX =
        WORKLOAD_ID_BYTES_MAX + 1 + WORKLOAD_LOCATION_BYTES + 1 + WORKLOAD_TIME_BYTES,
    WORKLOAD_LINE_BYTES_MAX = 6 + WORKLOAD_REPORT_BYTES_MAX + 1, /* `IAMAT ` and the line end */
    WORKLOAD_LOCATIONS = 4096,
};

/* How much of each command, as weights, and about what. */
struct workload_plan {
    uint64_t ids;      /* 1 or more */
    size_t id_bytes;   /* the length of each id, at most WORKLOAD_ID_BYTES_MAX */
    uint64_t visitors; /* further ids, each reported by a client that says nothing else */
    unsigned iamat_weight;
    unsigned whatsat_weight; /* their sum is 1 or more */
    unsigned radius_km;      /* of each WHATSAT, 0 to 50 */
    unsigned bound;          /* of each WHATSAT, 0 to 20 */
    uint64_t seed;
};

struct workload;

/*
 * STATUS_OUT_OF_RANGE: id_bytes cannot number so many ids, or another member leaves its range, or
 * there are questions and fewer ids than clients: then nobody knows which report the answer must
 * show. STATUS_NO_MEMORY.
 */
enum status workload_create(
    const struct workload_plan *plan, size_t client_count, struct workload **ret_workload) MUST_USE;
void workload_destroy(struct workload *workload);

/* One of the clients; owns the ids index, index + stride, ... */
struct workload_client {
    struct random random;
    uint64_t index;
    uint64_t stride;
    uint64_t owned;      /* how many ids it has */
    uint64_t introduced; /* how many of them it has reported at least once */
};

struct workload_client workload_client(const struct workload *workload, size_t index);

/* One of the plan's visitors; owns a single id that no other client has. */
struct workload_client workload_visitor(const struct workload *workload, uint64_t index);

enum command_kind { COMMAND_IAMAT, COMMAND_WHATSAT };

struct command {
    enum command_kind kind;
    size_t line_length; /* of what was written, line end included */
    size_t id_offset;   /* where in the line the id starts */
    size_t id_length;
    uint64_t id; /* its number */
    int64_t
        reported_ns; /* WHATSAT: the time of the last report of this id; IAMAT: of this report */
};

/*
 * The client's next command, written to `line`, which has workload_line_bytes_max() bytes of room.
 * time_ns is the time stamp of the report, if it becomes one; it grows from call to call.
 */
struct command workload_next(
    struct workload *workload, struct workload_client *client, int64_t time_ns, char *line);

/* The same, and it is a report whatever the weights are. */
struct command workload_next_report(
    struct workload *workload, struct workload_client *client, int64_t time_ns, char *line);

/* The longest line that workload_next writes for this plan. */
size_t workload_line_bytes_max(const struct workload *workload);

/* Writes `id location time` of that report, as every answer repeats it; returns the length. */
size_t workload_write_report(const struct workload *workload,
    uint64_t id,
    int64_t time_ns,
    char ret_text[WORKLOAD_REPORT_BYTES_MAX]);

#endif
