/* Does dispatch keep commands in order, on a node that is up, and answer each exactly once? */
#include "common/buffer.h"
#include "common/message_codec.h"
#include "gateway/crowd.h"
#include "gateway/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Nodes A, B, C with two lanes each: A0 A1 B0 B1 C0 C1 are lanes 0 to 5. */
enum {
    NODES = 3,
    LANES_PER_NODE = 2,
    LANES = NODES * LANES_PER_NODE,
    CLIENTS = 8,
    CLIENTS_MAX = 80, /* enough of them for the longest distance between requests */
    ANSWER_WITHIN_MS = 3000,
    HURRIED_ANSWER_WITHIN_MS = 500,
    A0 = 0,
    A1,
    B0,
    B1,
    C0,
    C1,
};

static const struct slice servers[NODES] = {
    {.data = "A", .length = 1}, {.data = "B", .length = 1}, {.data = "C", .length = 1}};

/* A dispatch, the time, and what it did, as text: one word or two per effect. */
static struct {
    struct dispatch *dispatch;
    struct instant now;
    struct buffer trace;
    struct buffer requests[LANES]; /* the last one that was sent on each lane */
    uint64_t tickets[CLIENTS_MAX];
    uint32_t generations[CLIENTS_MAX];
    struct request request; /* scratch */
} scene;

static void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void trace(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 overlooks va_start */
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < sizeof text);
    if (scene.trace.length > 0) {
        assert_int_equal(buffer_append_text(&scene.trace, " "), STATUS_OK);
    }
    assert_int_equal(buffer_append_text(&scene.trace, text), STATUS_OK);
}

static const char *lane_name(size_t lane)
{
    static const char *const names[] = {"A0", "A1", "B0", "B1", "C0", "C1"};
    assert_true(lane < LANES);
    return names[lane];
}

static void trace_send(size_t lane, struct slice bytes)
{
    buffer_reset(&scene.requests[lane]);
    assert_int_equal(buffer_append(&scene.requests[lane], bytes), STATUS_OK);
    assert_int_equal(request_decode(bytes, &scene.request), STATUS_OK);
    assert_true(slice_equals(scene.request.herd, slice_of("herd")));
    assert_true(slice_equals(scene.request.server, servers[lane / LANES_PER_NODE]));
    char ids[200] = "";
    size_t length = 0;
    for (size_t i = 0; i < scene.request.count && i < 16; i++) {
        const struct slice id = scene.request.operations[i].id;
        length += (size_t)snprintf(ids + length,
            sizeof ids - length,
            "%s%.*s",
            i == 0 ? "" : ",",
            (int)id.length,
            id.data);
    }
    trace("%s<%s", lane_name(lane), scene.request.count == 0 ? "hello" : ids);
}

static void trace_effect(const struct dispatch_effect *effect)
{
    static const char *const causes[] = {"unknown", "refused", "expired"};
    const unsigned client = effect->origin.client;
    const unsigned ticket = (unsigned)effect->origin.ticket;
    switch (effect->kind) {
    case DISPATCH_SEND:
        trace_send(effect->lane, effect->bytes);
        break;
    case DISPATCH_CANCEL:
        trace("cancel:%s", lane_name(effect->lane));
        break;
    case DISPATCH_REDIAL:
        trace("redial:%s", lane_name(effect->lane));
        break;
    case DISPATCH_ACCEPTED:
        assert_int_equal(effect->accepted.received_ns, 77);
        trace("%u.%u=%.*s",
            client,
            ticket,
            (int)effect->accepted.server.length,
            effect->accepted.server.data);
        break;
    case DISPATCH_FOUND:
        trace("%u.%u@%.*s",
            client,
            ticket,
            (int)effect->found.report->location.length,
            effect->found.report->location.data);
        break;
    case DISPATCH_REJECTED:
        trace("%u.%u?%s", client, ticket, causes[effect->cause]);
        break;
    case DISPATCH_NODE_UP:
        trace("up:%c", servers[effect->node].data[0]);
        break;
    case DISPATCH_NODE_DOWN:
        assert_non_null(effect->fault);
        trace("down:%c", servers[effect->node].data[0]);
        break;
    case DISPATCH_FAULT:
        assert_non_null(effect->fault);
        trace("fault:%s", lane_name(effect->lane));
        break;
    }
}

static void perform(void)
{
    const struct dispatch_effect *effect;
    while ((effect = dispatch_next_effect(scene.dispatch)) != NULL) {
        trace_effect(effect);
    }
}

/* What happened since the last time. */
static void expect(const char *wanted)
{
    const struct slice actual = buffer_slice(&scene.trace);
    if (!slice_equals(actual, slice_of(wanted))) {
        fail_msg("wanted \"%s\", got \"%.*s\"", wanted, (int)actual.length, actual.data);
    }
    buffer_reset(&scene.trace);
}

static void forget(void)
{
    buffer_reset(&scene.trace);
}

/* ---- Events ---- */

static void wait_ms(int64_t milliseconds)
{
    scene.now = instant_after_ms(scene.now, milliseconds);
    dispatch_tick(scene.dispatch, scene.now);
    perform();
}

static void flush(void)
{
    dispatch_flush(scene.dispatch, scene.now);
    perform();
}

static void connect(size_t lane)
{
    dispatch_lane_connected(scene.dispatch, scene.now, lane);
    perform();
}

static void lose(size_t lane)
{
    dispatch_lane_lost(scene.dispatch, scene.now, lane);
    perform();
}

static void break_off(size_t lane, enum status status)
{
    dispatch_lane_failed(scene.dispatch, scene.now, lane, status);
    perform();
}

static void receive(size_t lane, struct slice bytes)
{
    dispatch_lane_response(scene.dispatch, scene.now, lane, bytes);
    perform();
}

static struct buffer begin_response(const char *herd, struct slice server)
{
    struct buffer message = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    const struct response head = {
        .herd = slice_of(herd), .server = server, .incarnation = 1, .received_ns = 77};
    assert_int_equal(response_begin(&message, &head), STATUS_OK);
    return message;
}

static void add_outcome(struct buffer *message, enum outcome_kind kind)
{
    const struct outcome outcome = {
        .kind = kind,
        .report =
            {
                .location = slice_of("+3-4"),
                .time = slice_of("5"),
                .server = slice_of("B"),
                .received_ns = 6,
            },
    };
    assert_int_equal(response_add(message, &outcome), STATUS_OK);
}

