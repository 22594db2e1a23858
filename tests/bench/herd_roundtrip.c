/*
 * herd-roundtrip: how long a message takes there and back, over a bare TCP socket or over bare NNG
 * REQ/REP, one at a time; the floor under the latency of a client's command, which takes one of
 * each.
 */
#include "common/instant.h"
#include "common/options.h"
#include "tests/bench/histogram.h"
#include "tests/bench/tally.h"
#include "tests/bench/tcp_endpoint.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 100, WARM_UP = 1000, WAIT_MS = 5000 };

/* ---- TCP ---- */

static bool exchange(int socket_fd, char *bytes, bool sends_first, size_t length)
{
    if (sends_first && send(socket_fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) {
        return false;
    }
    if (recv(socket_fd, bytes, length, MSG_WAITALL) != (ssize_t)length) {
        return false;
    }
    return sends_first || send(socket_fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static enum status serve_tcp(const char *at)
{
    struct tcp_endpoint endpoint;
    int listener;
    enum status status = tcp_endpoint_parse(slice_of(at), &endpoint);
    if (status == STATUS_OK) {
        status = tcp_endpoint_listen(&endpoint, &listener);
    }
    if (status != STATUS_OK) {
        return status;
    }
    for (;;) {
        struct pollfd waiting = {.fd = listener, .events = POLLIN};
        (void)poll(&waiting, 1, -1);
        const int client = accept(listener, NULL, NULL);
        const int on = 1;
        char bytes[MESSAGE_BYTES];
        if (client < 0) {
            continue;
        }
        (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        while (exchange(client, bytes, false, sizeof bytes)) {
        }
        (void)close(client);
    }
}

static enum status ask_tcp(const char *at, uint64_t count, struct histogram *times)
{
    struct tcp_endpoint endpoint;
    int socket_fd;
    enum status status = tcp_endpoint_parse(slice_of(at), &endpoint);
    if (status == STATUS_OK) {
        status = tcp_endpoint_connect(&endpoint, TCP_ENDPOINT_BLOCKING, &socket_fd);
    }
    if (status != STATUS_OK) {
        return status;
    }
    char bytes[MESSAGE_BYTES] = {0};
    for (uint64_t i = 0; i < count + WARM_UP && status == STATUS_OK; i++) {
        const struct instant start = instant_now();
        if (!exchange(socket_fd, bytes, true, sizeof bytes)) {
            status = STATUS_DISCONNECTED;
        }
        if (i >= WARM_UP) {
            histogram_record(times, (uint64_t)instant_ns_between(start, instant_now()), 1);
        }
    }
    (void)close(socket_fd);
    return status;
}

/* ---- NNG ---- */

static enum status serve_nng(const char *url)
{
    nng_socket socket;
    if (nng_rep0_open(&socket) != 0) {
        return STATUS_NO_MEMORY;
    }
    if (nng_listen(socket, url, NULL, 0) != 0) {
        return STATUS_ADDRESS_IN_USE;
    }
    for (;;) {
        nng_msg *message;
        if (nng_recvmsg(socket, &message, 0) == 0 && nng_sendmsg(socket, message, 0) != 0) {
            nng_msg_free(message);
        }
    }
}

static enum status ask_nng(const char *url, uint64_t count, struct histogram *times)
{
    nng_socket socket;
    if (nng_req0_open(&socket) != 0) {
        return STATUS_NO_MEMORY;
    }
    if (nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, WAIT_MS) != 0 ||
        nng_dial(socket, url, NULL, 0) != 0) {
        (void)nng_close(socket);
        return STATUS_DISCONNECTED;
    }
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < count + WARM_UP && status == STATUS_OK; i++) {
        const struct instant start = instant_now();
        nng_msg *message;
        if (nng_msg_alloc(&message, MESSAGE_BYTES) != 0) {
            status = STATUS_NO_MEMORY;
            break;
        }
        memset(nng_msg_body(message), 0, MESSAGE_BYTES);
        if (nng_sendmsg(socket, message, 0) != 0) {
            nng_msg_free(message);
            status = STATUS_DISCONNECTED;
        } else if (nng_recvmsg(socket, &message, 0) != 0) {
            status = STATUS_TIMED_OUT;
        } else {
            nng_msg_free(message);
        }
        if (i >= WARM_UP) {
            histogram_record(times, (uint64_t)instant_ns_between(start, instant_now()), 1);
        }
    }
    (void)nng_close(socket);
    return status;
}

/* ---- Either ---- */

static enum status show(const struct histogram *times)
{
    struct buffer text = buffer_with_max(4096);
    struct json_writer json = json_writer_into(&text);
    json_writer_begin_object(&json, NULL);
    tally_write_latency_json(times, "roundtrip", &json);
    json_writer_end_object(&json);
    if (json.status == STATUS_OK) {
        printf("%.*s\n", (int)text.length, text.data);
    }
    buffer_clear(&text);
    return json.status;
}

int main(int argc, char **argv)
{
    const char *at = NULL;
    const char *serves = NULL;
    const char *over_nng = NULL;
    const char *count_text = "20000";
    const struct option_spec specs[] = {
        {"at", "ADDRESS", "127.0.0.1:PORT, or with --nng tcp://127.0.0.1:PORT.", true, &at},
        {"serve", NULL, "Sends back what comes, until it is ended.", false, &serves},
        {"nng", NULL, "Over NNG REQ/REP, not a TCP socket.", false, &over_nng},
        {"count", "N", "How many round trips (20000).", false, &count_text},
    };
    bool is_done = false;
    struct buffer complaint = buffer_with_max(4096);
    enum status status = options_parse("herd-roundtrip",
        "how long a message takes there and back, over TCP or NNG",
        specs,
        sizeof specs / sizeof specs[0],
        argc,
        argv,
        &is_done,
        &complaint);
    uint64_t count = 0;
    if (status != STATUS_OK || is_done) {
        fprintf(stderr, "%.*s%s", (int)complaint.length, complaint.data, is_done ? "" : "\n");
        buffer_clear(&complaint);
        return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (!slice_parse_number(slice_of(count_text), 1000000000, &count)) {
        fprintf(stderr, "herd-roundtrip: --count %s: not a number\n", count_text);
        return EXIT_FAILURE;
    }

    static struct histogram times;
    if (serves != NULL) {
        status = over_nng != NULL ? serve_nng(at) : serve_tcp(at);
    } else {
        status = over_nng != NULL ? ask_nng(at, count, &times) : ask_tcp(at, count, &times);
    }
    if (status == STATUS_OK) {
        status = show(&times);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "herd-roundtrip: %s: %s\n", at, status_text(status));
    }
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
