/* The command line of herd-bench. */
#include "tests/bench/bench_options.h"

#include "common/options.h"
#include "common/timestamp.h"

#include <stdio.h>
#include <string.h>

enum {
    MANY = 1000000000,
    CONNECTIONS_MAX = 60000,
    WINDOW_MAX = 1 << 20,
    DURATION_MAX_S = 24 * 3600
};

/* What was given, as text; the defaults stand here. */
struct texts {
    const char *connect, *connections, *idle, *window, *rate, *ids, *id_bytes, *seed, *duration;
    const char *count, *mix, *radius, *bound, *grace, *introduce, *admin, *probe, *cpu_of, *json,
        *quiet;
};

static enum status complain(
    struct buffer *complaint, const char *name, const char *value, const char *cause)
{
    const enum status status =
        buffer_append_format(complaint, "herd-bench: --%s %s: %s", name, value, cause);
    return status == STATUS_OK ? STATUS_MALFORMED : status;
}

/* One number option: from where to where, within which limits. */
struct number {
    const char *name;
    const char *text;
    uint64_t min;
    uint64_t max;
    uint64_t *ret_value;
};

static enum status parse_numbers(
    const struct number *numbers, size_t count, struct buffer *complaint)
{
    for (size_t i = 0; i < count; i++) {
        const struct number *number = &numbers[i];
        uint64_t value;
        if (!slice_parse_number(slice_of(number->text), number->max, &value) ||
            value < number->min) {
            char cause[96];
            (void)snprintf(cause,
                sizeof cause,
                "not a number from %llu to %llu",
                (unsigned long long)number->min,
                (unsigned long long)number->max);
            return complain(complaint, number->name, number->text, cause);
        }
        *number->ret_value = value;
    }
    return STATUS_OK;
}

static enum status parse_seconds(
    const char *name, const char *text, int64_t *ret_ns, struct buffer *complaint)
{
    int64_t ns;
    if (timestamp_parse(slice_of(text), &ns) != STATUS_OK ||
        ns > (int64_t)DURATION_MAX_S * NS_PER_SECOND) {
        return complain(complaint, name, text, "not a number of seconds, at most a day");
    }
    *ret_ns = ns;
    return STATUS_OK;
}

/* `iamat=95,whatsat=5`, either of them alone, in any order. */
static enum status parse_mix(
    const char *text, struct workload_plan *workload, struct buffer *complaint)
{
    static const char *const names[] = {"iamat=", "whatsat="};
    uint64_t weights[] = {0, 0};
    struct slice rest = slice_of(text);
    do {
        size_t which = 0;
        while (which < 2 && (rest.length < strlen(names[which]) ||
                                memcmp(rest.data, names[which], strlen(names[which])) != 0)) {
            which++;
        }
        if (which == 2) {
            return complain(complaint, "mix", text, "not like iamat=95,whatsat=5");
        }
        rest = slice_from(rest, strlen(names[which]));
        if (!slice_parse_number(slice_take_digits(&rest), 1000000, &weights[which])) {
            return complain(complaint, "mix", text, "a weight is a number up to 1000000");
        }
    } while (slice_take_byte(&rest, ','));
    if (rest.length > 0 || weights[0] + weights[1] == 0) {
        return complain(complaint, "mix", text, "not like iamat=95,whatsat=5");
    }
    workload->iamat_weight = (unsigned)weights[0];
    workload->whatsat_weight = (unsigned)weights[1];
    return STATUS_OK;
}

static enum status parse_endpoints(const char *name,
    const char *text,
    struct tcp_endpoint *ret_endpoints,
    size_t max,
    size_t *ret_count,
    struct buffer *complaint)
{
    return tcp_endpoint_parse_list(slice_of(text), max, ret_endpoints, ret_count) == STATUS_OK
               ? STATUS_OK
               : complain(complaint, name, text, "not like 127.0.0.1:16670,127.0.0.1:16671");
}

static enum status parse_processes(
    const char *text, struct bench_options *options, struct buffer *complaint)
{
    struct slice rest = slice_of(text);
    do {
        uint64_t *pid = &options->processes[options->process_count++];
        if (!slice_parse_number(slice_take_digits(&rest), INT32_MAX, pid)) {
            return complain(complaint, "cpu-of", text, "not like 4711,4712");
        }
    } while (slice_take_byte(&rest, ',') && options->process_count < BENCH_PROCESSES_MAX);
    return rest.length == 0
               ? STATUS_OK
               : complain(complaint, "cpu-of", text, "not like 4711,4712, or too many");
}

static enum status parse_all_numbers(
    const struct texts *texts, struct bench_options *options, struct buffer *complaint)
{
    uint64_t connections, idle, window, id_bytes, radius, bound;
    struct load_plan *load = &options->load;
    struct workload_plan *workload = &load->workload;
    const struct number numbers[] = {
        {"connections", texts->connections, 1, CONNECTIONS_MAX, &connections},
        {"idle", texts->idle, 0, CONNECTIONS_MAX, &idle},
        {"window", texts->window, 1, WINDOW_MAX, &window},
        {"rate", texts->rate, 0, MANY, &load->rate},
        {"count", texts->count, 0, UINT64_MAX, &load->count_max},
        {"ids", texts->ids, 1, MANY, &workload->ids},
        {"id-bytes", texts->id_bytes, 1, WORKLOAD_ID_BYTES_MAX, &id_bytes},
        {"radius", texts->radius, 0, 50, &radius},
        {"bound", texts->bound, 0, 20, &bound},
        {"seed", texts->seed, 0, UINT64_MAX, &workload->seed},
    };
    const enum status status =
        parse_numbers(numbers, sizeof numbers / sizeof numbers[0], complaint);
    if (status != STATUS_OK) {
        return status;
    }
    load->connections = connections;
    load->idle_connections = idle;
    load->window = window;
    workload->id_bytes = id_bytes;
    workload->radius_km = (unsigned)radius;
    workload->bound = (unsigned)bound;
    return STATUS_OK;
}

