/* Prometheus text. */
#include "common/metrics.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

struct metrics metrics_into(struct buffer *text)
{
    return (struct metrics){.text = text, .name = NULL, .status = STATUS_OK};
}

static void put(struct metrics *metrics, struct slice bytes)
{
    if (metrics->status == STATUS_OK) {
        metrics->status = buffer_append(metrics->text, bytes);
    }
}

static void put_text(struct metrics *metrics, const char *text)
{
    put(metrics, slice_of(text));
}

static void put_value(struct metrics *metrics, int64_t value)
{
    if (metrics->status == STATUS_OK) {
        metrics->status = buffer_append_format(metrics->text, " %lld\n", (long long)value);
    }
}

/* A label's value may hold any bytes but these three, which are escaped. */
static void put_label_value(struct metrics *metrics, struct slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        switch (value.data[i]) {
        case '\\':
            put_text(metrics, "\\\\");
            break;
        case '"':
            put_text(metrics, "\\\"");
            break;
        case '\n':
            put_text(metrics, "\\n");
            break;
        default:
            put(metrics, slice_of_bytes(value.data + i, 1));
            break;
        }
    }
}

static const char *kind_text(enum metrics_kind kind)
{
    switch (kind) {
    case METRICS_COUNTER:
        return " counter\n";
    case METRICS_GAUGE:
        return " gauge\n";
    case METRICS_HISTOGRAM:
        return " histogram\n";
    }
    return "";
}

void metrics_begin(
    struct metrics *metrics, enum metrics_kind kind, const char *name, const char *help)
{
    metrics->name = name;
    put_text(metrics, "# HELP ");
    put_text(metrics, name);
    put_text(metrics, " ");
    put_text(metrics, help);
    put_text(metrics, "\n# TYPE ");
    put_text(metrics, name);
    put_text(metrics, kind_text(kind));
}

/* The name with its suffix, and the labels. */
static void put_series(
    struct metrics *metrics, const char *suffix, const struct metrics_label *labels, size_t count)
{
    assert(metrics->name != NULL);
    put_text(metrics, metrics->name);
    put_text(metrics, suffix);
    for (size_t i = 0; i < count; i++) {
        put_text(metrics, i == 0 ? "{" : ",");
        put_text(metrics, labels[i].name);
        put_text(metrics, "=\"");
        put_label_value(metrics, labels[i].value);
        put_text(metrics, "\"");
    }
    if (count > 0) {
        put_text(metrics, "}");
    }
}

void metrics_sample_labels(
    struct metrics *metrics, int64_t value, const struct metrics_label *labels, size_t count)
{
    put_series(metrics, "", labels, count);
    put_value(metrics, value);
}

void metrics_counter(struct metrics *metrics, const char *name, const char *help, uint64_t value)
{
    metrics_begin(metrics, METRICS_COUNTER, name, help);
    metrics_sample_labels(metrics, value > INT64_MAX ? INT64_MAX : (int64_t)value, NULL, 0);
}

void metrics_gauge(struct metrics *metrics, const char *name, const char *help, int64_t value)
{
    metrics_begin(metrics, METRICS_GAUGE, name, help);
    metrics_sample_labels(metrics, value, NULL, 0);
}

#define SECONDS_SIZE 32

/* Microseconds as seconds, without a floating point number and so without a locale. */
static struct slice seconds_of(uint64_t us, char text[SECONDS_SIZE])
{
    const int length = snprintf(text,
        SECONDS_SIZE,
        "%llu.%06llu",
        (unsigned long long)(us / 1000000),
        (unsigned long long)(us % 1000000));
    return slice_of_bytes(text, (size_t)length);
}

void metrics_durations(struct metrics *metrics,
    const struct metrics_durations *durations,
    const struct metrics_label *labels,
    size_t count)
{
    assert(count <= METRICS_LABELS_MAX);
    char text[SECONDS_SIZE];
    struct metrics_label with_bound[METRICS_LABELS_MAX + 1];
    for (size_t i = 0; i < count; i++) {
        with_bound[i] = labels[i];
    }
    uint64_t total = 0;
    for (size_t i = 0; i <= durations->bound_count; i++) {
        const bool is_last = i == durations->bound_count;
        total += durations->counts[i];
        with_bound[count] = (struct metrics_label){
            "le", is_last ? slice_of("+Inf") : seconds_of(durations->bounds_us[i], text)};
        put_series(metrics, "_bucket", with_bound, count + 1);
        put_value(metrics, (int64_t)total);
    }
    put_series(metrics, "_sum", labels, count);
    put_text(metrics, " ");
    put(metrics, seconds_of(durations->sum_us, text));
    put_text(metrics, "\n");
    put_series(metrics, "_count", labels, count);
    put_value(metrics, (int64_t)total);
}
