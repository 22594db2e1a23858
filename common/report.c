/* The version law and the AT line. */
#include "common/report.h"

#include "common/location.h"
#include "common/timestamp.h"

#include <assert.h>

int report_compare(const struct report *a, const struct report *b)
{
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    int order = slice_compare(a->server, b->server);
    if (order != 0) {
        return order;
    }
    if (a->received_ns != b->received_ns) {
        return a->received_ns < b->received_ns ? -1 : 1;
    }
    order = slice_compare(a->location, b->location);
    if (order != 0) {
        return order;
    }
    return slice_compare(a->time, b->time);
}

static bool is_word(struct slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        if (slice_is_space(bytes.data[i])) {
            return false;
        }
    }
    return bytes.length > 0;
}

enum status report_from_parts(struct slice id,
    struct slice location,
    struct slice time,
    struct slice server,
    int64_t received_ns,
    struct report *ret_report)
{
    if (!is_word(id) || !is_word(server) || received_ns < 0) {
        return STATUS_MALFORMED;
    }
    if (id.length + location.length + time.length > REPORT_BYTES_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    enum status status = location_check(location);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t time_ns;
    status = timestamp_parse(time, &time_ns);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_report = (struct report){
        .id = id,
        .location = location,
        .time = time,
        .server = server,
        .time_ns = time_ns,
        .received_ns = received_ns,
    };
    return STATUS_OK;
}

static char *put(char *end, struct slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        end[i] = bytes.data[i];
    }
    return end + bytes.length;
}

enum status report_append_at_line(const struct report *report, struct buffer *line)
{
    assert(report->time_ns >= 0 && report->received_ns >= 0);
    char difference[TIMESTAMP_DIFFERENCE_SIZE];
    size_t difference_length =
        timestamp_difference_format(report->received_ns - report->time_ns, difference);

    size_t length = sizeof "AT     " - 1 + report->server.length + difference_length +
                    report->id.length + report->location.length + report->time.length;
    char *start;
    enum status status = buffer_reserve(line, length, &start);
    if (status != STATUS_OK) {
        return status;
    }
    char *end = put(start, slice_of("AT "));
    end = put(end, report->server);
    *end++ = ' ';
    end = put(end, slice_of_bytes(difference, difference_length));
    *end++ = ' ';
    end = put(end, report->id);
    *end++ = ' ';
    end = put(end, report->location);
    *end++ = ' ';
    end = put(end, report->time);
    assert((size_t)(end - start) == length);
    buffer_grow(line, length);
    return STATUS_OK;
}
