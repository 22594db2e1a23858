/*
 * One TCP address on which clients come: opened, and closed and opened again while its server is
 * down, if the topology wants that.
 *
 * Thread: the loop's.
 */
#ifndef GATEWAY_CLIENT_LISTENER_H
#define GATEWAY_CLIENT_LISTENER_H

#include "common/status.h"
#include "common/topology.h"

#include <stdbool.h>
#include <stddef.h>

struct uv_loop_s;
struct client_listener;

/* What happens on it; both are called from the loop. */
struct client_listener_events {
    void *context;
    /* A connection came; the descriptor is the callee's. */
    void (*arrived)(void *context, size_t index, int fd);
    /* No connection can be accepted, for lack of descriptors or memory; `cause` is a static text.
     * They wait until client_listener_go_on. */
    void (*failed)(void *context, size_t index, const char *cause);
};

/* Closed at first. `where` and `events` are borrowed; `index` is given back. STATUS_NO_MEMORY. */
enum status client_listener_create(struct uv_loop_s *loop,
    const struct topology_listener *where,
    size_t index,
    const struct client_listener_events *events,
    struct client_listener **ret_listener) MUST_USE;

/* Closes first. NULL is allowed. */
void client_listener_destroy(struct client_listener *listener);

/* Listens, if it does not yet. STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_NOT_FOUND (no
 * such address here), STATUS_MALFORMED, STATUS_IO. */
enum status client_listener_open(struct client_listener *listener) MUST_USE;

/* Accepts again what waits since `failed`; for the owner to call a few times a second. */
void client_listener_go_on(struct client_listener *listener);

/* Connections that were accepted are not touched. Closing what is closed does nothing. */
void client_listener_close(struct client_listener *listener);
bool client_listener_is_open(const struct client_listener *listener);

#endif
