/*
 * herd-echo: the least that could be called a server of this protocol, as a ceiling to measure
 * against. One thread parses IAMAT and prints AT; it keeps nothing, and knows no other server.
 */
#include "common/buffer.h"
#include "common/instant.h"
#include "common/location.h"
#include "common/options.h"
#include "common/timestamp.h"
#include "tests/bench/tcp_endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,
    RECEIVE_BYTES = 256 * 1024,
    LINE_BYTES_MAX = 8 * 1024,
    ANSWERS_BYTES_MAX = 1 << 20, /* per client; one that leaves more unread is closed */
};

struct client {
    int socket;
    struct buffer rest;    /* the beginning of a line */
    struct buffer answers; /* what the socket did not take yet */
};

struct server {
    int epoll;
    int listener;
    char *received;
    struct buffer answers; /* to what was read last */
    int64_t now_ns;        /* the wall clock when it was */
};

static enum status answer_iamat(struct server *server, struct slice rest)
{
    const struct slice id = slice_next_word(&rest);
    const struct slice location_text = slice_next_word(&rest);
    const struct slice time_text = slice_next_word(&rest);
    struct location location;
    int64_t time_ns;
    if (time_text.length == 0 || slice_next_word(&rest).length != 0 ||
        location_parse(location_text, &location) != STATUS_OK ||
        timestamp_parse(time_text, &time_ns) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    char difference[TIMESTAMP_DIFFERENCE_SIZE];
    const size_t difference_length =
        timestamp_difference_format(server->now_ns - time_ns, difference);

    static const char start[] = "AT Echo ";
    const size_t length = sizeof start - 1 + difference_length + 1 + id.length + 1 +
                          location_text.length + 1 + time_text.length + 1;
    char *out;
    const enum status status = buffer_reserve(&server->answers, length, &out);
    if (status != STATUS_OK) {
        return status;
    }
    const struct slice parts[] = {
        slice_of_bytes(start, sizeof start - 1),
        slice_of_bytes(difference, difference_length),
        slice_of_bytes(" ", 1),
        id,
        slice_of_bytes(" ", 1),
        location_text,
        slice_of_bytes(" ", 1),
        time_text,
        slice_of_bytes("\n", 1),
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memcpy(out, parts[i].data, parts[i].length);
        out += parts[i].length;
    }
    buffer_grow(&server->answers, length);
    return STATUS_OK;
}

static enum status answer_line(struct server *server, struct slice line)
{
    struct slice rest = line;
    const struct slice word = slice_next_word(&rest);
    if (slice_equals(word, slice_of_bytes("IAMAT", 5))) {
        const enum status status = answer_iamat(server, rest);
        if (status != STATUS_MALFORMED) {
            return status;
        }
    }
    const size_t before = server->answers.length;
    if (buffer_append_text(&server->answers, "? ") != STATUS_OK ||
        buffer_append(&server->answers, line) != STATUS_OK ||
        buffer_append_text(&server->answers, "\n") != STATUS_OK) {
        buffer_truncate(&server->answers, before);
        return STATUS_FULL;
    }
    return STATUS_OK;
}

/* Answers the whole lines of what was received; *ret_done is how much of it they are. */
static enum status answer_lines(struct server *server, struct slice bytes, size_t *ret_done)
{
    size_t done = 0;
    for (;;) {
        const struct slice rest = slice_from(bytes, done);
        const char *end = rest.length == 0 ? NULL : memchr(rest.data, '\n', rest.length);
        if (end == NULL) {
            *ret_done = done;
            return STATUS_OK;
        }
        const size_t length = (size_t)(end - rest.data);
        const enum status status = answer_line(server, slice_of_bytes(rest.data, length));
        if (status != STATUS_OK) {
            return status;
        }
        done += length + 1;
    }
}

/* Sends what the socket takes; false: the connection is gone. */
static bool send_some(const struct client *client, struct slice bytes, size_t *ret_sent)
{
    const ssize_t sent =
        bytes.length == 0 ? 0 : send(client->socket, bytes.data, bytes.length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return false;
    }
    *ret_sent = sent < 0 ? 0 : (size_t)sent;
    return true;
}

static bool watch(struct server *server, struct client *client, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    return epoll_ctl(server->epoll, operation, client->socket, &event) == 0;
}

/* Sends the answers; while some are left, nothing is read from this client. False: close it. */
static bool send_answers(struct server *server, struct client *client)
{
    size_t sent;
    if (!send_some(client, buffer_slice(&server->answers), &sent)) {
        return false;
    }
    if (sent == server->answers.length) {
        return true;
    }
    return buffer_append(&client->answers, slice_from(buffer_slice(&server->answers), sent)) ==
               STATUS_OK &&
           watch(server, client, EPOLL_CTL_MOD, EPOLLOUT);
}

static bool read_client(struct server *server, struct client *client)
{
    const size_t kept = client->rest.length;
    if (kept > 0) {
        memcpy(server->received, client->rest.data, kept);
    }
    const ssize_t count = recv(client->socket, server->received + kept, RECEIVE_BYTES, 0);
    if (count <= 0) {
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    }
    const struct slice bytes = slice_of_bytes(server->received, kept + (size_t)count);
    size_t done;
    server->now_ns = wall_clock_ns();
    buffer_reset(&server->answers);
    if (answer_lines(server, bytes, &done) != STATUS_OK) {
        return false;
    }
    buffer_reset(&client->rest);
    const struct slice rest = slice_from(bytes, done);
    return (rest.length == 0 || buffer_append(&client->rest, rest) == STATUS_OK) &&
           send_answers(server, client);
}

static bool resume_client(struct server *server, struct client *client)
{
    size_t sent;
    if (!send_some(client, buffer_slice(&client->answers), &sent)) {
        return false;
    }
    buffer_drop_front(&client->answers, sent);
    return client->answers.length > 0 || watch(server, client, EPOLL_CTL_MOD, EPOLLIN);
}

static void close_client(struct client *client)
{
    (void)close(client->socket);
    buffer_clear(&client->rest);
    buffer_clear(&client->answers);
    free(client);
}

static void accept_clients(struct server *server)
{
    int socket_fd;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll keeps the client's address */
    while (tcp_endpoint_accept(server->listener, &socket_fd)) {
        struct client *client = calloc(1, sizeof *client);
        if (client == NULL) {
            (void)close(socket_fd);
            return;
        }
        client->socket = socket_fd;
        client->rest = buffer_with_max(LINE_BYTES_MAX);
        client->answers = buffer_with_max(ANSWERS_BYTES_MAX);
        if (!watch(server, client, EPOLL_CTL_ADD, EPOLLIN)) {
            close_client(client);
        }
    }
}

_Noreturn static void serve(struct server *server)
{
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        const int count = epoll_wait(server->epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL) {
                accept_clients(server);
                continue;
            }
            const bool goes_on = (events[i].events & EPOLLOUT) != 0 ? resume_client(server, client)
                                                                    : read_client(server, client);
            if (!goes_on) {
                close_client(client);
            }
        }
    }
}

