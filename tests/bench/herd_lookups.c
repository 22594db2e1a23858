/*
 * herd-lookups: how long the embedded provider takes, in this process and without any network, at
 * places that are read from standard input in the form of places.tsv.
 */
#include "common/instant.h"
#include "common/options.h"
#include "places-worker/embedded.h"
#include "places-worker/place_line.h"
#include "tests/bench/cpu_clock.h"
#include "tests/bench/histogram.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    RESULTS_MAX = 20,
    ONE_IN = 16, /* of the places that are read one is asked about */
    POINTS_MAX = 100000,
    COMPLAINT_MAX = 1024,
};

struct points {
    size_t count;
    struct location locations[POINTS_MAX];
};

static void read_points(struct points *points)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = getline(&line, &capacity, stdin);
    for (uint64_t number = 0; length > 0 && points->count < POINTS_MAX; number++) {
        struct place_line place;
        const struct slice text = slice_of_bytes(line, (size_t)length - 1);
        if (number % ONE_IN == 0 && place_line_parse(text, &place) == STATUS_OK) {
            points->locations[points->count++] = place.location;
        }
        length = getline(&line, &capacity, stdin);
    }
    free(line);
}

struct measured {
    struct histogram ns;
    int64_t cpu_ns;
    uint64_t candidates_max;
    uint64_t failures;
};

static enum status measure(struct place_store *store,
    const struct points *points,
    double radius_m,
    struct measured *measured)
{
    static struct place_results results;
    struct provider_answer answer = provider_answer_none();
    int64_t cpu_start_ns = 0;
    int64_t cpu_end_ns = 0;
    enum status status = cpu_clock_read((uint64_t)getpid(), &cpu_start_ns);
    for (size_t i = 0; i < points->count; i++) {
        const struct nearby nearby = {
            .location = points->locations[i], .radius_m = radius_m, .results_max = RESULTS_MAX};
        const struct instant start = instant_now();
        embedded_answer(store, RANKING_BY_PROMINENCE, &nearby, INSTANT_NEVER, &results, &answer);
        histogram_record(&measured->ns, (uint64_t)instant_ns_between(start, instant_now()), 1);
        measured->failures += provider_answer_is_answered(&answer) ? 0 : 1;
        if (results.candidates > measured->candidates_max) {
            measured->candidates_max = results.candidates;
        }
    }
    if (status == STATUS_OK) {
        status = cpu_clock_read((uint64_t)getpid(), &cpu_end_ns);
    }
    measured->cpu_ns = cpu_end_ns - cpu_start_ns;
    provider_answer_clear(&answer);
    return status;
}

static double microseconds(const struct measured *measured, uint64_t per_100000)
{
    return (double)histogram_quantile(&measured->ns, per_100000) / NS_PER_US;
}

static enum status run(const char *database, struct buffer *complaint)
{
    static const double radii_m[] = {1000, 10000, 50000};
    static struct points points;
    static struct measured measured;
    struct place_store *store;
    read_points(&points);
    if (points.count == 0) {
        return buffer_append_text(complaint, "no places on standard input") == STATUS_OK
                   ? STATUS_MALFORMED
                   : STATUS_NO_MEMORY;
    }
    enum status status = place_store_open(database, &store, complaint);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof radii_m / sizeof radii_m[0] && status == STATUS_OK; i++) {
        measured = (struct measured){.cpu_ns = 0};
        status = measure(store, &points, radii_m[i], &measured);
        printf("%2.0f km: %zu look-ups, %.0f a second of processor time, p50 %.0f us, p99 %.0f us, "
               "at most %llu places judged, %llu failures\n",
            radii_m[i] / 1000,
            points.count,
            (double)points.count * NS_PER_SECOND / (double)measured.cpu_ns,
            microseconds(&measured, 50000),
            microseconds(&measured, 99000),
            (unsigned long long)measured.candidates_max,
            (unsigned long long)measured.failures);
    }
    place_store_close(store);
    return status;
}

int main(int argc, char **argv)
{
    const char *database = NULL;
    const struct option_spec options[] = {
        {"database", "FILE", "The places database.", true, &database},
    };
    struct buffer complaint = buffer_with_max(COMPLAINT_MAX);
    bool is_done = false;
    enum status status = options_parse("herd-lookups",
        "Measures look-ups of the embedded provider at the places on standard input.",
        options,
        sizeof options / sizeof options[0],
        argc,
        argv,
        &is_done,
        &complaint);
    if (status == STATUS_OK && !is_done) {
        status = run(database, &complaint);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "herd-lookups: %.*s\n", (int)complaint.length, complaint.data);
    }
    buffer_clear(&complaint);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
