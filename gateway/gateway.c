/* Mails and clients in, effects out: whatever is decided is decided in the cores. */
#include "gateway/gateway.h"

#include "common/admin.h"
#include "common/canary.h"
#include "common/instant.h"
#include "common/lane.h"
#include "common/location.h"
#include "common/message.h"
#include "common/reload.h"
#include "common/report.h"
#include "gateway/alarm.h"
#include "gateway/client_listener.h"
#include "gateway/clients.h"
#include "gateway/dispatch.h"
#include "gateway/gateway_pages.h"
#include "gateway/lookups.h"
#include "gateway/worker_lanes.h"

#include <uv.h>

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    CHECK_EVERY_MS = 500,       /* clients that are stuck, listeners to be opened, NNG alive */
    WAKES_PER_TURN = 256,       /* clients that try again when there is room */
    LOGGED_EVERY_MS = 1000,     /* what may happen with every command */
    DESCRIPTORS_RESERVED = 128, /* for logs, the admin endpoint, NNG ... */
    DESCRIPTORS_PER_LANE = 4,
    LINGER_MS = 200, /* at the end, for clients that have all they are owed and do not close */
    PAGE_BYTES_MAX = 1024 * 1024,
    AT_LINE_MAX = 2 * MESSAGE_FIELD_MAX,
    PARTS_USED = 1U << TOPOLOGY_HERD | 1U << TOPOLOGY_NODES | 1U << TOPOLOGY_GATEWAYS |
                 1U << TOPOLOGY_PLACES | 1U << TOPOLOGY_LIMITS |
                 1U << TOPOLOGY_LOGS, /* of the topology */
};

/* Lets one line a period into the log, and counts the others. */
struct pace {
    struct instant next;
    int64_t unlogged;
};

struct gateway {
    const struct topology *topology;
    const struct topology_gateway *self;
    struct mailbox *mailbox;
    struct log *log;
    struct reload reload;
    struct instant started;

    uv_loop_t loop;
    bool has_loop;
    uv_async_t mail;     /* the mailbox is no longer empty */
    uv_prepare_t turn;   /* all that came in one turn is worked on at its end */
    struct alarm *alarm; /* the next deadline of dispatch and lookups */
    uv_timer_t check;
    uv_timer_t drain;

    struct slice servers[TOPOLOGY_NODES_MAX]; /* their names */
    struct dispatch *dispatch;
    struct lookups *lookups;
    struct clients *clients;
    struct clients_events clients_events;
    struct client_listener_events listener_events;
    struct client_listener **listeners;
    bool *are_open;                                        /* for the status page */
    struct slice listener_servers[TOPOLOGY_LISTENERS_MAX]; /* the name of its server, or `*` */
    size_t node_lane_count;
    struct lane **node_lanes;
    struct worker_lanes *worker_lanes;
    struct admin *admin;
    struct canary *canary;

    struct instant
        now; /* of the present turn: commands are too many to look at the clock for each */
    uint64_t room_count; /* of dispatch, when those that wait for room were last to be asked */
    size_t unasked;      /* how many of them still are */
    bool was_room;       /* one of them found some since */
    struct buffer at_line;
    bool is_ready;
    bool is_stopping;
    bool is_lingering;
    enum status result;
    uint64_t accept_failures;
    struct pace expired_pace;
    struct pace refused_pace;
    struct pace lookup_pace;
    struct pace accept_pace;
    struct pace dial_pace;
};

static bool pace_allows(struct pace *pace, int64_t *ret_count)
{
    const struct instant now = instant_now();
    pace->unlogged++;
    if (instant_is_before(now, pace->next)) {
        return false;
    }
    *ret_count = pace->unlogged;
    pace->unlogged = 0;
    pace->next = instant_after_ms(now, LOGGED_EVERY_MS);
    return true;
}

static void log_paced(
    struct gateway *gateway, struct pace *pace, const char *event, const char *cause)
{
    int64_t count;
    if (pace_allows(pace, &count)) {
        log_event(gateway->log, event, log_text("cause", cause), log_number("count", count));
    }
}

/* ---- Listeners ---- */

static bool should_listen(const struct gateway *gateway, size_t index)
{
    const struct topology_listener *where = &gateway->self->listeners[index];
    if (gateway->is_stopping) {
        return false;
    }
    return where->is_any || !where->refuse_when_down ||
           dispatch_view_node(gateway->dispatch, where->node).is_up;
}