static enum status open_server(const char *listen_text, struct server *server)
{
    struct tcp_endpoint endpoint;
    enum status status = tcp_endpoint_parse(slice_of(listen_text), &endpoint);
    if (status != STATUS_OK) {
        return status;
    }
    status = tcp_endpoint_listen(&endpoint, &server->listener);
    if (status != STATUS_OK) {
        return status;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->received = malloc(LINE_BYTES_MAX + RECEIVE_BYTES);
    if (server->epoll < 0 || server->received == NULL ||
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) != 0) {
        return STATUS_IO;
    }
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    const char *listen_text = NULL;
    const struct option_spec specs[] = {
        {"listen", "HOST:PORT", "Where clients connect.", true, &listen_text},
    };
    bool is_done = false;
    struct buffer complaint = buffer_with_max(4096);
    enum status status = options_parse("herd-echo",
        "answers IAMAT without knowing anything, as a ceiling to measure against",
        specs,
        1,
        argc,
        argv,
        &is_done,
        &complaint);
    if (status != STATUS_OK || is_done) {
        fprintf(stderr, "%.*s%s", (int)complaint.length, complaint.data, is_done ? "" : "\n");
        buffer_clear(&complaint);
        return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    buffer_clear(&complaint);

    tcp_endpoint_allow_many();
    struct server server = {.answers = buffer_with_max(ANSWERS_BYTES_MAX)};
    status = open_server(listen_text, &server);
    if (status != STATUS_OK) {
        fprintf(stderr, "herd-echo: %s: %s\n", listen_text, status_text(status));
        free(server.received);
        return EXIT_FAILURE;
    }
    serve(&server);
}
