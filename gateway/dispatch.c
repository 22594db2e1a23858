/* Lanes, what waits at them, and who waits for it. */
#include "gateway/dispatch.h"

#include "common/message_codec.h"
#include "gateway/batch.h"
#include "gateway/crowd.h"

#include <assert.h>
#include <stdlib.h>

enum {
    SPARE_BATCHES_MAX = 64,               /* kept for use again */
    EXPIRED_MAX = MESSAGE_OPERATIONS_MAX, /* per tick; more follow in the next one, at once */
};

enum lane_state { LANE_WAITING, LANE_GREETING, LANE_READY, LANE_BUSY, LANE_CANCELLED };

struct lane {
    enum lane_state state;
    bool is_connected;
    int redial_ms;         /* how long to wait for a connection before the next redial */
    struct instant alarm;  /* WAITING: when to greet or redial; GREETING, BUSY: when to cancel */
    struct instant due;    /* READY: nothing is sent before, unless a batch is full */
    struct buffer message; /* the request that is out */
    struct batch *first;   /* oldest first; the first one is out while BUSY */
    struct batch *last;
    size_t batch_count;
};

struct node {
    size_t lanes_usable;
    uint64_t batches;
    uint64_t operations;
    uint64_t failures;
};

struct client {
    uint32_t generation;
    uint32_t out;       /* operations that are not answered yet by a node, for good */
    uint32_t repeating; /* of them, those that will be asked again */
    uint32_t route;     /* the lane for its commands, as of `epoch` */
    uint32_t epoch;
    int home;
    int64_t seen_in;      /* by the crowd */
    uint64_t number;      /* counts clients, to spread them */
    uint64_t accept_next; /* the ticket after that of its last IAMAT */
};

/* An id that was unknown, and is about to be asked for again. */
struct repeat {
    struct repeat *next;
    struct instant due;
    struct batch_operation operation;
    size_t length;
    char encoded[];
};

struct dispatch {
    struct dispatch_settings settings;
    size_t lane_count;
    struct lane
        *lanes; /* and one more, which never sends: its batches wait for a node to come up */
    struct node *nodes;
    size_t nodes_up;
    struct client *clients;
    uint64_t clients_opened;
    struct crowd crowd;
    struct repeat *repeats;
    size_t repeat_count;
    int64_t lane_deadline_ms;
    uint32_t epoch; /* changes with the set of usable lanes */
    struct batch *spare;
    size_t spare_count;
    size_t batch_count; /* in use */
    uint64_t room_count;
    bool is_hurried; /* a tick left something to do */
    uint64_t moved_batches;
    uint64_t rejected[3];
    struct response response;
    size_t effect_max;
    size_t effect_count;
    size_t effect_taken;
    struct dispatch_effect effects[];
};

/* The lane that never sends. */
static struct lane *homeless(struct dispatch *dispatch)
{
    return &dispatch->lanes[dispatch->lane_count];
}

/* What a silent node leaves of the time for an answer must do for another one. */
static int64_t lane_deadline_ms(const struct dispatch_settings *settings)
{
    const int64_t half = settings->answer_within_ms / 2;
    return half < DISPATCH_LANE_DEADLINE_MS_MAX ? half : DISPATCH_LANE_DEADLINE_MS_MAX;
}

enum status dispatch_create(
    const struct dispatch_settings *settings, struct dispatch **ret_dispatch)
{
    assert(settings->node_count > 0 && settings->lanes_per_node > 0);
    const size_t lane_count = settings->node_count * settings->lanes_per_node;
    /* Of one event: an answer to each operation of a response or expiry, and a few per lane. */
    const size_t effect_max = (2 * (size_t)MESSAGE_OPERATIONS_MAX) + (8 * (lane_count + 1));
    struct dispatch *dispatch =
        calloc(1, sizeof *dispatch + effect_max * sizeof dispatch->effects[0]);
    if (dispatch == NULL) {
        return STATUS_NO_MEMORY;
    }
    dispatch->settings = *settings;
    dispatch->lane_count = lane_count;
    dispatch->effect_max = effect_max;
    dispatch->epoch = 1;
    dispatch->lane_deadline_ms = lane_deadline_ms(settings);
    dispatch->nodes = calloc(settings->node_count, sizeof *dispatch->nodes);
    dispatch->clients = calloc(settings->clients_max, sizeof *dispatch->clients);
    dispatch->lanes = calloc(lane_count + 1, sizeof *dispatch->lanes);
    if (dispatch->nodes == NULL || dispatch->clients == NULL || dispatch->lanes == NULL) {
        dispatch_destroy(dispatch);
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i <= lane_count; i++) {
        struct lane *lane = &dispatch->lanes[i];
        lane->message = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
        lane->redial_ms = DISPATCH_REDIAL_MS_MIN;
        lane->alarm = instant_after_ms(settings->now, lane->redial_ms);
    }
    homeless(dispatch)->alarm = INSTANT_NEVER;
    *ret_dispatch = dispatch;
    return STATUS_OK;
}

