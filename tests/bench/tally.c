/* What came of the commands of a measurement. */
#include "tests/bench/tally.h"

#include "common/instant.h"

#include <assert.h>
#include <string.h>

static const char *const kind_names[TALLY_KINDS] = {
    [COMMAND_IAMAT] = "iamat",
    [COMMAND_WHATSAT] = "whatsat",
};

void tally_reset(struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
}

static void count_server(struct tally *tally, struct slice name, uint64_t answers)
{
    for (size_t i = 0; i < tally->server_count; i++) {
        struct tally_server *server = &tally->servers[i];
        if (slice_equals(slice_of_bytes(server->name, server->name_length), name)) {
            server->answers += answers;
            return;
        }
    }
    if (tally->server_count == TALLY_SERVERS_MAX) {
        tally->servers[TALLY_SERVERS_MAX - 1].answers += answers;
        return;
    }
    assert(name.length <= TALLY_NAME_BYTES_MAX);
    struct tally_server *server = &tally->servers[tally->server_count++];
    memcpy(server->name, name.data, name.length);
    server->name_length = name.length;
    server->answers = answers;
}

void tally_right(struct tally *tally,
    enum command_kind kind,
    uint64_t latency_ns,
    uint64_t count,
    struct slice server)
{
    histogram_record(&tally->right[kind], latency_ns, count);
    count_server(tally, server, count);
}

/* What no terminal misunderstands: other bytes become a full stop. */
static size_t copy_printable(char *out, size_t room, struct slice bytes)
{
    size_t length = bytes.length < room ? bytes.length : room;
    for (size_t i = 0; i < length; i++) {
        const char byte = bytes.data[i];
        out[i] = '.';
        if (byte >= ' ' && byte <= '~') {
            out[i] = byte;
        }
    }
    return length;
}

void tally_example(
    struct tally *tally, const char *fault, struct slice command, struct slice answer)
{
    if (tally->example_count == TALLY_EXAMPLES_MAX) {
        return;
    }
    char *example = tally->examples[tally->example_count++];
    const size_t room = TALLY_EXAMPLE_BYTES_MAX - 1;
    size_t length = copy_printable(example, room / 8, slice_of(fault));
    length += copy_printable(example + length, 2, slice_of(": "));
    length += copy_printable(example + length, room / 3, command);
    length += copy_printable(example + length, 4, slice_of(" -> "));
    length += copy_printable(example + length, room - length, answer);
    example[length] = '\0';
}

void tally_add(struct tally *tally, const struct tally *from)
{
    tally->said += from->said;
    tally->refused += from->refused;
    tally->wrong += from->wrong;
    tally->unasked += from->unasked;
    tally->missing += from->missing;
    for (size_t i = 0; i < TALLY_KINDS; i++) {
        histogram_add(&tally->right[i], &from->right[i]);
    }
    for (size_t i = 0; i < from->server_count; i++) {
        const struct tally_server *server = &from->servers[i];
        count_server(tally, slice_of_bytes(server->name, server->name_length), server->answers);
    }
    for (size_t i = 0; i < from->example_count && tally->example_count < TALLY_EXAMPLES_MAX; i++) {
        memcpy(tally->examples[tally->example_count++], from->examples[i], TALLY_EXAMPLE_BYTES_MAX);
    }
}

uint64_t tally_right_total(const struct tally *tally)
{
    return tally->right[COMMAND_IAMAT].total + tally->right[COMMAND_WHATSAT].total;
}

bool tally_is_clean(const struct tally *tally)
{
    return tally_right_total(tally) > 0 && tally->wrong == 0 && tally->unasked == 0 &&
           tally->missing == 0;
}

struct quantile {
    const char *name;
    const char *key;
    uint64_t per_100000;
};

static const struct quantile quantiles[] = {
    {"p50", "p50_ns", 50000},
    {"p90", "p90_ns", 90000},
    {"p99", "p99_ns", 99000},
    {"p99.9", "p99.9_ns", 99900},
};

