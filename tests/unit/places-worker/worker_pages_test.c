/* Do a worker's numbers come out as what reads them expects? */
#include "common/reload.h"
#include "places-worker/worker_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum places_provider providers[] = {PROVIDER_GOOGLE_LEGACY, PROVIDER_EMBEDDED};

static const struct reload reload = {.digest = 0xabc, .restart_for = "limits"};

static struct worker_view view_of(const struct worker_counts *counts)
{
    return (struct worker_view){
        .herd = "goloman",
        .worker = "places-1",
        .uptime_ms = 5,
        .pid = 77,
        .is_ready = true,
        .reload = &reload,
        .workers = 3,
        .threads = 2,
        .in_hand = 1,
        .provider_count = 2,
        .providers = providers,
        .counts = counts,
        .cache_answers = 4,
        .cache_bytes = 4000,
    };
}

static void durations_fall_into_their_classes(void **state)
{
    (void)state;
    struct worker_durations durations = {.sum_us = 0};
    worker_durations_add(&durations, 0);
    worker_durations_add(&durations, 100);
    worker_durations_add(&durations, 101);
    worker_durations_add(&durations, 10000001);

    assert_int_equal(durations.counts[0], 2);
    assert_int_equal(durations.counts[1], 1);
    assert_int_equal(durations.counts[WORKER_BOUNDS], 1);
    assert_int_equal(durations.sum_us, 10000202);
    assert_int_equal(durations.max_us, 10000001);
    assert_int_equal(worker_durations_count(&durations), 4);
}

static void the_status_is_json_with_each_provider(void **state)
{
    (void)state;
    struct worker_counts counts = {.asked = 3, .refused = 1};
    counts.by_status[PLACES_OK] = 2;
    counts.providers[PROVIDER_EMBEDDED].by_status[PLACES_OK] = 2;
    counts.providers[PROVIDER_EMBEDDED].cached = 6;
    counts.providers[PROVIDER_EMBEDDED].joined = 1;
    worker_durations_add(&counts.providers[PROVIDER_EMBEDDED].durations, 300);
    worker_durations_add(&counts.providers[PROVIDER_EMBEDDED].durations, 500);
    const struct worker_view view = view_of(&counts);
    struct buffer text = buffer_with_max(4096);
    assert_int_equal(worker_status_append(&text, &view), STATUS_OK);

    static const char wanted[] =
        "{\"kind\":\"places-worker\",\"herd\":\"goloman\",\"worker\":"
        "\"places-1\",\"pid\":77,\"uptime_ms\":5,\"ready\":true,"
        "\"topology\":{\"digest\":\"0000000000000abc\",\"restart_for\":\"limits\"},"
        "\"workers\":3,\"threads\":2,\"in_hand\":1,\"asked\":3,\"refused\":1,\"by_"
        "status\":{\"OK\":2},\"mean_us\":0,\"max_us\":0,"
        "\"cache\":{\"answers\":4,\"bytes\":4000},"
        "\"providers\":[{\"provider\":\"google-legacy\",\"asked\":0,"
        "\"cached\":0,\"joined\":0,\"by_status\":{},\"mean_us\":0,\"max_us\":0},"
        "{\"provider\":\"embedded\",\"asked\":2,\"cached\":6,"
        "\"joined\":1,\"by_status\":{\"OK\":2},"
        "\"mean_us\":400,\"max_us\":500}],"
        "\"log_lines_dropped\":0}";
    assert_int_equal(text.length, sizeof wanted - 1);
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void the_metrics_have_each_provider_by_status(void **state)
{
    (void)state;
    struct worker_counts counts = {.asked = 3};
    counts.providers[PROVIDER_GOOGLE_LEGACY].by_status[PLACES_REQUEST_DENIED] = 7;
    counts.providers[PROVIDER_EMBEDDED].cached = 6;
    counts.providers[PROVIDER_EMBEDDED].joined = 1;
    worker_durations_add(&counts.lookups, 300);
    const struct worker_view view = view_of(&counts);
    struct buffer text = buffer_with_max(65536);
    assert_int_equal(worker_metrics_append(&text, &view), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);

    assert_non_null(strstr(text.data, "herd_places_asked_total 3\n"));
    assert_non_null(strstr(text.data,
        "herd_places_provider_answers_total{provider=\"google-legacy\",status=\"REQUEST_DENIED\"} "
        "7\n"));
    assert_non_null(strstr(text.data, "herd_places_cached_total{provider=\"embedded\"} 6\n"));
    assert_non_null(strstr(text.data, "herd_places_joined_total{provider=\"embedded\"} 1\n"));
    assert_non_null(strstr(text.data, "herd_places_cache_bytes 4000\n"));
    assert_non_null(strstr(text.data, "herd_places_lookup_seconds_bucket{le=\"0.000250\"} 0\n"));
    assert_non_null(strstr(text.data, "herd_places_lookup_seconds_bucket{le=\"0.000500\"} 1\n"));
    assert_non_null(strstr(text.data, "herd_places_lookup_seconds_count 1\n"));
    buffer_clear(&text);
}

static void a_page_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct worker_counts counts = {.asked = 3};
    const struct worker_view view = view_of(&counts);
    struct buffer text = buffer_with_max(100);
    assert_int_equal(worker_status_append(&text, &view), STATUS_FULL);
    buffer_reset(&text);
    assert_int_equal(worker_metrics_append(&text, &view), STATUS_FULL);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_fall_into_their_classes),
        cmocka_unit_test(the_status_is_json_with_each_provider),
        cmocka_unit_test(the_metrics_have_each_provider_by_status),
        cmocka_unit_test(a_page_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