static void destroy_batches(struct batch *batch)
{
    while (batch != NULL) {
        struct batch *next = batch->next;
        batch_destroy(batch);
        batch = next;
    }
}

void dispatch_destroy(struct dispatch *dispatch)
{
    if (dispatch == NULL) {
        return;
    }
    for (size_t i = 0; dispatch->lanes != NULL && i <= dispatch->lane_count; i++) {
        buffer_clear(&dispatch->lanes[i].message);
        destroy_batches(dispatch->lanes[i].first);
    }
    destroy_batches(dispatch->spare);
    while (dispatch->repeats != NULL) {
        struct repeat *repeat = dispatch->repeats;
        dispatch->repeats = repeat->next;
        free(repeat);
    }
    free(dispatch->lanes);
    free(dispatch->clients);
    free(dispatch->nodes);
    free(dispatch);
}

/* ---- Effects ---- */

static struct dispatch_effect *add_effect(struct dispatch *dispatch, enum dispatch_effect_kind kind)
{
    assert(dispatch->effect_count < dispatch->effect_max);
    struct dispatch_effect *effect = &dispatch->effects[dispatch->effect_count++];
    *effect = (struct dispatch_effect){.kind = kind};
    return effect;
}

static void add_lane_effect(struct dispatch *dispatch,
    enum dispatch_effect_kind kind,
    const struct lane *lane,
    const char *fault)
{
    struct dispatch_effect *effect = add_effect(dispatch, kind);
    effect->lane = (size_t)(lane - dispatch->lanes);
    effect->node = effect->lane / dispatch->settings.lanes_per_node;
    effect->fault = fault;
}

static void begin_event(struct dispatch *dispatch)
{
    assert(dispatch->effect_taken == dispatch->effect_count);
    dispatch->effect_taken = dispatch->effect_count = 0;
}

const struct dispatch_effect *dispatch_next_effect(struct dispatch *dispatch)
{
    if (dispatch->effect_taken == dispatch->effect_count) {
        return NULL;
    }
    return &dispatch->effects[dispatch->effect_taken++];
}

/* ---- Clients ---- */

uint32_t dispatch_client_opened(struct dispatch *dispatch, uint32_t client, int home)
{
    assert(client < dispatch->settings.clients_max);
    assert(home < (int)dispatch->settings.node_count);
    const uint32_t generation = dispatch->clients[client].generation + 1;
    dispatch->clients[client] = (struct client){
        .generation = generation, .home = home, .number = dispatch->clients_opened++};
    return generation;
}

void dispatch_client_closed(struct dispatch *dispatch, uint32_t client)
{
    dispatch->clients[client].generation++;
}

/* The client whose operation is done with; false: it is gone. */
static bool settle(struct dispatch *dispatch, struct origin origin)
{
    struct client *client = &dispatch->clients[origin.client];
    if (client->generation != origin.generation) {
        return false;
    }
    client->out--;
    return true;
}

static void reject(struct dispatch *dispatch, struct origin origin, enum dispatch_cause cause)
{
    struct dispatch_effect *effect = add_effect(dispatch, DISPATCH_REJECTED);
    effect->origin = origin;
    effect->cause = cause;
    dispatch->rejected[cause]++;
}

/* ---- Batches ---- */

static struct batch *take_batch(struct dispatch *dispatch)
{
    struct batch *batch = dispatch->spare;
    if (dispatch->batch_count == DISPATCH_BATCHES_MAX) {
        return NULL;
    }
    if (batch != NULL) {
        dispatch->spare = batch->next;
        dispatch->spare_count--;
        batch_reset(batch);
    } else {
        batch = batch_create();
    }
    dispatch->batch_count += batch != NULL;
    return batch;
}