static void log_listener(
    struct gateway *gateway, size_t index, const char *event, const char *cause)
{
    const struct topology_listener *where = &gateway->self->listeners[index];
    log_event(gateway->log,
        event,
        log_text("host", where->host),
        log_number("port", where->port),
        log_text("cause", cause));
}

/* Opens what should be open, and closes what should not. */
static void update_listener(struct gateway *gateway, size_t index)
{
    struct client_listener *listener = gateway->listeners[index];
    const bool is_open = client_listener_is_open(listener);
    const bool is_wanted = should_listen(gateway, index);
    if (is_wanted && !is_open) {
        const enum status status = client_listener_open(listener);
        if (status == STATUS_OK) {
            log_listener(gateway, index, "listener_opened", "its server is up");
        } else {
            int64_t count;
            if (pace_allows(&gateway->accept_pace, &count)) {
                log_listener(gateway, index, "listener_failed", status_text(status));
            }
        }
    } else if (!is_wanted && is_open) {
        client_listener_close(listener);
        clients_stop_listener(gateway->clients, index);
        if (!gateway->is_stopping) {
            log_listener(gateway, index, "listener_closed", "its server is down");
        }
    }
    gateway->are_open[index] = client_listener_is_open(listener);
}

static void update_listeners(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->self->listener_count; i++) {
        update_listener(gateway, i);
        client_listener_go_on(gateway->listeners[i]);
    }
}

static void note_readiness(struct gateway *gateway)
{
    bool is_ready = !gateway->is_stopping && dispatch_nodes_up(gateway->dispatch) > 0;
    for (size_t i = 0; i < gateway->self->listener_count; i++) {
        is_ready = is_ready && gateway->are_open[i] == should_listen(gateway, i);
    }
    if (is_ready && !gateway->is_ready) {
        log_event(gateway->log,
            "ready",
            log_number("servers_up", (int64_t)dispatch_nodes_up(gateway->dispatch)));
    }
    gateway->is_ready = is_ready;
}

static void on_arrived(void *context, size_t index, int fd)
{
    struct gateway *gateway = context;
    const uint64_t refused = clients_view(gateway->clients).refused;
    clients_arrived(gateway->clients, index, fd);
    if (clients_view(gateway->clients).refused != refused) {
        log_paced(gateway, &gateway->accept_pace, "client_refused", "too many connections");
    }
}

static void on_accept_failed(void *context, size_t index, const char *cause)
{
    struct gateway *gateway = context;
    (void)index; /* the next check goes on with it */
    gateway->accept_failures++;
    log_paced(gateway, &gateway->accept_pace, "accept_failed", cause);
}

/* ---- Effects of the look-ups ---- */

/* What could not be opened is tried again as what stays lost. */
static void dial_worker(struct gateway *gateway, const struct lookups_effect *effect)
{
    const enum status status = worker_lanes_dial(gateway->worker_lanes, effect->lane, effect->url);
    int64_t count;
    if (status != STATUS_OK && pace_allows(&gateway->dial_pace, &count)) {
        log_event(gateway->log,
            "worker_not_dialled",
            log_text("worker", effect->worker),
            log_text("url", effect->url),
            log_text("cause", status_text(status)),
            log_number("count", count));
    }
}

static void log_worker(
    struct gateway *gateway, const char *event, const struct lookups_effect *effect)
{
    log_event(gateway->log, event, log_text("worker", effect->worker));
}

static void answer_places(struct gateway *gateway, const struct lookups_effect *effect)
{
    if (effect->fault != NULL) {
        log_paced(gateway, &gateway->lookup_pace, "lookup_failed", effect->fault);
    }
    struct client *client = clients_find(gateway->clients, effect->origin);
    if (client != NULL) {
        session_answer_places(
            client_session(client), effect->origin.ticket, effect->at_line, effect->json);
        clients_touch(gateway->clients, client);
    }
}

