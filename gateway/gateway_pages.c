/* The pages of the admin endpoint that have content of their own. */
#include "gateway/gateway_pages.h"

#include "common/json_writer.h"
#include "common/metrics.h"
#include "common/places_provider.h"
#include "common/places_status.h"
#include "common/reload.h"

/* A counter that JSON's readers can hold. */
static void write_count(struct json_writer *json, const char *key, uint64_t value)
{
    json_writer_number(json, key, (int64_t)value);
}

static uint64_t sum_of(const uint64_t by_status[PLACES_STATUSES])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < PLACES_STATUSES; i++) {
        sum += by_status[i];
    }
    return sum;
}

static void write_nodes(struct json_writer *json, const struct gateway_view *view)
{
    json_writer_begin_array(json, "nodes");
    for (size_t i = 0; i < view->topology->node_count; i++) {
        const struct dispatch_node_view node = dispatch_view_node(view->dispatch, i);
        json_writer_begin_object(json, NULL);
        json_writer_text(json, "server", slice_of(view->topology->nodes[i].name));
        json_writer_bool(json, "up", node.is_up);
        write_count(json, "lanes_usable", node.lanes_usable);
        write_count(json, "operations_waiting", node.operations_waiting);
        write_count(json, "batches", node.batches);
        write_count(json, "operations", node.operations);
        write_count(json, "failures", node.failures);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);

    const struct dispatch_view dispatch = dispatch_view(view->dispatch);
    json_writer_begin_object(json, "dispatch");
    write_count(json, "operations_homeless", dispatch.operations_homeless);
    write_count(json, "batches_moved", dispatch.moved_batches);
    write_count(json, "rejected_unknown_id", dispatch.rejected[DISPATCH_UNKNOWN_ID]);
    write_count(json, "rejected_refused", dispatch.rejected[DISPATCH_REFUSED]);
    write_count(json, "rejected_expired", dispatch.rejected[DISPATCH_EXPIRED]);
    json_writer_end_object(json);
}