static void give_back_batch(struct dispatch *dispatch, struct batch *batch)
{
    dispatch->batch_count--;
    dispatch->room_count++;
    if (dispatch->spare_count == SPARE_BATCHES_MAX) {
        batch_destroy(batch);
        return;
    }
    batch->next = dispatch->spare;
    dispatch->spare = batch;
    dispatch->spare_count++;
}

static void append_batch(struct lane *lane, struct batch *batch)
{
    batch->next = NULL;
    if (lane->last == NULL) {
        lane->first = batch;
    } else {
        lane->last->next = batch;
    }
    lane->last = batch;
    lane->batch_count++;
}

static void remove_first_batch(struct dispatch *dispatch, struct lane *lane)
{
    struct batch *batch = lane->first;
    lane->first = batch->next;
    if (lane->first == NULL) {
        lane->last = NULL;
    }
    lane->batch_count--;
    give_back_batch(dispatch, batch);
}

/* Clients go with their batches, so that what they send next cannot overtake them. */
static void reroute_clients(struct dispatch *dispatch, const struct batch *batch, uint32_t lane)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct origin origin = batch->operations[i].origin;
        struct client *client = &dispatch->clients[origin.client];
        if (client->generation == origin.generation && !batch->operations[i].is_expired) {
            client->route = lane;
        }
    }
}

static void move_batches(struct dispatch *dispatch, struct lane *to, struct lane *from)
{
    if (from->first == NULL) {
        return;
    }
    for (const struct batch *batch = from->first; batch != NULL; batch = batch->next) {
        reroute_clients(dispatch, batch, (uint32_t)(to - dispatch->lanes));
    }
    if (to->last == NULL) {
        to->first = from->first;
    } else {
        to->last->next = from->first;
    }
    to->last = from->last;
    to->batch_count += from->batch_count;
    from->first = from->last = NULL;
    from->batch_count = 0;
    dispatch->room_count++;
}

/* ---- Lanes ---- */

static size_t node_of(const struct dispatch *dispatch, const struct lane *lane)
{
    return (size_t)(lane - dispatch->lanes) / dispatch->settings.lanes_per_node;
}

static bool is_usable(enum lane_state state)
{
    return state == LANE_READY || state == LANE_BUSY;
}

/* Every change of a lane's state, and what it means for its node. `fault`: why it is left. */
static void move_lane(
    struct dispatch *dispatch, struct lane *lane, enum lane_state to, const char *fault)
{
    static const unsigned allowed[] = {
        [LANE_WAITING] = 1U << LANE_GREETING,
        [LANE_GREETING] = 1U << LANE_READY | 1U << LANE_WAITING | 1U << LANE_CANCELLED,
        [LANE_READY] = 1U << LANE_BUSY | 1U << LANE_WAITING,
        [LANE_BUSY] = 1U << LANE_READY | 1U << LANE_WAITING | 1U << LANE_CANCELLED,
        [LANE_CANCELLED] = 1U << LANE_WAITING,
    };
    assert((allowed[lane->state] & 1U << to) != 0);
    const bool was_usable = is_usable(lane->state);
    lane->state = to;
    lane->alarm = INSTANT_NEVER;
    if (is_usable(to) == was_usable) {
        return;
    }
    dispatch->epoch++;
    struct node *node = &dispatch->nodes[node_of(dispatch, lane)];
    if (!was_usable && node->lanes_usable++ == 0) {
        dispatch->nodes_up++;
        add_lane_effect(dispatch, DISPATCH_NODE_UP, lane, NULL);
    }
    if (was_usable && --node->lanes_usable == 0) {
        dispatch->nodes_up--;
        add_lane_effect(dispatch, DISPATCH_NODE_DOWN, lane, fault);
    }
}

/* The lane of a node that is up which is nearest to its lane number `wanted`. */
static size_t usable_lane(const struct dispatch *dispatch, size_t node, size_t wanted)
{
    const size_t count = dispatch->settings.lanes_per_node;
    size_t lane = node * count + wanted % count;
    while (!is_usable(dispatch->lanes[lane].state)) {
        lane = lane + 1 == (node + 1) * count ? node * count : lane + 1;
    }
    return lane;
}

static size_t nth_node_up(const struct dispatch *dispatch, size_t n)
{
    size_t node = 0;
    for (;; node++) {
        if (dispatch->nodes[node].lanes_usable > 0 && n-- == 0) {
            return node;
        }
    }
}

