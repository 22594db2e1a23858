/*
 * A gateway's lanes to places workers, by the numbers that lookups gives them; they come and go
 * while the gateway runs.
 *
 * Owns:   the lanes.
 * Thread: the loop.
 * Limits: LOOKUPS_LANES_MAX.
 */
#ifndef GATEWAY_WORKER_LANES_H
#define GATEWAY_WORKER_LANES_H

#include "common/mailbox.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct worker_lanes;

/* Mails of lanes will have `source` = the worker_lanes and `token` = the lane's number; some may
 * still come after it was closed. STATUS_NO_MEMORY. */
enum status worker_lanes_create(struct mailbox *mailbox, struct worker_lanes **ret_lanes) MUST_USE;

/* Waits for NNG as lane_close does; NULL is allowed. */
void worker_lanes_destroy(struct worker_lanes *lanes);

/* Opens the lane, or dials it anew if it is open. Fails as lane_open does; then it is not open. */
enum status worker_lanes_dial(struct worker_lanes *lanes, uint64_t lane, const char *url) MUST_USE;

/* As lane_send and lane_cancel; it is open. */
void worker_lanes_send(struct worker_lanes *lanes, uint64_t lane, struct slice request);
void worker_lanes_cancel(struct worker_lanes *lanes, uint64_t lane);

/* Gives its place free; worker_lanes_let_go then closes all of those, beside the loop. */
void worker_lanes_close(struct worker_lanes *lanes, uint64_t lane);
void worker_lanes_let_go(struct worker_lanes *lanes);

#endif