/* Answers the first `count` operations that are out on a lane as a good node does. */
static void respond_to(size_t lane, size_t count)
{
    struct buffer message = begin_response("herd", servers[lane / LANES_PER_NODE]);
    assert_int_equal(
        request_decode(buffer_slice(&scene.requests[lane]), &scene.request), STATUS_OK);
    for (size_t i = 0; i < count && i < scene.request.count; i++) {
        const bool is_accept = scene.request.operations[i].kind == OPERATION_ACCEPT;
        add_outcome(&message, is_accept ? OUTCOME_ACCEPTED : OUTCOME_FOUND);
    }
    receive(lane, buffer_slice(&message));
    buffer_clear(&message);
}

static void respond(size_t lane)
{
    respond_to(lane, MESSAGE_OPERATIONS_MAX);
}

static void respond_with(size_t lane, enum outcome_kind kind, size_t count)
{
    struct buffer message = begin_response("herd", servers[lane / LANES_PER_NODE]);
    for (size_t i = 0; i < count; i++) {
        add_outcome(&message, kind);
    }
    receive(lane, buffer_slice(&message));
    buffer_clear(&message);
}

static void bring_up(size_t lane)
{
    connect(lane);
    respond(lane);
}

static void bring_up_all(void)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        bring_up(lane);
    }
    forget();
}

static void open_client(uint32_t client, int home)
{
    scene.generations[client] = dispatch_client_opened(scene.dispatch, client, home);
    scene.tickets[client] = 0;
}

static struct command command_of(enum command_kind kind, const char *id)
{
    return (struct command){
        .kind = kind,
        .id = slice_of(id),
        .location = slice_of("+1-2"),
        .time = slice_of("3"),
        .radius_m = 1000,
        .results_max = 5,
    };
}

static enum dispatch_result submit(uint32_t client, enum command_kind kind, const char *id)
{
    const struct command command = command_of(kind, id);
    const enum dispatch_result result = dispatch_submit(
        scene.dispatch, scene.now, client, scene.tickets[client], scene.now, &command);
    scene.tickets[client] += result == DISPATCH_TAKEN;
    perform();
    return result;
}

static void iamat(uint32_t client, const char *id)
{
    assert_int_equal(submit(client, COMMAND_IAMAT, id), DISPATCH_TAKEN);
}

/* A command that was read so long ago that it expires in so many microseconds. */
static void iamat_of_old(uint32_t client, const char *id, int64_t left_us)
{
    const struct command command = command_of(COMMAND_IAMAT, id);
    const int64_t age_us = (int64_t)ANSWER_WITHIN_MS * 1000 - left_us;
    const struct instant read_at = {.ns = scene.now.ns - age_us * NS_PER_US};
    assert_int_equal(
        dispatch_submit(
            scene.dispatch, scene.now, client, scene.tickets[client]++, read_at, &command),
        DISPATCH_TAKEN);
    perform();
}

static void whatsat(uint32_t client, const char *id)
{
    assert_int_equal(submit(client, COMMAND_WHATSAT, id), DISPATCH_TAKEN);
}

static int begin_with(unsigned answer_within_ms)
{
    memset(&scene, 0, sizeof scene);
    scene.now = (struct instant){.ns = 1000 * (int64_t)NS_PER_SECOND};
    scene.trace = buffer_with_max((size_t)1024 * 1024);
    for (size_t i = 0; i < LANES; i++) {
        scene.requests[i] = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    }
    const struct dispatch_settings settings = {
        .herd = slice_of("herd"),
        .servers = servers,
        .node_count = NODES,
        .lanes_per_node = LANES_PER_NODE,
        .clients_max = CLIENTS_MAX,
        .answer_within_ms = answer_within_ms,
        .now = scene.now,
    };
    return dispatch_create(&settings, &scene.dispatch) == STATUS_OK ? 0 : -1;
}

static int begin(void **state)
{
    (void)state;
    return begin_with(ANSWER_WITHIN_MS);
}

static int begin_in_a_hurry(void **state)
{
    (void)state;
    return begin_with(HURRIED_ANSWER_WITHIN_MS);
}

static int end(void **state)
{
    (void)state;
    dispatch_destroy(scene.dispatch);
    buffer_clear(&scene.trace);
    for (size_t i = 0; i < LANES; i++) {
        buffer_clear(&scene.requests[i]);
    }
    return 0;
}

/* ---- Lanes come up ---- */

static void a_node_is_up_when_a_lane_of_it_was_greeted_and_answered(void **state)
{
    (void)state;
    connect(B1);
    expect("B1<hello");
    assert_int_equal(dispatch_nodes_up(scene.dispatch), 0);
    respond(B1);
    expect("up:B");
    bring_up(B0);
    expect("B0<hello");
    assert_int_equal(dispatch_nodes_up(scene.dispatch), 1);
    assert_int_equal(dispatch_view_node(scene.dispatch, 1).lanes_usable, 2);
}

static void a_greeting_answered_by_another_is_a_fault_and_repeated(void **state)
{
    (void)state;
    connect(A0);
    forget();
    struct buffer wrong = begin_response("herd", servers[1]);
    receive(A0, buffer_slice(&wrong));
    expect("fault:A0");
    wait_ms(DISPATCH_GREET_EVERY_MS - 1);
    expect("");
    wait_ms(1);
    expect("A0<hello");
    buffer_clear(&wrong);

    wrong = begin_response("another", servers[0]);
    receive(A0, buffer_slice(&wrong));
    expect("fault:A0");
    buffer_clear(&wrong);
    wait_ms(DISPATCH_GREET_EVERY_MS);
    receive(A0, slice_of("garbage"));
    expect("A0<hello fault:A0");
    wait_ms(DISPATCH_GREET_EVERY_MS);
    respond_with(A0, OUTCOME_ACCEPTED, 1); /* nothing was asked */
    expect("A0<hello fault:A0");
    wait_ms(DISPATCH_GREET_EVERY_MS);
    respond(A0);
    expect("A0<hello up:A");
}

static void a_greeting_without_answer_is_cancelled_and_repeated(void **state)
{
    (void)state;
    connect(A0);
    wait_ms(DISPATCH_LANE_DEADLINE_MS_MAX - 1);
    expect("A0<hello");
    wait_ms(1);
    expect("cancel:A0 fault:A0");
    break_off(A0, STATUS_TIMED_OUT);
    wait_ms(DISPATCH_GREET_EVERY_MS);
    respond(A0);
    expect("A0<hello up:A");
}

