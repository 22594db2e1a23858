/* TCP endpoints of this bench: numeric IPv4 addresses, and sockets to and at them. */
#ifndef BENCH_TCP_ENDPOINT_H
#define BENCH_TCP_ENDPOINT_H

#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_endpoint {
    uint32_t address; /* in network order */
    uint16_t port;    /* in host order */
};

/* `127.0.0.1:16670`. STATUS_MALFORMED. */
enum status tcp_endpoint_parse(struct slice text, struct tcp_endpoint *ret_endpoint) MUST_USE;

/* Several, divided by commas; one or more. STATUS_MALFORMED, STATUS_FULL: more than `max`. */
enum status tcp_endpoint_parse_list(
    struct slice text, size_t max, struct tcp_endpoint *ret_endpoints, size_t *ret_count) MUST_USE;

enum tcp_endpoint_mode {
    TCP_ENDPOINT_BLOCKING,    /* connecting and all that follows wait, for at most five seconds each
                               * time
                               */
    TCP_ENDPOINT_NONBLOCKING, /* connecting goes on while the socket is already returned */
};

/* STATUS_DISCONNECTED: refused, or no answer. STATUS_FULL: no more descriptors or ports. STATUS_IO.
 */
enum status tcp_endpoint_connect(
    const struct tcp_endpoint *endpoint, enum tcp_endpoint_mode mode, int *ret_socket) MUST_USE;

/* A listening socket that does not block. STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_IO.
 */
enum status tcp_endpoint_listen(const struct tcp_endpoint *endpoint, int *ret_socket) MUST_USE;

/* The next connection of a listening socket, not blocking; false: none is waiting. */
bool tcp_endpoint_accept(int listener, int *ret_socket);

/* Allows this process as many open sockets as the system lets it have. */
void tcp_endpoint_allow_many(void);

#endif