/* The lane that a client's next command should take. */
static size_t route(const struct dispatch *dispatch, const struct client *client)
{
    if (client->home >= 0 && dispatch->nodes[client->home].lanes_usable > 0) {
        return usable_lane(dispatch, (size_t)client->home, client->number);
    }
    if (dispatch->nodes_up == 0) {
        return dispatch->lane_count;
    }
    const size_t node = nth_node_up(dispatch, client->number % dispatch->nodes_up);
    return usable_lane(dispatch, node, client->number / dispatch->nodes_up);
}

/* The lane for what a lane that failed has left behind. */
static struct lane *refuge(struct dispatch *dispatch, const struct lane *lane)
{
    const size_t node_count = dispatch->settings.node_count;
    const size_t own = node_of(dispatch, lane);
    const size_t number = (size_t)(lane - dispatch->lanes) % dispatch->settings.lanes_per_node;
    for (size_t step = 1; step <= node_count; step++) { /* its own node, by another lane, last */
        const size_t node = (own + step) % node_count;
        if (dispatch->nodes[node].lanes_usable > 0) {
            return &dispatch->lanes[usable_lane(dispatch, node, number)];
        }
    }
    return homeless(dispatch);
}

static void greet(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    const struct dispatch_settings *settings = &dispatch->settings;
    buffer_reset(&lane->message);
    if (request_begin(&lane->message, settings->herd, settings->servers[node_of(dispatch, lane)]) !=
        STATUS_OK) {
        lane->alarm = instant_after_ms(now, DISPATCH_GREET_EVERY_MS); /* no memory: another time */
        return;
    }
    move_lane(dispatch, lane, LANE_GREETING, NULL);
    lane->alarm = instant_after_ms(now, dispatch->lane_deadline_ms);
    add_lane_effect(dispatch, DISPATCH_SEND, lane, NULL);
    dispatch->effects[dispatch->effect_count - 1].bytes = buffer_slice(&lane->message);
}

/* From one request on a lane to the next. Where there are no more clients than lanes, nobody would
 * wait for company. */
static int64_t distance_us(const struct dispatch *dispatch, struct instant now)
{
    const size_t clients = crowd_size(&dispatch->crowd, now);
    if (clients <= dispatch->lane_count) {
        return 0;
    }
    const int64_t us = (int64_t)(clients - dispatch->lane_count) * DISPATCH_DISTANCE_US_PER_CLIENT;
    return us < DISPATCH_DISTANCE_US_MAX ? us : DISPATCH_DISTANCE_US_MAX;
}

/* Whether what waits at a READY lane is to leave now: what costs is the request, not the command.
 */
static bool is_due(const struct lane *lane, struct instant now)
{
    const bool is_full = lane->first != lane->last;
    return lane->first != NULL && (is_full || !instant_is_before(now, lane->due));
}

/* Sends the first batch of a lane that is READY and has one with operations left, if it is due. */
static void send_next(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    const struct dispatch_settings *settings = &dispatch->settings;
    while (is_due(lane, now)) {
        if (batch_encode(lane->first,
                settings->herd,
                settings->servers[node_of(dispatch, lane)],
                &lane->message) != STATUS_OK) {
            return; /* no memory: another time */
        }
        if (lane->first->count > 0) {
            move_lane(dispatch, lane, LANE_BUSY, NULL);
            lane->alarm = instant_after_ms(now, dispatch->lane_deadline_ms);
            lane->due = instant_after_us(now, distance_us(dispatch, now));
            add_lane_effect(dispatch, DISPATCH_SEND, lane, NULL);
            dispatch->effects[dispatch->effect_count - 1].bytes = buffer_slice(&lane->message);
            return;
        }
        remove_first_batch(dispatch, lane);
    }
}

/* A lane is not usable any more: its batches go on elsewhere. */
static void leave_lane(struct dispatch *dispatch,
    struct instant now,
    struct lane *lane,
    enum lane_state to,
    const char *fault)
{
    move_lane(dispatch, lane, to, fault);
    if (to == LANE_WAITING) {
        lane->alarm =
            instant_after_ms(now, lane->is_connected ? DISPATCH_GREET_EVERY_MS : lane->redial_ms);
    }
    if (lane->first == NULL) {
        return;
    }
    struct lane *other = refuge(dispatch, lane);
    dispatch->moved_batches += lane->batch_count;
    move_batches(dispatch, other, lane);
    if (other->state == LANE_READY) {
        send_next(dispatch, now, other);
    }
}

