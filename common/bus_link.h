/*
 * One-way gossip links: NNG's BUS used in one direction per socket, because a pipe with traffic both ways can wedge for
 * good when its peer dies (README.md, "NNG"). The sender dials, the receiver listens. Loses messages silently, never
 * blocks: whoever uses it has a protocol that heals.
 *
 * Owns:   its sockets. NNG's threads only post mails; all calls come from the thread that owns the mailbox.
 */
#ifndef COMMON_BUS_LINK_H
#define COMMON_BUS_LINK_H

#include "common/mailbox.h"
#include "common/slice.h"
#include "common/status.h"

/* ---- The sending side: one per neighbour ---- */

struct bus_link;

/*
 * Dials `url` and keeps dialling, at intervals of 5 to 250 ms. Posts MAIL_LINK_CONNECTED and MAIL_LINK_LOST with
 * `source` = `owner` and `token` = `index`. STATUS_MALFORMED (url), STATUS_NO_MEMORY.
 */
enum status bus_link_open(
    const char *url, struct mailbox *mailbox, void *owner, uint64_t index, struct bus_link **ret_link) MUST_USE;

/* Copies `message` and sends it to the neighbour, or drops it when the neighbour is away or slow. */
void bus_link_send(struct bus_link *link, struct slice message);

/* Throws the socket away and dials anew, for a link that says it is connected and yet is not heard. */
void bus_link_redial(struct bus_link *link);

void bus_link_close(struct bus_link *link);

/* ---- The receiving side: one per node ---- */

struct bus_inlet;

/*
 * Listens on `url` and posts each message as MAIL_GOSSIP with `source` = the inlet, in the order of arrival of each
 * neighbour. While `mailbox` is full it stops receiving. bus_inlet_resume() lets it go on after mails were released;
 * call it once per turn of the loop.
 * STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_MALFORMED, STATUS_NO_MEMORY.
 */
enum status bus_inlet_open(
    const char *url, size_t message_max, struct mailbox *mailbox, struct bus_inlet **ret_inlet) MUST_USE;
void bus_inlet_resume(struct bus_inlet *inlet);
void bus_inlet_close(struct bus_inlet *inlet);

#endif