static void a_lane_that_stays_lost_is_redialled_ever_more_seldom(void **state)
{
    (void)state;
    bring_up_all();
    lose(A0);
    wait_ms(DISPATCH_REDIAL_MS_MIN - 1);
    expect("");
    wait_ms(1);
    expect("redial:A0");
    for (int wait = 2 * DISPATCH_REDIAL_MS_MIN; wait <= 4 * DISPATCH_REDIAL_MS_MAX; wait *= 2) {
        wait_ms((wait < DISPATCH_REDIAL_MS_MAX ? wait : DISPATCH_REDIAL_MS_MAX) - 1);
        expect("");
        wait_ms(1);
        expect("redial:A0");
    }
    bring_up(A0);
    lose(A0);
    forget();
    wait_ms(DISPATCH_REDIAL_MS_MIN);
    expect("redial:A0");
}

/* ---- Commands ---- */

static void a_command_leaves_at_the_end_of_the_turn_and_is_answered(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "x");
    whatsat(0, "y");
    expect("");
    flush();
    expect("A0<x,y");
    respond(A0);
    expect("0.0=A 0.1@+3-4");
}

static void while_a_batch_is_away_commands_gather_for_the_next(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    open_client(1, 0); /* the other lane */
    open_client(2, 0);
    iamat(0, "a");
    flush();
    iamat(0, "b");
    iamat(2, "c");
    flush();
    iamat(0, "d");
    flush();
    expect("A0<a");
    respond(A0);
    expect("0.0=A A0<b,c,d");
    respond(A0);
    expect("0.1=A 2.0=A 0.2=A");
}

static void clients_of_one_server_use_its_lanes_by_turns(void **state)
{
    (void)state;
    bring_up_all();
    for (uint32_t client = 0; client < 4; client++) {
        open_client(client, 1);
        iamat(client, "x");
    }
    flush();
    expect("B0<x,x B1<x,x");
}

static void clients_of_any_server_are_spread_over_those_that_are_up(void **state)
{
    (void)state;
    bring_up_all();
    for (uint32_t client = 0; client < 6; client++) {
        open_client(client, DISPATCH_ANY_NODE);
        iamat(client, "x");
    }
    flush();
    expect("A0<x A1<x B0<x B1<x C0<x C1<x");
}

static void clients_of_any_server_that_follow_each_other_are_spread_too(void **state)
{
    (void)state;
    bring_up_all();
    for (int i = 0; i < 4; i++) {
        open_client(0, DISPATCH_ANY_NODE);
        iamat(0, "x");
        flush();
        dispatch_client_closed(scene.dispatch, 0);
    }
    expect("A0<x B0<x C0<x A1<x");
}

static void every_outcome_has_its_answer(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "x");
    whatsat(0, "y");
    flush();
    respond(A0);
    expect("A0<x,y 0.0=A 0.1@+3-4");
    iamat(0, "x");
    flush();
    respond_with(A0, OUTCOME_REFUSED, 1);
    whatsat(0, "y");
    flush();
    respond_with(A0, OUTCOME_REFUSED, 1);
    expect("A0<x 0.2?refused A0<y 0.3?refused");
    assert_int_equal(dispatch_view(scene.dispatch).rejected[DISPATCH_REFUSED], 2);
}

/* ---- Unknown ids ---- */

static void an_unknown_id_is_asked_for_again_until_it_is_known(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    expect("A0<x");
    assert_int_equal(dispatch_deadline(scene.dispatch).ns, instant_after_ms(scene.now, 1).ns);
    wait_ms(1);
    flush();
    expect("A0<x");
    respond(A0);
    expect("0.0@+3-4");
}

static void an_id_that_stays_unknown_is_called_so_in_time(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    for (int i = 0; i < DISPATCH_REPEATS_MAX; i++) {
        expect("A0<x");
        wait_ms((1 << i) - 1);
        flush();
        expect("");
        wait_ms(1);
        flush();
        respond_with(A0, OUTCOME_UNKNOWN, 1);
    }
    expect("A0<x 0.0?unknown");
    assert_int_equal(dispatch_view(scene.dispatch).rejected[DISPATCH_UNKNOWN_ID], 1);
}

static void an_iamat_waits_for_an_unknown_id_of_its_client_and_no_other(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    open_client(1, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    whatsat(0, "y"); /* cannot be disturbed */
    assert_int_equal(submit(0, COMMAND_IAMAT, "x"), DISPATCH_NOT_YET);
    iamat(1, "z");
    wait_ms(1);
    flush();
    respond(A0);
    iamat(0, "x");
    expect("A0<x A0<y,x A1<z 0.1@+3-4 0.0@+3-4");
}

static void an_unknown_id_with_an_iamat_behind_it_is_unknown_at_once(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "x");
    iamat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1); /* the node's answer is full: the rest comes next */
    expect("A0<x,x 0.0?unknown A0<x");
}

static void an_unknown_id_is_asked_for_at_another_node_if_its_own_fails(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    lose(A0);
    lose(A1);
    forget();
    wait_ms(1);
    flush();
    expect("B0<x");
    respond(B0);
    expect("0.0@+3-4");
}

static void an_unknown_id_of_a_client_that_went_is_forgotten(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    dispatch_client_closed(scene.dispatch, 0);
    forget();
    wait_ms(1);
    flush();
    expect("");
}

static void so_many_unknown_ids_are_asked_for_again_and_no_more_at_once(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    for (int round = 0; round < 2; round++) { /* what was asked for again makes room */
        for (int i = 0; i <= DISPATCH_REPEATING_MAX; i++) {
            whatsat(0, "x");
        }
        flush();
        forget();
        respond_with(A0, OUTCOME_UNKNOWN, DISPATCH_REPEATING_MAX + 1);
        expect(round == 0 ? "0.1024?unknown" : "0.2049?unknown");
        wait_ms(1);
        flush();
        respond(A0);
        forget();
    }
    assert_int_equal(dispatch_view(scene.dispatch).rejected[DISPATCH_UNKNOWN_ID], 2);
}

