/* What a gateway says of itself: its status as JSON and its numbers as Prometheus text. Pure. */
#ifndef GATEWAY_GATEWAY_PAGES_H
#define GATEWAY_GATEWAY_PAGES_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/status.h"
#include "common/topology.h"
#include "gateway/clients_view.h"
#include "gateway/dispatch.h"
#include "gateway/lookups.h"

struct reload;

struct gateway_view {
    const struct topology *topology;
    const struct topology_gateway *self;
    struct instant started;
    int64_t pid;
    bool is_ready;
    const struct reload *reload;
    const bool *are_open; /* of each listener */
    const struct dispatch *dispatch;
    const struct lookups *lookups;
    struct clients_view clients;
    uint64_t accept_failures;
    uint64_t log_lines_dropped;
};

/* Both append to `text`. STATUS_FULL, STATUS_NO_MEMORY. */
enum status gateway_status_append(
    struct buffer *text, const struct gateway_view *view, struct instant now) MUST_USE;
enum status gateway_metrics_append(
    struct buffer *text, const struct gateway_view *view, struct instant now) MUST_USE;

#endif
