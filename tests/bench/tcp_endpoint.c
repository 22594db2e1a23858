/* TCP endpoints of this bench. */
#include "tests/bench/tcp_endpoint.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 4096, WAIT_SECONDS = 5 };

enum status tcp_endpoint_parse(struct slice text, struct tcp_endpoint *ret_endpoint)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = text.length == 0 ? NULL : memchr(text.data, ':', text.length);
    if (colon == NULL || (size_t)(colon - text.data) >= sizeof host) {
        return STATUS_MALFORMED;
    }
    const size_t host_length = (size_t)(colon - text.data);
    memcpy(host, text.data, host_length);
    host[host_length] = '\0';

    struct in_addr address;
    uint64_t port;
    if (inet_pton(AF_INET, host, &address) != 1 ||
        !slice_parse_number(slice_from(text, host_length + 1), UINT16_MAX, &port)) {
        return STATUS_MALFORMED;
    }
    *ret_endpoint = (struct tcp_endpoint){.address = address.s_addr, .port = (uint16_t)port};
    return STATUS_OK;
}

enum status tcp_endpoint_parse_list(
    struct slice text, size_t max, struct tcp_endpoint *ret_endpoints, size_t *ret_count)
{
    size_t count = 0;
    struct slice rest = text;
    for (;;) {
        const char *comma = rest.length == 0 ? NULL : memchr(rest.data, ',', rest.length);
        const size_t length = comma == NULL ? rest.length : (size_t)(comma - rest.data);
        if (count == max) {
            return STATUS_FULL;
        }
        const enum status status =
            tcp_endpoint_parse(slice_of_bytes(rest.data, length), &ret_endpoints[count]);
        if (status != STATUS_OK) {
            return status;
        }
        count++;
        if (comma == NULL) {
            *ret_count = count;
            return STATUS_OK;
        }
        rest = slice_from(rest, length + 1);
    }
}

static struct sockaddr_in socket_address(const struct tcp_endpoint *endpoint)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(endpoint->port),
        .sin_addr.s_addr = endpoint->address,
    };
}

static enum status status_of_errno(int error)
{
    switch (error) {
    case EADDRINUSE:
        return STATUS_ADDRESS_IN_USE;
    case EACCES:
    case EPERM:
        return STATUS_NOT_PERMITTED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case EADDRNOTAVAIL:
        return STATUS_FULL;
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
    case EAGAIN:
        return STATUS_DISCONNECTED;
    default:
        return STATUS_IO;
    }
}

static bool stop_blocking(int socket_fd)
{
    const int flags = fcntl(socket_fd, F_GETFL);
    return flags >= 0 && fcntl(socket_fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Each write leaves at once: whoever writes here has gathered what belongs together. */
static void send_at_once(int socket_fd)
{
    const int on = 1;
    (void)setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool limit_waits(int socket_fd)
{
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};
    return setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
           setsockopt(socket_fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0;
}

enum status tcp_endpoint_connect(
    const struct tcp_endpoint *endpoint, enum tcp_endpoint_mode mode, int *ret_socket)
{
    const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (socket_fd < 0) {
        return status_of_errno(errno);
    }
    const bool is_set =
        mode == TCP_ENDPOINT_NONBLOCKING ? stop_blocking(socket_fd) : limit_waits(socket_fd);
    const struct sockaddr_in address = socket_address(endpoint);
    if (!is_set || (connect(socket_fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
                       !(mode == TCP_ENDPOINT_NONBLOCKING && errno == EINPROGRESS))) {
        const int error = errno;
        (void)close(socket_fd);
        return status_of_errno(error);
    }
    send_at_once(socket_fd);
    *ret_socket = socket_fd;
    return STATUS_OK;
}

enum status tcp_endpoint_listen(const struct tcp_endpoint *endpoint, int *ret_socket)
{
    const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (socket_fd < 0) {
        return status_of_errno(errno);
    }
    const int on = 1;
    const struct sockaddr_in address = socket_address(endpoint);
    if (setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(socket_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(socket_fd, LISTEN_BACKLOG) != 0 || !stop_blocking(socket_fd)) {
        const int error = errno;
        (void)close(socket_fd);
        return status_of_errno(error);
    }
    *ret_socket = socket_fd;
    return STATUS_OK;
}

bool tcp_endpoint_accept(int listener, int *ret_socket)
{
    const int socket_fd = accept(listener, NULL, NULL);
    if (socket_fd < 0) {
        return false;
    }
    if (!stop_blocking(socket_fd)) {
        (void)close(socket_fd);
        return false;
    }
    send_at_once(socket_fd);
    *ret_socket = socket_fd;
    return true;
}

void tcp_endpoint_allow_many(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
