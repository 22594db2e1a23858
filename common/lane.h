/*
 * Requests and responses between processes: NNG's REQ/REP used strictly alternating, one request in
 * flight per lane, because anything else can wedge for good when a peer dies (README.md, "NNG").
 *
 * Owns:   its sockets. NNG's threads only post mails.
 * Thread: a lane is used by the one thread that takes its mails; any thread may respond. Close
 *         before the mailbox is destroyed. Mails that lie in it when their lane or server is closed
 *         stay valid until they are released, and no more come.
 * Limits: messages up to the size given at open. Those that NNG 1.5 cannot write at once are not
 *         quite safe: a peer that dies in the middle of 1 MiB wedges it about once in 300 times;
 *         256 KiB and less never did (tests/soak).
 */
#ifndef COMMON_LANE_H
#define COMMON_LANE_H

#include "common/mailbox.h"
#include "common/slice.h"
#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

/* ---- The asking side ---- */

struct lane;

/*
 * Dials `url` (tcp://HOST:PORT) and keeps dialling, at intervals of up to 100 ms. Posts mails to
 * `mailbox` with `source` = `owner` and `token` = `index`: by turns MAIL_LANE_CONNECTED and
 * MAIL_LANE_LOST, and for each request exactly one of MAIL_LANE_RESPONSE and MAIL_LANE_FAILED.
 *
 * A request that fails because its connection is lost has its MAIL_LANE_FAILED before the
 * MAIL_LANE_LOST; a connection that comes and goes while its owner has not yet released the news
 * before may go untold.
 *
 * Of a response larger than `response_max` nothing is read, and the connection is dropped.
 * The url is copied.
 * STATUS_MALFORMED (url), STATUS_NO_MEMORY, STATUS_IO (e.g. no file descriptor left).
 */
enum status lane_open(const char *url,
    size_t response_max,
    struct mailbox *mailbox,
    void *owner,
    uint64_t index,
    struct lane **ret_lane) MUST_USE;

/*
 * Copies `request` and sends it. No request may be outstanding, that is, the mail of the one before
 * was taken: a programmer's error. If it fails, the status of its MAIL_LANE_FAILED is
 * STATUS_DISCONNECTED: there is no connection, or it was lost before the response came;
 * STATUS_TIMED_OUT:    lane_cancel;
 * STATUS_NO_MEMORY:    nothing was sent.
 */
void lane_send(struct lane *lane, struct slice request);

/*
 * Gives up the outstanding request, if there is one: unless the owner has taken its mail already,
 * that is MAIL_LANE_FAILED with STATUS_TIMED_OUT.
 *
 * A peer that is slow or stopped is asked nothing more until it has answered: where the response
 * is not there yet, MAIL_LANE_LOST comes first, and MAIL_LANE_CONNECTED when the late response has
 * come and was dropped, or the peer was dialled anew. So it is never taken for another's.
 */
void lane_cancel(struct lane *lane);

/*
 * Throws the connection away and dials anew, for a lane that stays lost: the network may have
 * swallowed what would end the wait. An outstanding request fails. Does nothing when no new socket
 * is to be had. At most once a second or so.
 */
void lane_redial(struct lane *lane);

/* Closes; leaves NNG's part behind when NNG does not return in time. NULL is allowed. */
void lane_close(struct lane *lane);

/* ---- The answering side ---- */

struct lane_server;

enum { LANE_SLOTS_MAX = 65535 };

/*
 * Listens on `url` and takes up to `slots` requests at once, posting each as MAIL_REQUEST with
 * `source` = the server. The bytes of a request are valid until its mail is released; its slot
 * takes the next one after both mail_release and lane_server_respond. Whoever sends more than
 * `request_max` bytes is disconnected.
 * STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_MALFORMED, STATUS_NO_MEMORY, STATUS_IO.
 */
enum status lane_server_open(const char *url,
    size_t request_max,
    unsigned slots,
    struct mailbox *mailbox,
    struct lane_server **ret_server) MUST_USE;

/*
 * Copies `response` and sends it to whoever sent the request with this token; once per request.
 * Harmless when the asker has gone. Sends nothing when there is no memory; the asker's deadline
 * covers that.
 */
void lane_server_respond(struct lane_server *server, uint64_t token, struct slice response);

/* As lane_close; no lane_server_respond may follow. */
void lane_server_close(struct lane_server *server);

#endif
