/*
 * The connections of clients: their bytes in and out of their sessions, by libuv. What is read in
 * one turn of the loop is worked on together at its end, and what is to be written leaves in one
 * write.
 *
 * Thread: the loop's.
 * Limits: `connections_max`; more are accepted and closed at once, so that nobody waits in a queue
 *         that does not move. All together hold about CLIENTS_HELD_MAX; beyond it only those are
 *         read that hold little. A client that takes nothing of what it is owed for STUCK_MS is
 * closed.
 */
#ifndef GATEWAY_CLIENTS_H
#define GATEWAY_CLIENTS_H

#include "common/instant.h"
#include "common/log.h"
#include "common/status.h"
#include "gateway/clients_view.h"
#include "gateway/origin.h"
#include "gateway/session.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    CLIENTS_STUCK_MS = 60 * 1000,
    CLIENTS_HELD_MAX =
        256 * 1024 * 1024,           /* bytes of sessions; their buffers may be twice as large */
    CLIENTS_HELD_LITTLE = 16 * 1024, /* bytes of one that is read in any case */
};

struct uv_loop_s;
struct uv_stream_s;
struct clients;
struct client;

enum clients_issue {
    CLIENTS_ISSUED,
    CLIENTS_NOT_YET, /* the client is asked again when something happens to it */
    CLIENTS_NO_ROOM, /* or by clients_wake */
};

/* What the owner of the clients decides. Called from within clients_arrived, clients_wake and
 * clients_turn, or, for `closed`, from anywhere. */
struct clients_events {
    void *context;
    /* A client came by `listener`. Returns its generation. */
    uint32_t (*opened)(void *context, uint32_t client, size_t listener);
    void (*closed)(void *context, uint32_t client);
    /* The client's next command: to be issued (session_issue), or left where it is. */
    enum clients_issue (*issue)(
        void *context, struct client *client, const struct session_command *command);
    /* All clients have had their turn to issue commands, which may leave now. */
    void (*issued)(void *context);
};

struct clients_settings {
    size_t connections_max;
    struct session_limits limits;
    struct log *log;             /* borrowed */
    bool logs_traffic;           /* every line in and out ... */
    const struct slice *servers; /* ... with the server it was meant for, by listener; borrowed */
};

/* `events` is borrowed. STATUS_NO_MEMORY. */
enum status clients_create(struct uv_loop_s *loop,
    const struct clients_settings *settings,
    const struct clients_events *events,
    struct clients **ret_clients) MUST_USE;

/* No client may be open. NULL is allowed. */
void clients_destroy(struct clients *clients);

/* Takes the descriptor of a connection that was accepted. */
void clients_arrived(struct clients *clients, size_t listener, int fd);

/*
 * Works off all clients that something happened to: issues commands, and then, after
 * events->issued, writes replies. To be called once per turn of the loop, before it waits.
 */
void clients_turn(struct clients *clients, struct instant now);

/* Looks for clients that are stuck, and frees what idle ones do not need. About once a second. */
void clients_check(struct clients *clients, struct instant now);

/* The client of an origin; NULL: it is gone. */
struct client *clients_find(const struct clients *clients, struct origin origin);
struct session *client_session(struct client *client);
uint32_t client_index(const struct client *client);

/* Something happened to it: an answer, say. */
void clients_touch(struct clients *clients, struct client *client);

/*
 * Asks the first `count` of those that wait for room, in the order in which they came. Who finds
 * some has its turn; who finds none keeps its place. Returns how many found some.
 */
size_t clients_wake(struct clients *clients, struct instant now, size_t count);

/* Moves the first `count` of those that wait for room behind the others. */
void clients_pass_over(struct clients *clients, size_t count);

/* No more is read of those that came by `listener` (or of all); they get what they are owed, and
 * then are closed. */
void clients_stop_listener(struct clients *clients, size_t listener);
void clients_stop(struct clients *clients);

struct clients_view clients_view(const struct clients *clients);

#endif
