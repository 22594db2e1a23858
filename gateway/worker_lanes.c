/* A table of lanes, and a list of those whose closing would hold up the loop. */
#include "gateway/worker_lanes.h"

#include "common/bounded_call.h"
#include "common/lane.h"
#include "common/message.h"
#include "gateway/lookups.h"

#include <assert.h>
#include <stdlib.h>

enum { RESPONSE_MAX = MESSAGE_PLACES_MAX + 64 };

/* One that is to be closed. */
struct closing {
    struct closing *next;
    struct lane *lane;
};

struct worker_lanes {
    struct mailbox *mailbox;
    struct closing *closing;
    struct lane *places[LOOKUPS_LANES_MAX]; /* NULL: none is open there */
};

enum status worker_lanes_create(struct mailbox *mailbox, struct worker_lanes **ret_lanes)
{
    struct worker_lanes *lanes = calloc(1, sizeof *lanes);
    if (lanes == NULL) {
        return STATUS_NO_MEMORY;
    }
    lanes->mailbox = mailbox;
    *ret_lanes = lanes;
    return STATUS_OK;
}

static void close_all(void *context)
{
    struct closing *closing = context;
    while (closing != NULL) {
        struct closing *next = closing->next;
        lane_close(closing->lane);
        free(closing);
        closing = next;
    }
}

void worker_lanes_destroy(struct worker_lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    close_all(lanes->closing);
    for (size_t i = 0; i < LOOKUPS_LANES_MAX; i++) {
        lane_close(lanes->places[i]);
    }
    free(lanes);
}

enum status worker_lanes_dial(struct worker_lanes *lanes, uint64_t lane, const char *url)
{
    struct lane **place = &lanes->places[lookups_place_of(lane)];
    if (*place != NULL) {
        lane_redial(*place);
        return STATUS_OK;
    }
    return lane_open(url, RESPONSE_MAX, lanes->mailbox, lanes, lane, place);
}

void worker_lanes_send(struct worker_lanes *lanes, uint64_t lane, struct slice request)
{
    lane_send(lanes->places[lookups_place_of(lane)], request);
}

void worker_lanes_cancel(struct worker_lanes *lanes, uint64_t lane)
{
    lane_cancel(lanes->places[lookups_place_of(lane)]);
}

void worker_lanes_close(struct worker_lanes *lanes, uint64_t lane)
{
    struct lane **place = &lanes->places[lookups_place_of(lane)];
    struct closing *closing = *place == NULL ? NULL : malloc(sizeof *closing);
    if (closing != NULL) {
        *closing = (struct closing){.next = lanes->closing, .lane = *place};
        lanes->closing = closing;
    } else {
        lane_close(*place); /* it was never opened, or there is no memory for anything better */
    }
    *place = NULL;
}

void worker_lanes_let_go(struct worker_lanes *lanes)
{
    struct closing *closing = lanes->closing;
    lanes->closing = NULL;
    if (closing != NULL && !bounded_call_apart(close_all, closing)) {
        close_all(closing);
    }
}