static void perform_lookups(struct gateway *gateway)
{
    const struct lookups_effect *effect;
    while ((effect = lookups_next_effect(gateway->lookups)) != NULL) {
        switch (effect->kind) {
        case LOOKUPS_DIAL:
            dial_worker(gateway, effect);
            break;
        case LOOKUPS_SEND:
            worker_lanes_send(gateway->worker_lanes, effect->lane, effect->bytes);
            break;
        case LOOKUPS_CANCEL:
            worker_lanes_cancel(gateway->worker_lanes, effect->lane);
            break;
        case LOOKUPS_CLOSE:
            worker_lanes_close(gateway->worker_lanes, effect->lane);
            break;
        case LOOKUPS_DONE:
            answer_places(gateway, effect);
            break;
        case LOOKUPS_WORKER_ADDED:
            log_worker(gateway, "worker_added", effect);
            break;
        case LOOKUPS_WORKER_REMOVED:
            log_worker(gateway, "worker_removed", effect);
            break;
        case LOOKUPS_WORKER_UP:
            log_worker(gateway, "worker_up", effect);
            break;
        case LOOKUPS_WORKER_DOWN:
            log_worker(gateway, "worker_down", effect);
            break;
        case LOOKUPS_FAULT:
            log_event(gateway->log,
                "worker_fault",
                log_text("worker", effect->worker),
                log_text("cause", effect->fault));
            break;
        }
    }
    worker_lanes_let_go(gateway->worker_lanes);
}

/* ---- Effects of the dispatch ---- */

static const char *node_name(const struct gateway *gateway, size_t node)
{
    return gateway->topology->nodes[node].name;
}

static void answer_accepted(struct gateway *gateway, const struct dispatch_effect *effect)
{
    struct client *client = clients_find(gateway->clients, effect->origin);
    if (client != NULL) {
        session_answer_accepted(client_session(client),
            effect->origin.ticket,
            effect->accepted.server,
            effect->accepted.received_ns);
        clients_touch(gateway->clients, client);
    }
}

static void reject(struct gateway *gateway, struct origin origin, enum dispatch_cause cause)
{
    struct client *client = clients_find(gateway->clients, origin);
    if (client == NULL) {
        return;
    }
    if (cause == DISPATCH_EXPIRED) {
        session_answer_expired(client_session(client), origin.ticket);
    } else {
        session_answer_rejected(client_session(client), origin.ticket);
    }
    clients_touch(gateway->clients, client);
}

static void log_rejection(struct gateway *gateway, enum dispatch_cause cause)
{
    switch (cause) {
    case DISPATCH_UNKNOWN_ID:
        return; /* a matter between the client and its friends */
    case DISPATCH_REFUSED:
        log_paced(gateway, &gateway->refused_pace, "command_refused", "the server takes no more");
        return;
    case DISPATCH_EXPIRED:
        log_paced(gateway,
            &gateway->expired_pace,
            "command_expired",
            dispatch_nodes_up(gateway->dispatch) == 0 ? "no server is up"
                                                      : "no server answered in time");
        return;
    }
}

/* A report was found: the second step of WHATSAT. */
static void look_up(struct gateway *gateway, const struct dispatch_effect *effect)
{
    struct client *client = clients_find(gateway->clients, effect->origin);
    if (client == NULL) {
        return;
    }
    struct report report = *effect->found.report;
    report.id = session_id_of(client_session(client), effect->origin.ticket);
    struct lookups_question question = {
        .origin = effect->origin,
        .radius_m = effect->found.radius_m,
        .results_max = effect->found.results_max,
    };
    buffer_reset(&gateway->at_line);
    if (location_parse(report.location, &question.location) != STATUS_OK ||
        report_append_at_line(&report, &gateway->at_line) != STATUS_OK) {
        log_paced(gateway, &gateway->refused_pace, "command_refused", "out of memory");
        reject(gateway, effect->origin, DISPATCH_REFUSED);
        return;
    }
    question.at_line = buffer_slice(&gateway->at_line);
    lookups_ask(gateway->lookups, instant_now(), &question);
    perform_lookups(gateway);
    clients_touch(gateway->clients, client); /* its next command may leave now */
}

static void note_node_up(struct gateway *gateway, size_t node)
{
    log_event(gateway->log, "node_up", log_text("server", node_name(gateway, node)));
    update_listeners(gateway);
    note_readiness(gateway);
}

static void note_node_down(struct gateway *gateway, size_t node, const char *cause)
{
    log_event(gateway->log,
        "node_down",
        log_text("server", node_name(gateway, node)),
        log_text("cause", cause));
    update_listeners(gateway);
    note_readiness(gateway);
}

