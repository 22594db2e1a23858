/* The pages of the admin endpoint that have content of their own. */
#include "herd-node/node_pages.h"

#include "common/json_writer.h"
#include "common/metrics.h"
#include "common/reload.h"

#include <stdio.h>

#define HEX_SIZE 33

static struct slice hex_of_digest(struct digest digest, char text[HEX_SIZE])
{
    int length = snprintf(text,
        HEX_SIZE,
        "%016llx%016llx",
        (unsigned long long)digest.high,
        (unsigned long long)digest.low);
    return slice_of_bytes(text, (size_t)length);
}

/* As text: a 64-bit number does not survive JavaScript. */
static struct slice hex_of_incarnation(uint64_t incarnation, char text[HEX_SIZE])
{
    int length = snprintf(text, HEX_SIZE, "%016llx", (unsigned long long)incarnation);
    return slice_of_bytes(text, (size_t)length);
}

static void write_link(struct json_writer *json, const struct gossip_link_status *link)
{
    char hex[HEX_SIZE];
    json_writer_begin_object(json, NULL);
    json_writer_text(json, "neighbour", link->neighbour);
    json_writer_bool(json, "connected", link->is_open && link->is_heard);
    json_writer_bool(json, "open", link->is_open);
    json_writer_bool(json, "heard", link->is_heard);
    json_writer_bool(json, "caught_up", link->is_caught_up);
    json_writer_bool(json, "lazy", link->is_lazy);
    json_writer_bool(json, "equal", link->is_equal);
    json_writer_number(json, "equal_ms_ago", link->equal_ms_ago);
    json_writer_text(json, "peer_incarnation", hex_of_incarnation(link->peer_incarnation, hex));
    json_writer_number(json, "peer_mark", (int64_t)link->peer_mark);
    json_writer_number(json, "mark", (int64_t)link->mark);
    json_writer_number(json, "peer_lseq", (int64_t)link->peer_head);
    json_writer_number(json, "behind", (int64_t)link->behind);
    json_writer_number(json, "behind_ms", link->behind_ms);
    json_writer_number(json, "batches_sent", (int64_t)link->batches_sent);
    json_writer_number(json, "batches_lost", (int64_t)link->batches_lost);
    json_writer_number(json, "batches_repeated", (int64_t)link->batches_repeated);
    json_writer_number(json, "reports_sent", (int64_t)link->reports_sent);
    json_writer_number(json, "reports_received", (int64_t)link->reports_received);
    json_writer_number(json, "reports_redundant", (int64_t)link->reports_redundant);
    json_writer_number(json, "repeats_of_all", (int64_t)link->repeats_of_all);
    json_writer_end_object(json);
}

enum status node_status_append(
    struct buffer *text, const struct node_view *view, struct instant now)
{
    char hex[HEX_SIZE];
    struct json_writer json = json_writer_into(text);
    json_writer_begin_object(&json, NULL);
    json_writer_text(&json, "kind", slice_of("herd-node"));
    json_writer_text(&json, "herd", view->herd);
    json_writer_text(&json, "server", view->server);
    json_writer_number(&json, "pid", view->pid);
    json_writer_text(&json, "incarnation", hex_of_incarnation(view->incarnation, hex));
    json_writer_number(&json, "uptime_ms", instant_ns_between(view->started, now) / NS_PER_MS);
    json_writer_bool(&json, "ready", view->is_ready);
    reload_write_status(view->reload, &json);
    json_writer_number(&json, "reports", (int64_t)report_table_count(view->table));
    json_writer_number(&json, "lseq", (int64_t)report_table_head(view->table));
    json_writer_text(&json, "digest", hex_of_digest(report_table_digest(view->table), hex));
    json_writer_number(&json, "table_bytes", (int64_t)report_table_memory(view->table));
    json_writer_begin_object(&json, "operations");
    json_writer_number(&json, "requests", (int64_t)view->operations.requests);
    json_writer_number(&json, "refused_requests", (int64_t)view->operations.refused_requests);
    json_writer_number(&json, "accepted_newer", (int64_t)view->operations.accepted_newer);
    json_writer_number(&json, "accepted_older", (int64_t)view->operations.accepted_older);
    json_writer_number(&json, "refused", (int64_t)view->operations.refused);
    json_writer_number(&json, "found", (int64_t)view->operations.found);
    json_writer_number(&json, "unknown", (int64_t)view->operations.unknown);
    json_writer_end_object(&json);
    json_writer_number(&json, "gossip_refused", (int64_t)view->gossip_refused);
    json_writer_number(&json, "gossip_malformed", (int64_t)view->gossip_malformed);
    json_writer_number(&json, "links_redialled", (int64_t)view->links_redialled);
    json_writer_number(&json, "log_lines_dropped", (int64_t)view->log_lines_dropped);
    json_writer_begin_array(&json, "links");
    for (size_t i = 0; i < view->link_count; i++) {
        struct gossip_link_status link = gossip_link_status(view->gossip, now, i);
        write_link(&json, &link);
    }
    json_writer_end_array(&json);
    json_writer_end_object(&json);
    return json.status;
}