enum { QUANTILE_COUNT = sizeof quantiles / sizeof quantiles[0] };

static void write_number(struct json_writer *json, const char *key, uint64_t value)
{
    json_writer_number(json, key, (int64_t)value);
}

void tally_write_latency_json(
    const struct histogram *histogram, const char *key, struct json_writer *json)
{
    json_writer_begin_object(json, key);
    write_number(json, "count", histogram->total);
    write_number(json, "mean_ns", histogram->total == 0 ? 0 : histogram->sum / histogram->total);
    for (size_t i = 0; i < QUANTILE_COUNT; i++) {
        write_number(
            json, quantiles[i].key, histogram_quantile(histogram, quantiles[i].per_100000));
    }
    write_number(json, "max_ns", histogram->max);
    json_writer_end_object(json);
}

void tally_write_json(const struct tally *tally, struct json_writer *json)
{
    write_number(json, "said", tally->said);
    write_number(json, "right", tally_right_total(tally));
    write_number(json, "refused", tally->refused);
    write_number(json, "wrong", tally->wrong);
    write_number(json, "unasked", tally->unasked);
    write_number(json, "missing", tally->missing);
    for (size_t i = 0; i < TALLY_KINDS; i++) {
        tally_write_latency_json(&tally->right[i], kind_names[i], json);
    }
    json_writer_begin_array(json, "servers");
    for (size_t i = 0; i < tally->server_count; i++) {
        const struct tally_server *server = &tally->servers[i];
        json_writer_begin_object(json, NULL);
        json_writer_text(json, "name", slice_of_bytes(server->name, server->name_length));
        write_number(json, "answers", server->answers);
        json_writer_end_object(json);
    }
    json_writer_end_array(json);
    json_writer_begin_array(json, "examples");
    for (size_t i = 0; i < tally->example_count; i++) {
        json_writer_text(json, NULL, slice_of(tally->examples[i]));
    }
    json_writer_end_array(json);
}

static double microseconds(uint64_t ns)
{
    return (double)ns / NS_PER_US;
}

enum status tally_append_latency_text(const struct histogram *histogram, struct buffer *text)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < QUANTILE_COUNT && status == STATUS_OK; i++) {
        const uint64_t value = histogram_quantile(histogram, quantiles[i].per_100000);
        status = buffer_append_format(text, "%s %.1f us  ", quantiles[i].name, microseconds(value));
    }
    return status != STATUS_OK
               ? status
               : buffer_append_format(text, "max %.1f us", microseconds(histogram->max));
}

static enum status append_faults(const struct tally *tally, struct buffer *text)
{
    enum status status = buffer_append_format(text,
        "  refused %llu, wrong %llu, unasked %llu, missing %llu\n",
        (unsigned long long)tally->refused,
        (unsigned long long)tally->wrong,
        (unsigned long long)tally->unasked,
        (unsigned long long)tally->missing);
    for (size_t i = 0; i < tally->example_count && status == STATUS_OK; i++) {
        status = buffer_append_format(text, "  %s\n", tally->examples[i]);
    }
    return status;
}

enum status tally_append_text(const struct tally *tally, struct buffer *text)
{
    enum status status = append_faults(tally, text);
    for (size_t i = 0; i < TALLY_KINDS && status == STATUS_OK; i++) {
        const struct histogram *right = &tally->right[i];
        if (right->total == 0) {
            continue;
        }
        status = buffer_append_format(
            text, "  %-8s%12llu  ", kind_names[i], (unsigned long long)right->total);
        if (status == STATUS_OK) {
            status = tally_append_latency_text(right, text);
        }
        if (status == STATUS_OK) {
            status = buffer_append_text(text, "\n");
        }
    }
    for (size_t i = 0; i < tally->server_count && status == STATUS_OK; i++) {
        const struct tally_server *server = &tally->servers[i];
        status = buffer_append_format(text,
            "  answered by %.*s: %llu\n",
            (int)server->name_length,
            server->name,
            (unsigned long long)server->answers);
    }
    return status;
}