static void an_unknown_id_for_which_there_is_no_room_is_unknown(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    while (submit(0, COMMAND_WHATSAT, "y") == DISPATCH_TAKEN) {
    }
    forget();
    wait_ms(1);
    expect("0.0?unknown");

    flush();
    for (int batch = 0; batch < DISPATCH_LANE_BATCHES_MAX; batch++) {
        respond(A0);
    }
    lose(A0);
    lose(A1);
    forget();
    iamat(0, "z"); /* nothing of it is out any more, so it may go elsewhere */
    flush();
    expect("B0<z");
}

static void an_unknown_id_that_waits_for_a_node_expires_like_any_other(void **state)
{
    (void)state;
    bring_up(A0);
    open_client(0, 0);
    whatsat(0, "x");
    flush();
    respond_with(A0, OUTCOME_UNKNOWN, 1);
    lose(A0);
    wait_ms(1);
    assert_int_equal(dispatch_view(scene.dispatch).operations_homeless, 1);
    forget();
    for (int waited_ms = 1; waited_ms < ANSWER_WITHIN_MS; waited_ms++) {
        wait_ms(1);
    }
    assert_int_equal(dispatch_view(scene.dispatch).rejected[DISPATCH_EXPIRED], 1);
    assert_int_equal(dispatch_view(scene.dispatch).operations_homeless, 0);
}

static void a_partial_response_makes_the_rest_the_next_batch(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    iamat(0, "b");
    whatsat(0, "c");
    flush();
    iamat(0, "d");
    respond_to(A0, 1);
    expect("A0<a,b,c 0.0=A A0<b,c");
    respond_to(A0, 1);
    expect("0.1=A A0<c");
    respond(A0);
    expect("0.2@+3-4 A0<d");
}

static void more_than_a_batch_holds_leaves_as_several(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    for (int i = 0; i < MESSAGE_OPERATIONS_MAX + 1; i++) {
        iamat(0, "x");
    }
    flush();
    assert_int_equal(request_decode(buffer_slice(&scene.requests[A0]), &scene.request), STATUS_OK);
    assert_int_equal(scene.request.count, MESSAGE_OPERATIONS_MAX);
    respond(A0);
    forget();
    assert_int_equal(request_decode(buffer_slice(&scene.requests[A0]), &scene.request), STATUS_OK);
    assert_int_equal(scene.request.count, 1);
    respond(A0);
    expect("0.2048=A");
}

static void long_commands_fill_a_batch_by_their_bytes(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    static char id[MESSAGE_FIELD_MAX];
    memset(id, 'i', sizeof id - 1);
    for (int i = 0; i < 3; i++) {
        iamat(0, id);
    }
    flush();
    assert_true(scene.requests[A0].length <= MESSAGE_BATCH_BYTES_MAX);
    assert_int_equal(request_decode(buffer_slice(&scene.requests[A0]), &scene.request), STATUS_OK);
    assert_int_equal(scene.request.count, 1);
}

static void a_full_lane_makes_its_clients_wait_and_no_others(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    open_client(1, 0);
    iamat(0, "first");
    flush();
    enum dispatch_result result;
    size_t taken = 0;
    while ((result = submit(0, COMMAND_IAMAT, "x")) == DISPATCH_TAKEN) {
        taken++;
    }
    assert_int_equal(result, DISPATCH_NO_ROOM);
    assert_int_equal(taken, (DISPATCH_LANE_BATCHES_MAX - 1) * MESSAGE_OPERATIONS_MAX);
    iamat(1, "other lane");
    const uint64_t room = dispatch_room_count(scene.dispatch);
    forget();

    respond(A0);
    forget();

    assert_true(dispatch_room_count(scene.dispatch) != room);
    iamat(0, "x");
}

/* So that one that is slow, or several, do not take all memory. */
static void all_lanes_together_have_a_limit(void **state)
{
    (void)state;
    enum { MANY_NODES = DISPATCH_BATCHES_MAX / DISPATCH_LANE_BATCHES_MAX + 1 };
    static struct slice names[MANY_NODES];
    for (size_t i = 0; i < MANY_NODES; i++) {
        names[i] = servers[0];
    }
    const struct dispatch_settings settings = {
        .herd = slice_of("herd"),
        .servers = names,
        .node_count = MANY_NODES,
        .lanes_per_node = 1,
        .clients_max = MANY_NODES,
        .answer_within_ms = ANSWER_WITHIN_MS,
        .now = scene.now,
    };
    dispatch_destroy(scene.dispatch);
    assert_int_equal(dispatch_create(&settings, &scene.dispatch), STATUS_OK);
    struct buffer hello = begin_response("herd", servers[0]);
    static char id[MESSAGE_FIELD_MAX]; /* one fills a batch */
    memset(id, 'i', sizeof id - 1);
    const struct command command = command_of(COMMAND_IAMAT, id);
    size_t taken = 0;
    for (uint32_t i = 0; i < MANY_NODES; i++) {
        dispatch_lane_connected(scene.dispatch, scene.now, i);
        while (dispatch_next_effect(scene.dispatch) != NULL) {
        }
        dispatch_lane_response(scene.dispatch, scene.now, i, buffer_slice(&hello));
        while (dispatch_next_effect(scene.dispatch) != NULL) {
        }
        (void)dispatch_client_opened(scene.dispatch, i, (int)i);
        uint64_t ticket = 0;
        while (dispatch_submit(scene.dispatch, scene.now, i, ticket++, scene.now, &command) ==
               DISPATCH_TAKEN) {
            taken++;
        }
    }
    assert_int_equal(taken, DISPATCH_BATCHES_MAX);
    buffer_clear(&hello);
}

static void batches_are_used_again_and_again(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    for (int i = 0; i < 2 * DISPATCH_BATCHES_MAX; i++) {
        iamat(0, "x");
        flush();
        respond(A0);
        forget();
    }
}

/* ---- Many busy clients ---- */

/* So many clients of B are busy; the first lane of B has sent and is back. */
static void make_busy(uint32_t count)
{
    bring_up_all();
    for (uint32_t client = 0; client < count; client++) {
        open_client(client, 1);
        iamat(client, "x");
    }
    flush();
    respond(B0);
    respond(B1);
    forget();
}

static void wait_us(int64_t microseconds)
{
    scene.now = instant_after_us(scene.now, microseconds);
    dispatch_tick(scene.dispatch, scene.now);
    perform();
    flush();
}