static void perform_dispatch(struct gateway *gateway)
{
    const struct dispatch_effect *effect;
    while ((effect = dispatch_next_effect(gateway->dispatch)) != NULL) {
        switch (effect->kind) {
        case DISPATCH_SEND:
            lane_send(gateway->node_lanes[effect->lane], effect->bytes);
            break;
        case DISPATCH_CANCEL:
            lane_cancel(gateway->node_lanes[effect->lane]);
            break;
        case DISPATCH_REDIAL:
            lane_redial(gateway->node_lanes[effect->lane]);
            break;
        case DISPATCH_ACCEPTED:
            answer_accepted(gateway, effect);
            break;
        case DISPATCH_FOUND:
            look_up(gateway, effect);
            break;
        case DISPATCH_REJECTED:
            log_rejection(gateway, effect->cause);
            reject(gateway, effect->origin, effect->cause);
            break;
        case DISPATCH_NODE_UP:
            note_node_up(gateway, effect->node);
            break;
        case DISPATCH_NODE_DOWN:
            note_node_down(gateway, effect->node, effect->fault);
            break;
        case DISPATCH_FAULT:
            log_event(gateway->log,
                "node_fault",
                log_text("server", node_name(gateway, effect->node)),
                log_text("cause", effect->fault));
            break;
        }
    }
}

/* ---- Clients ---- */

static uint32_t on_client_opened(void *context, uint32_t client, size_t listener)
{
    struct gateway *gateway = context;
    const struct topology_listener *where = &gateway->self->listeners[listener];
    return dispatch_client_opened(
        gateway->dispatch, client, where->is_any ? DISPATCH_ANY_NODE : (int)where->node);
}

static void on_client_closed(void *context, uint32_t client)
{
    struct gateway *gateway = context;
    dispatch_client_closed(gateway->dispatch, client);
}

static enum clients_issue on_issue(
    void *context, struct client *client, const struct session_command *command)
{
    struct gateway *gateway = context;
    const enum dispatch_result result = dispatch_submit(gateway->dispatch,
        gateway->now,
        client_index(client),
        command->ticket,
        command->read_at,
        &command->command);
    switch (result) {
    case DISPATCH_TAKEN:
        session_issue(client_session(client));
        perform_dispatch(gateway); /* it may have been too late for it */
        return CLIENTS_ISSUED;
    case DISPATCH_NOT_YET:
        return CLIENTS_NOT_YET;
    case DISPATCH_NO_ROOM:
        return CLIENTS_NO_ROOM;
    }
    return CLIENTS_NOT_YET;
}

static void flush(struct gateway *gateway)
{
    dispatch_flush(gateway->dispatch, gateway->now);
    perform_dispatch(gateway);
}

static void on_issued(void *context)
{
    flush(context);
}

/* ---- The admin endpoint ---- */

static void handle_question(struct gateway *gateway, struct admin_question *question)
{
    const struct instant now = instant_now();
    const struct gateway_view view = {
        .topology = gateway->topology,
        .self = gateway->self,
        .started = gateway->started,
        .pid = getpid(),
        .is_ready = gateway->is_ready,
        .reload = &gateway->reload,
        .are_open = gateway->are_open,
        .dispatch = gateway->dispatch,
        .lookups = gateway->lookups,
        .clients = clients_view(gateway->clients),
        .accept_failures = gateway->accept_failures,
        .log_lines_dropped = log_dropped(gateway->log),
    };
    struct buffer page = buffer_with_max(PAGE_BYTES_MAX);
    bool is_healthy = true;
    enum status status = STATUS_OK;
    switch (admin_question_page(question)) {
    case ADMIN_LIVEZ:
        status = buffer_append_text(&page, "ok\n");
        break;
    case ADMIN_READYZ:
        is_healthy = gateway->is_ready;
        status = buffer_append_text(&page,
            is_healthy ? "ready\n" : "not ready: no server is up, or a listener is not open\n");
        break;
    case ADMIN_METRICS:
        status = gateway_metrics_append(&page, &view, now);
        break;
    case ADMIN_STATUS:
        status = gateway_status_append(&page, &view, now);
        break;
    }
    admin_answer(question, is_healthy && status == STATUS_OK, buffer_slice(&page));
    buffer_clear(&page);
}

/* ---- Stopping ---- */

static void on_drain(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    const struct clients_view view = clients_view(gateway->clients);
    if (view.open > view.lingering) {
        log_event(gateway->log,
            "drain_incomplete",
            log_number("clients", (int64_t)(view.open - view.lingering)));
    }
    uv_stop(&gateway->loop);
}

static void start_drain(struct gateway *gateway, uint64_t wait_ms)
{
    const int result = uv_timer_start(&gateway->drain, on_drain, wait_ms, 0);
    assert(result == 0);
}

/* Ends the loop when nobody is left, and soon when nobody is owed anything. */
static void note_drained(struct gateway *gateway)
{
    const struct clients_view view = clients_view(gateway->clients);
    if (view.open == 0) {
        uv_stop(&gateway->loop);
    } else if (view.open == view.lingering && !gateway->is_lingering) {
        gateway->is_lingering = true;
        start_drain(gateway, LINGER_MS);
    }
}

