/* The pages of the admin endpoint that have content of their own. */
#include "places-worker/worker_pages.h"

#include "common/json_writer.h"
#include "common/metrics.h"
#include "common/reload.h"

/* ---- Status ---- */

static void write_durations(struct json_writer *json, const struct worker_durations *durations)
{
    const uint64_t count = worker_durations_count(durations);
    json_writer_number(json, "mean_us", count == 0 ? 0 : (int64_t)(durations->sum_us / count));
    json_writer_number(json, "max_us", (int64_t)durations->max_us);
}

static void write_provider(
    struct json_writer *json, const struct worker_counts *counts, enum places_provider provider)
{
    const struct worker_durations *const durations = &counts->providers[provider].durations;
    json_writer_begin_object(json, NULL);
    json_writer_text(json, "provider", slice_of(places_provider_name(provider)));
    json_writer_number(json, "asked", (int64_t)worker_durations_count(durations));
    json_writer_number(json, "cached", (int64_t)counts->providers[provider].cached);
    json_writer_number(json, "joined", (int64_t)counts->providers[provider].joined);
    places_status_write_counts(json, counts->providers[provider].by_status);
    write_durations(json, durations);
    json_writer_end_object(json);
}

enum status worker_status_append(struct buffer *text, const struct worker_view *view)
{
    const struct worker_counts *const counts = view->counts;
    struct json_writer json = json_writer_into(text);
    json_writer_begin_object(&json, NULL);
    json_writer_text(&json, "kind", slice_of("places-worker"));
    json_writer_text(&json, "herd", slice_of(view->herd));
    json_writer_text(&json, "worker", slice_of(view->worker));
    json_writer_number(&json, "pid", view->pid);
    json_writer_number(&json, "uptime_ms", view->uptime_ms);
    json_writer_bool(&json, "ready", view->is_ready);
    reload_write_status(view->reload, &json);
    json_writer_number(&json, "workers", view->workers);
    json_writer_number(&json, "threads", view->threads);
    json_writer_number(&json, "in_hand", (int64_t)view->in_hand);
    json_writer_number(&json, "asked", (int64_t)counts->asked);
    json_writer_number(&json, "refused", (int64_t)counts->refused);
    places_status_write_counts(&json, counts->by_status);
    write_durations(&json, &counts->lookups);
    json_writer_begin_object(&json, "cache");
    json_writer_number(&json, "answers", (int64_t)view->cache_answers);
    json_writer_number(&json, "bytes", (int64_t)view->cache_bytes);
    json_writer_end_object(&json);
    json_writer_begin_array(&json, "providers");
    for (size_t i = 0; i < view->provider_count; i++) {
        write_provider(&json, counts, view->providers[i]);
    }
    json_writer_end_array(&json);
    json_writer_number(&json, "log_lines_dropped", (int64_t)view->log_lines_dropped);
    json_writer_end_object(&json);
    return json.status;
}

/* ---- Metrics ---- */

static struct metrics_durations durations_of(const struct worker_durations *durations)
{
    return (struct metrics_durations){
        .bound_count = WORKER_BOUNDS,
        .bounds_us = worker_bounds_us,
        .counts = durations->counts,
        .sum_us = durations->sum_us,
    };
}

static void write_lookups(struct metrics *metrics, const struct worker_counts *counts)
{
    metrics_begin(metrics,
        METRICS_COUNTER,
        "herd_places_lookups_total",
        "Look-ups by the status of their answer.");
    for (size_t i = 0; i < PLACES_STATUSES; i++) {
        metrics_sample(metrics,
            (int64_t)counts->by_status[i],
            {"status", slice_of(places_status_text((enum places_status)i))});
    }
    const struct metrics_durations durations = durations_of(&counts->lookups);
    metrics_begin(metrics,
        METRICS_HISTOGRAM,
        "herd_places_lookup_seconds",
        "Time of a look-up in the worker, from its request to its response.");
    metrics_durations(metrics, &durations, NULL, 0);
}

static void write_providers(struct metrics *metrics, const struct worker_view *view)
{
    metrics_begin(metrics,
        METRICS_COUNTER,
        "herd_places_provider_answers_total",
        "What providers were asked, by the status they answered.");
    for (size_t i = 0; i < view->provider_count; i++) {
        const struct slice name = slice_of(places_provider_name(view->providers[i]));
        for (size_t status = 0; status < PLACES_STATUSES; status++) {
            metrics_sample(metrics,
                (int64_t)view->counts->providers[view->providers[i]].by_status[status],
                {"provider", name},
                {"status", slice_of(places_status_text((enum places_status)status))});
        }
    }
    metrics_begin(metrics,
        METRICS_COUNTER,
        "herd_places_cached_total",
        "Look-ups answered with what a provider had said before.");
    for (size_t i = 0; i < view->provider_count; i++) {
        metrics_sample(metrics,
            (int64_t)view->counts->providers[view->providers[i]].cached,
            {"provider", slice_of(places_provider_name(view->providers[i]))});
    }
    metrics_begin(metrics,
        METRICS_COUNTER,
        "herd_places_joined_total",
        "Look-ups that shared the answer to another one on its way.");
    for (size_t i = 0; i < view->provider_count; i++) {
        metrics_sample(metrics,
            (int64_t)view->counts->providers[view->providers[i]].joined,
            {"provider", slice_of(places_provider_name(view->providers[i]))});
    }
    metrics_begin(
        metrics, METRICS_HISTOGRAM, "herd_places_provider_seconds", "Time that a provider took.");
    for (size_t i = 0; i < view->provider_count; i++) {
        const struct metrics_durations durations =
            durations_of(&view->counts->providers[view->providers[i]].durations);
        const struct metrics_label label = {
            "provider", slice_of(places_provider_name(view->providers[i]))};
        metrics_durations(metrics, &durations, &label, 1);
    }
}

enum status worker_metrics_append(struct buffer *text, const struct worker_view *view)
{
    struct metrics metrics = metrics_into(text);
    metrics_gauge(&metrics, "herd_places_ready", "1 while look-ups are taken.", view->is_ready);
    metrics_gauge(
        &metrics, "herd_places_threads", "Threads that do look-ups.", (int64_t)view->threads);
    metrics_gauge(&metrics,
        "herd_places_in_hand",
        "Look-ups that wait or are being done.",
        (int64_t)view->in_hand);
    metrics_gauge(&metrics,
        "herd_places_cache_answers",
        "Answers that are kept.",
        (int64_t)view->cache_answers);
    metrics_gauge(&metrics,
        "herd_places_cache_bytes",
        "Bytes of the answers that are kept.",
        (int64_t)view->cache_bytes);
    metrics_counter(
        &metrics, "herd_places_asked_total", "Look-ups that came in.", view->counts->asked);
    metrics_counter(&metrics,
        "herd_places_refused_total",
        "Requests that were not understood.",
        view->counts->refused);
    write_lookups(&metrics, view->counts);
    write_providers(&metrics, view);
    metrics_counter(&metrics,
        "herd_places_log_lines_dropped_total",
        "Log lines for which there was no room.",
        view->log_lines_dropped);
    return metrics.status;
}