static void fail_lane(struct dispatch *dispatch,
    struct instant now,
    struct lane *lane,
    enum lane_state to,
    const char *fault)
{
    dispatch->nodes[node_of(dispatch, lane)].failures++;
    add_lane_effect(dispatch, DISPATCH_FAULT, lane, fault);
    leave_lane(dispatch, now, lane, to, fault);
}

static void enter_service(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    move_lane(dispatch, lane, LANE_READY, NULL);
    lane->redial_ms = DISPATCH_REDIAL_MS_MIN;
    move_batches(dispatch, lane, homeless(dispatch));
    send_next(dispatch, now, lane);
}

/* ---- Commands ---- */

/* The batch at a lane that takes more: NULL where the last one is out, or there is none. */
static struct batch *gathering_batch(const struct lane *lane)
{
    const bool is_last_out = lane->state == LANE_BUSY && lane->last == lane->first;
    return is_last_out ? NULL : lane->last;
}

/* A new batch for a lane, not yet in its list; NULL: there is no room. */
static struct batch *new_batch(struct dispatch *dispatch, const struct lane *lane)
{
    return lane->batch_count < DISPATCH_LANE_BATCHES_MAX ? take_batch(dispatch) : NULL;
}

static bool gather(struct dispatch *dispatch,
    struct lane *lane,
    const struct command *command,
    struct origin origin,
    struct instant deadline)
{
    struct batch *batch = gathering_batch(lane);
    if (batch != NULL && batch_add(batch, command, origin, deadline)) {
        return true;
    }
    batch = new_batch(dispatch, lane);
    if (batch == NULL) {
        return false;
    }
    if (!batch_add(batch, command, origin, deadline)) {
        give_back_batch(dispatch, batch);
        return false;
    }
    append_batch(lane, batch);
    return true;
}

enum dispatch_result dispatch_submit(struct dispatch *dispatch,
    struct instant now,
    uint32_t client_index,
    uint64_t ticket,
    struct instant read_at,
    const struct command *command)
{
    begin_event(dispatch);
    struct client *client = &dispatch->clients[client_index];
    const struct origin origin = {
        .client = client_index, .generation = client->generation, .ticket = ticket};
    const struct instant deadline = instant_after_ms(read_at, dispatch->settings.answer_within_ms);
    if (!instant_is_before(now, deadline)) {
        reject(dispatch, origin, DISPATCH_EXPIRED);
        return DISPATCH_TAKEN;
    }
    const bool is_accept = command->kind == COMMAND_IAMAT;
    if (is_accept && client->repeating > 0) {
        return DISPATCH_NOT_YET;
    }
    if (client->epoch != dispatch->epoch) {
        const size_t lane = route(dispatch, client);
        if (client->out > 0 && lane != client->route) {
            return DISPATCH_NOT_YET;
        }
        client->route = (uint32_t)lane;
        client->epoch = dispatch->epoch;
    }
    if (!gather(dispatch, &dispatch->lanes[client->route], command, origin, deadline)) {
        return DISPATCH_NO_ROOM;
    }
    crowd_note(&dispatch->crowd, now, &client->seen_in);
    client->out++;
    if (is_accept) {
        client->accept_next = ticket + 1;
    }
    return DISPATCH_TAKEN;
}

void dispatch_flush(struct dispatch *dispatch, struct instant now)
{
    begin_event(dispatch);
    for (size_t i = 0; i < dispatch->lane_count; i++) {
        struct lane *lane = &dispatch->lanes[i];
        if (lane->state == LANE_READY) {
            send_next(dispatch, now, lane);
        }
    }
}

/* ---- Unknown ids ---- */

/*
 * Whether the operation at `index` will be asked again. Not where an IAMAT of the same client
 * follows it: that may be done by now, and its report would be found.
 */
static bool repeat_later(
    struct dispatch *dispatch, struct instant now, const struct batch *batch, size_t index)
{
    const struct batch_operation *operation = &batch->operations[index];
    struct client *client = &dispatch->clients[operation->origin.client];
    if (operation->repeats == DISPATCH_REPEATS_MAX ||
        dispatch->repeat_count == DISPATCH_REPEATING_MAX ||
        client->generation != operation->origin.generation ||
        client->accept_next > operation->origin.ticket) {
        return false;
    }
    const struct slice encoded = batch_encoded(batch, index);
    struct repeat *repeat = malloc(sizeof *repeat + encoded.length);
    if (repeat == NULL) {
        return false;
    }
    repeat->due = instant_after_ms(now, (int64_t)1 << operation->repeats);
    repeat->operation = *operation;
    repeat->operation.repeats++;
    repeat->length = encoded.length;
    memcpy(repeat->encoded, encoded.data, encoded.length);
    repeat->next = dispatch->repeats;
    dispatch->repeats = repeat;
    dispatch->repeat_count++;
    client->repeating++;
    return true;
}