static void begin_stop(struct gateway *gateway)
{
    if (gateway->is_stopping) {
        return;
    }
    log_event(gateway->log,
        "stopping",
        log_number("clients", (int64_t)clients_view(gateway->clients).open));
    gateway->is_stopping = true;
    update_listeners(gateway);
    note_readiness(gateway);
    clients_stop(gateway->clients);
    start_drain(gateway, gateway->topology->limits.drain_ms);
}

/* ---- The topology, read again ---- */

static void reload(struct gateway *gateway)
{
    struct topology *topology = reload_read(&gateway->reload, gateway->log);
    if (topology == NULL) {
        return;
    }
    const struct topology_places *places = &topology->places;
    const enum status status =
        lookups_set_workers(gateway->lookups, instant_now(), places->workers, places->worker_count);
    if (status == STATUS_OK) {
        perform_lookups(gateway);
        reload_note(&gateway->reload, topology, NULL, gateway->log);
    } else {
        log_event(gateway->log, "topology_refused", log_text("cause", status_text(status)));
    }
    topology_destroy(topology);
}

/* ---- Mails ---- */

static void handle_lane_mail(struct gateway *gateway, const struct mail *mail)
{
    const struct instant now = instant_now();
    const uint64_t lane = mail->token;
    const bool is_node = mail->source == &gateway->node_lanes;
    switch ((enum mail_kind)mail->kind) {
    case MAIL_LANE_CONNECTED:
        is_node ? dispatch_lane_connected(gateway->dispatch, now, (size_t)lane)
                : lookups_lane_connected(gateway->lookups, now, lane);
        break;
    case MAIL_LANE_LOST:
        is_node ? dispatch_lane_lost(gateway->dispatch, now, (size_t)lane)
                : lookups_lane_lost(gateway->lookups, now, lane);
        break;
    case MAIL_LANE_RESPONSE:
        is_node ? dispatch_lane_response(gateway->dispatch, now, (size_t)lane, mail->bytes)
                : lookups_lane_response(gateway->lookups, now, lane, mail->bytes);
        break;
    case MAIL_LANE_FAILED:
        is_node ? dispatch_lane_failed(gateway->dispatch, now, (size_t)lane, mail->status)
                : lookups_lane_failed(gateway->lookups, now, lane, mail->status);
        break;
    case MAIL_STOP:
    case MAIL_RELOAD:
    case MAIL_REQUEST:
    case MAIL_LINK_CONNECTED:
    case MAIL_LINK_LOST:
    case MAIL_GOSSIP:
    case MAIL_ADMIN_QUESTION:
    case MAIL_LOOKUP:
        assert(false); /* nobody posts these about lanes */
    }
    if (is_node) {
        perform_dispatch(gateway);
    } else {
        perform_lookups(gateway);
    }
}

static void handle_mail(struct gateway *gateway, struct mail *mail)
{
    switch ((enum mail_kind)mail->kind) {
    case MAIL_STOP:
        begin_stop(gateway);
        return;
    case MAIL_RELOAD:
        reload(gateway);
        return;
    case MAIL_ADMIN_QUESTION:
        handle_question(gateway, mail->source);
        return;
    case MAIL_LANE_CONNECTED:
    case MAIL_LANE_LOST:
    case MAIL_LANE_RESPONSE:
    case MAIL_LANE_FAILED:
        handle_lane_mail(gateway, mail);
        return;
    case MAIL_REQUEST:
    case MAIL_LINK_CONNECTED:
    case MAIL_LINK_LOST:
    case MAIL_GOSSIP:
    case MAIL_LOOKUP:
        assert(false); /* a gateway has none of these */
    }
}

static void on_mail(uv_async_t *async)
{
    struct gateway *gateway = async->data;
    struct mail *mail = mailbox_wait(gateway->mailbox, (struct instant){.ns = 0});
    while (mail != NULL) {
        struct mail *next = mail->next;
        handle_mail(gateway, mail);
        mail_release(mail);
        mail = next;
    }
}

/* On a thread of whoever posts. */
static void wake(void *context)
{
    struct gateway *gateway = context;
    (void)uv_async_send(&gateway->mail);
}

/* ---- Turns ---- */

static void on_alarm(void *context)
{
    struct gateway *gateway = context;
    const struct instant now = instant_now();
    dispatch_tick(gateway->dispatch, now);
    perform_dispatch(gateway);
    lookups_tick(gateway->lookups, now);
    perform_lookups(gateway);
}