static void requests_keep_a_distance_where_more_clients_are_busy_than_there_are_lanes(void **state)
{
    (void)state;
    make_busy(LANES + 2);
    const struct instant due =
        instant_after_us(scene.now, (int64_t)2 * DISPATCH_DISTANCE_US_PER_CLIENT);
    iamat(0, "a");
    flush();
    expect("");
    assert_int_equal(dispatch_deadline(scene.dispatch).ns, due.ns);
    wait_us(2 * DISPATCH_DISTANCE_US_PER_CLIENT - 1);
    iamat(2, "b");
    flush();
    expect("");
    wait_us(1);
    expect("B0<a,b");
}

static void as_many_clients_as_there_are_lanes_wait_for_nobody(void **state)
{
    (void)state;
    make_busy(LANES);
    iamat(0, "a");
    flush();
    expect("B0<a");
}

/* Here a batch of which only one is left waits for its time, with one that expired before. */
static void what_a_distance_keeps_waiting_is_not_dropped_with_what_has_expired(void **state)
{
    (void)state;
    make_busy(LANES + 2);
    wait_us(DISPATCH_DISTANCE_US_MAX);
    iamat_of_old(0, "old", 5);
    iamat(0, "a");
    flush();
    scene.now = instant_after_us(scene.now, 5);
    dispatch_tick(scene.dispatch, scene.now);
    perform();
    expect("B0<old,a 0.1?expired");
    respond_to(B0, 1);
    wait_us(1);
    expect("");
    wait_us(DISPATCH_DISTANCE_US_MAX);
    expect("B0<a");
}

static void the_distance_has_a_limit(void **state)
{
    (void)state;
    make_busy(CLIENTS_MAX);
    iamat(0, "a");
    wait_us(DISPATCH_DISTANCE_US_MAX - 1);
    expect("");
    wait_us(1);
    expect("B0<a");
}

static void who_was_busy_long_ago_keeps_nobody_waiting(void **state)
{
    (void)state;
    make_busy(CLIENTS_MAX);
    wait_ms((int64_t)2 * CROWD_WINDOW_MS);
    iamat(0, "a");
    flush();
    expect("B0<a");
    respond(B0);
    iamat(0, "b");
    flush();
    expect("0.1=B B0<b");
}

static void a_full_batch_keeps_no_distance(void **state)
{
    (void)state;
    make_busy(CLIENTS_MAX);
    for (int i = 0; i < MESSAGE_OPERATIONS_MAX + 1; i++) {
        iamat(0, "x");
    }
    flush();
    assert_int_equal(request_decode(buffer_slice(&scene.requests[B0]), &scene.request), STATUS_OK);
    assert_int_equal(scene.request.count, MESSAGE_OPERATIONS_MAX);
    respond(B0);
    forget();
    flush(); /* the one command that is left waits again */
    expect("");
    wait_us(DISPATCH_DISTANCE_US_MAX);
    expect("B0<x");
}

/* ---- Failure ---- */

static void a_lost_connection_sends_the_batch_to_another_node(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    whatsat(0, "b");
    flush();
    iamat(0, "c");
    expect("A0<a,b");
    break_off(A0, STATUS_DISCONNECTED);
    lose(A0);
    expect("B0<a,b");
    respond(B0);
    expect("0.0=B 0.1@+3-4 B0<c");
    respond(B0);
    expect("0.2=B");
    assert_int_equal(dispatch_view(scene.dispatch).moved_batches, 2);
    assert_int_equal(dispatch_view_node(scene.dispatch, 0).failures, 1);
}

static void a_node_is_down_when_its_last_lane_is_lost(void **state)
{
    (void)state;
    bring_up_all();
    lose(A0);
    expect("");
    lose(A1);
    expect("down:A");
    lose(A1); /* again */
    expect("");
    bring_up(A1);
    expect("A1<hello up:A");
}

static void commands_for_a_server_that_is_down_go_to_another_until_it_is_back(void **state)
{
    (void)state;
    bring_up_all();
    lose(A0);
    lose(A1);
    open_client(0, 0);
    forget();
    iamat(0, "a");
    flush();
    expect("B0<a");
    respond(B0);
    bring_up(A0);
    bring_up(A1);
    forget();
    iamat(0, "b");
    flush();
    expect("A0<b");
}

static void a_client_changes_lanes_only_when_nothing_of_it_is_out(void **state)
{
    (void)state;
    bring_up_all();
    lose(A0);
    lose(A1);
    open_client(0, 0);
    iamat(0, "a");
    flush();
    bring_up(A0);
    forget();
    assert_int_equal(submit(0, COMMAND_IAMAT, "b"), DISPATCH_NOT_YET);
    flush();
    expect("");
    respond(B0);
    expect("0.0=B");
    iamat(0, "b");
    flush();
    expect("A0<b");
}

static void new_commands_do_not_overtake_those_that_were_moved(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    flush();
    break_off(A0, STATUS_DISCONNECTED);
    lose(A0);
    lose(A1);
    bring_up(A0); /* back already, while its batch is at B */
    forget();
    assert_int_equal(submit(0, COMMAND_IAMAT, "b"), DISPATCH_NOT_YET);
    respond(B0);
    iamat(0, "b");
    flush();
    expect("0.0=B A0<b");
}

static void a_client_goes_on_where_its_commands_were_moved(void **state)
{
    (void)state;
    bring_up(A0);
    bring_up(B0);
    open_client(0, 0);
    iamat(0, "a");
    flush();
    break_off(A0, STATUS_DISCONNECTED);
    lose(A0);
    forget();
    iamat(0, "b"); /* the only other node, where "a" is: no need to wait */
    respond(B0);
    expect("0.0=B B0<b");
}

static void a_slow_node_loses_its_batch_to_another(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    flush();
    wait_ms(DISPATCH_LANE_DEADLINE_MS_MAX - 1);
    expect("A0<a");
    wait_ms(1);
    expect("cancel:A0 fault:A0 B0<a");
    respond(B0);
    expect("0.0=B");
    break_off(A0, STATUS_TIMED_OUT);
    wait_ms(DISPATCH_GREET_EVERY_MS);
    expect("A0<hello");
    respond(A0);
    assert_int_equal(dispatch_view_node(scene.dispatch, 0).lanes_usable, 2);
}

static void a_slow_node_leaves_half_the_time_to_another(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    flush();
    wait_ms(HURRIED_ANSWER_WITHIN_MS / 2 - 1);
    expect("A0<a");
    wait_ms(1);
    expect("cancel:A0 fault:A0 B0<a");
    respond(B0);
    expect("0.0=B");
}

