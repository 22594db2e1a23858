/*
 * A bounded queue that hands ownership between threads.
 *
 * Thread: any thread may post; any thread may wait or take (several may: each mail goes to one).
 * Limits: mailbox_post is refused while `max` mails or more lie in it; urgent mails are bounded by
 *         their posters.
 */
#ifndef COMMON_MAILBOX_H
#define COMMON_MAILBOX_H

#include "common/instant.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>

struct mailbox;

/*
 * What happened, to whom. The poster embeds a mail in a struct of its own or allocates it; whoever
 * takes the mail owns it until it calls mail_release.
 */
struct mail {
    struct mail *next;  /* the mailbox's own while the mail lies in it */
    int kind;           /* enum mail_kind below */
    void *source;       /* the lane, server, link ... it is about: given by the one who opened it */
    uint64_t token;     /* a number to be given back, e.g. with the answer to a request */
    struct slice bytes; /* the message; borrowed until the mail is released */
    enum status status; /* why, for failures */
    void (*release)(struct mail *mail); /* gives it back to its poster; NULL: nothing to do */
};

/* Everything that is ever posted in this project, in one place. */
enum mail_kind {
    MAIL_STOP,           /* a signal asks the process to stop */
    MAIL_RELOAD,         /* a signal asks it to read its topology again */
    MAIL_LANE_CONNECTED, /* source: lane */
    MAIL_LANE_LOST,      /* source: lane; an outstanding request has failed before */
    MAIL_LANE_RESPONSE,  /* source: lane; bytes: the response */
    MAIL_LANE_FAILED,    /* source: lane; status: why the outstanding request has no response */
    MAIL_REQUEST,        /* source: lane_server; token: to respond with; bytes: the request */
    MAIL_LINK_CONNECTED, /* source: bus_link */
    MAIL_LINK_LOST,      /* source: bus_link */
    MAIL_GOSSIP,         /* source: bus_inlet; bytes: the message of some neighbour */
    MAIL_ADMIN_QUESTION, /* source: admin_question, to be answered with admin_answer */
    MAIL_LOOKUP, /* a look-up, to a thread of a places worker and back; source: struct lookup */
};

void mail_release(struct mail *mail);

/* STATUS_NO_MEMORY. */
enum status mailbox_create(size_t max, struct mailbox **ret_mailbox) MUST_USE;

/* Releases the mails that still lie in it; NULL is allowed. Nobody may use it any more. */
void mailbox_destroy(struct mailbox *mailbox);

/* A hook that is called, outside the lock, after a mail arrived in an empty mailbox (to wake a
 * foreign loop). */
void mailbox_set_wake(struct mailbox *mailbox, void (*wake)(void *context), void *context);

/* The mail's ownership moves into the mailbox. STATUS_FULL, STATUS_CLOSED: it stays with the
 * caller. */
enum status mailbox_post(struct mailbox *mailbox, struct mail *mail) MUST_USE;

/* Posts above the limit: for events whose number their poster bounds (one per socket, per request
 * slot). */
void mailbox_post_urgent(struct mailbox *mailbox, struct mail *mail);

/* Whether a post would now be refused; a poster that was refused looks again after a mail was
 * released. */
bool mailbox_is_full(struct mailbox *mailbox);

/*
 * All mails, oldest first, as a list linked by `next`; the caller owns them. NULL when `deadline`
 * passes first; a deadline in the past only looks.
 */
struct mail *mailbox_wait(struct mailbox *mailbox, struct instant deadline);

/* The oldest mail alone, for a pool of threads. NULL when `deadline` passes first or the mailbox is
 * closed. */
struct mail *mailbox_wait_one(struct mailbox *mailbox, struct instant deadline);

/*
 * For the end of a pool: posts are refused from now on (urgent ones are not), everybody who waits
 * for one is woken, and later waits for one return NULL as soon as the mailbox is empty.
 * mailbox_wait goes on as before.
 */
void mailbox_close(struct mailbox *mailbox);

#endif
