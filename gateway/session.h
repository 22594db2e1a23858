/*
 * One client: from its bytes to commands, and from answers in any order to replies in the order of
 * the commands. Pure: knows no socket, node or clock.
 *
 *   session_feed ──▶ session_read ──▶ session_peek, session_issue ──▶ whoever answers
 *                                                                         │
 *   session_take_output ◀── session_reply ◀── session_answer_... ◀────────┘
 *
 * One buffer holds the lines whose answers are owed and the bytes not yet read into lines; a
 * command refers to its line by offset, so nothing is copied and nothing is parsed twice.
 *
 * Limits: session_limits; at most SESSION_COMMANDS_MAX lines and SESSION_WHATSATS_MAX WHATSATs wait
 *         for their answers. What is reached makes session_room 0, so the client is not read.
 */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/slice.h"
#include "common/status.h"
#include "gateway/command.h"
#include "gateway/line_reader.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SESSION_COMMANDS_MAX =
        4096,                  /* about four full batches, so that a fast client is never starved */
    SESSION_WHATSATS_MAX = 16, /* each may hold a whole answer of places until its turn */
};

struct session_limits {
    size_t line_max;   /* bytes of a line without its end; at most 32 KiB */
    size_t input_max;  /* bytes read and not yet answered; at least 2 * (line_max + 2) */
    size_t output_max; /* bytes of replies at which no more are made; the last may go beyond it */
};

struct session_entry;

/* Embedded in the caller's struct; its fields are the session's own. */
struct session {
    const struct session_limits *limits; /* borrowed */
    struct line_reader reader;
    struct buffer input;
    size_t input_start;            /* bytes of `input` before it are done with */
    size_t input_unread;           /* bytes of `input` from here on are not yet lines */
    uint64_t input_base;           /* what offsets of lines count from: that of input.data[0] */
    struct session_entry *entries; /* a ring; entry_capacity is a power of two, or 0 */
    size_t entry_capacity;
    uint64_t first;             /* tickets: the next to be replied to, ... */
    uint64_t next;              /* ... to be issued, ... */
    uint64_t end;               /* ... to be given to a line */
    unsigned whatsat_count;     /* issued and not yet replied to */
    size_t places_held;         /* bytes of the answers that wait for their turn */
    bool has_progressed;        /* a server answered a command since the last look ... */
    struct instant progress_at; /* ... which was now, as far as session_peek knows */
    bool is_ended;
    struct buffer output;
};

/* Uses no memory of its own until it is fed. `limits` is borrowed until session_clear. */
void session_init(struct session *session, const struct session_limits *limits);

/* Frees everything; the session can only be initialised again. */
void session_clear(struct session *session);

/* Frees the memory that an idle session does not need; costs little when there is nothing to free.
 */
void session_trim(struct session *session);

/* Whether it never had more than a few commands at once since it was trimmed: then to trim it costs
 * less than to keep its memory. */
bool session_is_small(const struct session *session);

/* ---- Input ---- */

/* How many bytes session_feed takes now; 0: the client is not to be read. */
size_t session_room(const struct session *session);

/* Takes bytes of the client, at most session_room(). STATUS_NO_MEMORY. */
enum status session_feed(struct session *session, struct slice bytes) MUST_USE;

/* No more bytes will come; what is left counts as a last line. */
void session_end_input(struct session *session);

/* No more bytes will be taken; what is not a line yet is dropped. */
void session_cut_input(struct session *session);

/*
 * Reads the next line into a command (or, if it is invalid, into a finished answer). False: no
 * whole line is left, or too many wait. *ret_line is borrowed until the next call of anything.
 */
bool session_read(struct session *session, struct instant now, struct slice *ret_line);

/* ---- Commands and their answers ---- */

struct session_command {
    uint64_t ticket;
    struct instant read_at; /* or later: when a server had answered the one before it */
    struct command command; /* IAMAT or WHATSAT; slices borrowed until the next call of anything */
};

/* The next command, in order, that can be worked on. False: none, or too many WHATSATs are. */
bool session_peek(struct session *session, struct instant now, struct session_command *ret_command);

/* Makes the peeked command issued: exactly one answer to its ticket must follow. */
void session_issue(struct session *session);

/* The id of an issued command that has no answer yet; borrowed until the next call of anything. */
struct slice session_id_of(const struct session *session, uint64_t ticket);

/* IAMAT was taken by `server` (borrowed until the reply) at `received_ns`. */
void session_answer_accepted(
    struct session *session, uint64_t ticket, struct slice server, int64_t received_ns);

/* WHATSAT: both are copied; neither has a line end. Without memory for it, it counts as rejected.
 */
void session_answer_places(
    struct session *session, uint64_t ticket, struct slice at_line, struct slice json);

/* Either: `? ` and the line, because a server said no, or because none said anything in time. */
void session_answer_rejected(struct session *session, uint64_t ticket);
void session_answer_expired(struct session *session, uint64_t ticket);

/* ---- Output ---- */

enum session_result {
    SESSION_REPLIED,
    SESSION_WAITS,     /* the next reply is not due, or the output is full */
    SESSION_NO_MEMORY, /* the client cannot be served any more */
};

struct session_reply {
    struct slice line;    /* without line end; borrowed until the next call of anything */
    size_t places_length; /* bytes of JSON behind it */
};

/* Appends the next reply to the output, if its turn has come. */
enum session_result session_reply(struct session *session, struct session_reply *ret_reply);

/* Swaps the output with `spare`, which must be empty (buffer_with_max(0) will do). */
void session_take_output(struct session *session, struct buffer *spare);

size_t session_output_length(const struct session *session);

/* How many bytes it holds: what is owed for, answers that wait for their turn, what is not read
 * yet, and what is ready to be sent. */
size_t session_held(const struct session *session);

/* The input has ended, everything is replied to and all output was taken. */
bool session_is_finished(const struct session *session);

#endif
