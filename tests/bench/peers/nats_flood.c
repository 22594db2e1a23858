/*
 * nats-flood: what a cluster of NATS servers does with reports. Publishes at each server in turn,
 * subscribes at each, and counts a report as known when the subscribers at all servers have it.
 * Speaks NATS's own text protocol.
 *
 * A window bounds what is published and not yet known, as in a closed loop of herd-bench.
 */
#include "common/buffer.h"
#include "common/instant.h"
#include "common/options.h"
#include "tests/bench/tcp_endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SERVERS_MAX = 16,
    RECEIVE_BYTES = 256 * 1024,
    LINE_BYTES_MAX = 64 * 1024,
    BURST = 64, /* reports published at one server at once */
    IDLE_MS_MAX = 5000,
    QUIET_MS = 50, /* after which nothing more comes of a round of trial reports */
    ROUNDS_MAX = 200,
};

#define REPORT  "veh0012345 +34.068930-118.445127 1520023934.918963997"
#define PUBLISH "PUB r 53\r\n" REPORT "\r\n"

_Static_assert(sizeof REPORT - 1 == 53, "the length that PUBLISH says");

/* A connection that publishes at one server, and one that hears what all publish. */
struct server {
    int publisher;
    int subscriber;
    uint64_t heard;
    size_t skip;        /* bytes of a report still to come */
    struct buffer rest; /* the beginning of a line */
};

