/*
 * One-way gossip links: NNG's BUS used in one direction per socket, because a pipe with traffic
 * both ways can wedge for good when its peer dies (README.md, "NNG"). The sender dials, the
 * receiver listens. Loses messages silently, never blocks: whoever uses it has a protocol that
 * heals.
 *
 * Owns:   its sockets. NNG's threads only post mails.
 * Thread: all calls come from the thread that takes the mails. Close before the mailbox is
 *         destroyed. Mails that lie in it when their link or inlet is closed stay valid until they
 *         are released, and no more come.
 * Limits: NNG's queue for the neighbour (16 messages at least). What finds no room is dropped.
 */
#ifndef COMMON_BUS_LINK_H
#define COMMON_BUS_LINK_H

#include "common/mailbox.h"
#include "common/slice.h"
#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

/* ---- The sending side: one per neighbour ---- */

struct bus_link;

/*
 * Dials `url` and keeps dialling, at intervals of up to 100 ms. Posts by turns MAIL_LINK_CONNECTED
 * and MAIL_LINK_LOST with `source` = `owner` and `token` = `index`; a connection that comes and
 * goes while its owner has not yet released the news before may go untold.
 * STATUS_MALFORMED (url), STATUS_NO_MEMORY, STATUS_IO (e.g. no file descriptor left).
 */
enum status bus_link_open(const char *url,
    struct mailbox *mailbox,
    void *owner,
    uint64_t index,
    struct bus_link **ret_link) MUST_USE;

/* Copies `message` and sends it to the neighbour, or drops it when that one is away or slow. */
void bus_link_send(struct bus_link *link, struct slice message);

/*
 * Throws the socket away and dials anew, for a link that says it is connected and yet is not heard,
 * or that stays lost. Does nothing when no new socket is to be had. At most once a second or so.
 */
void bus_link_redial(struct bus_link *link);

/* Closes; leaves NNG's part behind when NNG does not return in time. NULL is allowed. */
void bus_link_close(struct bus_link *link);

/* ---- The receiving side: one per node ---- */

struct bus_inlet;

/*
 * Listens on `url` and posts each message as MAIL_GOSSIP with `source` = the inlet, in the order of
 * arrival of each neighbour. While `mailbox` is full it stops receiving. bus_inlet_resume() lets it
 * go on after mails were released; call it once per turn of the loop. Whoever sends more than
 * `message_max` bytes is disconnected.
 * STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_MALFORMED, STATUS_NO_MEMORY, STATUS_IO.
 */
enum status bus_inlet_open(const char *url,
    size_t message_max,
    struct mailbox *mailbox,
    struct bus_inlet **ret_inlet) MUST_USE;
void bus_inlet_resume(struct bus_inlet *inlet);

/* As bus_link_close. */
void bus_inlet_close(struct bus_inlet *inlet);

#endif
