/* Prometheus text. */
#include "common/metrics.h"

#include <assert.h>

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
    put_text(metrics, kind == METRICS_COUNTER ? " counter\n" : " gauge\n");
}

void metrics_sample_labels(
    struct metrics *metrics, int64_t value, const struct metrics_label *labels, size_t count)
{
    assert(metrics->name != NULL);
    put_text(metrics, metrics->name);
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
