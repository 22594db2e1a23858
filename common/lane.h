/*
 * Requests and responses between processes: NNG's REQ/REP used strictly alternating, one request in flight per lane,
 * because anything else can wedge for good when a peer dies (README.md, "NNG").
 *
 * Owns:   its sockets. NNG's threads only post mails; all calls come from the thread(s) that own the mailbox.
 */
#ifndef COMMON_LANE_H
#define COMMON_LANE_H

#include "common/mailbox.h"
#include "common/slice.h"
#include "common/status.h"

/* ---- The asking side ---- */

struct lane;

/*
 * Dials `url` (tcp://HOST:PORT) and keeps dialling, at intervals of 5 to 250 ms. Posts to `mailbox`, with `source` =
 * `owner` and `token` = `index`: MAIL_LANE_CONNECTED, MAIL_LANE_LOST, and for each request exactly one of
 * MAIL_LANE_RESPONSE or MAIL_LANE_FAILED (STATUS_DISCONNECTED).
 * response_max: larger responses are refused by the transport. url is copied.
 * STATUS_MALFORMED (url), STATUS_NO_MEMORY.
 */
enum status lane_open(const char *url,
    size_t response_max,
    struct mailbox *mailbox,
    void *owner,
    uint64_t index,
    struct lane **ret_lane) MUST_USE;

/* Copies `request` and sends it. No request may be outstanding: a programmer's error. */
void lane_send(struct lane *lane, struct slice request);

/* Gives up the outstanding request, if there is one: its mail, if any still comes, is MAIL_LANE_FAILED with
 * STATUS_TIMED_OUT. The lane can be used again after that mail. */
void lane_cancel(struct lane *lane);

/* Closes; may leave NNG's part behind when NNG does not return in time. NULL is allowed. */
void lane_close(struct lane *lane);

/* ---- The answering side ---- */

struct lane_server;

/*
 * Listens on `url` and takes up to `slots` requests at once, posting each as MAIL_REQUEST with `source` = the server.
 * The bytes of a request are valid until its mail is released; the slot is free again after lane_server_respond.
 * STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_MALFORMED, STATUS_NO_MEMORY.
 */
enum status lane_server_open(const char *url,
    size_t request_max,
    unsigned slots,
    struct mailbox *mailbox,
    struct lane_server **ret_server) MUST_USE;

/* Copies `response` and sends it to whoever sent the request with this token; once per request. */
void lane_server_respond(struct lane_server *server, uint64_t token, struct slice response);

void lane_server_close(struct lane_server *server);

#endif
