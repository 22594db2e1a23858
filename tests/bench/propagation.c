/* How long a report takes from one server to another. */
#include "tests/bench/propagation.h"

#include "common/buffer.h"
#include "tests/bench/reply_checker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 64 * 1024,
    ANSWER_BYTES_MAX = 1 << 20,
    TEXT_BYTES_MAX = 160,
    UNKNOWN_AFTER_MS = 1000
};

struct text {
    char bytes[TEXT_BYTES_MAX];
    size_t length;
};

static struct slice text_slice(const struct text *text)
{
    return slice_of_bytes(text->bytes, text->length);
}

struct probe {
    int reported_to;
    int asked;
    struct buffer answer;
    struct text id;
    struct text question; /* without its line end */
    struct text last;     /* `id location time` of the last report that showed; empty at first */
    int64_t stamp_ns;
};

static bool send_all(int socket_fd, struct slice bytes)
{
    return send(socket_fd, bytes.data, bytes.length, MSG_NOSIGNAL) == (ssize_t)bytes.length;
}

static enum status receive_more(int socket_fd, struct buffer *answer)
{
    char *room;
    const size_t wanted = RECEIVE_BYTES;
    const enum status status = buffer_reserve(answer, wanted, &room);
    if (status != STATUS_OK) {
        return status;
    }
    const ssize_t count = recv(socket_fd, room, wanted, 0);
    if (count <= 0) {
        return count < 0 && errno == EAGAIN ? STATUS_TIMED_OUT : STATUS_DISCONNECTED;
    }
    buffer_grow(answer, (size_t)count);
    return STATUS_OK;
}

/* The next report's `id location time`, with a time stamp later than the one before. */
static struct text next_report(struct probe *probe)
{
    const int64_t wall_ns = wall_clock_ns();
    probe->stamp_ns = wall_ns > probe->stamp_ns ? wall_ns : probe->stamp_ns + 1;
    struct text report;
    const int length = snprintf(report.bytes,
        sizeof report.bytes,
        "%s +34.068930-118.445127 %" PRId64 ".%09" PRId64,
        probe->id.bytes,
        probe->stamp_ns / NS_PER_SECOND,
        probe->stamp_ns % NS_PER_SECOND);
    report.length = (size_t)length;
    return report;
}

static enum status send_report(struct probe *probe, const struct text *report)
{
    struct text line;
    const int length = snprintf(line.bytes, sizeof line.bytes, "IAMAT %s\n", report->bytes);
    line.length = (size_t)length;
    return send_all(probe->reported_to, text_slice(&line)) ? STATUS_OK : STATUS_DISCONNECTED;
}

static enum status take_acknowledgement(struct probe *probe, const struct text *report)
{
    buffer_reset(&probe->answer);
    for (;;) {
        const enum status status = receive_more(probe->reported_to, &probe->answer);
        if (status != STATUS_OK) {
            return status;
        }
        const struct reply reply =
            reply_check_iamat(buffer_slice(&probe->answer), slice_of(""), text_slice(report));
        if (reply.verdict == REPLY_INCOMPLETE) {
            continue;
        }
        return reply.verdict == REPLY_RIGHT && reply.length == probe->answer.length
                   ? STATUS_OK
                   : STATUS_MALFORMED;
    }
}

/* One question and its answer; *ret_shows tells whether it shows `report`, rather than the one
 * before or none. */
static enum status ask(struct probe *probe, const struct text *report, bool *ret_shows)
{
    struct text line = probe->question;
    line.bytes[line.length++] = '\n';
    if (!send_all(probe->asked, text_slice(&line))) {
        return STATUS_DISCONNECTED;
    }
    buffer_reset(&probe->answer);
    for (;;) {
        const enum status status = receive_more(probe->asked, &probe->answer);
        if (status != STATUS_OK) {
            return status;
        }
        const struct slice answer = buffer_slice(&probe->answer);
        const struct slice command = text_slice(&probe->question);
        const struct reply newer = reply_check_whatsat(answer, 0, command, text_slice(report));
        const struct reply older =
            reply_check_whatsat(answer, 0, command, text_slice(&probe->last));
        if (newer.verdict == REPLY_RIGHT) {
            *ret_shows = true;
            return STATUS_OK;
        }
        if (older.verdict == REPLY_RIGHT ||
            (older.verdict == REPLY_REFUSED && probe->last.length == 0)) {
            *ret_shows = false;
            return STATUS_OK;
        }
        if (newer.verdict != REPLY_INCOMPLETE && older.verdict != REPLY_INCOMPLETE) {
            return STATUS_MALFORMED;
        }
    }
}

static enum status measure_one(struct probe *probe, struct propagation_result *result)
{
    const struct text report = next_report(probe);
    const struct instant sent = instant_now();
    const struct instant deadline = instant_after_ms(sent, UNKNOWN_AFTER_MS);
    enum status status = send_report(probe, &report);
    bool shows = false;
    struct instant now = sent;
    while (status == STATUS_OK && !shows && instant_is_before(now, deadline)) {
        const struct instant asked = now;
        status = ask(probe, &report, &shows);
        now = instant_now();
        histogram_record(&result->question, (uint64_t)instant_ns_between(asked, now), 1);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!shows) {
        return STATUS_TIMED_OUT;
    }
    histogram_record(&result->known, (uint64_t)instant_ns_between(sent, now), 1);
    probe->last = report;
    return take_acknowledgement(probe, &report);
}

static void wait_until(struct instant due)
{
    const int64_t ns = instant_ns_between(instant_now(), due);
    if (ns > 0) {
        (void)poll(NULL, 0, (int)(ns / NS_PER_MS));
    }
}

enum status propagation_measure(
    const struct propagation_plan *plan, struct propagation_result *ret_result)
{
    struct probe probe = {
        .reported_to = -1,
        .asked = -1,
        .answer = buffer_with_max(ANSWER_BYTES_MAX),
    };
    probe.id.length = (size_t)snprintf(probe.id.bytes,
        sizeof probe.id.bytes,
        "propagation.probe.%" PRIu64 ".%" PRId64, /* one that no run before has left behind */
        plan->seed,
        wall_clock_ns());
    probe.question.length = (size_t)snprintf(
        probe.question.bytes, sizeof probe.question.bytes, "WHATSAT %s 0 0", probe.id.bytes);

    enum status status =
        tcp_endpoint_connect(&plan->reported_to, TCP_ENDPOINT_BLOCKING, &probe.reported_to);
    if (status == STATUS_OK) {
        status = tcp_endpoint_connect(&plan->asked, TCP_ENDPOINT_BLOCKING, &probe.asked);
    }
    const struct instant start = instant_now();
    const int64_t interval_ns = NS_PER_SECOND / (int64_t)plan->rate;
    for (int64_t at_ns = 0; at_ns < plan->duration_ns && status == STATUS_OK;
         at_ns += interval_ns) {
        const struct instant due = {start.ns + at_ns};
        wait_until(due);
        if (instant_ns_between(start, instant_now()) > plan->duration_ns) {
            break;
        }
        status = measure_one(&probe, ret_result);
    }
    if (probe.reported_to >= 0) {
        (void)close(probe.reported_to);
    }
    if (probe.asked >= 0) {
        (void)close(probe.asked);
    }
    buffer_clear(&probe.answer);
    return status;
}
