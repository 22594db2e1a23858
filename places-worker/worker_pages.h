/* What a places worker says of itself: its status as JSON and its numbers as Prometheus text
 * (pure). */
#ifndef PLACES_WORKER_WORKER_PAGES_H
#define PLACES_WORKER_WORKER_PAGES_H

#include "common/buffer.h"
#include "common/status.h"
#include "places-worker/worker_counts.h"

#include <stdbool.h>

struct reload;

struct worker_view {
    const char *herd;
    const char *worker;
    int64_t uptime_ms;
    int64_t pid;
    bool is_ready;
    const struct reload *reload;
    unsigned workers; /* among which the limits of providers are divided */
    unsigned threads;
    size_t in_hand; /* look-ups that wait or are being done */
    size_t provider_count;
    const enum places_provider *providers; /* in the order they are asked */
    const struct worker_counts *counts;
    size_t cache_answers;
    size_t cache_bytes;
    uint64_t log_lines_dropped;
};

/* Both append to `text`. STATUS_FULL, STATUS_NO_MEMORY. */
enum status worker_status_append(struct buffer *text, const struct worker_view *view) MUST_USE;
enum status worker_metrics_append(struct buffer *text, const struct worker_view *view) MUST_USE;

#endif
