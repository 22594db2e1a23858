/*
 * How every NNG socket here is set up, and what NNG's errors mean; used by lane and bus_link alone.
 *
 * Options: a lost peer is dialled again after 10 ms, then ever more slowly up to every 100 ms;
 * nothing larger than `message_max` is taken in; no delay for small messages.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include "common/slice.h"
#include "common/status.h"

#include <nng/nng.h>

#include <stdbool.h>

/* The pipe of a socket that dials: there is one at most, as its single dialer makes them. */
struct wire_pipe {
    int id;      /* 0: not connected */
    int lost_id; /* of the last one that went */
};

/*
 * STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_MALFORMED, STATUS_NO_MEMORY; for all else
 * STATUS_IO.
 */
enum status wire_status(int nng_error) MUST_USE;

/* Asks for `on_pipe` to be called when a pipe comes and when it goes. */
enum status wire_watch(nng_socket socket, nng_pipe_cb on_pipe, void *context) MUST_USE;

/*
 * Takes in one pipe event. NNG tells of both on different threads, so a pipe that came and went at
 * once may be told of in the wrong order; the next pipe comes only after both.
 */
void wire_pipe_event(struct wire_pipe *pipe, nng_pipe which, nng_pipe_ev event);

/* The pipe of this id is gone, whoever says so. */
void wire_pipe_lost(struct wire_pipe *pipe, int id);

/* Whether the NNG library that this process runs with is of this version or a later one. */
bool wire_nng_is_at_least(unsigned major, unsigned minor);

/* Starts dialling, for good. */
enum status wire_dial(nng_socket socket, const char *url, size_t message_max) MUST_USE;

enum status wire_listen(nng_socket socket, const char *url, size_t message_max) MUST_USE;

/* A message of exactly these bytes; NULL: no memory. */
nng_msg *wire_message(struct slice bytes);

struct slice wire_message_bytes(nng_msg *message);

#endif