static void an_answer_that_comes_after_all_is_not_taken_and_the_lane_is_greeted(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    flush();
    wait_ms(DISPATCH_LANE_DEADLINE_MS_MAX);
    forget();
    respond(A0);
    expect("A0<hello");
    respond(A0);
    respond(B0);
    expect("0.0=B");
}

static void a_wrong_response_counts_as_failure(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    const struct {
        const char *herd;
        struct slice server;
        enum outcome_kind kind;
        size_t count;
    } wrong[] = {
        {"another", servers[0], OUTCOME_ACCEPTED, 1},
        {"herd", servers[1], OUTCOME_ACCEPTED, 1},
        {"herd", servers[0], OUTCOME_ACCEPTED, 0},
        {"herd", servers[0], OUTCOME_ACCEPTED, 2},
        {"herd", servers[0], OUTCOME_FOUND, 1},
        {"herd", servers[0], OUTCOME_UNKNOWN, 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        iamat(0, "a");
        flush();
        forget();
        struct buffer message = begin_response(wrong[i].herd, wrong[i].server);
        for (size_t k = 0; k < wrong[i].count; k++) {
            add_outcome(&message, wrong[i].kind);
        }
        receive(A0, buffer_slice(&message));
        buffer_clear(&message);
        expect("fault:A0 B0<a");
        respond(B0);
        wait_ms(DISPATCH_GREET_EVERY_MS);
        respond(A0);
        forget();
    }
    assert_int_equal(dispatch_view_node(scene.dispatch, 0).failures, 6);
}

static void a_report_that_was_not_made_cannot_be_accepted(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    whatsat(0, "a");
    flush();
    respond_with(A0, OUTCOME_ACCEPTED, 1);
    expect("A0<a fault:A0 B0<a");
}

static void the_other_lane_of_the_only_node_is_a_refuge(void **state)
{
    (void)state;
    bring_up(A0);
    bring_up(A1);
    open_client(0, 0);
    iamat(0, "a");
    flush();
    forget();
    break_off(A0, STATUS_DISCONNECTED);
    expect("A1<a");
}

static void a_second_failure_moves_the_batch_on_in_order(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    flush();
    iamat(0, "b");
    forget();
    break_off(A0, STATUS_DISCONNECTED);
    expect("B0<a");
    break_off(B0, STATUS_DISCONNECTED);
    expect("C0<a");
    break_off(C0, STATUS_DISCONNECTED);
    expect("A1<a"); /* each node still has a lane */
    respond(A1);
    expect("0.0=A A1<b");
}

/* ---- Nobody is up ---- */

static void without_any_node_commands_wait_for_one(void **state)
{
    (void)state;
    open_client(0, 0);
    iamat(0, "a");
    flush();
    iamat(0, "b");
    flush();
    expect("");
    assert_int_equal(dispatch_view(scene.dispatch).operations_homeless, 2);
    bring_up(C1);
    expect("C1<hello up:C C1<a,b");
    respond(C1);
    expect("0.0=C 0.1=C");
}

static void the_last_lane_of_all_leaves_its_batches_waiting(void **state)
{
    (void)state;
    bring_up(A0);
    open_client(0, 0);
    iamat(0, "a");
    flush();
    iamat(0, "b");
    forget();
    break_off(A0, STATUS_DISCONNECTED);
    lose(A0);
    expect("down:A");
    bring_up(A0);
    expect("A0<hello up:A A0<a");
    respond(A0);
    expect("0.0=A A0<b");
}

static void what_no_node_takes_in_time_is_given_back(void **state)
{
    (void)state;
    open_client(0, 0);
    iamat(0, "a");
    wait_ms(1000);
    whatsat(0, "b");
    wait_ms(ANSWER_WITHIN_MS - 1001);
    forget(); /* lanes were redialled meanwhile */
    wait_ms(1);
    expect("0.0?expired");
    assert_true(dispatch_deadline(scene.dispatch).ns <= instant_after_ms(scene.now, 1000).ns);
    wait_ms(1000);
    assert_int_equal(dispatch_view(scene.dispatch).rejected[DISPATCH_EXPIRED], 2);
    forget();
    bring_up(A0);
    expect("A0<hello up:A"); /* nothing is left to be sent */
}

static void a_command_that_waited_too_long_before_is_given_back_at_once(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    const struct command command = command_of(COMMAND_IAMAT, "x");
    const struct instant read_at = scene.now;
    wait_ms(ANSWER_WITHIN_MS);
    forget();
    assert_int_equal(
        dispatch_submit(scene.dispatch, scene.now, 0, 5, read_at, &command), DISPATCH_TAKEN);
    perform();
    expect("0.5?expired");
}

static void what_expires_while_out_is_answered_once(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    const struct command command = command_of(COMMAND_IAMAT, "old");
    const struct instant read_at = scene.now;
    wait_ms(ANSWER_WITHIN_MS - 10);
    assert_int_equal(
        dispatch_submit(scene.dispatch, scene.now, 0, 0, read_at, &command), DISPATCH_TAKEN);
    scene.tickets[0] = 1;
    iamat(0, "new");
    flush();
    forget();
    wait_ms(10);
    expect("0.0?expired");
    break_off(A0, STATUS_DISCONNECTED);
    expect("B0<new"); /* the expired one is not sent again */
    respond(B0);
    expect("0.1=B");
}

static void an_answer_to_what_has_expired_is_not_taken(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat_of_old(0, "old", 10000);
    iamat(0, "new");
    flush();
    wait_ms(10);
    expect("A0<old,new 0.0?expired");
    respond(A0);
    expect("0.1=A");
}

static void an_answer_to_a_batch_that_has_expired_is_none_to_the_next(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat_of_old(0, "old", 10000);
    flush();
    iamat(0, "next");
    wait_ms(10);
    expect("A0<old 0.0?expired");
    respond(A0);
    expect("A0<next");
    respond(A0);
    expect("0.1=A");
}

static void what_expires_among_others_is_not_sent_with_them(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "out");
    flush();
    iamat(0, "a");
    iamat_of_old(0, "old", 10000);
    iamat(0, "b");
    wait_ms(10);
    expect("A0<out 0.2?expired");
    assert_true(instant_is_before(scene.now, dispatch_deadline(scene.dispatch)));
    respond(A0);
    expect("0.0=A A0<a,b");
    respond(A0);
    expect("0.1=A 0.3=A");
}

