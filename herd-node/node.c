/* The loop: take what has come, let the cores handle it, send what they have to say, wait. */
#include "herd-node/node.h"

#include "common/admin.h"
#include "common/bus_link.h"
#include "common/canary.h"
#include "common/instant.h"
#include "common/lane.h"
#include "common/message_codec.h"
#include "common/random.h"
#include "common/reload.h"
#include "herd-node/gossip.h"
#include "herd-node/node_pages.h"
#include "herd-node/operations.h"
#include "herd-node/report_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUEST_SLOTS = 256, /* lanes that may ask at the same time, over all gateways */
    GRACE_MS = 1000, /* how long a new node waits for neighbours: they redial within 100 ms, but a
                        busy machine takes most of this to link it */
    UNCONFIRMED_MS_MAX = 3000, /* a link that is heard and yet confirms nothing is dialled anew */
    SILENT_MS_MAX = 2000,      /* one whose neighbour is not heard likewise, */
    SILENT_REDIAL_MS = 1000,   /* and so often, until it is heard */
    REFUSALS_LOGGED_EVERY_MS = 1000,
    PAGE_BYTES_MAX = 1024 * 1024,
    WAKE_MS_MAX = CANARY_ASK_WITHIN_MS / 2,
    PARTS_USED = 1U << TOPOLOGY_HERD | 1U << TOPOLOGY_NODES | 1U << TOPOLOGY_LIMITS |
                 1U << TOPOLOGY_LOGS, /* of the topology */
};

struct node {
    const struct topology *topology;
    const struct topology_node *self;
    struct mailbox *mailbox;
    struct log *log;
    struct reload reload;
    uint64_t incarnation;
    struct instant started;
    struct report_table *table;
    struct operations *operations;
    struct gossip *gossip;
    struct gossip_message *incoming; /* scratch: too large for a stack */
    struct buffer outgoing;
    struct lane_server *lane_server;
    struct bus_inlet *inlet;
    struct bus_link *links[GOSSIP_LINKS_MAX];
    struct link_watch {
        uint64_t peer_incarnation;
        struct instant unconfirmed_since;
        uint64_t peer_mark;
        struct instant silent_redial; /* when to dial anew, unless the neighbour is heard before */
    } watches[GOSSIP_LINKS_MAX];
    struct instant watched;
    struct admin *admin;
    struct canary *canary;
    bool is_ready;
    struct mail *held; /* requests that came before it was ready, oldest first */
    struct mail **held_end;
    bool is_stopping;
    struct instant stop_deadline;
    uint64_t gossip_refused;
    uint64_t gossip_malformed;
    uint64_t refusals_unlogged;
    struct instant next_refusal_logged;
    uint64_t links_redialled;
};

static const char *neighbour_name(const struct node *node, size_t link)
{
    return node->topology->nodes[node->self->neighbours[link]].name;
}

/* ---- Requests of gateways ---- */

static const char *outcome_text(enum outcome_kind outcome)
{
    switch (outcome) {
    case OUTCOME_ACCEPTED:
        return "accepted";
    case OUTCOME_REFUSED:
        return "refused";
    case OUTCOME_UNKNOWN:
        return "unknown";
    case OUTCOME_FOUND:
        return "found";
    }
    return "";
}

static void log_operation(void *context,
    const struct operation *operation,
    enum outcome_kind outcome,
    const struct report *report)
{
    struct node *node = context;
    (void)report;
    if (operation->kind == OPERATION_ACCEPT) {
        log_traffic(node->log,
            "accept",
            log_bytes("id", operation->id),
            log_bytes("location", operation->location),
            log_bytes("time", operation->time),
            log_text("outcome", outcome_text(outcome)));
    } else {
        log_traffic(node->log,
            "locate",
            log_bytes("id", operation->id),
            log_text("outcome", outcome_text(outcome)));
    }
}