/* Of each provider; what was asked of it the pages of the workers say. */
static void write_providers(struct json_writer *json, const struct lookups_view *lookups)
{
    json_writer_begin_array(json, "providers");
    for (size_t i = 0; i < PLACES_PROVIDERS; i++) {
        json_writer_begin_object(json, NULL);
        json_writer_text(json, "provider", slice_of(places_provider_name((enum places_provider)i)));
        write_count(json, "cached", sum_of(lookups->cached[i]));
        places_status_write_counts(json, lookups->cached[i]);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void write_workers(struct json_writer *json, const struct gateway_view *view)
{
    json_writer_begin_array(json, "workers");
    for (size_t i = 0; i < lookups_worker_count(view->lookups); i++) {
        const struct lookups_worker_view worker = lookups_view_worker(view->lookups, i);
        json_writer_begin_object(json, NULL);
        json_writer_text(json, "name", slice_of(worker.name));
        json_writer_bool(json, "up", worker.is_up);
        write_count(json, "lanes_connected", worker.lanes_connected);
        write_count(json, "lanes_busy", worker.lanes_busy);
        write_count(json, "answered", worker.answered);
        write_count(json, "failures", worker.failures);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);

    const struct lookups_view lookups = lookups_view(view->lookups);
    uint64_t cached = 0;
    for (size_t i = 0; i < PLACES_PROVIDERS; i++) {
        cached += sum_of(lookups.cached[i]);
    }
    json_writer_begin_object(json, "lookups");
    write_count(json, "waiting", lookups.waiting);
    write_count(json, "leaving", lookups.leaving);
    write_count(json, "answered", lookups.answered);
    write_count(json, "cached", cached);
    write_count(json, "unanswered", lookups.unanswered);
    write_count(json, "repeated", lookups.repeated);
    write_count(json, "cache_answers", lookups.cache_answers);
    write_count(json, "cache_bytes", lookups.cache_bytes);
    write_providers(json, &lookups);
    json_writer_end_object(json);
}

static void write_listeners(struct json_writer *json, const struct gateway_view *view)
{
    json_writer_begin_array(json, "listeners");
    for (size_t i = 0; i < view->self->listener_count; i++) {
        const struct topology_listener *listener = &view->self->listeners[i];
        json_writer_begin_object(json, NULL);
        json_writer_text(json, "address", slice_of(listener->address));
        json_writer_text(json,
            "server",
            slice_of(listener->is_any ? "*" : view->topology->nodes[listener->node].name));
        json_writer_bool(json, "open", view->are_open[i]);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
}

static void write_clients(struct json_writer *json, const struct clients_view *clients)
{
    json_writer_begin_object(json, "clients");
    write_count(json, "open", clients->open);
    write_count(json, "waiting", clients->waiting);
    write_count(json, "lingering", clients->lingering);
    write_count(json, "held_bytes", clients->held);
    write_count(json, "accepted", clients->accepted);
    write_count(json, "refused", clients->refused);
    write_count(json, "stuck", clients->stuck);
    write_count(json, "lines_in", clients->lines_in);
    write_count(json, "replies", clients->replies);
    write_count(json, "replies_invalid", clients->replies_invalid);
    write_count(json, "bytes_in", clients->bytes_in);
    write_count(json, "bytes_out", clients->bytes_out);
    json_writer_end_object(json);
}

enum status gateway_status_append(
    struct buffer *text, const struct gateway_view *view, struct instant now)
{
    struct json_writer json = json_writer_into(text);
    json_writer_begin_object(&json, NULL);
    json_writer_text(&json, "kind", slice_of("gateway"));
    json_writer_text(&json, "herd", slice_of(view->topology->herd));
    json_writer_text(&json, "name", slice_of(view->self->name));
    json_writer_number(&json, "pid", view->pid);
    json_writer_number(&json, "uptime_ms", instant_ns_between(view->started, now) / NS_PER_MS);
    json_writer_bool(&json, "ready", view->is_ready);
    reload_write_status(view->reload, &json);
    write_nodes(&json, view);
    write_workers(&json, view);
    write_listeners(&json, view);
    write_clients(&json, &view->clients);
    write_count(&json, "accept_failures", view->accept_failures);
    write_count(&json, "log_lines_dropped", view->log_lines_dropped);
    json_writer_end_object(&json);
    return json.status;
}

static void sample_nodes(struct metrics *metrics,
    const struct gateway_view *view,
    uint64_t (*value)(const struct dispatch_node_view *node))
{
    for (size_t i = 0; i < view->topology->node_count; i++) {
        const struct dispatch_node_view node = dispatch_view_node(view->dispatch, i);
        metrics_sample(
            metrics, (int64_t)value(&node), {"server", slice_of(view->topology->nodes[i].name)});
    }
}

static uint64_t up_of(const struct dispatch_node_view *node)
{
    return node->is_up;
}

static uint64_t waiting_of(const struct dispatch_node_view *node)
{
    return node->operations_waiting;
}

static uint64_t batches_of(const struct dispatch_node_view *node)
{
    return node->batches;
}

static uint64_t operations_of(const struct dispatch_node_view *node)
{
    return node->operations;
}

static uint64_t failures_of(const struct dispatch_node_view *node)
{
    return node->failures;
}

static void write_node_metrics(struct metrics *metrics, const struct gateway_view *view)
{
    static const struct {
        enum metrics_kind kind;
        const char *name;
        const char *help;
        uint64_t (*value)(const struct dispatch_node_view *node);
    } table[] = {
        {METRICS_GAUGE, "herd_gateway_node_up", "Whether the node answers.", up_of},
        {METRICS_GAUGE,
            "herd_gateway_operations_waiting",
            "Operations that wait for the node's answer.",
            waiting_of},
        {METRICS_COUNTER,
            "herd_gateway_batches_total",
            "Batches answered by the node.",
            batches_of},
        {METRICS_COUNTER,
            "herd_gateway_operations_total",
            "Operations answered by the node.",
            operations_of},
        {METRICS_COUNTER,
            "herd_gateway_node_failures_total",
            "Requests that failed, or were answered wrongly or too late.",
            failures_of},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        metrics_begin(metrics, table[i].kind, table[i].name, table[i].help);
        sample_nodes(metrics, view, table[i].value);
    }
}

static void write_dispatch_metrics(struct metrics *metrics, const struct gateway_view *view)
{
    const struct dispatch_view dispatch = dispatch_view(view->dispatch);
    metrics_gauge(metrics,
        "herd_gateway_operations_homeless",
        "Operations that wait for any node to come up.",
        (int64_t)dispatch.operations_homeless);
    metrics_counter(metrics,
        "herd_gateway_batches_moved_total",
        "Batches that left a lane that failed.",
        dispatch.moved_batches);
    metrics_begin(metrics,
        METRICS_COUNTER,
        "herd_gateway_commands_rejected_total",
        "Valid commands that were given back.");
    metrics_sample(metrics,
        (int64_t)dispatch.rejected[DISPATCH_UNKNOWN_ID],
        {"cause", slice_of("unknown_id")});
    metrics_sample(
        metrics, (int64_t)dispatch.rejected[DISPATCH_REFUSED], {"cause", slice_of("refused")});
    metrics_sample(
        metrics, (int64_t)dispatch.rejected[DISPATCH_EXPIRED], {"cause", slice_of("expired")});
}

static void write_lookup_metrics(struct metrics *metrics, const struct gateway_view *view)
{
    const struct lookups_view lookups = lookups_view(view->lookups);
    metrics_begin(metrics, METRICS_GAUGE, "herd_gateway_worker_up", "Whether the worker is there.");
    for (size_t i = 0; i < lookups_worker_count(view->lookups); i++) {
        const struct lookups_worker_view worker = lookups_view_worker(view->lookups, i);
        metrics_sample(metrics, worker.is_up, {"worker", slice_of(worker.name)});
    }
    metrics_gauge(metrics,
        "herd_gateway_lookups_waiting",
        "Look-ups that wait for a free worker.",
        (int64_t)lookups.waiting);
    metrics_counter(metrics,
        "herd_gateway_lookups_answered_total",
        "Look-ups that a worker answered.",
        lookups.answered);
    metrics_begin(metrics,
        METRICS_COUNTER,
        "herd_gateway_lookups_cached_total",
        "Look-ups that got an answer which had been kept here.");
    for (size_t i = 0; i < PLACES_PROVIDERS; i++) {
        for (size_t status = 0; status < PLACES_STATUSES; status++) {
            metrics_sample(metrics,
                (int64_t)lookups.cached[i][status],
                {"provider", slice_of(places_provider_name((enum places_provider)i))},
                {"status", slice_of(places_status_text((enum places_status)status))});
        }
    }
    metrics_gauge(metrics,
        "herd_gateway_lookups_cache_bytes",
        "Memory of the answers that are kept.",
        (int64_t)lookups.cache_bytes);
    metrics_counter(metrics,
        "herd_gateway_lookups_unanswered_total",
        "Look-ups that no worker answered in time.",
        lookups.unanswered);
    metrics_counter(metrics,
        "herd_gateway_lookups_repeated_total",
        "Look-ups that were sent again.",
        lookups.repeated);
}

static void write_client_metrics(struct metrics *metrics, const struct clients_view *clients)
{
    metrics_gauge(metrics, "herd_gateway_clients", "Connections open.", (int64_t)clients->open);
    metrics_gauge(metrics,
        "herd_gateway_clients_waiting",
        "Clients whose commands wait for room.",
        (int64_t)clients->waiting);
    metrics_counter(
        metrics, "herd_gateway_clients_accepted_total", "Connections accepted.", clients->accepted);
    metrics_counter(metrics,
        "herd_gateway_clients_refused_total",
        "Connections closed at once, because there were too many.",
        clients->refused);
    metrics_counter(metrics,
        "herd_gateway_clients_stuck_total",
        "Connections closed because they took nothing.",
        clients->stuck);
    metrics_counter(
        metrics, "herd_gateway_lines_total", "Lines read from clients.", clients->lines_in);
    metrics_counter(metrics, "herd_gateway_replies_total", "Replies to clients.", clients->replies);
    metrics_counter(metrics,
        "herd_gateway_replies_invalid_total",
        "Replies that gave the line back.",
        clients->replies_invalid);
    metrics_counter(
        metrics, "herd_gateway_read_bytes_total", "Bytes read from clients.", clients->bytes_in);
    metrics_counter(metrics,
        "herd_gateway_written_bytes_total",
        "Bytes written to clients.",
        clients->bytes_out);
}

enum status gateway_metrics_append(
    struct buffer *text, const struct gateway_view *view, struct instant now)
{
    struct metrics metrics = metrics_into(text);
    metrics_gauge(&metrics,
        "herd_gateway_uptime_seconds",
        "Time since the start.",
        instant_ns_between(view->started, now) / NS_PER_SECOND);
    metrics_gauge(&metrics, "herd_gateway_ready", "Whether clients are served.", view->is_ready);
    write_node_metrics(&metrics, view);
    write_dispatch_metrics(&metrics, view);
    write_lookup_metrics(&metrics, view);
    write_client_metrics(&metrics, &view->clients);
    metrics_counter(&metrics,
        "herd_gateway_accept_failures_total",
        "Connections that could not be accepted.",
        view->accept_failures);
    metrics_counter(&metrics,
        "herd_gateway_log_lines_dropped_total",
        "Lines of the log that found no room.",
        view->log_lines_dropped);
    return metrics.status;
}
