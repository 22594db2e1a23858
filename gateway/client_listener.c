/*
 * Sockets made by hand, because libuv offers neither SO_REUSEPORT nor options that are inherited;
 * and accepted from by hand, because where descriptors are out it turns without end, and from 1.45
 * on without a word, once another thread has taken the one that it keeps for that.
 */
#include "gateway/client_listener.h"

#include <uv.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,        /* the system lowers it to its own maximum */
    KEEPALIVE_IDLE_S = 60, /* then a client that is gone is noticed within a minute and a half */
    KEEPALIVE_EVERY_S = 10,
    KEEPALIVE_PROBES = 3,
    ACCEPTS_PER_TURN = 256, /* so that those who are here already are not forgotten */
};

/* The handle lives on its own, because libuv closes it later than we do. */
struct client_listener {
    uv_loop_t *loop;
    const struct topology_listener *where;
    size_t index;
    const struct client_listener_events *events;
    uv_poll_t *poll; /* NULL: closed */
    int fd;          /* while it is open */
};

enum status client_listener_create(struct uv_loop_s *loop,
    const struct topology_listener *where,
    size_t index,
    const struct client_listener_events *events,
    struct client_listener **ret_listener)
{
    struct client_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return STATUS_NO_MEMORY;
    }
    *listener =
        (struct client_listener){.loop = loop, .where = where, .index = index, .events = events};
    *ret_listener = listener;
    return STATUS_OK;
}

static enum status status_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return STATUS_ADDRESS_IN_USE;
    case EACCES:
    case EPERM:
        return STATUS_NOT_PERMITTED;
    case EADDRNOTAVAIL:
        return STATUS_NOT_FOUND;
    case ENOMEM:
    case ENOBUFS:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_IO;
    }
}

static bool parse_address(const struct topology_listener *where,
    struct sockaddr_storage *ret_address,
    socklen_t *ret_size)
{
    if (uv_ip4_addr(where->host, where->port, (struct sockaddr_in *)ret_address) == 0) {
        *ret_size = sizeof(struct sockaddr_in);
        return true;
    }
    *ret_size = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(where->host, where->port, (struct sockaddr_in6 *)ret_address) == 0;
}

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* What Linux hands on to accepted sockets is set here once, and not for each of them. [::] is for
 * clients of IPv4 too, whatever the system's habit. */
static bool set_options(int fd, const struct topology_listener *where, int family)
{
    return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (!where->is_shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
           (family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
           set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
           set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S) &&
           set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

static enum status make_socket(const struct topology_listener *where, int *ret_fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size;
    if (!parse_address(where, &address, &size)) {
        return STATUS_MALFORMED;
    }
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return status_of(errno);
    }
    if (!set_options(fd, where, address.ss_family) ||
        bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0) {
        const enum status status = status_of(errno);
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

/* Whether it says that nothing can be accepted now; all else is a connection that is gone, or none.
 */
static bool is_scarcity(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void on_readable(uv_poll_t *poll, int result, int events)
{
    (void)result;
    (void)events;
    struct client_listener *listener = poll->data;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && listener->poll == poll; i++) {
        const int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->events->arrived(listener->events->context, listener->index, fd);
        } else if (is_scarcity(errno)) {
            const char *const cause = uv_strerror(-errno); /* libuv's codes are -errno here */
            (void)uv_poll_stop(poll);
            listener->events->failed(listener->events->context, listener->index, cause);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

enum status client_listener_open(struct client_listener *listener)
{
    if (listener->poll != NULL) {
        return STATUS_OK;
    }
    int fd;
    const enum status status = make_socket(listener->where, &fd);
    if (status != STATUS_OK) {
        return status;
    }
    uv_poll_t *poll = calloc(1, sizeof *poll);
    if (poll == NULL || uv_poll_init(listener->loop, poll, fd) != 0) {
        free(poll);
        close(fd);
        return STATUS_NO_MEMORY;
    }
    poll->data = listener;
    listener->poll = poll;
    listener->fd = fd;
    client_listener_go_on(listener);
    return STATUS_OK;
}

void client_listener_go_on(struct client_listener *listener)
{
    if (listener->poll != NULL && !uv_is_active((uv_handle_t *)listener->poll)) {
        (void)uv_poll_start(listener->poll, UV_READABLE, on_readable);
    }
}

void client_listener_close(struct client_listener *listener)
{
    if (listener->poll != NULL) {
        uv_close((uv_handle_t *)listener->poll, on_closed); /* it is called no more */
        listener->poll = NULL;
        close(listener->fd);
    }
}

void client_listener_destroy(struct client_listener *listener)
{
    if (listener != NULL) {
        client_listener_close(listener);
        free(listener);
    }
}

bool client_listener_is_open(const struct client_listener *listener)
{
    return listener->poll != NULL;
}
