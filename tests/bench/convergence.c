/* Whether all nodes of a herd know the same. */
#include "tests/bench/convergence.h"

#include "common/buffer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES_MAX = 1 << 20, ROUND_INTERVAL_MS = 1 };

/* Where the value of the first member `name` starts, white space skipped; length 0: there is none.
 */
static struct slice find_value(struct slice text, const char *name)
{
    const struct slice wanted = slice_of(name);
    for (struct slice rest = text; rest.length > wanted.length; rest = slice_from(rest, 1)) {
        if (memcmp(rest.data, wanted.data, wanted.length) != 0) {
            continue;
        }
        rest = slice_from(rest, wanted.length);
        while (rest.length > 0 && (slice_is_space(*rest.data) || *rest.data == ':')) {
            rest = slice_from(rest, 1);
        }
        return rest;
    }
    return slice_of_bytes(NULL, 0);
}

static bool is_unavailable(struct slice answer)
{
    (void)slice_next_word(&answer); /* HTTP/1.1 */
    return slice_equals(slice_next_word(&answer), slice_of("503"));
}

enum status convergence_read(struct slice answer, struct convergence_view *ret_view)
{
    if (is_unavailable(answer)) {
        return STATUS_TIMED_OUT;
    }
    struct slice digest = find_value(answer, "\"digest\"");
    struct slice reports = find_value(answer, "\"reports\"");
    if (!slice_take_byte(&digest, '"')) {
        return STATUS_MALFORMED;
    }
    const char *end = memchr(digest.data, '"', digest.length);
    struct convergence_view view = {.reports = 0};
    if (end == NULL || (size_t)(end - digest.data) >= sizeof view.digest) {
        return STATUS_MALFORMED;
    }
    memcpy(view.digest, digest.data, (size_t)(end - digest.data));
    if (!slice_parse_number(slice_take_digits(&reports), UINT64_MAX, &view.reports)) {
        return STATUS_MALFORMED;
    }
    *ret_view = view;
    return STATUS_OK;
}

static enum status receive_all(int socket_fd, struct buffer *answer)
{
    for (;;) {
        char *room;
        const size_t wanted = 4096;
        const enum status status = buffer_reserve(answer, wanted, &room);
        if (status != STATUS_OK) {
            return status;
        }
        const ssize_t count = recv(socket_fd, room, wanted, 0);
        if (count == 0) {
            return STATUS_OK;
        }
        if (count < 0 && errno != EINTR) {
            return errno == EAGAIN ? STATUS_TIMED_OUT : STATUS_DISCONNECTED;
        }
        buffer_grow(answer, count > 0 ? (size_t)count : 0);
    }
}

static enum status ask(const struct tcp_endpoint *node, struct convergence_view *ret_view)
{
    static const char request[] =
        "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const size_t length = sizeof request - 1;
    int socket_fd;
    enum status status = tcp_endpoint_connect(node, TCP_ENDPOINT_BLOCKING, &socket_fd);
    if (status != STATUS_OK) {
        return status;
    }
    struct buffer answer = buffer_with_max(ANSWER_BYTES_MAX);
    status = send(socket_fd, request, length, MSG_NOSIGNAL) == (ssize_t)length
                 ? receive_all(socket_fd, &answer)
                 : STATUS_DISCONNECTED;
    (void)close(socket_fd);
    if (status == STATUS_OK) {
        status = convergence_read(buffer_slice(&answer), ret_view);
    }
    buffer_clear(&answer);
    return status;
}

static bool is_same(const struct convergence_view *a, const struct convergence_view *b)
{
    return a->reports == b->reports && strcmp(a->digest, b->digest) == 0;
}

/* One round; *ret_is_equal is written when every node that was asked has answered. */
static enum status ask_round(const struct tcp_endpoint *nodes,
    size_t count,
    struct convergence_view *ret_first,
    bool *ret_is_equal)
{
    enum status status = ask(&nodes[0], ret_first);
    for (size_t i = 1; i < count && status == STATUS_OK; i++) {
        struct convergence_view view;
        status = ask(&nodes[i], &view);
        if (status == STATUS_OK && !is_same(ret_first, &view)) {
            *ret_is_equal = false;
            return STATUS_OK;
        }
    }
    *ret_is_equal = status == STATUS_OK;
    return status;
}

enum status convergence_wait(const struct tcp_endpoint *nodes,
    size_t count,
    struct instant deadline,
    struct convergence_view *ret_view)
{
    assert(count > 0);
    for (;;) {
        struct convergence_view view;
        bool is_equal = false;
        const enum status status = ask_round(nodes, count, &view, &is_equal);
        if (status != STATUS_OK && status != STATUS_TIMED_OUT) {
            return status;
        }
        if (is_equal) {
            *ret_view = view;
            return STATUS_OK;
        }
        if (instant_is_before(deadline, instant_now())) {
            return STATUS_TIMED_OUT;
        }
        (void)poll(
            NULL, 0, ROUND_INTERVAL_MS); /* the nodes have better things to do than to answer */
    }
}