static void ask_waiting_clients(struct gateway *gateway)
{
    gateway->unasked = clients_view(gateway->clients).waiting;
    gateway->was_room = false;
}

static struct instant next_deadline(const struct gateway *gateway)
{
    if (gateway->unasked > 0) {
        return (struct instant){.ns = 0};
    }
    return instant_earlier(
        dispatch_deadline(gateway->dispatch), lookups_deadline(gateway->lookups));
}

/*
 * When there is room again, those that wait for it are asked in the order in which they came, a few
 * per turn, until it is taken. While none of them finds any, it is at a server that others wait
 * for, and they are passed over.
 */
static void wake_clients(struct gateway *gateway)
{
    if (gateway->room_count != dispatch_room_count(gateway->dispatch)) {
        gateway->room_count = dispatch_room_count(gateway->dispatch);
        ask_waiting_clients(gateway);
    }
    const size_t count =
        gateway->unasked < WAKES_PER_TURN ? gateway->unasked : (size_t)WAKES_PER_TURN;
    if (count == 0) {
        return;
    }
    if (clients_wake(gateway->clients, gateway->now, count) > 0) {
        gateway->was_room = true;
    } else if (gateway->was_room) {
        gateway->unasked = 0;
    } else {
        clients_pass_over(gateway->clients, count);
        gateway->unasked -= count;
    }
}

/* Before the loop waits again: whatever happened in this turn has its consequences now. */
static void on_turn(uv_prepare_t *prepare)
{
    struct gateway *gateway = prepare->data;
    gateway->now = instant_now();
    wake_clients(gateway);
    clients_turn(gateway->clients, gateway->now);
    flush(gateway); /* what did not come from a client in this turn */
    alarm_set(gateway->alarm, next_deadline(gateway));
    if (gateway->is_stopping) {
        note_drained(gateway);
    }
}

static void on_check(uv_timer_t *timer)
{
    struct gateway *gateway = timer->data;
    const struct instant now = instant_now();
    clients_check(gateway->clients, now);
    ask_waiting_clients(gateway); /* whatever was the reason, they do not wait for ever */
    update_listeners(gateway);
    note_readiness(gateway);
    if (!canary_is_alive(gateway->canary, now)) {
        log_event(gateway->log, "transport_dead", log_text("cause", "NNG no longer delivers"));
        gateway->result = STATUS_IO;
        uv_stop(&gateway->loop);
    }
}

enum status gateway_run(struct gateway *gateway)
{
    gateway->result = STATUS_OK;
    (void)uv_run(&gateway->loop, UV_RUN_DEFAULT);
    return gateway->result;
}

/* ---- Opening and closing ---- */

static enum status complain(struct buffer *complaint, const char *what, enum status status)
{
    if (buffer_append_format(complaint, "%s: %s", what, status_text(status)) != STATUS_OK) {
        buffer_reset(complaint);
    }
    return status;
}

static size_t worker_lane_count(const struct topology_places *places)
{
    size_t count = 0;
    for (size_t i = 0; i < places->worker_count; i++) {
        count += places->workers[i].threads;
    }
    return count;
}

/* As many connections as the topology and the system allow. */
static size_t connections_max(struct gateway *gateway)
{
    const size_t wanted = gateway->topology->limits.connections_max;
    const size_t reserved =
        DESCRIPTORS_RESERVED +
        DESCRIPTORS_PER_LANE *
            (gateway->node_lane_count + worker_lane_count(&gateway->topology->places)) +
        gateway->self->listener_count;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) {
        return wanted;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    const size_t descriptors = (size_t)limit.rlim_cur;
    const size_t allowed = descriptors > reserved ? descriptors - reserved : 1;
    if (allowed >= wanted) {
        return wanted;
    }
    log_event(gateway->log,
        "connections_limited",
        log_number("wanted", (int64_t)wanted),
        log_number("allowed", (int64_t)allowed),
        log_text("cause", "the system allows no more open files (ulimit -n)"));
    return allowed;
}

