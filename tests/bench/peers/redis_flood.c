/*
 * redis-flood: what a primary of Redis and its replicas do with reports. Sends SET or GEOADD of the
 * same workload as herd-bench, over as many connections with as much outstanding, and counts it as
 * known when all replicas have acknowledged it (WAIT). Speaks Redis's own protocol.
 */
#include "common/instant.h"
#include "common/options.h"
#include "tests/bench/tcp_endpoint.h"
#include "tests/bench/workload.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS = 50,
    WINDOW = 64,
    ID_BYTES = 10,
    COMMAND_BYTES_MAX = 160,
    RECEIVE_BYTES = 64 * 1024,
    WAIT_MS = 5000,
};

struct connection {
    int socket;
    struct workload_client client;
    size_t owed; /* replies, a line each */
    bool is_line_start;
};

struct flood {
    struct connection connections[CONNECTIONS];
    struct workload *workload;
    bool is_geoadd;
    int64_t stamp_ns;
    uint64_t answered;
    uint64_t errors;
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

static char *put(char *out, const char *bytes, size_t length)
{
    memcpy(out, bytes, length);
    return out + length;
}

#define PUT_TEXT(out, text) put(out, (text), sizeof(text) - 1)

_Static_assert(ID_BYTES == 10 && WORKLOAD_LOCATION_BYTES == 21 && WORKLOAD_TIME_BYTES == 20,
    "the lengths that the commands below say");

/* `line` is `IAMAT id location time`. */
static char *put_command(const struct flood *flood, char *out, const char *line)
{
    const char *id = line + sizeof "IAMAT " - 1;
    const char *location = id + ID_BYTES + 1;
    if (!flood->is_geoadd) {
        out = PUT_TEXT(out, "*3\r\n$3\r\nSET\r\n$10\r\n");
        out = put(out, id, ID_BYTES);
        out = PUT_TEXT(out, "\r\n$42\r\n");
        out = put(out, location, WORKLOAD_LOCATION_BYTES + 1 + WORKLOAD_TIME_BYTES);
        return PUT_TEXT(out, "\r\n");
    }
    const size_t latitude_bytes = sizeof "+34.068930" - 1;
    out = PUT_TEXT(out, "*5\r\n$6\r\nGEOADD\r\n$4\r\nherd\r\n$11\r\n");
    out = put(out, location + latitude_bytes, WORKLOAD_LOCATION_BYTES - latitude_bytes);
    out = PUT_TEXT(out, "\r\n$10\r\n");
    out = put(out, location, latitude_bytes);
    out = PUT_TEXT(out, "\r\n$10\r\n");
    out = put(out, id, ID_BYTES);
    return PUT_TEXT(out, "\r\n");
}

/* Fills the window of a connection. */
static bool say(struct flood *flood, struct connection *connection)
{
    static char commands[WINDOW * COMMAND_BYTES_MAX];
    char *out = commands;
    for (; connection->owed < WINDOW; connection->owed++) {
        char line[WORKLOAD_LINE_BYTES_MAX];
        (void)workload_next(flood->workload, &connection->client, flood->stamp_ns++, line);
        out = put_command(flood, out, line);
    }
    return send_all(connection->socket, commands, (size_t)(out - commands));
}

static bool hear(struct flood *flood, struct connection *connection)
{
    static char received[RECEIVE_BYTES];
    const ssize_t length = recv(connection->socket, received, sizeof received, 0);
    if (length <= 0) {
        return false;
    }
    for (const char *at = received; at < received + length;) {
        flood->errors += connection->is_line_start && *at == '-' ? 1 : 0;
        const char *end = memchr(at, '\n', (size_t)(received + length - at));
        connection->is_line_start = end != NULL;
        if (end == NULL) {
            break;
        }
        if (connection->owed == 0) {
            return false;
        }
        connection->owed--;
        flood->answered++;
        at = end + 1;
    }
    return true;
}

static enum status run(struct flood *flood, int64_t duration_ns)
{
    const struct instant start = instant_now();
    bool is_over = false;
    size_t owed = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (!say(flood, &flood->connections[i])) {
            return STATUS_DISCONNECTED;
        }
    }
    do {
        struct pollfd waiting[CONNECTIONS];
        for (size_t i = 0; i < CONNECTIONS; i++) {
            waiting[i] = (struct pollfd){.fd = flood->connections[i].socket, .events = POLLIN};
        }
        if (poll(waiting, CONNECTIONS, WAIT_MS) <= 0) {
            return STATUS_TIMED_OUT;
        }
        is_over = is_over || instant_ns_between(start, instant_now()) >= duration_ns;
        owed = 0;
        for (size_t i = 0; i < CONNECTIONS; i++) {
            struct connection *connection = &flood->connections[i];
            if (waiting[i].revents != 0 &&
                !(hear(flood, connection) && (is_over || say(flood, connection)))) {
                return STATUS_DISCONNECTED;
            }
            owed += connection->owed;
        }
    } while (owed > 0);
    return flood->errors == 0 ? STATUS_OK : STATUS_MALFORMED;
}