/* One line a second at most, which counts those that had none. */
static void log_refusal(struct node *node, struct instant now, const char *event, const char *why)
{
    node->refusals_unlogged++;
    if (instant_is_before(now, node->next_refusal_logged)) {
        return;
    }
    log_event(node->log,
        event,
        log_text("cause", why),
        log_number("count", (int64_t)node->refusals_unlogged));
    node->refusals_unlogged = 0;
    node->next_refusal_logged = instant_after_ms(now, REFUSALS_LOGGED_EVERY_MS);
}

static void handle_request(struct node *node, struct instant now, const struct mail *mail)
{
    buffer_reset(&node->outgoing);
    enum status status =
        operations_answer(node->operations, mail->bytes, wall_clock_ns(), &node->outgoing);
    lane_server_respond(node->lane_server, mail->token, buffer_slice(&node->outgoing));
    if (status != STATUS_OK) {
        log_refusal(node, now, "request_refused", status_text(status));
    }
}

/* A node that knows nothing yet would tell a gateway that nobody has heard of its clients. */
static void hold_request(struct node *node, struct mail *mail)
{
    mail->next = NULL;
    *node->held_end = mail;
    node->held_end = &mail->next;
}

static void answer_held(struct node *node, struct instant now)
{
    while (node->held != NULL) {
        struct mail *mail = node->held;
        node->held = mail->next;
        handle_request(node, now, mail);
        mail_release(mail);
    }
    node->held_end = &node->held;
}

/* ---- Gossip ---- */

static const char *verdict_text(enum gossip_verdict verdict)
{
    switch (verdict) {
    case GOSSIP_TAKEN:
        return "taken";
    case GOSSIP_REFUSED_HERD:
        return "another herd";
    case GOSSIP_REFUSED_RECEIVER:
        return "meant for another node";
    case GOSSIP_REFUSED_SENDER:
        return "not from a neighbour";
    case GOSSIP_REFUSED_SECOND:
        return "a second process under the name of a neighbour";
    }
    return "";
}

/* Says once when a neighbour's process is met, and when a later one has taken its place. */
static void note_neighbour(struct node *node, struct instant now, size_t link)
{
    struct gossip_link_status status = gossip_link_status(node->gossip, now, link);
    if (status.peer_incarnation == node->watches[link].peer_incarnation) {
        return;
    }
    log_event(node->log,
        "neighbour_met",
        log_text("neighbour", neighbour_name(node, link)),
        log_number("is_restarted", node->watches[link].peer_incarnation != 0));
    node->watches[link].peer_incarnation = status.peer_incarnation;
}

static void handle_gossip(struct node *node, struct instant now, struct slice bytes)
{
    enum status status = gossip_decode(bytes, node->incoming);
    if (status != STATUS_OK) {
        node->gossip_malformed++;
        log_refusal(node, now, "gossip_refused", status_text(status));
        return;
    }
    size_t link;
    enum gossip_verdict verdict = gossip_receive(node->gossip, now, node->incoming, &link);
    if (verdict != GOSSIP_TAKEN) {
        node->gossip_refused++;
        log_refusal(node, now, "gossip_refused", verdict_text(verdict));
        return;
    }
    note_neighbour(node, now, link);
    if (node->topology->logs.traffic && node->incoming->count > 0) {
        log_traffic(node->log,
            "gossip_in",
            log_text("neighbour", neighbour_name(node, link)),
            log_number("reports", (int64_t)node->incoming->count));
    }
}

static void send_gossip(struct node *node, struct instant now)
{
    for (size_t i = 0; i < node->self->neighbour_count; i++) {
        while (gossip_next_message(node->gossip, now, i, &node->outgoing)) {
            bus_link_send(node->links[i], buffer_slice(&node->outgoing));
        }
    }
}

static void handle_link_opened(struct node *node, struct instant now, size_t link)
{
    log_event(node->log, "link_up", log_text("neighbour", neighbour_name(node, link)));
    gossip_link_opened(node->gossip, now, link);
    node->watches[link].unconfirmed_since = now;
}

static void handle_link_lost(struct node *node, struct instant now, size_t link)
{
    log_event(node->log, "link_down", log_text("neighbour", neighbour_name(node, link)));
    gossip_link_lost(node->gossip, now, link);
}