static void many_that_expire_at_once_do_so_in_several_ticks(void **state)
{
    (void)state;
    open_client(0, 0);
    enum { COMMANDS = 3 * MESSAGE_OPERATIONS_MAX };
    for (int i = 0; i < COMMANDS; i++) {
        iamat(0, "x");
    }
    wait_ms(ANSWER_WITHIN_MS);
    int ticks = 1;
    while (!instant_is_before(scene.now, dispatch_deadline(scene.dispatch))) {
        wait_ms(0);
        assert_true(ticks++ < 10);
    }
    assert_int_equal(dispatch_view(scene.dispatch).rejected[DISPATCH_EXPIRED], COMMANDS);
    assert_int_equal(dispatch_view(scene.dispatch).operations_homeless, 0);
}

/* ---- Clients that go ---- */

static void commands_of_a_client_that_went_are_done_and_not_answered(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    dispatch_client_closed(scene.dispatch, 0);
    flush();
    expect("A0<a");
    open_client(7, 1);
    open_client(0, 1); /* its place is taken again */
    iamat(0, "b");
    flush();
    respond(A0);
    respond(B0);
    expect("B0<b 0.0=B");
}

static void a_new_client_does_not_wait_for_the_commands_of_its_predecessor(void **state)
{
    (void)state;
    bring_up_all();
    open_client(0, 0);
    iamat(0, "a");
    flush();
    dispatch_client_closed(scene.dispatch, 0);
    open_client(7, 0);
    open_client(0, 0);
    lose(A1);
    bring_up(A1); /* the lanes have changed */
    iamat(0, "b");
    respond(A0);
    respond(A0);
    expect("A0<a A1<hello A0<b 0.0=A");
}

/* ---- All of it, by chance ---- */

static uint64_t chance_state;

static size_t chance(size_t bound)
{
    chance_state = chance_state * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(chance_state >> 33) % bound;
}

/*
 * Lanes that obey the contract of lane.h, nodes that do whatever they like, clients that send
 * numbered commands: in the end each was answered exactly once, and the commands of each client
 * were first done in their order.
 */
static struct {
    bool is_connected[LANES];
    bool is_out[LANES];
    bool is_cancelled[LANES];
    bool was_answered[CLIENTS][4096];
    bool was_done[CLIENTS][4096];
    uint64_t done_up_to[CLIENTS];
} chaos;

static void perform_chaos(void)
{
    const struct dispatch_effect *effect;
    while ((effect = dispatch_next_effect(scene.dispatch)) != NULL) {
        switch (effect->kind) {
        case DISPATCH_SEND:
            assert_false(chaos.is_out[effect->lane]);
            chaos.is_out[effect->lane] = true;
            buffer_reset(&scene.requests[effect->lane]);
            assert_int_equal(
                buffer_append(&scene.requests[effect->lane], effect->bytes), STATUS_OK);
            break;
        case DISPATCH_CANCEL:
            assert_true(chaos.is_out[effect->lane]);
            chaos.is_cancelled[effect->lane] = true;
            break;
        case DISPATCH_ACCEPTED:
        case DISPATCH_FOUND:
        case DISPATCH_REJECTED: {
            bool *was_answered = &chaos.was_answered[effect->origin.client][effect->origin.ticket];
            assert_false(*was_answered);
            *was_answered = true;
            break;
        }
        case DISPATCH_REDIAL:
        case DISPATCH_NODE_UP:
        case DISPATCH_NODE_DOWN:
        case DISPATCH_FAULT:
            break;
        }
    }
}

/* The node does what is asked: first doings must be in the order of each client's commands. */
static void do_operations(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned client = 0;
        unsigned ticket = 0;
        const struct slice id = scene.request.operations[i].id;
        if (scene.request.operations[i].kind == OPERATION_LOCATE) {
            continue;
        }
        client = (unsigned)(id.data[0] - '0');
        for (size_t k = 2; k < id.length; k++) {
            ticket = ticket * 10 + (unsigned)(id.data[k] - '0');
        }
        if (!chaos.was_done[client][ticket]) { /* or else it is a repetition, which may come late */
            assert_true(ticket >= chaos.done_up_to[client]);
            chaos.was_done[client][ticket] = true;
            chaos.done_up_to[client] = ticket;
        }
    }
}

static void answer_lane(size_t lane)
{
    assert_int_equal(
        request_decode(buffer_slice(&scene.requests[lane]), &scene.request), STATUS_OK);
    const size_t all = scene.request.count;
    const size_t count = all == 0 ? 0 : chance(4) == 0 ? 1 + chance(all) : all;
    do_operations(count);
    struct buffer message = begin_response("herd", servers[lane / LANES_PER_NODE]);
    for (size_t i = 0; i < count; i++) {
        const bool is_accept = scene.request.operations[i].kind == OPERATION_ACCEPT;
        const bool is_known = chance(2) == 0;
        add_outcome(&message,
            is_accept  ? OUTCOME_ACCEPTED
            : is_known ? OUTCOME_FOUND
                       : OUTCOME_UNKNOWN);
    }
    chaos.is_out[lane] = chaos.is_cancelled[lane] = false;
    dispatch_lane_response(scene.dispatch, scene.now, lane, buffer_slice(&message));
    perform_chaos();
    buffer_clear(&message);
}

static void fail_chaotically(size_t lane)
{
    if (chaos.is_out[lane]) {
        chaos.is_out[lane] = false;
        const enum status status =
            chaos.is_cancelled[lane] ? STATUS_TIMED_OUT : STATUS_DISCONNECTED;
        chaos.is_cancelled[lane] = false;
        dispatch_lane_failed(scene.dispatch, scene.now, lane, status);
        perform_chaos();
    }
    /* It may have been greeted or used again at once. */
    if (!chaos.is_out[lane]) {
        chaos.is_connected[lane] = false;
        dispatch_lane_lost(scene.dispatch, scene.now, lane);
        perform_chaos();
    }
}