static bool gather_again(struct dispatch *dispatch, struct lane *lane, const struct repeat *repeat)
{
    const struct slice encoded = slice_of_bytes(repeat->encoded, repeat->length);
    struct batch *batch = gathering_batch(lane);
    if (batch != NULL && batch_add_again(batch, &repeat->operation, encoded)) {
        return true;
    }
    batch = new_batch(dispatch, lane);
    if (batch == NULL) {
        return false;
    }
    if (!batch_add_again(batch, &repeat->operation, encoded)) {
        give_back_batch(dispatch, batch);
        return false;
    }
    append_batch(lane, batch);
    return true;
}

/* The id goes out again, or is unknown after all. */
static void repeat_now(struct dispatch *dispatch, const struct repeat *repeat)
{
    const struct origin origin = repeat->operation.origin;
    struct client *client = &dispatch->clients[origin.client];
    if (client->generation != origin.generation) {
        return; /* nobody wants to know any more */
    }
    client->repeating--;
    if (!gather_again(dispatch, &dispatch->lanes[route(dispatch, client)], repeat)) {
        client->out--;
        reject(dispatch, origin, DISPATCH_UNKNOWN_ID);
    }
}

static void repeat_what_is_due(struct dispatch *dispatch, struct instant now)
{
    struct repeat **link = &dispatch->repeats;
    while (*link != NULL) {
        struct repeat *repeat = *link;
        if (instant_is_before(now, repeat->due)) {
            link = &repeat->next;
            continue;
        }
        *link = repeat->next;
        dispatch->repeat_count--;
        repeat_now(dispatch, repeat);
        free(repeat);
    }
}

/* ---- Responses ---- */

static bool fits(enum operation_kind kind, enum outcome_kind outcome)
{
    switch (outcome) {
    case OUTCOME_ACCEPTED:
        return kind == OPERATION_ACCEPT;
    case OUTCOME_UNKNOWN:
    case OUTCOME_FOUND:
        return kind == OPERATION_LOCATE;
    case OUTCOME_REFUSED:
        return true;
    }
    return false;
}

/* Why the response cannot be the answer to `batch` (NULL: to a greeting), or NULL. */
static const char *find_fault(const struct dispatch *dispatch,
    const struct lane *lane,
    enum status decoded,
    const struct batch *batch)
{
    const struct response *response = &dispatch->response;
    const size_t count = batch == NULL ? 0 : batch->count;
    if (decoded != STATUS_OK) {
        return decoded == STATUS_UNSUPPORTED_VERSION ? "the response is of another protocol version"
                                                     : "the response is malformed";
    }
    if (!slice_equals(response->herd, dispatch->settings.herd)) {
        return "another herd answered";
    }
    if (!slice_equals(response->server, dispatch->settings.servers[node_of(dispatch, lane)])) {
        return "another server answered";
    }
    if (response->count > count || (response->count == 0 && count > 0)) {
        return "the response has a wrong number of outcomes";
    }
    for (size_t i = 0; i < response->count; i++) {
        if (!fits((enum operation_kind)batch->operations[i].kind, response->outcomes[i].kind)) {
            return "the response does not fit the request";
        }
    }
    return NULL;
}

static void answer(struct dispatch *dispatch,
    struct slice server,
    const struct batch_operation *operation,
    const struct outcome *outcome)
{
    struct dispatch_effect *effect;
    switch (outcome->kind) {
    case OUTCOME_ACCEPTED:
        effect = add_effect(dispatch, DISPATCH_ACCEPTED);
        effect->origin = operation->origin;
        effect->accepted.server = server;
        effect->accepted.received_ns = dispatch->response.received_ns;
        return;
    case OUTCOME_FOUND:
        effect = add_effect(dispatch, DISPATCH_FOUND);
        effect->origin = operation->origin;
        effect->found = (struct dispatch_found){
            .report = &outcome->report,
            .radius_m = operation->radius_m,
            .results_max = operation->results_max,
        };
        return;
    case OUTCOME_UNKNOWN:
        reject(dispatch, operation->origin, DISPATCH_UNKNOWN_ID);
        return;
    case OUTCOME_REFUSED:
        reject(dispatch, operation->origin, DISPATCH_REFUSED);
        return;
    }
}