static enum status open_loop(struct gateway *gateway)
{
    if (uv_loop_init(&gateway->loop) != 0) {
        return STATUS_IO;
    }
    gateway->has_loop = true;
    if (uv_async_init(&gateway->loop, &gateway->mail, on_mail) != 0) {
        return STATUS_IO;
    }
    const enum status status = alarm_create(&gateway->loop, on_alarm, gateway, &gateway->alarm);
    if (status != STATUS_OK) {
        return status;
    }
    /* These cannot fail: they only enter lists of the loop. */
    (void)uv_prepare_init(&gateway->loop, &gateway->turn);
    (void)uv_timer_init(&gateway->loop, &gateway->check);
    (void)uv_timer_init(&gateway->loop, &gateway->drain);
    gateway->mail.data = gateway->turn.data = gateway;
    gateway->check.data = gateway->drain.data = gateway;
    (void)uv_prepare_start(&gateway->turn, on_turn);
    (void)uv_timer_start(&gateway->check, on_check, CHECK_EVERY_MS, CHECK_EVERY_MS);
    return STATUS_OK;
}

static enum status open_dispatch(struct gateway *gateway, size_t clients_max)
{
    const struct topology *topology = gateway->topology;
    for (size_t i = 0; i < topology->node_count; i++) {
        gateway->servers[i] = slice_of(topology->nodes[i].name);
    }
    const struct dispatch_settings settings = {
        .herd = slice_of(topology->herd),
        .servers = gateway->servers,
        .node_count = topology->node_count,
        .lanes_per_node = topology->limits.lanes_per_node,
        .clients_max = clients_max,
        .answer_within_ms = topology->limits.answer_within_ms,
        .now = gateway->started,
    };
    return dispatch_create(&settings, &gateway->dispatch);
}

static enum status open_lookups(struct gateway *gateway)
{
    const struct topology_places *places = &gateway->topology->places;
    const struct lookups_settings settings = {
        .timeout_ms = places->timeout_ms, .cache_bytes_max = places->cache_bytes_max};
    const enum status status = lookups_create(&settings, &gateway->lookups);
    return status == STATUS_OK ? worker_lanes_create(gateway->mailbox, &gateway->worker_lanes)
                               : status;
}

static enum status open_clients(struct gateway *gateway, size_t clients_max)
{
    const struct topology_limits *limits = &gateway->topology->limits;
    const size_t input_min = 2 * (limits->line_bytes_max + 2);
    for (size_t i = 0; i < gateway->self->listener_count; i++) {
        const struct topology_listener *where = &gateway->self->listeners[i];
        gateway->listener_servers[i] =
            where->is_any ? slice_of("*") : gateway->servers[where->node];
    }
    const struct clients_settings settings = {
        .connections_max = clients_max,
        .limits =
            {
                .line_max = limits->line_bytes_max,
                .input_max = limits->client_input_bytes_max < input_min
                                 ? input_min
                                 : limits->client_input_bytes_max,
                /* One half is written while the other one fills. */
                .output_max = limits->client_output_bytes_max / 2,
            },
        .log = gateway->log,
        .logs_traffic = gateway->topology->logs.traffic,
        .servers = gateway->listener_servers,
    };
    gateway->clients_events = (struct clients_events){
        .context = gateway,
        .opened = on_client_opened,
        .closed = on_client_closed,
        .issue = on_issue,
        .issued = on_issued,
    };
    return clients_create(&gateway->loop, &settings, &gateway->clients_events, &gateway->clients);
}

/* One that cannot be opened now is the end, other than later on. */
static enum status open_worker_lanes(struct gateway *gateway, struct buffer *complaint)
{
    const struct topology_places *places = &gateway->topology->places;
    enum status status = lookups_set_workers(
        gateway->lookups, gateway->started, places->workers, places->worker_count);
    if (status != STATUS_OK) {
        return complain(complaint, "gateway", status);
    }
    const struct lookups_effect *effect;
    while ((effect = lookups_next_effect(gateway->lookups)) != NULL) {
        if (effect->kind == LOOKUPS_DIAL) {
            status = worker_lanes_dial(gateway->worker_lanes, effect->lane, effect->url);
        }
        if (status != STATUS_OK) {
            return complain(complaint, effect->url, status);
        }
    }
    return STATUS_OK;
}

static enum status open_lanes(struct gateway *gateway, struct buffer *complaint)
{
    const struct topology *topology = gateway->topology;
    for (size_t i = 0; i < gateway->node_lane_count; i++) {
        const char *url = topology->nodes[i / topology->limits.lanes_per_node].requests_url;
        const enum status status = lane_open(url,
            MESSAGE_BATCH_BYTES_MAX,
            gateway->mailbox,
            &gateway->node_lanes,
            i,
            &gateway->node_lanes[i]);
        if (status != STATUS_OK) {
            return complain(complaint, url, status);
        }
    }
    return open_worker_lanes(gateway, complaint);
}