static void redial_link(struct node *node, struct instant now, size_t link, bool was_open)
{
    if (was_open) {
        log_event(node->log, "link_redialled", log_text("neighbour", neighbour_name(node, link)));
    }
    node->links_redialled++;
    node->watches[link].unconfirmed_since = now;
    node->watches[link].silent_redial = instant_after_ms(now, SILENT_REDIAL_MS);
    gossip_link_lost(node->gossip, now, link);
    bus_link_redial(node->links[link]);
}

/*
 * Dials anew where nothing gets through although the neighbour is heard: the socket may be dead for
 * good. And where the neighbour is not heard: when the network swallows what is sent, TCP tries
 * again after ever longer pauses, up to two minutes, and would notice only then that it has healed.
 */
static void watch_links(struct node *node, struct instant now)
{
    /* Who stood still has heard nobody, which says nothing. */
    const bool stood_still =
        instant_ns_between(node->watched, now) >= (int64_t)CANARY_ASK_WITHIN_MS * NS_PER_MS;
    node->watched = now;
    for (size_t i = 0; i < node->self->neighbour_count; i++) {
        struct link_watch *watch = &node->watches[i];
        struct gossip_link_status status = gossip_link_status(node->gossip, now, i);
        if (!status.is_heard || status.behind == 0 || status.peer_mark != watch->peer_mark) {
            watch->peer_mark = status.peer_mark;
            watch->unconfirmed_since = now;
        }
        if (status.is_heard || stood_still) {
            watch->silent_redial = instant_after_ms(now, SILENT_MS_MAX);
        }
        if (instant_ns_between(watch->unconfirmed_since, now) >=
                (int64_t)UNCONFIRMED_MS_MAX * NS_PER_MS ||
            !instant_is_before(now, watch->silent_redial)) {
            redial_link(node, now, i, status.is_open);
        }
    }
}

/* ---- Admin ---- */

static struct node_view view_of(const struct node *node)
{
    return (struct node_view){
        .herd = slice_of(node->topology->herd),
        .server = slice_of(node->self->name),
        .incarnation = node->incarnation,
        .started = node->started,
        .pid = getpid(),
        .is_ready = node->is_ready,
        .reload = &node->reload,
        .table = node->table,
        .gossip = node->gossip,
        .link_count = node->self->neighbour_count,
        .operations = operations_counters(node->operations),
        .gossip_refused = node->gossip_refused,
        .gossip_malformed = node->gossip_malformed,
        .links_redialled = node->links_redialled,
        .log_lines_dropped = log_dropped(node->log),
    };
}

static void answer_admin(struct node *node, struct instant now, struct admin_question *question)
{
    struct buffer page = buffer_with_max(PAGE_BYTES_MAX);
    struct node_view view = view_of(node);
    bool is_healthy = true;
    enum status status = STATUS_OK;
    switch (admin_question_page(question)) {
    case ADMIN_LIVEZ:
        status = buffer_append_text(&page, "ok\n");
        break;
    case ADMIN_READYZ:
        is_healthy = node->is_ready;
        status = buffer_append_text(
            &page, is_healthy ? "ready\n" : "not ready: has not caught up with a neighbour yet\n");
        break;
    case ADMIN_METRICS:
        status = node_metrics_append(&page, &view, now);
        break;
    case ADMIN_STATUS:
        status = node_status_append(&page, &view, now);
        break;
    }
    admin_answer(question, is_healthy && status == STATUS_OK, buffer_slice(&page));
    buffer_clear(&page);
}

/* ---- The loop ---- */

/* A node has nothing to do with workers, and only tells what else has changed. */
static void reload(struct node *node)
{
    struct topology *topology = reload_read(&node->reload, node->log);
    if (topology != NULL) {
        reload_note(&node->reload, topology, NULL, node->log);
        topology_destroy(topology);
    }
}