static void take_outcomes(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    const size_t index = node_of(dispatch, lane);
    struct node *node = &dispatch->nodes[index];
    struct batch *batch = lane->first;
    const size_t count = dispatch->response.count;
    for (size_t i = 0; i < count; i++) {
        const struct batch_operation *operation = &batch->operations[i];
        const struct outcome *outcome = &dispatch->response.outcomes[i];
        if (operation->is_expired ||
            (outcome->kind == OUTCOME_UNKNOWN && repeat_later(dispatch, now, batch, i))) {
            continue;
        }
        if (settle(dispatch, operation->origin)) {
            answer(dispatch, dispatch->settings.servers[index], operation, outcome);
        }
    }
    node->batches++;
    node->operations += count;
    if (count < batch->count) {
        batch_drop_front(batch, count); /* the rest was not done, and is the next to be sent */
    } else {
        remove_first_batch(dispatch, lane);
    }
}

void dispatch_lane_response(
    struct dispatch *dispatch, struct instant now, size_t lane_index, struct slice response)
{
    begin_event(dispatch);
    struct lane *lane = &dispatch->lanes[lane_index];
    if (lane->state == LANE_CANCELLED) { /* late, and its batch is elsewhere: but it is back */
        move_lane(dispatch, lane, LANE_WAITING, NULL);
        greet(dispatch, now, lane);
        return;
    }
    if (lane->state != LANE_GREETING && lane->state != LANE_BUSY) {
        return; /* not asked for */
    }
    const struct batch *batch = lane->state == LANE_BUSY ? lane->first : NULL;
    const enum status decoded = response_decode(response, &dispatch->response);
    const char *fault = find_fault(dispatch, lane, decoded, batch);
    if (fault != NULL) {
        fail_lane(dispatch, now, lane, LANE_WAITING, fault);
        return;
    }
    if (lane->state == LANE_GREETING) {
        enter_service(dispatch, now, lane);
        return;
    }
    take_outcomes(dispatch, now, lane);
    move_lane(dispatch, lane, LANE_READY, NULL);
    send_next(dispatch, now, lane);
}

/* ---- Lanes that come and go ---- */

void dispatch_lane_connected(struct dispatch *dispatch, struct instant now, size_t lane_index)
{
    begin_event(dispatch);
    struct lane *lane = &dispatch->lanes[lane_index];
    lane->is_connected = true;
    if (lane->state == LANE_WAITING) {
        greet(dispatch, now, lane);
    }
}

void dispatch_lane_lost(struct dispatch *dispatch, struct instant now, size_t lane_index)
{
    begin_event(dispatch);
    struct lane *lane = &dispatch->lanes[lane_index];
    lane->is_connected = false;
    if (lane->state == LANE_READY) {
        leave_lane(dispatch, now, lane, LANE_WAITING, status_text(STATUS_DISCONNECTED));
    } else if (lane->state == LANE_WAITING) {
        lane->alarm = instant_after_ms(now, lane->redial_ms);
    }
}

void dispatch_lane_failed(
    struct dispatch *dispatch, struct instant now, size_t lane_index, enum status status)
{
    begin_event(dispatch);
    struct lane *lane = &dispatch->lanes[lane_index];
    switch (lane->state) {
    case LANE_WAITING:
    case LANE_READY:
        return; /* nothing was out */
    case LANE_CANCELLED:
        leave_lane(dispatch, now, lane, LANE_WAITING, NULL);
        return;
    case LANE_GREETING:
    case LANE_BUSY:
        if (status == STATUS_DISCONNECTED) { /* the node went; NODE_DOWN tells it once */
            dispatch->nodes[node_of(dispatch, lane)].failures += lane->state == LANE_BUSY;
            leave_lane(dispatch, now, lane, LANE_WAITING, status_text(status));
        } else {
            fail_lane(dispatch, now, lane, LANE_WAITING, status_text(status));
        }
        return;
    }
}

/* ---- Time ---- */

static void expire_batch(struct dispatch *dispatch, struct instant now, struct batch *batch)
{
    size_t index = 0;
    const struct batch_operation *operation;
    while (dispatch->effect_count < EXPIRED_MAX &&
           (operation = batch_expire(batch, now, &index)) != NULL) {
        if (settle(dispatch, operation->origin)) {
            reject(dispatch, operation->origin, DISPATCH_EXPIRED);
        }
    }
    dispatch->is_hurried = dispatch->is_hurried || dispatch->effect_count >= EXPIRED_MAX;
}

