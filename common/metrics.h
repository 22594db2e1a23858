/* The numbers of a process as Prometheus text, format 0.0.4. */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

/* The first failure (STATUS_FULL, STATUS_NO_MEMORY) stays, and nothing is written after it. */
struct metrics {
    struct buffer *text;
    const char *name; /* of the metric that is being written */
    enum status status;
};

enum metrics_kind {
    METRICS_COUNTER, /* only grows; the name ends in _total */
    METRICS_GAUGE,
    METRICS_HISTOGRAM, /* metrics_durations only; the name ends in _seconds */
};

struct metrics_label {
    const char *name;
    struct slice value; /* any bytes */
};

struct metrics metrics_into(struct buffer *text);

/* A metric of one value, without labels. `name` and `help` are plain words, borrowed. */
void metrics_counter(struct metrics *metrics, const char *name, const char *help, uint64_t value);
void metrics_gauge(struct metrics *metrics, const char *name, const char *help, int64_t value);

/*
 * A metric of several values: begin, and then one sample for each set of labels:
 *   metrics_sample(&metrics, 5, {"server", slice_of("Goloman")}, {"lane", slice_of("0")});
 */
void metrics_begin(
    struct metrics *metrics, enum metrics_kind kind, const char *name, const char *help);
/* NOLINTNEXTLINE(readability-identifier-naming): to its callers it is a function */
#define metrics_sample(metrics, value, ...)                                                        \
    metrics_sample_labels(metrics,                                                                 \
        value,                                                                                     \
        (const struct metrics_label[]){__VA_ARGS__},                                               \
        sizeof((const struct metrics_label[]){__VA_ARGS__}) / sizeof(struct metrics_label))
void metrics_sample_labels(
    struct metrics *metrics, int64_t value, const struct metrics_label *labels, size_t count);

/* How often something took how long. */
struct metrics_durations {
    size_t bound_count;
    const uint64_t *bounds_us; /* ascending */
    const uint64_t *counts;    /* one more: up to each bound and beyond the one before, then beyond
                                  all */
    uint64_t sum_us;
};

/* A sample of a METRICS_HISTOGRAM: buckets, sum and count. At most METRICS_LABELS_MAX labels. */
enum { METRICS_LABELS_MAX = 7 };
void metrics_durations(struct metrics *metrics,
    const struct metrics_durations *durations,
    const struct metrics_label *labels,
    size_t count);

#endif
