/* What a node says of itself: its status as JSON and its numbers as Prometheus text (pure). */
#ifndef HERD_NODE_NODE_PAGES_H
#define HERD_NODE_NODE_PAGES_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/status.h"
#include "herd-node/gossip.h"
#include "herd-node/operations.h"
#include "herd-node/report_table.h"

struct reload;

struct node_view {
    struct slice herd;
    struct slice server;
    uint64_t incarnation;
    struct instant started;
    int64_t pid;
    bool is_ready;
    const struct reload *reload;
    const struct report_table *table;
    const struct gossip *gossip;
    size_t link_count;
    struct operations_counters operations;
    uint64_t gossip_refused; /* messages */
    uint64_t gossip_malformed;
    uint64_t links_redialled;
    uint64_t log_lines_dropped;
};

/* Both append to `text`. STATUS_FULL, STATUS_NO_MEMORY. */
enum status node_status_append(
    struct buffer *text, const struct node_view *view, struct instant now) MUST_USE;
enum status node_metrics_append(
    struct buffer *text, const struct node_view *view, struct instant now) MUST_USE;

#endif
