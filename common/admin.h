/*
 * The admin endpoint of a process: /livez /readyz /metrics /status over HTTP on a loopback address.
 * The only user of libmicrohttpd.
 *
 * A question becomes a mail to the process's own loop and waits for the answer there, so a loop
 * that does not turn shows as a dead process (503 after a second). The connections have threads of
 * their own, so one who waits delays nobody else.
 *
 * Owns:   its socket and threads, and every question until asker, loop and mail have let go of it.
 * Thread: admin_open and admin_close by the owner of the process; admin_answer by the loop.
 * Limits: ADMIN_CONNECTIONS_MAX connections and as many questions; a connection that is idle for
 *         ADMIN_IDLE_SECONDS is closed.
 */
#ifndef COMMON_ADMIN_H
#define COMMON_ADMIN_H

#include "common/mailbox.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>

enum {
    ADMIN_CONNECTIONS_MAX = 64,
    ADMIN_IDLE_SECONDS = 10,
    ADMIN_ANSWER_WITHIN_MS = 1000,
};

struct admin;

/* `address` is IPv4:PORT, e.g. 127.0.0.1:17870; questions are posted as MAIL_ADMIN_QUESTION with
 * `source` = the question. STATUS_MALFORMED, STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED,
 * STATUS_NO_MEMORY, STATUS_IO. */
enum status admin_open(
    const char *address, struct mailbox *mailbox, struct admin **ret_admin) MUST_USE;

/*
 * NULL is allowed; before the mailbox is destroyed. Whoever still waits gets a 503. Mails that lie
 * in the mailbox stay valid until they are released, but their questions may not be answered any
 * more.
 */
void admin_close(struct admin *admin);

enum admin_page {
    ADMIN_LIVEZ, /* the loop turns */
    ADMIN_READYZ,
    ADMIN_METRICS, /* Prometheus text, format 0.0.4 */
    ADMIN_STATUS,  /* JSON */
};

struct admin_question;
enum admin_page admin_question_page(const struct admin_question *question);

/*
 * Answers and thereby gives back the question (its mail is released separately, before or after).
 * 200, or where it is not healthy 503, and the body says why; it is copied. Harmless when the asker
 * did not wait so long. Each question is to be answered, once.
 */
void admin_answer(struct admin_question *question, bool is_healthy, struct slice body);

#endif