/* One more write, and WAIT until it, and so all before it, is acknowledged by the replicas. */
static enum status wait_for_replicas(int socket_fd, uint64_t replicas)
{
    char command[160];
    char wanted[32];
    char received[64] = {0};
    const int length = snprintf(command,
        sizeof command,
        "*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$1\r\n1\r\n*3\r\n$4\r\nWAIT\r\n$%d\r\n%llu\r\n$"
        "5\r\n60000\r\n",
        replicas < 10 ? 1 : 2,
        (unsigned long long)replicas);
    const int wanted_length =
        snprintf(wanted, sizeof wanted, "+OK\r\n:%llu\r\n", (unsigned long long)replicas);
    if (!send_all(socket_fd, command, (size_t)length)) {
        return STATUS_DISCONNECTED;
    }
    for (size_t have = 0; have < (size_t)wanted_length;) {
        const ssize_t count = recv(socket_fd, received + have, sizeof received - 1 - have, 0);
        if (count <= 0) {
            return STATUS_TIMED_OUT;
        }
        have += (size_t)count;
    }
    return strcmp(received, wanted) == 0 ? STATUS_OK : STATUS_MALFORMED;
}

static enum status open_all(struct flood *flood, const struct tcp_endpoint *endpoint, uint64_t ids)
{
    const struct workload_plan plan = {
        .ids = ids, .id_bytes = ID_BYTES, .iamat_weight = 1, .seed = 1};
    enum status status = workload_create(&plan, CONNECTIONS, &flood->workload);
    for (size_t i = 0; i < CONNECTIONS && status == STATUS_OK; i++) {
        struct connection *connection = &flood->connections[i];
        connection->client = workload_client(flood->workload, i);
        connection->is_line_start = true;
        status = tcp_endpoint_connect(endpoint, TCP_ENDPOINT_BLOCKING, &connection->socket);
    }
    flood->stamp_ns = wall_clock_ns();
    return status;
}

static enum status measure(const struct tcp_endpoint *endpoint,
    uint64_t replicas,
    uint64_t ids,
    uint64_t ms,
    bool is_geoadd)
{
    static struct flood flood;
    flood.is_geoadd = is_geoadd;
    enum status status = open_all(&flood, endpoint, ids);
    const struct instant start = instant_now();
    if (status == STATUS_OK) {
        status = run(&flood, (int64_t)ms * NS_PER_MS);
    }
    if (status == STATUS_OK) {
        status = wait_for_replicas(flood.connections[0].socket, replicas);
    }
    const int64_t elapsed_ns = instant_ns_between(start, instant_now());
    workload_destroy(flood.workload);
    if (status == STATUS_OK) {
        printf("{\"known\":%llu,\"elapsed_ns\":%lld,\"known_per_s\":%.0f}\n",
            (unsigned long long)flood.answered,
            (long long)elapsed_ns,
            (double)flood.answered * NS_PER_SECOND / (double)elapsed_ns);
    }
    return status;
}

int main(int argc, char **argv)
{
    const char *connect_text = NULL;
    const char *replicas_text = "4";
    const char *ids_text = "100000";
    const char *duration_text = "5000";
    const char *geoadd = NULL;
    const struct option_spec specs[] = {
        {"connect", "HOST:PORT", "The primary.", true, &connect_text},
        {"replicas", "N", "How many must have everything, 1 to 99 (4).", false, &replicas_text},
        {"ids", "N", "Size of the set of ids (100000).", false, &ids_text},
        {"duration-ms", "N", "Milliseconds (5000).", false, &duration_text},
        {"geoadd", NULL, "GEOADD in place of SET.", false, &geoadd},
    };
    bool is_done = false;
    struct buffer complaint = buffer_with_max(4096);
    enum status status = options_parse("redis-flood",
        "reports written to a primary of Redis until all its replicas have them",
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

    struct tcp_endpoint endpoint;
    uint64_t replicas;
    uint64_t ids;
    uint64_t ms;
    status = tcp_endpoint_parse(slice_of(connect_text), &endpoint);
    if (status == STATUS_OK && !(slice_parse_number(slice_of(replicas_text), 99, &replicas) &&
                                   slice_parse_number(slice_of(ids_text), 1000000000, &ids) &&
                                   slice_parse_number(slice_of(duration_text), 3600000, &ms))) {
        status = STATUS_OUT_OF_RANGE;
    }
    if (status == STATUS_OK) {
        status = measure(&endpoint, replicas, ids, ms, geoadd != NULL);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "redis-flood: %s: %s\n", connect_text, status_text(status));
    }
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