/* Opens each once, so that an address in use is known at the start, even if it is closed again
 * until its server is up. */
static enum status open_listeners(struct gateway *gateway, struct buffer *complaint)
{
    gateway->listener_events = (struct client_listener_events){
        .context = gateway, .arrived = on_arrived, .failed = on_accept_failed};
    for (size_t i = 0; i < gateway->self->listener_count; i++) {
        const struct topology_listener *where = &gateway->self->listeners[i];
        enum status status = client_listener_create(
            &gateway->loop, where, i, &gateway->listener_events, &gateway->listeners[i]);
        if (status == STATUS_OK) {
            status = client_listener_open(gateway->listeners[i]);
        }
        if (status != STATUS_OK) {
            return complain(complaint, where->address, status);
        }
        update_listener(gateway, i);
    }
    return STATUS_OK;
}

static enum status open_parts(struct gateway *gateway, struct buffer *complaint)
{
    const size_t clients_max = connections_max(gateway);
    enum status status = open_loop(gateway);
    if (status == STATUS_OK) {
        status = open_dispatch(gateway, clients_max);
    }
    if (status == STATUS_OK) {
        status = open_lookups(gateway);
    }
    if (status == STATUS_OK) {
        status = open_clients(gateway, clients_max);
    }
    if (status == STATUS_OK) {
        status = canary_create(&gateway->canary);
    }
    if (status != STATUS_OK) {
        return complain(complaint, "gateway", status);
    }
    status = open_listeners(gateway, complaint);
    if (status == STATUS_OK && gateway->self->admin != NULL) {
        status = admin_open(gateway->self->admin, gateway->mailbox, &gateway->admin);
        if (status != STATUS_OK) {
            return complain(complaint, gateway->self->admin, status);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    return open_lanes(gateway, complaint);
}

enum status gateway_open(const struct topology *topology,
    size_t index,
    struct mailbox *mailbox,
    struct log *log,
    struct gateway **ret_gateway,
    struct buffer *complaint)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        return STATUS_NO_MEMORY;
    }
    gateway->topology = topology;
    gateway->self = &topology->gateways[index];
    gateway->mailbox = mailbox;
    gateway->log = log;
    gateway->reload = reload_of(topology, PARTS_USED);
    gateway->started = instant_now();
    gateway->at_line = buffer_with_max(AT_LINE_MAX);
    gateway->node_lane_count = topology->node_count * topology->limits.lanes_per_node;
    gateway->node_lanes = calloc(gateway->node_lane_count + 1, sizeof(struct lane *));
    gateway->listeners =
        calloc(gateway->self->listener_count + 1, sizeof(struct client_listener *));
    gateway->are_open = calloc(gateway->self->listener_count + 1, sizeof(bool));
    enum status status = STATUS_NO_MEMORY;
    if (gateway->node_lanes != NULL && gateway->listeners != NULL && gateway->are_open != NULL) {
        status = open_parts(gateway, complaint);
    }
    if (status != STATUS_OK) {
        gateway_close(gateway);
        return status;
    }
    mailbox_set_wake(mailbox, wake, gateway);
    wake(gateway); /* for what came before */
    log_event(log,
        "started",
        log_text("herd", topology->herd),
        log_text("gateway", gateway->self->name),
        log_number("listeners", (int64_t)gateway->self->listener_count));
    *ret_gateway = gateway;
    return STATUS_OK;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Only of a gateway that nobody has come to yet: listeners, and our own handles. */
static void close_loop(struct gateway *gateway)
{
    for (size_t i = 0; i < gateway->self->listener_count; i++) {
        client_listener_destroy(gateway->listeners[i]);
    }
    alarm_destroy(gateway->alarm);
    uv_walk(&gateway->loop, close_handle, NULL);
    (void)uv_run(&gateway->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&gateway->loop);
}

void gateway_close(struct gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    admin_close(gateway->admin);
    for (size_t i = 0; i < gateway->node_lane_count; i++) {
        lane_close(gateway->node_lanes == NULL ? NULL : gateway->node_lanes[i]);
    }
    worker_lanes_destroy(gateway->worker_lanes);
    canary_destroy(gateway->canary);
    clients_destroy(gateway->clients);
    if (gateway->has_loop) {
        close_loop(gateway);
    }
    dispatch_destroy(gateway->dispatch);
    lookups_destroy(gateway->lookups);
    buffer_clear(&gateway->at_line);
    free(gateway->node_lanes);
    free(gateway->listeners);
    free(gateway->are_open);
    free(gateway);
}
