/* herd-bench: clients that load a herd, check every answer, and say how fast it was. */
#include "tests/bench/bench_options.h"
#include "tests/bench/cpu_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 1 << 20, CONVERGENCE_DEADLINE_MS = 60 * 1000 };

/* What one run found out. */
struct outcome {
    int64_t connect_ns; /* until every connection stood and, with idle ones, was answered once */
    struct load_result introduced;
    struct load_result measured;
    int64_t known_ns; /* from the first command until all nodes knew everything; 0: not asked for */
    struct convergence_view known;
    int64_t cpu_ns;                         /* of this process, during the measurement */
    int64_t cpu_of_ns[BENCH_PROCESSES_MAX]; /* of the others, from then until all is known */
};

static int64_t cpu_ns_of(uint64_t pid)
{
    int64_t ns = 0;
    return cpu_clock_read(pid, &ns) == STATUS_OK ? ns : 0; /* one that ended used nothing more */
}

static int fail(const char *what, enum status status)
{
    fprintf(stderr, "herd-bench: %s: %s\n", what, status_text(status));
    return EXIT_FAILURE;
}

static enum status wait_for_convergence(
    const struct bench_options *options, struct outcome *outcome)
{
    if (options->node_count == 0) {
        return STATUS_OK;
    }
    return convergence_wait(options->nodes,
        options->node_count,
        instant_after_ms(instant_now(), CONVERGENCE_DEADLINE_MS),
        &outcome->known);
}

static double per_second(uint64_t count, int64_t ns)
{
    return ns <= 0 ? 0 : (double)count * NS_PER_SECOND / (double)ns;
}

static enum status write_json(
    const struct bench_options *options, const struct outcome *outcome, struct buffer *text)
{
    const uint64_t right = tally_right_total(&outcome->measured.tally);
    struct json_writer json = json_writer_into(text);
    json_writer_begin_object(&json, NULL);
    json_writer_number(&json, "connect_ns", outcome->connect_ns);
    if (options->introduces) {
        json_writer_number(&json, "introduce_ns", outcome->introduced.elapsed_ns);
        json_writer_number(
            &json, "introduced", (int64_t)tally_right_total(&outcome->introduced.tally));
    }
    json_writer_number(&json, "elapsed_ns", outcome->measured.elapsed_ns);
    json_writer_number(
        &json, "right_per_s", (int64_t)per_second(right, outcome->measured.elapsed_ns));
    if (options->node_count > 0) {
        json_writer_number(&json, "known_ns", outcome->known_ns);
        json_writer_number(&json, "known_per_s", (int64_t)per_second(right, outcome->known_ns));
        json_writer_number(&json, "reports", (int64_t)outcome->known.reports);
        json_writer_text(&json, "digest", slice_of(outcome->known.digest));
    }
    json_writer_number(&json, "cpu_ns", outcome->cpu_ns);
    json_writer_begin_array(&json, "cpu_of_ns");
    for (size_t i = 0; i < options->process_count; i++) {
        json_writer_number(&json, NULL, outcome->cpu_of_ns[i]);
    }
    json_writer_end_array(&json);
    json_writer_number(&json, "disconnects", (int64_t)outcome->measured.disconnects);
    tally_write_json(&outcome->measured.tally, &json);
    json_writer_end_object(&json);
    return json.status;
}

static enum status write_text(
    const struct bench_options *options, const struct outcome *outcome, struct buffer *text)
{
    const uint64_t right = tally_right_total(&outcome->measured.tally);
    enum status status = buffer_append_format(text,
        "%.0f/s answered rightly: %llu in %.3f s; connected in %.1f ms; own CPU %.3f s\n",
        per_second(right, outcome->measured.elapsed_ns),
        (unsigned long long)right,
        (double)outcome->measured.elapsed_ns / NS_PER_SECOND,
        (double)outcome->connect_ns / NS_PER_MS,
        (double)outcome->cpu_ns / NS_PER_SECOND);
    if (status == STATUS_OK && options->introduces) {
        status = buffer_append_format(text,
            "  %.0f/s introduced: %llu in %.3f s\n",
            per_second(
                tally_right_total(&outcome->introduced.tally), outcome->introduced.elapsed_ns),
            (unsigned long long)tally_right_total(&outcome->introduced.tally),
            (double)outcome->introduced.elapsed_ns / NS_PER_SECOND);
    }
    if (status == STATUS_OK && options->node_count > 0) {
        status = buffer_append_format(text,
            "  %.0f/s known to all %zu nodes: %llu reports after %.3f s, digest %s\n",
            per_second(right, outcome->known_ns),
            options->node_count,
            (unsigned long long)outcome->known.reports,
            (double)outcome->known_ns / NS_PER_SECOND,
            outcome->known.digest);
    }
    for (size_t i = 0; i < options->process_count && status == STATUS_OK; i++) {
        status = buffer_append_format(text,
            "  process %llu: %.3f us CPU per right answer\n",
            (unsigned long long)options->processes[i],
            right == 0 ? 0 : (double)outcome->cpu_of_ns[i] / NS_PER_US / (double)right);
    }
    return status != STATUS_OK ? status : tally_append_text(&outcome->measured.tally, text);
}

