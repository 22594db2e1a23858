/* Does metrics write what Prometheus reads? */
#include "common/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void metrics_have_help_type_labels_and_value(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(4096);
    struct metrics metrics = metrics_into(&text);

    metrics_counter(&metrics, "herd_lines_total", "Lines read.", UINT64_MAX);
    metrics_gauge(&metrics, "herd_clients", "Connections.", -1);
    metrics_begin(&metrics, METRICS_GAUGE, "herd_up", "Whether it is up.");
    metrics_sample(&metrics, 1, {"server", slice_of("Goloman")});
    metrics_sample(&metrics, 0, {"server", slice_of("a\"b\\c\nd")}, {"lane", slice_of("2")});

    static const char wanted[] =
        "# HELP herd_lines_total Lines read.\n# TYPE herd_lines_total counter\n"
        "herd_lines_total 9223372036854775807\n"
        "# HELP herd_clients Connections.\n# TYPE herd_clients gauge\nherd_clients -1\n"
        "# HELP herd_up Whether it is up.\n# TYPE herd_up gauge\n"
        "herd_up{server=\"Goloman\"} 1\n"
        "herd_up{server=\"a\\\"b\\\\c\\nd\",lane=\"2\"} 0\n";
    assert_int_equal(metrics.status, STATUS_OK);
    assert_int_equal(text.length, sizeof wanted - 1);
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void durations_are_a_histogram_in_seconds(void **state)
{
    (void)state;
    static const uint64_t bounds_us[] = {500, 2500000};
    static const uint64_t counts[] = {3, 0, 2};
    const struct metrics_durations durations = {
        .bound_count = 2, .bounds_us = bounds_us, .counts = counts, .sum_us = 7000001};
    const struct metrics_label label = {"provider", slice_of("embedded")};
    struct buffer text = buffer_with_max(4096);
    struct metrics metrics = metrics_into(&text);

    metrics_begin(&metrics, METRICS_HISTOGRAM, "herd_look_up_seconds", "Time.");
    metrics_durations(&metrics, &durations, &label, 1);
    metrics_durations(&metrics, &durations, NULL, 0);

    static const char wanted[] =
        "# HELP herd_look_up_seconds Time.\n# TYPE herd_look_up_seconds histogram\n"
        "herd_look_up_seconds_bucket{provider=\"embedded\",le=\"0.000500\"} 3\n"
        "herd_look_up_seconds_bucket{provider=\"embedded\",le=\"2.500000\"} 3\n"
        "herd_look_up_seconds_bucket{provider=\"embedded\",le=\"+Inf\"} 5\n"
        "herd_look_up_seconds_sum{provider=\"embedded\"} 7.000001\n"
        "herd_look_up_seconds_count{provider=\"embedded\"} 5\n"
        "herd_look_up_seconds_bucket{le=\"0.000500\"} 3\n"
        "herd_look_up_seconds_bucket{le=\"2.500000\"} 3\n"
        "herd_look_up_seconds_bucket{le=\"+Inf\"} 5\n"
        "herd_look_up_seconds_sum 7.000001\n"
        "herd_look_up_seconds_count 5\n";
    assert_int_equal(metrics.status, STATUS_OK);
    assert_int_equal(text.length, sizeof wanted - 1);
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void a_full_buffer_is_told_and_stays_told(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(8);
    struct metrics metrics = metrics_into(&text);

    metrics_gauge(&metrics, "herd_clients", "Connections.", 1);
    size_t length = text.length;
    metrics_gauge(&metrics, "x", "x", 1);

    assert_int_equal(metrics.status, STATUS_FULL);
    assert_int_equal(text.length, length);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_have_help_type_labels_and_value),
        cmocka_unit_test(durations_are_a_histogram_in_seconds),
        cmocka_unit_test(a_full_buffer_is_told_and_stays_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