static void begin_stop(struct node *node, struct instant now)
{
    if (node->is_stopping) {
        return;
    }
    log_event(
        node->log, "stopping", log_number("reports", (int64_t)report_table_count(node->table)));
    node->is_stopping = true;
    node->is_ready = false;
    node->stop_deadline = instant_after_ms(now, node->topology->limits.drain_ms);
    gossip_hurry(node->gossip);
    answer_held(node, now);
}

static void handle_mail(struct node *node, struct instant now, struct mail *mail)
{
    switch ((enum mail_kind)mail->kind) {
    case MAIL_STOP:
        begin_stop(node, now);
        break;
    case MAIL_RELOAD:
        reload(node);
        break;
    case MAIL_REQUEST:
        if (!node->is_ready && !node->is_stopping) {
            hold_request(node, mail);
            return;
        }
        handle_request(node, now, mail);
        break;
    case MAIL_GOSSIP:
        handle_gossip(node, now, mail->bytes);
        break;
    case MAIL_LINK_CONNECTED:
        handle_link_opened(node, now, (size_t)mail->token);
        break;
    case MAIL_LINK_LOST:
        handle_link_lost(node, now, (size_t)mail->token);
        break;
    case MAIL_ADMIN_QUESTION:
        answer_admin(node, now, mail->source);
        break;
    case MAIL_LANE_CONNECTED:
    case MAIL_LANE_LOST:
    case MAIL_LANE_RESPONSE:
    case MAIL_LANE_FAILED:
    case MAIL_LOOKUP:
        assert(!"a node opens no lanes");
        break;
    }
    mail_release(mail);
}

static void note_readiness(struct node *node, struct instant now)
{
    if (node->is_ready || node->is_stopping || !gossip_is_caught_up(node->gossip)) {
        return;
    }
    bool is_alone = true;
    for (size_t i = 0; i < node->self->neighbour_count; i++) {
        is_alone = is_alone && !gossip_link_status(node->gossip, now, i).is_heard;
    }
    bool is_grace_over = instant_ns_between(node->started, now) >= (int64_t)GRACE_MS * NS_PER_MS;
    if (is_alone && node->self->neighbour_count > 0 && !is_grace_over) {
        return;
    }
    node->is_ready = true;
    log_event(node->log, "ready", log_number("reports", (int64_t)report_table_count(node->table)));
    answer_held(node, now);
}

/* Whether every neighbour that is there holds all that this node has. */
static bool has_handed_over(const struct node *node, struct instant now)
{
    for (size_t i = 0; i < node->self->neighbour_count; i++) {
        struct gossip_link_status status = gossip_link_status(node->gossip, now, i);
        if (status.is_open && status.is_heard && status.behind > 0) {
            return false;
        }
    }
    return true;
}

static struct instant next_wake(const struct node *node, struct instant now)
{
    struct instant wake =
        instant_earlier(gossip_deadline(node->gossip), instant_after_ms(now, WAKE_MS_MAX));
    return node->is_stopping ? instant_earlier(wake, node->stop_deadline) : wake;
}

enum status node_run(struct node *node)
{
    for (;;) {
        struct instant now = instant_now();
        struct mail *mails = mailbox_wait(node->mailbox, next_wake(node, now));
        now = instant_now();
        while (mails != NULL) {
            struct mail *mail = mails;
            mails = mail->next;
            handle_mail(node, now, mail);
        }
        bus_inlet_resume(node->inlet);
        send_gossip(node, now);
        note_readiness(node, now);
        watch_links(node, now);
        if (!canary_is_alive(node->canary, now)) {
            log_event(node->log, "transport_dead", log_text("cause", "NNG no longer delivers"));
            return STATUS_IO;
        }
        if (node->is_stopping &&
            (has_handed_over(node, now) || !instant_is_before(now, node->stop_deadline))) {
            return STATUS_OK;
        }
    }
}

/* ---- Opening and closing ---- */

static enum status open_cores(struct node *node)
{
    const struct topology *topology = node->topology;
    enum status status = report_table_create(topology->limits.reports_max,
        (unsigned)(2 * node->self->neighbour_count),
        random_seed_from_system(),
        &node->table);
    if (status != STATUS_OK) {
        return status;
    }

