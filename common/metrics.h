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
#define metrics_sample(metrics, value, ...)                                                        \
    metrics_sample_labels(metrics,                                                                 \
        value,                                                                                     \
        (const struct metrics_label[]){__VA_ARGS__},                                               \
        sizeof((const struct metrics_label[]){__VA_ARGS__}) / sizeof(struct metrics_label))
void metrics_sample_labels(
    struct metrics *metrics, int64_t value, const struct metrics_label *labels, size_t count);

#endif
