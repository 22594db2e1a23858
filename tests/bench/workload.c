/* What the clients of a measurement say. */
#include "tests/bench/workload.h"

#include "common/instant.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_MAX = 1000000000, ID_DIGITS_MAX = 19, NS_DIGITS = 9, SECONDS_DIGITS = 10 };

struct workload {
    struct workload_plan plan;
    size_t client_count;
    size_t prefix_length;
    size_t id_digits;
    unsigned weight_sum;
    int64_t *reported_ns; /* by number of the id; NULL when nobody asks */
    char prefix[WORKLOAD_ID_BYTES_MAX];
    char locations[WORKLOAD_LOCATIONS][WORKLOAD_LOCATION_BYTES + 1];
};

/* Exactly `width` digits, leading zeroes included; the value fits. */
static void write_digits(char *out, size_t width, uint64_t value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    while (width >= 2) {
        width -= 2;
        memcpy(out + width, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (width == 1) {
        out[0] = (char)('0' + value % 10);
    }
}

static size_t digits_of(uint64_t value)
{
    size_t digits = 1;
    for (; value >= 10; value /= 10) {
        digits++;
    }
    return digits;
}

/* Points of a box of about 100 km around Los Angeles, where places are dense; each text has the
 * same length. */
static void scatter_locations(struct workload *workload, struct random *random)
{
    for (size_t i = 0; i < WORKLOAD_LOCATIONS; i++) {
        unsigned latitude = 33600000 + (unsigned)random_below(random, 900000);
        unsigned longitude = 117700000 + (unsigned)random_below(random, 1000000);
        char *text = workload->locations[i];
        text[0] = '+';
        write_digits(text + 1, 2, latitude / 1000000);
        text[3] = '.';
        write_digits(text + 4, 6, latitude % 1000000);
        text[10] = '-';
        write_digits(text + 11, 3, longitude / 1000000);
        text[14] = '.';
        write_digits(text + 15, 6, longitude % 1000000);
    }
}

/* `veh`, lengthened to what the digits leave free, or as much of it as they leave. */
static void choose_prefix(struct workload *workload)
{
    static const char pattern[] = "veh";
    size_t digits = digits_of(workload->plan.ids + workload->plan.visitors - 1);
    size_t id_bytes = workload->plan.id_bytes;
    size_t prefix = id_bytes - digits < sizeof pattern - 1 ? id_bytes - digits : sizeof pattern - 1;
    if (id_bytes - prefix > ID_DIGITS_MAX) {
        prefix = id_bytes - ID_DIGITS_MAX;
    }
    memset(workload->prefix, 'x', prefix);
    memcpy(workload->prefix, pattern, prefix < sizeof pattern - 1 ? prefix : sizeof pattern - 1);
    workload->prefix_length = prefix;
    workload->id_digits = id_bytes - prefix;
}

static bool plan_is_sound(const struct workload_plan *plan, size_t client_count)
{
    return plan->ids > 0 && plan->ids <= IDS_MAX && plan->visitors <= IDS_MAX &&
           (plan->whatsat_weight == 0 || plan->ids >= client_count) &&
           plan->id_bytes <= WORKLOAD_ID_BYTES_MAX &&
           plan->id_bytes >= digits_of(plan->ids + plan->visitors - 1) &&
           plan->iamat_weight <= 1000000 && plan->whatsat_weight <= 1000000 &&
           plan->iamat_weight + plan->whatsat_weight > 0 && plan->radius_km <= 50 &&
           plan->bound <= 20;
}

enum status workload_create(
    const struct workload_plan *plan, size_t client_count, struct workload **ret_workload)
{
    assert(client_count > 0);
    if (!plan_is_sound(plan, client_count)) {
        return STATUS_OUT_OF_RANGE;
    }

    struct workload *workload = calloc(1, sizeof *workload);
    if (workload == NULL) {
        return STATUS_NO_MEMORY;
    }
    workload->plan = *plan;
    workload->client_count = client_count;
    workload->weight_sum = plan->iamat_weight + plan->whatsat_weight;
    if (plan->whatsat_weight > 0) {
        workload->reported_ns = calloc(plan->ids + plan->visitors, sizeof *workload->reported_ns);
        if (workload->reported_ns == NULL) {
            workload_destroy(workload);
            return STATUS_NO_MEMORY;
        }
    }
    struct random random = random_from_seed(plan->seed);
    scatter_locations(workload, &random);
    choose_prefix(workload);
    *ret_workload = workload;
    return STATUS_OK;
}

void workload_destroy(struct workload *workload)
{
    if (workload == NULL) {
        return;
    }
    free(workload->reported_ns);
    free(workload);
}

struct workload_client workload_client(const struct workload *workload, size_t index)
{
    assert(index < workload->client_count);
    uint64_t ids = workload->plan.ids;
    uint64_t first = index % ids;
    return (struct workload_client){
        .random = random_from_seed(workload->plan.seed + 1 + index),
        .index = first,
        .stride = workload->client_count,
        .owned = (ids - first + workload->client_count - 1) / workload->client_count,
    };
}

struct workload_client workload_visitor(const struct workload *workload, uint64_t index)
{
    assert(index < workload->plan.visitors);
    return (struct workload_client){
        .random = random_from_seed(workload->plan.seed),
        .index = workload->plan.ids + index,
        .stride = 1,
        .owned = 1,
    };
}

size_t workload_line_bytes_max(const struct workload *workload)
{
    return WORKLOAD_LINE_BYTES_MAX - WORKLOAD_ID_BYTES_MAX + workload->plan.id_bytes;
}

static size_t write_id(const struct workload *workload, uint64_t id, char *out)
{
    memcpy(out, workload->prefix, workload->prefix_length);
    write_digits(out + workload->prefix_length, workload->id_digits, id);
    return workload->plan.id_bytes;
}

size_t workload_write_report(const struct workload *workload,
    uint64_t id,
    int64_t time_ns,
    char ret_text[WORKLOAD_REPORT_BYTES_MAX])
{
    assert(time_ns >= 0);
    uint64_t ns = (uint64_t)time_ns;

    char *out = ret_text + write_id(workload, id, ret_text);
    *out++ = ' ';
    memcpy(out, workload->locations[ns % WORKLOAD_LOCATIONS], WORKLOAD_LOCATION_BYTES);
    out += WORKLOAD_LOCATION_BYTES;
    *out++ = ' ';
    write_digits(out, SECONDS_DIGITS, ns / NS_PER_SECOND);
    out += SECONDS_DIGITS;
    *out++ = '.';
    write_digits(out, NS_DIGITS, ns % NS_PER_SECOND);
    return (size_t)(out + NS_DIGITS - ret_text);
}

struct command workload_next_report(
    struct workload *workload, struct workload_client *client, int64_t time_ns, char *line)
{
    uint64_t which = client->introduced < client->owned
                         ? client->introduced++
                         : random_below(&client->random, client->owned);
    uint64_t id = client->index + which * client->stride;
    if (workload->reported_ns != NULL) {
        workload->reported_ns[id] = time_ns;
    }

    static const char word[] = "IAMAT ";
    size_t offset = sizeof word - 1;
    memcpy(line, word, offset);
    size_t length = offset + workload_write_report(workload, id, time_ns, line + offset);
    line[length++] = '\n';
    return (struct command){
        .kind = COMMAND_IAMAT,
        .line_length = length,
        .id_offset = offset,
        .id_length = workload->plan.id_bytes,
        .id = id,
        .reported_ns = time_ns,
    };
}

static struct command next_whatsat(
    struct workload *workload, struct workload_client *client, char *line)
{
    uint64_t which = random_below(&client->random, client->introduced);
    uint64_t id = client->index + which * client->stride;

    static const char word[] = "WHATSAT ";
    size_t offset = sizeof word - 1;
    memcpy(line, word, offset);
    size_t length = offset + write_id(workload, id, line + offset);
    int written = snprintf(line + length,
        WORKLOAD_LINE_BYTES_MAX - length,
        " %u %u\n",
        workload->plan.radius_km,
        workload->plan.bound);
    assert(written > 0 && (size_t)written < WORKLOAD_LINE_BYTES_MAX - length);
    return (struct command){
        .kind = COMMAND_WHATSAT,
        .line_length = length + (size_t)written,
        .id_offset = offset,
        .id_length = workload->plan.id_bytes,
        .id = id,
        .reported_ns = workload->reported_ns[id],
    };
}

struct command workload_next(
    struct workload *workload, struct workload_client *client, int64_t time_ns, char *line)
{
    bool asks = workload->plan.whatsat_weight > 0 && client->introduced > 0 &&
                random_below(&client->random, workload->weight_sum) < workload->plan.whatsat_weight;
    return asks ? next_whatsat(workload, client, line)
                : workload_next_report(workload, client, time_ns, line);
}