    struct operations_config operations = {
        .herd = slice_of(topology->herd),
        .self = slice_of(node->self->name),
        .incarnation = node->incarnation,
    };
    status = operations_create(&operations,
        node->table,
        topology->logs.traffic ? log_operation : NULL,
        node,
        &node->operations);
    if (status != STATUS_OK) {
        return status;
    }

    struct slice neighbours[GOSSIP_LINKS_MAX];
    for (size_t i = 0; i < node->self->neighbour_count; i++) {
        neighbours[i] = slice_of(neighbour_name(node, i));
    }
    struct gossip_config gossip = {
        .herd = operations.herd,
        .self = operations.self,
        .incarnation = node->incarnation,
        .link_count = node->self->neighbour_count,
        .neighbours = neighbours,
    };
    return gossip_create(&gossip, node->table, &node->gossip);
}

static enum status open_sockets(struct node *node, const char **ret_address)
{
    *ret_address = node->self->requests_url;
    enum status status = lane_server_open(node->self->requests_url,
        MESSAGE_BATCH_BYTES_MAX,
        REQUEST_SLOTS,
        node->mailbox,
        &node->lane_server);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_address = node->self->gossip_url;
    status = bus_inlet_open(
        node->self->gossip_url, MESSAGE_BATCH_BYTES_MAX, node->mailbox, &node->inlet);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < node->self->neighbour_count; i++) {
        *ret_address = node->topology->nodes[node->self->neighbours[i]].gossip_url;
        status = bus_link_open(*ret_address, node->mailbox, node, i, &node->links[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (node->self->admin == NULL) {
        return STATUS_OK;
    }
    *ret_address = node->self->admin;
    return admin_open(node->self->admin, node->mailbox, &node->admin);
}

enum status node_open(const struct topology *topology,
    size_t index,
    struct mailbox *mailbox,
    struct log *log,
    struct node **ret_node,
    struct buffer *complaint)
{
    const char *address = "memory";
    enum status status = STATUS_NO_MEMORY;
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        goto out;
    }
    node->topology = topology;
    node->self = &topology->nodes[index];
    node->mailbox = mailbox;
    node->log = log;
    node->reload = reload_of(topology, PARTS_USED);
    node->held_end = &node->held;
    node->incarnation = random_seed_from_system() | 1; /* never 0 */
    node->started = instant_now();
    node->outgoing = buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
    char *room; /* taken now, so that a node that runs has the memory to speak */
    status = buffer_reserve(&node->outgoing, MESSAGE_BATCH_BYTES_MAX, &room);
    if (status != STATUS_OK) {
        goto out;
    }
    status = STATUS_NO_MEMORY;
    node->incoming = malloc(sizeof *node->incoming);
    if (node->incoming == NULL) {
        goto out;
    }
    status = canary_create(&node->canary);
    if (status != STATUS_OK) {
        goto out;
    }
    status = open_cores(node);
    if (status != STATUS_OK) {
        goto out;
    }
    status = open_sockets(node, &address);
    if (status != STATUS_OK) {
        goto out;
    }
    log_event(log,
        "started",
        log_text("herd", topology->herd),
        log_text("server", node->self->name),
        log_text("requests", node->self->requests_url),
        log_text("gossip", node->self->gossip_url));
    *ret_node = node;
    return STATUS_OK;
out:
    if (buffer_append_format(complaint, "%s: %s", address, status_text(status)) != STATUS_OK) {
        buffer_reset(complaint);
    }
    node_close(node);
    return status;
}

void node_close(struct node *node)
{
    if (node == NULL) {
        return;
    }
    admin_close(node->admin);
    lane_server_close(node->lane_server);
    bus_inlet_close(node->inlet);
    for (size_t i = 0; i < GOSSIP_LINKS_MAX; i++) {
        bus_link_close(node->links[i]);
    }
    canary_destroy(node->canary);
    gossip_destroy(node->gossip);
    operations_destroy(node->operations);
    report_table_destroy(node->table);
    buffer_clear(&node->outgoing);
    free(node->incoming);
    free(node);
}
