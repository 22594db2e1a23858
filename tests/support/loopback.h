/* What tests of modules that use the network share: free ports, and mails that must come. */
#ifndef TESTS_SUPPORT_LOOPBACK_H
#define TESTS_SUPPORT_LOOPBACK_H

#include "common/mailbox.h"
#include "common/status.h"

#include <stdint.h>

/* Longer than anything takes that works, sanitizers and a busy machine included. */
enum { LOOPBACK_PATIENCE_MS = 10000 };

/* A TCP port of 127.0.0.1 that nobody uses at the moment. */
uint16_t loopback_free_port(void);

enum { LOOPBACK_URL_SIZE = 32 };

/* tcp://127.0.0.1:PORT with a free port. */
void loopback_free_url(char ret_url[LOOPBACK_URL_SIZE]);

/* A plain TCP connection to 127.0.0.1:port, and a plain listener that never accepts; they abort the
 * test on failure. */
int loopback_connect(uint16_t port);
int loopback_listen(uint16_t port);

/*
 * What the system does to an ordinary user who listens on port 1, where root asks as one until
 * loopback_regain_privileges: STATUS_NOT_PERMITTED, or STATUS_OK where no port is privileged.
 */
enum status loopback_drop_privileges(void);
void loopback_regain_privileges(void);

/* How many descriptors this process has; and the same, which must be no more than so many before
 * long: what is closed apart may take a moment. */
unsigned loopback_descriptors(void);
void loopback_expect_descriptors(unsigned count_max);

/* The next mail, which must be of this kind; fails the test otherwise, or when none comes. The
 * caller releases it. */
struct mail *loopback_expect(struct mailbox *mailbox, enum mail_kind kind);

/* The same, released. */
void loopback_expect_and_release(struct mailbox *mailbox, enum mail_kind kind);

/* Fails the test if a mail comes within a short while. For things that must not happen; never to
 * wait for one. */
void loopback_expect_silence(struct mailbox *mailbox);

#endif
