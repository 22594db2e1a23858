/*
 * Signals as mail: blocked in every thread, and turned into MAIL_STOP and MAIL_RELOAD by one
 * waiting thread.
 *
 * Thread: signals_block before any other thread is made; the rest by the owner of the process.
 */
#ifndef COMMON_SIGNALS_H
#define COMMON_SIGNALS_H

#include "common/mailbox.h"

struct signals;

/* Blocks SIGTERM, SIGINT and SIGHUP for this and all later threads, and ignores SIGPIPE and
 * SIGXFSZ: they are errors of a write. */
void signals_block(void);

/*
 * Starts the waiting thread. The first SIGTERM or SIGINT posts MAIL_STOP; a second one ends the
 * process at once, with exit status 128 + its number. SIGHUP posts MAIL_RELOAD; those that come
 * before that mail is released post one more, then. STATUS_NO_MEMORY.
 */
enum status signals_start(struct mailbox *mailbox, struct signals **ret_signals) MUST_USE;

/* Ends the thread; to be called before mailbox_destroy. A mail that it posted stays valid. NULL is
 * allowed. */
void signals_stop(struct signals *signals);

#endif