static bool send_all(int socket_fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(socket_fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        bytes += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

/* Greets and waits for PONG, which comes after everything before it was understood. */
static enum status greet(int socket_fd, const char *greeting)
{
    if (!send_all(socket_fd, greeting, strlen(greeting))) {
        return STATUS_DISCONNECTED;
    }
    static char heard[LINE_BYTES_MAX + 1];
    size_t length = 0;
    do {
        const ssize_t count = recv(socket_fd, heard + length, LINE_BYTES_MAX - length, 0);
        if (count <= 0) {
            return STATUS_DISCONNECTED;
        }
        length += (size_t)count;
        heard[length] = '\0';
    } while (strstr(heard, "PONG\r\n") == NULL);
    return STATUS_OK;
}

static enum status open_server(const struct tcp_endpoint *endpoint, struct server *server)
{
    static const char connect_line[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n";
    static const char subscribe_line[] =
        "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB r 1\r\nPING\r\n";
    *server = (struct server){.rest = buffer_with_max(LINE_BYTES_MAX)};
    enum status status = tcp_endpoint_connect(endpoint, TCP_ENDPOINT_BLOCKING, &server->publisher);
    if (status == STATUS_OK) {
        status = tcp_endpoint_connect(endpoint, TCP_ENDPOINT_BLOCKING, &server->subscriber);
    }
    if (status == STATUS_OK) {
        status = greet(server->publisher, connect_line);
    }
    return status == STATUS_OK ? greet(server->subscriber, subscribe_line) : status;
}

/* The length in `MSG r 1 53`, with the line end that follows the report; 0: some other line. */
static size_t report_bytes(struct slice line)
{
    struct slice last = {.length = 0};
    if (!slice_equals(slice_next_word(&line), slice_of("MSG"))) {
        return 0;
    }
    for (struct slice word = slice_next_word(&line); word.length > 0;
         word = slice_next_word(&line)) {
        last = word;
    }
    uint64_t length;
    return slice_parse_number(last, LINE_BYTES_MAX, &length) ? (size_t)length + 2 : 0;
}

/* Counts the reports in what was read. False: a line is too long. */
static bool hear(struct server *server, struct slice bytes)
{
    while (bytes.length > 0) {
        const size_t skipped = server->skip < bytes.length ? server->skip : bytes.length;
        server->skip -= skipped;
        bytes = slice_from(bytes, skipped);
        const char *end = bytes.length == 0 ? NULL : memchr(bytes.data, '\n', bytes.length);
        if (end == NULL) {
            return bytes.length == 0 || buffer_append(&server->rest, bytes) == STATUS_OK;
        }
        const size_t length = (size_t)(end - bytes.data) + 1;
        struct slice line = slice_of_bytes(bytes.data, length);
        if (server->rest.length > 0) {
            if (buffer_append(&server->rest, line) != STATUS_OK) {
                return false;
            }
            line = buffer_slice(&server->rest);
        }
        server->skip = report_bytes(line);
        server->heard += server->skip > 0 ? 1 : 0;
        buffer_reset(&server->rest);
        bytes = slice_from(bytes, length);
    }
    return true;
}

static uint64_t known_everywhere(const struct server *servers, size_t count)
{
    uint64_t least = servers[0].heard;
    for (size_t i = 1; i < count; i++) {
        least = servers[i].heard < least ? servers[i].heard : least;
    }
    return least;
}

/* STATUS_TIMED_OUT: none of them heard anything for so long. */
static enum status hear_all(struct server *servers, size_t count, int wait_ms)
{
    static char received[RECEIVE_BYTES];
    struct pollfd waiting[SERVERS_MAX];
    for (size_t i = 0; i < count; i++) {
        waiting[i] = (struct pollfd){.fd = servers[i].subscriber, .events = POLLIN};
    }
    if (poll(waiting, count, wait_ms) <= 0) {
        return STATUS_TIMED_OUT;
    }
    for (size_t i = 0; i < count; i++) {
        if (waiting[i].revents == 0) {
            continue;
        }
        const ssize_t length = recv(servers[i].subscriber, received, sizeof received, 0);
        if (length <= 0) {
            return STATUS_DISCONNECTED;
        }
        if (!hear(&servers[i], slice_of_bytes(received, (size_t)length))) {
            return STATUS_FULL;
        }
    }
    return STATUS_OK;
}

/* Servers learn from each other who subscribes where: until all have, reports would be lost. */
static enum status wait_for_routes(struct server *servers, size_t count)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        for (size_t i = 0; i < count; i++) {
            servers[i].heard = 0;
        }
        for (size_t i = 0; i < count; i++) {
            if (!send_all(servers[i].publisher, PUBLISH, sizeof PUBLISH - 1)) {
                return STATUS_DISCONNECTED;
            }
        }
        enum status status = STATUS_OK;
        while (status == STATUS_OK) {
            status = hear_all(servers, count, QUIET_MS);
        }
        if (status != STATUS_TIMED_OUT) {
            return status;
        }
        if (known_everywhere(servers, count) == count) {
            return STATUS_OK;
        }
    }
    return STATUS_TIMED_OUT;
}

static enum status flood(
    struct server *servers, size_t server_count, uint64_t window, int64_t duration_ns)
{
    static char burst[BURST * (sizeof PUBLISH - 1)];
    for (size_t i = 0; i < BURST; i++) {
        memcpy(burst + i * (sizeof PUBLISH - 1), PUBLISH, sizeof PUBLISH - 1);
    }
    const enum status routed = wait_for_routes(servers, server_count);
    if (routed != STATUS_OK) {
        return routed;
    }
    for (size_t i = 0; i < server_count; i++) {
        servers[i].heard = 0;
    }
    const struct instant start = instant_now();
    uint64_t published = 0;
    uint64_t known = 0;
    bool is_over = false;
    while (!is_over || known < published) {
        while (!is_over && published + BURST <= known + window) {
            const struct server *server = &servers[(published / BURST) % server_count];
            if (!send_all(server->publisher, burst, sizeof burst)) {
                return STATUS_DISCONNECTED;
            }
            published += BURST;
        }
        const enum status status = hear_all(servers, server_count, IDLE_MS_MAX);
        if (status != STATUS_OK) {
            return status;
        }
        known = known_everywhere(servers, server_count);
        is_over = is_over || instant_ns_between(start, instant_now()) >= duration_ns;
    }
    const int64_t elapsed_ns = instant_ns_between(start, instant_now());
    printf("{\"known\":%llu,\"elapsed_ns\":%lld,\"known_per_s\":%.0f}\n",
        (unsigned long long)known,
        (long long)elapsed_ns,
        (double)known * NS_PER_SECOND / (double)elapsed_ns);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    const char *connect_text = NULL;
    const char *window_text = "3200";
    const char *duration_text = "5";
    const struct option_spec specs[] = {
        {"connect", "HOST:PORT,...", "The servers of the cluster.", true, &connect_text},
        {"window",
            "N",
            "Reports published and not yet known, at most (3200).",
            false,
            &window_text},
        {"duration", "S", "Whole seconds (5).", false, &duration_text},
    };
    bool is_done = false;
    struct buffer complaint = buffer_with_max(4096);
    enum status status = options_parse("nats-flood",
        "reports published at each NATS server until the subscribers at all of them have them",
        specs,
        sizeof specs / sizeof specs[0],
        argc,
        argv,
        &is_done,
        &complaint);
    if (status != STATUS_OK || is_done) {
        fprintf(stderr, "%.*s%s", (int)complaint.length, complaint.data, is_done ? "" : "\n");
        buffer_clear(&complaint);
        return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
    }

    struct tcp_endpoint endpoints[SERVERS_MAX];
    static struct server servers[SERVERS_MAX];
    size_t count = 0;
    uint64_t window = 0;
    uint64_t seconds = 0;
    status = tcp_endpoint_parse_list(slice_of(connect_text), SERVERS_MAX, endpoints, &count);
    if (status == STATUS_OK &&
        (!slice_parse_number(slice_of(window_text), 1 << 20, &window) || window < BURST ||
            !slice_parse_number(slice_of(duration_text), 3600, &seconds))) {
        status = STATUS_MALFORMED;
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = open_server(&endpoints[i], &servers[i]);
    }
    if (status == STATUS_OK) {
        status = flood(servers, count, window, (int64_t)seconds * NS_PER_SECOND);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "nats-flood: %s: %s\n", connect_text, status_text(status));
    }
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