static enum status fill(
    const struct texts *texts, struct bench_options *options, struct buffer *complaint)
{
    struct load_plan *load = &options->load;
    enum status status = parse_endpoints("connect",
        texts->connect,
        options->endpoints,
        BENCH_ENDPOINTS_MAX,
        &load->endpoint_count,
        complaint);
    if (status == STATUS_OK) {
        status = parse_all_numbers(texts, options, complaint);
    }
    if (status == STATUS_OK) {
        status = parse_seconds("duration", texts->duration, &load->duration_ns, complaint);
    }
    if (status == STATUS_OK) {
        status = parse_seconds("grace", texts->grace, &load->grace_ns, complaint);
    }
    if (status == STATUS_OK) {
        status = parse_mix(texts->mix, &load->workload, complaint);
    }
    if (status == STATUS_OK && texts->admin != NULL) {
        status = parse_endpoints("admin",
            texts->admin,
            options->nodes,
            CONVERGENCE_NODES_MAX,
            &options->node_count,
            complaint);
    }
    if (status == STATUS_OK && texts->cpu_of != NULL) {
        status = parse_processes(texts->cpu_of, options, complaint);
    }
    size_t asked = 0;
    if (status == STATUS_OK && texts->probe != NULL) {
        status = parse_endpoints(
            "probe-propagation", texts->probe, &options->propagation.asked, 1, &asked, complaint);
    }
    return status;
}

enum status bench_options_parse(int argc,
    char **argv,
    struct bench_options *ret_options,
    bool *ret_is_done,
    struct buffer *complaint)
{
    struct texts texts = {
        .connections = "1",
        .idle = "0",
        .window = "64",
        .rate = "0",
        .count = "0",
        .ids = "1000",
        .id_bytes = "10",
        .seed = "1",
        .duration = "0",
        .mix = "iamat=1",
        .radius = "10",
        .bound = "5",
        .grace = "5",
    };
    const struct option_spec specs[] = {
        {"connect",
            "HOST:PORT,...",
            "Where to, in turn for each connection.",
            true,
            &texts.connect},
        {"connections", "N", "Connections that speak (1).", false, &texts.connections},
        {"idle", "N", "Further connections: each reports once and stays (0).", false, &texts.idle},
        {"window", "N", "Commands outstanding per connection, at most (64).", false, &texts.window},
        {"rate", "N", "Commands due per second; 0: closed loop (0).", false, &texts.rate},
        {"duration", "S", "Seconds of the measurement (5, or --count).", false, &texts.duration},
        {"count", "N", "Commands of the measurement; 0: no limit (0).", false, &texts.count},
        {"ids", "N", "Size of the set of ids (1000).", false, &texts.ids},
        {"id-bytes", "N", "Length of an id (10).", false, &texts.id_bytes},
        {"mix", "LIST", "Weights, e.g. iamat=95,whatsat=5 (iamat=1).", false, &texts.mix},
        {"radius", "KM", "Radius of WHATSAT (10).", false, &texts.radius},
        {"bound", "N", "Bound of WHATSAT (5).", false, &texts.bound},
        {"introduce", NULL, "First reports every id once.", false, &texts.introduce},
        {"admin", "HOST:PORT,...", "All nodes: waits for equal digests.", false, &texts.admin},
        {"probe-propagation",
            "HOST:PORT",
            "Instead: asks there for its reports.",
            false,
            &texts.probe},
        {"cpu-of", "PID,...", "Tells what these processes used.", false, &texts.cpu_of},
        {"grace", "S", "How long to wait when no answer comes (5).", false, &texts.grace},
        {"seed", "N", "Seed of all chance (1).", false, &texts.seed},
        {"json", NULL, "Writes the result as JSON.", false, &texts.json},
        {"quiet", NULL, "Shows no progress.", false, &texts.quiet},
    };
    enum status status = options_parse("herd-bench",
        "clients that load a herd and check every answer",
        specs,
        sizeof specs / sizeof specs[0],
        argc,
        argv,
        ret_is_done,
        complaint);
    if (status != STATUS_OK || *ret_is_done) {
        return status;
    }
    status = fill(&texts, ret_options, complaint);
    if (status != STATUS_OK) {
        return status;
    }
    struct load_plan *load = &ret_options->load;
    load->endpoints = ret_options->endpoints;
    load->shows_progress = texts.quiet == NULL;
    if (load->duration_ns == 0 && load->count_max == 0) {
        load->duration_ns = (int64_t)5 * NS_PER_SECOND;
    }
    ret_options->introduces = texts.introduce != NULL;
    ret_options->writes_json = texts.json != NULL;
    ret_options->probes = texts.probe != NULL;
    ret_options->propagation.reported_to = ret_options->endpoints[0];
    ret_options->propagation.rate = load->rate == 0 ? 100 : load->rate;
    ret_options->propagation.duration_ns = load->duration_ns;
    ret_options->propagation.seed = load->workload.seed;
    return STATUS_OK;
}