/* Answers what is too late, and drops the batches of which nothing is left and nothing is out. */
static void expire_lane(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    for (struct batch *batch = lane->first; batch != NULL; batch = batch->next) {
        if (!instant_is_before(now, batch->earliest)) {
            expire_batch(dispatch, now, batch);
        }
    }
    while (lane->state != LANE_BUSY && lane->first != NULL &&
           lane->first->expired_count == lane->first->count) {
        remove_first_batch(dispatch, lane);
    }
}

static void redial(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    add_lane_effect(dispatch, DISPATCH_REDIAL, lane, NULL);
    lane->redial_ms = 2 * lane->redial_ms;
    if (lane->redial_ms > DISPATCH_REDIAL_MS_MAX) {
        lane->redial_ms = DISPATCH_REDIAL_MS_MAX;
    }
    lane->alarm = instant_after_ms(now, lane->redial_ms);
}

static void ring_alarm(struct dispatch *dispatch, struct instant now, struct lane *lane)
{
    if (lane->state == LANE_WAITING && lane->is_connected) {
        greet(dispatch, now, lane);
        return;
    }
    if (lane->state == LANE_WAITING) {
        redial(dispatch, now, lane);
        return;
    }
    add_lane_effect(dispatch, DISPATCH_CANCEL, lane, NULL);
    fail_lane(dispatch, now, lane, LANE_CANCELLED, "no response in time");
}

void dispatch_tick(struct dispatch *dispatch, struct instant now)
{
    begin_event(dispatch);
    dispatch->is_hurried = false;
    for (size_t i = 0; i < dispatch->lane_count; i++) {
        if (!instant_is_before(now, dispatch->lanes[i].alarm)) {
            ring_alarm(dispatch, now, &dispatch->lanes[i]);
        }
    }
    repeat_what_is_due(dispatch, now);
    for (size_t i = 0; i <= dispatch->lane_count; i++) {
        expire_lane(dispatch, now, &dispatch->lanes[i]);
    }
}

struct instant dispatch_deadline(const struct dispatch *dispatch)
{
    if (dispatch->is_hurried) {
        return (struct instant){.ns = 0};
    }
    struct instant deadline = INSTANT_NEVER;
    for (size_t i = 0; i <= dispatch->lane_count; i++) {
        const struct lane *lane = &dispatch->lanes[i];
        deadline = instant_earlier(deadline, lane->alarm);
        if (lane->state == LANE_READY && lane->first != NULL) {
            deadline = instant_earlier(deadline, lane->due);
        }
        for (const struct batch *batch = lane->first; batch != NULL; batch = batch->next) {
            deadline = instant_earlier(deadline, batch->earliest);
        }
    }
    for (const struct repeat *repeat = dispatch->repeats; repeat != NULL; repeat = repeat->next) {
        deadline = instant_earlier(deadline, repeat->due);
    }
    return deadline;
}

/* ---- What can be known of it ---- */

uint64_t dispatch_room_count(const struct dispatch *dispatch)
{
    return dispatch->room_count;
}

static size_t operations_at(const struct lane *lane)
{
    size_t count = 0;
    for (const struct batch *batch = lane->first; batch != NULL; batch = batch->next) {
        count += batch->count - batch->expired_count;
    }
    return count;
}

struct dispatch_node_view dispatch_view_node(const struct dispatch *dispatch, size_t node_index)
{
    const struct node *node = &dispatch->nodes[node_index];
    struct dispatch_node_view view = {
        .is_up = node->lanes_usable > 0,
        .lanes_usable = node->lanes_usable,
        .batches = node->batches,
        .operations = node->operations,
        .failures = node->failures,
    };
    for (size_t i = 0; i < dispatch->settings.lanes_per_node; i++) {
        view.operations_waiting +=
            operations_at(&dispatch->lanes[node_index * dispatch->settings.lanes_per_node + i]);
    }
    return view;
}

size_t dispatch_nodes_up(const struct dispatch *dispatch)
{
    return dispatch->nodes_up;
}

struct dispatch_view dispatch_view(const struct dispatch *dispatch)
{
    struct dispatch_view view = {
        .operations_homeless = operations_at(&dispatch->lanes[dispatch->lane_count]),
        .moved_batches = dispatch->moved_batches,
    };
    memcpy(view.rejected, dispatch->rejected, sizeof view.rejected);
    return view;
}