static void step_lane(size_t lane, bool is_calm)
{
    if (!chaos.is_connected[lane]) {
        if (is_calm || chance(8) == 0) {
            chaos.is_connected[lane] = true;
            dispatch_lane_connected(scene.dispatch, scene.now, lane);
            perform_chaos();
        }
    } else if (!is_calm && chance(40) == 0) {
        fail_chaotically(lane);
    } else if (chaos.is_cancelled[lane]) {
        chaos.is_out[lane] = chaos.is_cancelled[lane] = false;
        dispatch_lane_failed(scene.dispatch, scene.now, lane, STATUS_TIMED_OUT);
        perform_chaos();
    } else if (chaos.is_out[lane] && (is_calm || chance(3) == 0)) {
        answer_lane(lane);
    }
}

static void every_command_is_answered_once_whatever_fails(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        end(state);
        begin(state);
        chance_state = seed;
        memset(&chaos, 0, sizeof chaos);
        for (uint32_t client = 0; client < CLIENTS; client++) {
            open_client(client, client % 4 == 3 ? DISPATCH_ANY_NODE : (int)(client % 4));
        }
        for (int step = 0; step < 3000; step++) {
            const bool is_calm = step > 2500;
            const uint32_t client = (uint32_t)chance(CLIENTS);
            if (!is_calm && scene.tickets[client] < 4096) {
                char id[16];
                (void)snprintf(id, sizeof id, "%u.%u", client, (unsigned)scene.tickets[client]);
                const struct command command =
                    command_of(chance(4) == 0 ? COMMAND_WHATSAT : COMMAND_IAMAT, id);
                scene.tickets[client] += dispatch_submit(scene.dispatch,
                                             scene.now,
                                             client,
                                             scene.tickets[client],
                                             scene.now,
                                             &command) == DISPATCH_TAKEN;
                perform_chaos();
            }
            step_lane(chance(LANES), is_calm);
            if (chance(5) == 0) {
                dispatch_flush(scene.dispatch, scene.now);
                perform_chaos();
            }
            scene.now = instant_after_ms(scene.now, (int64_t)chance(10));
            dispatch_tick(scene.dispatch, scene.now);
            perform_chaos();
        }
        for (uint32_t client = 0; client < CLIENTS; client++) {
            assert_true(scene.tickets[client] > 50);
            for (uint64_t ticket = 0; ticket < scene.tickets[client]; ticket++) {
                if (!chaos.was_answered[client][ticket]) {
                    fail_msg("seed %u: command %u.%u was never answered",
                        (unsigned)seed,
                        client,
                        (unsigned)ticket);
                }
            }
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_node_is_up_when_a_lane_of_it_was_greeted_and_answered),
        TEST(a_greeting_answered_by_another_is_a_fault_and_repeated),
        TEST(a_greeting_without_answer_is_cancelled_and_repeated),
        TEST(a_lane_that_stays_lost_is_redialled_ever_more_seldom),
        TEST(a_command_leaves_at_the_end_of_the_turn_and_is_answered),
        TEST(while_a_batch_is_away_commands_gather_for_the_next),
        TEST(clients_of_one_server_use_its_lanes_by_turns),
        TEST(clients_of_any_server_are_spread_over_those_that_are_up),
        TEST(clients_of_any_server_that_follow_each_other_are_spread_too),
        TEST(every_outcome_has_its_answer),
        TEST(an_unknown_id_is_asked_for_again_until_it_is_known),
        TEST(an_id_that_stays_unknown_is_called_so_in_time),
        TEST(an_iamat_waits_for_an_unknown_id_of_its_client_and_no_other),
        TEST(an_unknown_id_with_an_iamat_behind_it_is_unknown_at_once),
        TEST(an_unknown_id_is_asked_for_at_another_node_if_its_own_fails),
        TEST(an_unknown_id_of_a_client_that_went_is_forgotten),
        TEST(so_many_unknown_ids_are_asked_for_again_and_no_more_at_once),
        TEST(an_unknown_id_for_which_there_is_no_room_is_unknown),
        TEST(an_unknown_id_that_waits_for_a_node_expires_like_any_other),
        TEST(a_partial_response_makes_the_rest_the_next_batch),
        TEST(more_than_a_batch_holds_leaves_as_several),
        TEST(long_commands_fill_a_batch_by_their_bytes),
        TEST(a_full_lane_makes_its_clients_wait_and_no_others),
        TEST(all_lanes_together_have_a_limit),
        TEST(batches_are_used_again_and_again),
        TEST(requests_keep_a_distance_where_more_clients_are_busy_than_there_are_lanes),
        TEST(as_many_clients_as_there_are_lanes_wait_for_nobody),
        TEST(the_distance_has_a_limit),
        TEST(what_a_distance_keeps_waiting_is_not_dropped_with_what_has_expired),
        TEST(who_was_busy_long_ago_keeps_nobody_waiting),
        TEST(a_full_batch_keeps_no_distance),
        TEST(a_lost_connection_sends_the_batch_to_another_node),
        TEST(a_node_is_down_when_its_last_lane_is_lost),
        TEST(commands_for_a_server_that_is_down_go_to_another_until_it_is_back),
        TEST(a_client_changes_lanes_only_when_nothing_of_it_is_out),
        TEST(new_commands_do_not_overtake_those_that_were_moved),
        TEST(a_client_goes_on_where_its_commands_were_moved),
        TEST(a_slow_node_loses_its_batch_to_another),
        cmocka_unit_test_setup_teardown(
            a_slow_node_leaves_half_the_time_to_another, begin_in_a_hurry, end),
        TEST(an_answer_that_comes_after_all_is_not_taken_and_the_lane_is_greeted),
        TEST(a_wrong_response_counts_as_failure),
        TEST(a_report_that_was_not_made_cannot_be_accepted),
        TEST(the_other_lane_of_the_only_node_is_a_refuge),
        TEST(a_second_failure_moves_the_batch_on_in_order),
        TEST(without_any_node_commands_wait_for_one),
        TEST(the_last_lane_of_all_leaves_its_batches_waiting),
        TEST(what_no_node_takes_in_time_is_given_back),
        TEST(a_command_that_waited_too_long_before_is_given_back_at_once),
        TEST(what_expires_while_out_is_answered_once),
        TEST(an_answer_to_what_has_expired_is_not_taken),
        TEST(an_answer_to_a_batch_that_has_expired_is_none_to_the_next),
        TEST(what_expires_among_others_is_not_sent_with_them),
        TEST(many_that_expire_at_once_do_so_in_several_ticks),
        TEST(commands_of_a_client_that_went_are_done_and_not_answered),
        TEST(a_new_client_does_not_wait_for_the_commands_of_its_predecessor),
        TEST(every_command_is_answered_once_whatever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