static int show(enum status status, struct buffer *text)
{
    if (status != STATUS_OK) {
        return fail("the result could not be written", status);
    }
    printf("%.*s\n", (int)text->length, text->data);
    return EXIT_SUCCESS;
}

static int run_propagation(const struct bench_options *options)
{
    static struct propagation_result result;
    const enum status measured = propagation_measure(&options->propagation, &result);
    struct buffer text = buffer_with_max(TEXT_BYTES_MAX);
    enum status status;
    if (options->writes_json) {
        struct json_writer json = json_writer_into(&text);
        json_writer_begin_object(&json, NULL);
        tally_write_latency_json(&result.known, "known", &json);
        tally_write_latency_json(&result.question, "question", &json);
        json_writer_end_object(&json);
        status = json.status;
    } else {
        status = buffer_append_format(
            &text, "%llu reports  known: ", (unsigned long long)result.known.total);
        if (status == STATUS_OK) {
            status = tally_append_latency_text(&result.known, &text);
        }
        if (status == STATUS_OK) {
            status = buffer_append_text(&text, "\n  one question: ");
        }
        if (status == STATUS_OK) {
            status = tally_append_latency_text(&result.question, &text);
        }
    }
    int code = show(status, &text);
    if (measured != STATUS_OK) {
        code = fail("propagation", measured);
    }
    buffer_clear(&text);
    return code;
}

/* Connects, greets, introduces: what comes before the measurement. */
static enum status prepare(
    const struct bench_options *options, struct load **ret_load, struct outcome *outcome)
{
    const struct instant start = instant_now();
    enum status status = load_open(&options->load, ret_load);
    if (status != STATUS_OK) {
        return status;
    }
    if (options->load.idle_connections > 0) {
        status = load_greet(*ret_load, &outcome->introduced);
    }
    outcome->connect_ns = instant_ns_between(start, instant_now());
    if (status == STATUS_OK && options->introduces) {
        status = load_introduce(*ret_load, &outcome->introduced);
    }
    return status == STATUS_OK ? wait_for_convergence(options, outcome) : status;
}

static enum status measure(
    const struct bench_options *options, struct load *load, struct outcome *outcome)
{
    const uint64_t own = (uint64_t)getpid();
    const int64_t cpu_ns = cpu_ns_of(own);
    for (size_t i = 0; i < options->process_count; i++) {
        outcome->cpu_of_ns[i] = -cpu_ns_of(options->processes[i]);
    }
    const struct instant start = instant_now();
    enum status status = load_measure(load, &outcome->measured);
    outcome->cpu_ns = cpu_ns_of(own) - cpu_ns;
    if (status == STATUS_OK) {
        status = wait_for_convergence(options, outcome);
    }
    outcome->known_ns = instant_ns_between(start, instant_now());
    for (size_t i = 0; i < options->process_count; i++) {
        outcome->cpu_of_ns[i] += cpu_ns_of(options->processes[i]);
    }
    return status;
}

static bool is_clean(const struct outcome *outcome)
{
    const struct tally *introduced = &outcome->introduced.tally;
    return tally_is_clean(&outcome->measured.tally) &&
           (introduced->said == 0 || tally_is_clean(introduced));
}

static int run_load(const struct bench_options *options)
{
    static struct outcome outcome;
    struct load *load = NULL;
    tcp_endpoint_allow_many();
    enum status status = prepare(options, &load, &outcome);
    if (status != STATUS_OK) {
        load_close(load);
        return fail("before the measurement", status);
    }
    status = measure(options, load, &outcome);
    load_close(load);

    struct buffer text = buffer_with_max(TEXT_BYTES_MAX);
    const enum status written = options->writes_json ? write_json(options, &outcome, &text)
                                                     : write_text(options, &outcome, &text);
    const int code = show(written, &text);
    buffer_clear(&text);
    if (status != STATUS_OK) {
        return fail("the measurement, or the nodes' digests after it", status);
    }
    return code == EXIT_SUCCESS && is_clean(&outcome) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct bench_options options;
    bool is_done = false;
    struct buffer complaint = buffer_with_max(4096);
    const enum status status = bench_options_parse(argc, argv, &options, &is_done, &complaint);
    if (status != STATUS_OK) {
        fprintf(stderr, "%.*s\n", (int)complaint.length, complaint.data);
    }
    buffer_clear(&complaint);
    if (status != STATUS_OK || is_done) {
        return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return options.probes ? run_propagation(&options) : run_load(&options);
}