/* One metric with a sample for each neighbour: `value` picks it out of the link's status. */
static void sample_links(struct metrics *metrics,
    const struct node_view *view,
    struct instant now,
    int64_t (*value)(const struct gossip_link_status *link))
{
    for (size_t i = 0; i < view->link_count; i++) {
        struct gossip_link_status link = gossip_link_status(view->gossip, now, i);
        metrics_sample(metrics, value(&link), {"neighbour", link.neighbour});
    }
}

static int64_t connected_of(const struct gossip_link_status *link)
{
    return link->is_open && link->is_heard;
}

static int64_t lazy_of(const struct gossip_link_status *link)
{
    return link->is_lazy;
}

static int64_t behind_of(const struct gossip_link_status *link)
{
    return (int64_t)link->behind;
}

static int64_t batches_sent_of(const struct gossip_link_status *link)
{
    return (int64_t)link->batches_sent;
}

static int64_t batches_lost_of(const struct gossip_link_status *link)
{
    return (int64_t)link->batches_lost;
}

static int64_t reports_sent_of(const struct gossip_link_status *link)
{
    return (int64_t)link->reports_sent;
}

static int64_t reports_received_of(const struct gossip_link_status *link)
{
    return (int64_t)link->reports_received;
}

static int64_t reports_redundant_of(const struct gossip_link_status *link)
{
    return (int64_t)link->reports_redundant;
}

enum status node_metrics_append(
    struct buffer *text, const struct node_view *view, struct instant now)
{
    struct metrics metrics = metrics_into(text);
    struct metrics *m = &metrics;
    metrics_gauge(
        m, "herd_node_ready", "1 once the node has caught up with its neighbours.", view->is_ready);
    metrics_gauge(
        m, "herd_node_reports", "Reports in the table.", (int64_t)report_table_count(view->table));
    metrics_gauge(m,
        "herd_node_table_bytes",
        "Memory of the table.",
        (int64_t)report_table_memory(view->table));
    metrics_counter(m,
        "herd_node_changes_total",
        "Changes of the table (its lseq).",
        report_table_head(view->table));
    metrics_counter(
        m, "herd_node_requests_total", "Requests of gateways.", view->operations.requests);
    metrics_begin(m, METRICS_COUNTER, "herd_node_operations_total", "Operations by outcome.");
    metrics_sample(m, (int64_t)view->operations.accepted_newer, {"outcome", slice_of("newer")});
    metrics_sample(m, (int64_t)view->operations.accepted_older, {"outcome", slice_of("older")});
    metrics_sample(m, (int64_t)view->operations.refused, {"outcome", slice_of("refused")});
    metrics_sample(m, (int64_t)view->operations.found, {"outcome", slice_of("found")});
    metrics_sample(m, (int64_t)view->operations.unknown, {"outcome", slice_of("unknown")});
    metrics_counter(m,
        "herd_node_gossip_refused_total",
        "Gossip messages of other herds, strangers and second processes.",
        view->gossip_refused);
    metrics_counter(m,
        "herd_node_gossip_malformed_total",
        "Gossip messages that could not be decoded.",
        view->gossip_malformed);
    metrics_counter(m,
        "herd_node_links_redialled_total",
        "Links that were thrown away because nothing got through.",
        view->links_redialled);
    metrics_counter(m,
        "herd_node_log_lines_dropped_total",
        "Log lines for which there was no room.",
        view->log_lines_dropped);
    metrics_begin(m, METRICS_GAUGE, "herd_node_link_connected", "1 while the neighbour is heard.");
    sample_links(m, view, now, connected_of);
    metrics_begin(m,
        METRICS_GAUGE,
        "herd_node_link_lazy",
        "1 while the neighbour gets the same from others sooner, and may be behind here.");
    sample_links(m, view, now, lazy_of);
    metrics_begin(m,
        METRICS_GAUGE,
        "herd_node_link_behind_changes",
        "Changes that the neighbour has not confirmed.");
    sample_links(m, view, now, behind_of);
    metrics_begin(m, METRICS_COUNTER, "herd_node_link_batches_sent_total", "Batches sent.");
    sample_links(m, view, now, batches_sent_of);
    metrics_begin(m, METRICS_COUNTER, "herd_node_link_batches_lost_total", "Batches lost.");
    sample_links(m, view, now, batches_lost_of);
    metrics_begin(m, METRICS_COUNTER, "herd_node_link_reports_sent_total", "Reports sent.");
    sample_links(m, view, now, reports_sent_of);
    metrics_begin(m, METRICS_COUNTER, "herd_node_link_reports_received_total", "Reports received.");
    sample_links(m, view, now, reports_received_of);
    metrics_begin(m,
        METRICS_COUNTER,
        "herd_node_link_reports_redundant_total",
        "Reports received that were known already.");
    sample_links(m, view, now, reports_redundant_of);
    return metrics.status;
}
