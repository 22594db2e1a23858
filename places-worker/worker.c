/* The loop: requests go to the pool, what comes back goes to the gateways. */
#include "places-worker/worker.h"

#include "common/admin.h"
#include "common/canary.h"
#include "common/instant.h"
#include "common/lane.h"
#include "common/message_codec.h"
#include "common/place_cache.h"
#include "common/reload.h"
#include "places-worker/google_key.h"
#include "places-worker/grid.h"
#include "places-worker/http_fetch.h"
#include "places-worker/lookup_pool.h"
#include "places-worker/worker_pages.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    REQUEST_BYTES_MAX = 1024,
    RESPONSE_OVERHEAD_MAX = 1024, /* what is in a response beside the text */
    PAGE_BYTES_MAX = 256 * 1024,
    COMPLAINTS_LOGGED_EVERY_MS = 1000,
    LAST_WORDS_MS = 50,    /* for the last response to leave: NNG does not say when it has */
    STUCK_AFTER_MS = 5000, /* a look-up this long past its deadline will not come back */
    /* Look-ups overtake each other on their way here; gateways wait a quarter of a second longer
     * than they say. */
    JOINED_LATE_MS_MAX = 100,
    /* Of the topology; gateways, because there are look-ups for the lanes of each. */
    PARTS_USED = 1U << TOPOLOGY_HERD | 1U << TOPOLOGY_GATEWAYS | 1U << TOPOLOGY_PLACES |
                 1U << TOPOLOGY_LIMITS | 1U << TOPOLOGY_LOGS,
};

struct worker {
    const struct topology *topology;
    const struct topology_worker *self;
    struct mailbox *mailbox;
    struct log *log;
    struct reload reload;
    unsigned worker_count; /* of the topology as it is by now */
    struct instant started;
    char google_key[GOOGLE_KEY_MAX + 1];
    struct lookup_pool *pool;
    struct lane_server *lane_server;
    struct admin *admin;
    struct canary *canary;
    struct buffer response;
    struct worker_counts counts;
    size_t lookup_count;
    struct lookup *lookups; /* all that there are */
    struct lookup *idle;    /* those of them that are not in hand */
    struct lookup *asked;   /* those that the pool has; others may have joined them */
    struct place_cache *cache;
    size_t in_hand;
    bool is_stopping;
    struct instant stop_deadline;
    uint64_t complaints_unlogged;
    struct instant next_complaint_logged;
};

/* ---- Look-ups ---- */

/* One line a second at most, which counts those that had none. */
static void log_complaint(struct worker *worker, const char *event, struct slice cause)
{
    const struct instant now = instant_now();
    worker->complaints_unlogged++;
    if (instant_is_before(now, worker->next_complaint_logged)) {
        return;
    }
    log_event(worker->log,
        event,
        log_bytes("cause", cause),
        log_number("count", (int64_t)worker->complaints_unlogged));
    worker->complaints_unlogged = 0;
    worker->next_complaint_logged = instant_after_ms(now, COMPLAINTS_LOGGED_EVERY_MS);
}

/* An empty response where there is no memory for a better one: the gateway then says so in its own
 * words. */
static void respond(struct worker *worker, uint64_t token, const struct places *places)
{
    buffer_reset(&worker->response);
    if (places_encode(&worker->response, places) != STATUS_OK) {
        buffer_reset(&worker->response);
    }
    lane_server_respond(worker->lane_server, token, buffer_slice(&worker->response));
}

static void refuse_request(struct worker *worker, uint64_t token, enum status status)
{
    struct buffer text = buffer_with_max(REQUEST_BYTES_MAX);
    worker->counts.refused++;
    log_complaint(worker, "request_refused", slice_of(status_text(status)));
    if (places_failure_append(&text,
            PLACES_UNKNOWN_ERROR,
            slice_of("the gateway and the places worker do not understand each other; they may be "
                     "of different "
                     "versions")) != STATUS_OK) {
        buffer_reset(&text);
    }
    const struct places places = {
        .provider = PROVIDER_NONE, .status = PLACES_UNKNOWN_ERROR, .json = buffer_slice(&text)};
    respond(worker, token, &places);
    buffer_clear(&text);
}

static void log_lookup(const struct worker *worker,
    const struct nearby *nearby,
    const char *source,
    const struct kept_answer *answer,
    uint64_t duration_us)
{
    char place[64];
    const int length = snprintf(
        place, sizeof place, "%+.6f%+.6f", nearby->location.latitude, nearby->location.longitude);
    log_traffic(worker->log,
        "nearby",
        log_bytes("location", slice_of_bytes(place, (size_t)length)),
        log_number("radius_m", (int64_t)nearby->radius_m),
        log_number("results_max", nearby->results_max),
        log_text("provider", places_provider_name(answer->provider)),
        log_text("source", source),
        log_text("status", places_status_text(answer->status)),
        log_number("bytes", (int64_t)answer->text.length),
        log_number("us", (int64_t)duration_us));
}

/* One gateway gets its answer; `source`: where it comes from. */
static void answer_request(struct worker *worker,
    uint64_t token,
    const struct nearby *nearby,
    struct instant received,
    const char *source,
    const struct kept_answer *answer)
{
    const struct instant now = instant_now();
    const int64_t keep_ns = instant_ns_between(now, answer->until);
    const struct places places = {
        .provider = answer->provider,
        .status = answer->status,
        .keep_ms = keep_ns <= 0 ? 0 : (uint32_t)(keep_ns / NS_PER_MS),
        .json = answer->text,
    };
    respond(worker, token, &places);
    const uint64_t duration_us = (uint64_t)(instant_ns_between(received, now) / NS_PER_US);
    worker->counts.by_status[answer->status]++;
    worker_durations_add(&worker->counts.lookups, duration_us);
    if (worker->topology->logs.traffic) {
        log_lookup(worker, nearby, source, answer, duration_us);
    }
}

/* The look-up that will have the same answer, and no later than this one needs it; NULL: none. */
static struct lookup *find_same(const struct worker *worker, const struct lookup *lookup)
{
    const struct instant late = instant_after_ms(lookup->deadline, JOINED_LATE_MS_MAX);
    struct lookup *other = worker->asked;
    while (other != NULL && (!place_key_equals(&other->key, &lookup->key) ||
                                instant_is_before(late, other->deadline))) {
        other = other->next;
    }
    return other;
}

static void ask_or_join(struct worker *worker, struct lookup *lookup)
{
    struct lookup *const same = find_same(worker, lookup);
    if (same != NULL) {
        lookup->next = same->joined;
        same->joined = lookup;
        return;
    }
    lookup->next = worker->asked;
    worker->asked = lookup;
    lookup_pool_ask(worker->pool, lookup);
}

static void take_lookup(struct worker *worker,
    uint64_t token,
    const struct nearby *nearby,
    const struct place_key *key,
    struct instant now)
{
    struct lookup *const lookup = worker->idle;
    assert(lookup != NULL); /* as many as the lane server has slots */
    worker->idle = lookup->next;
    worker->in_hand++;

    const unsigned own_timeout_ms = worker->topology->places.timeout_ms;
    lookup->is_in_hand = true;
    lookup->joined = NULL;
    lookup->token = token;
    lookup->nearby = *nearby;
    lookup->key = *key;
    lookup->received = now;
    lookup->deadline = instant_after_ms(
        now, nearby->timeout_ms < own_timeout_ms ? nearby->timeout_ms : own_timeout_ms);
    ask_or_join(worker, lookup);
}

static void take_request(struct worker *worker, const struct mail *mail)
{
    struct nearby nearby;
    const enum status status = nearby_decode(mail->bytes, &nearby);
    if (status != STATUS_OK) {
        refuse_request(worker, mail->token, status);
        return;
    }
    const struct instant now = instant_now();
    nearby.location = grid_round(nearby.location, worker->topology->places.grid_m);
    const struct place_key key = place_key_of(&nearby);
    struct kept_answer kept;
    worker->counts.asked++;
    if (place_cache_find(worker->cache, &key, now, &kept)) {
        worker->counts.providers[kept.provider].cached++;
        answer_request(worker, mail->token, &nearby, now, "cache", &kept);
        return;
    }
    take_lookup(worker, mail->token, &nearby, &key, now);
}

static void count_attempts(struct worker_counts *counts, const struct provider_attempts *attempts)
{
    for (size_t i = 0; i < attempts->count; i++) {
        const struct provider_attempt *const attempt = &attempts->attempts[i];
        counts->providers[attempt->provider].by_status[attempt->status]++;
        worker_durations_add(&counts->providers[attempt->provider].durations, attempt->duration_us);
    }
}

/* For as long as its provider and the topology allow; 0: not at all. What a stand-in said is not
 * kept: the first provider may be back at any time. */
static uint32_t seconds_to_keep(const struct worker *worker, const struct lookup *lookup)
{
    if (lookup->attempts.count > 1 || !provider_answer_is_answered(&lookup->answer)) {
        return 0;
    }
    const unsigned own_s = worker->topology->places.cache_seconds;
    return lookup->answer.keep_s < own_s ? lookup->answer.keep_s : own_s;
}

static void let_go(struct worker *worker, struct lookup *lookup)
{
    provider_answer_clear(&lookup->answer); /* it may have been large, and there may be many */
    lookup->is_in_hand = false;
    lookup->next = worker->idle;
    worker->idle = lookup;
    worker->in_hand--;
}

static void unlink_asked(struct worker *worker, const struct lookup *lookup)
{
    struct lookup **link = &worker->asked;
    while (*link != lookup) {
        link = &(*link)->next;
    }
    *link = lookup->next;
}

static void finish_lookup(struct worker *worker, struct lookup *lookup)
{
    const uint32_t keep_s = seconds_to_keep(worker, lookup);
    const struct kept_answer answer = {
        .status = lookup->answer.status,
        .provider = lookup->attempts.attempts[lookup->attempts.count - 1].provider,
        .until = instant_after_ms(instant_now(), (int64_t)keep_s * 1000),
        .text = buffer_slice(&lookup->answer.text),
    };
    unlink_asked(worker, lookup);
    count_attempts(&worker->counts, &lookup->attempts);
    answer_request(worker, lookup->token, &lookup->nearby, lookup->received, "provider", &answer);
    while (lookup->joined != NULL) {
        struct lookup *const other = lookup->joined;
        lookup->joined = other->next;
        worker->counts.providers[answer.provider].joined++;
        answer_request(worker, other->token, &other->nearby, other->received, "joined", &answer);
        let_go(worker, other);
    }
    if (keep_s > 0) {
        place_cache_keep(worker->cache, &lookup->key, &answer);
    }
    if (lookup->answer.message.length > 0) {
        log_complaint(worker, "provider_failed", buffer_slice(&lookup->answer.message));
    }
    let_go(worker, lookup);
}

/* ---- Admin ---- */

/* A thread that does not come back from a look-up: something below does not keep to its timeout. */
static bool is_stuck(const struct worker *worker, struct instant now)
{
    for (size_t i = 0; i < worker->lookup_count; i++) {
        const struct lookup *const lookup = &worker->lookups[i];
        if (lookup->is_in_hand &&
            instant_is_before(instant_after_ms(lookup->deadline, STUCK_AFTER_MS), now)) {
            return true;
        }
    }
    return false;
}

static struct worker_view view_of(const struct worker *worker, struct instant now)
{
    return (struct worker_view){
        .herd = worker->topology->herd,
        .worker = worker->self->name,
        .pid = getpid(),
        .uptime_ms = instant_ns_between(worker->started, now) / NS_PER_MS,
        .is_ready = !worker->is_stopping,
        .reload = &worker->reload,
        .workers = worker->worker_count,
        .threads = worker->self->threads,
        .in_hand = worker->in_hand,
        .provider_count = worker->topology->places.provider_count,
        .providers = worker->topology->places.providers,
        .counts = &worker->counts,
        .cache_answers = place_cache_size(worker->cache).answers,
        .cache_bytes = place_cache_size(worker->cache).bytes,
        .log_lines_dropped = log_dropped(worker->log),
    };
}

static void answer_admin(struct worker *worker, struct instant now, struct admin_question *question)
{
    const struct worker_view view = view_of(worker, now);
    struct buffer page = buffer_with_max(PAGE_BYTES_MAX);
    bool is_healthy = true;
    enum status status = STATUS_OK;
    switch (admin_question_page(question)) {
    case ADMIN_LIVEZ:
        is_healthy = !is_stuck(worker, now);
        status =
            buffer_append_text(&page, is_healthy ? "ok\n" : "not live: a look-up does not end\n");
        break;
    case ADMIN_READYZ:
        is_healthy = view.is_ready;
        status = buffer_append_text(&page, is_healthy ? "ready\n" : "not ready: is stopping\n");
        break;
    case ADMIN_METRICS:
        status = worker_metrics_append(&page, &view);
        break;
    case ADMIN_STATUS:
        status = worker_status_append(&page, &view);
        break;
    }
    admin_answer(question, is_healthy && status == STATUS_OK, buffer_slice(&page));
    buffer_clear(&page);
}

/* ---- The topology, read again ---- */

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same(const struct topology_worker *a, const struct topology_worker *b)
{
    return a->threads == b->threads && is_same_text(a->requests_url, b->requests_url) &&
           is_same_text(a->admin, b->admin);
}

/* Its part of what providers may be asked follows the number of workers. One that is no longer
 * among them keeps its part for what it still has in hand. */
static void take_over(struct worker *worker, struct instant now, const struct topology *topology)
{
    const struct topology_places *const places = &topology->places;
    char own[RELOAD_TEXT_MAX];
    (void)snprintf(own, sizeof own, "places.workers.%s", worker->self->name);
    size_t index;
    if (!topology_find_worker(topology, worker->self->name, &index)) {
        log_event(worker->log,
            "not_in_topology",
            log_text("cause", "gateways ask it no more; it may be stopped"));
        reload_note(&worker->reload, topology, NULL, worker->log);
        return;
    }
    worker->worker_count = (unsigned)places->worker_count;
    lookup_pool_divide(worker->pool, worker->worker_count, (unsigned)index, now);
    const bool is_as_before = is_same(worker->self, &places->workers[index]);
    reload_note(&worker->reload, topology, is_as_before ? NULL : own, worker->log);
}

static void reload(struct worker *worker, struct instant now)
{
    struct topology *topology = reload_read(&worker->reload, worker->log);
    if (topology != NULL) {
        take_over(worker, now, topology);
        topology_destroy(topology);
    }
}

/* ---- The loop ---- */

static void begin_stop(struct worker *worker, struct instant now)
{
    if (worker->is_stopping) {
        return;
    }
    log_event(worker->log, "stopping", log_number("in_hand", (int64_t)worker->in_hand));
    worker->is_stopping = true;
    worker->stop_deadline = instant_after_ms(now, worker->topology->limits.drain_ms);
}

static void handle_mail(struct worker *worker, struct instant now, struct mail *mail)
{
    switch ((enum mail_kind)mail->kind) {
    case MAIL_STOP:
        begin_stop(worker, now);
        break;
    case MAIL_RELOAD:
        reload(worker, now);
        break;
    case MAIL_REQUEST:
        if (!worker
                 ->is_stopping) { /* else the gateway loses the lane soon and asks another worker */
            take_request(worker, mail);
        }
        break;
    case MAIL_LOOKUP:
        finish_lookup(worker, mail->source);
        return; /* the mail is a part of the look-up */
    case MAIL_ADMIN_QUESTION:
        answer_admin(worker, now, mail->source);
        break;
    case MAIL_LANE_CONNECTED:
    case MAIL_LANE_LOST:
    case MAIL_LANE_RESPONSE:
    case MAIL_LANE_FAILED:
    case MAIL_LINK_CONNECTED:
    case MAIL_LINK_LOST:
    case MAIL_GOSSIP:
        assert(!"a places worker opens no lanes and no links");
        break;
    }
    mail_release(mail);
}

static struct instant next_wake(const struct worker *worker, struct instant now)
{
    const struct instant wake = instant_after_ms(now, CANARY_ASK_WITHIN_MS / 2);
    return worker->is_stopping ? instant_earlier(wake, worker->stop_deadline) : wake;
}

/* Handles what comes, until `is_over` says so; false: NNG is dead. */
static bool turn_until(
    struct worker *worker, bool (*is_over)(const struct worker *worker, struct instant now))
{
    struct instant now = instant_now();
    while (!is_over(worker, now)) {
        struct mail *mails = mailbox_wait(worker->mailbox, next_wake(worker, now));
        now = instant_now();
        while (mails != NULL) {
            struct mail *const mail = mails;
            mails = mail->next;
            handle_mail(worker, now, mail);
        }
        if (!canary_is_alive(worker->canary, now)) {
            log_event(worker->log, "transport_dead", log_text("cause", "NNG no longer delivers"));
            return false;
        }
    }
    return true;
}

static bool is_drained(const struct worker *worker, struct instant now)
{
    return worker->is_stopping &&
           (worker->in_hand == 0 || !instant_is_before(now, worker->stop_deadline));
}

static bool is_past_stop_deadline(const struct worker *worker, struct instant now)
{
    return !instant_is_before(now, worker->stop_deadline);
}

enum status worker_run(struct worker *worker)
{
    if (!turn_until(worker, is_drained)) {
        return STATUS_IO;
    }
    worker->stop_deadline =
        instant_earlier(worker->stop_deadline, instant_after_ms(instant_now(), LAST_WORDS_MS));
    return turn_until(worker, is_past_stop_deadline) ? STATUS_OK : STATUS_IO;
}

/* ---- Opening and closing ---- */

/* As many as all gateways have lanes to this worker; those that find no thread wait in the pool. */
static unsigned slots_of(const struct topology *topology, const struct topology_worker *self)
{
    const size_t slots =
        self->threads * (topology->gateway_count > 0 ? topology->gateway_count : 1);
    return slots < LANE_SLOTS_MAX ? (unsigned)slots : LANE_SLOTS_MAX;
}

static enum status create_lookups(struct worker *worker, size_t count)
{
    worker->lookups = calloc(count, sizeof *worker->lookups);
    if (worker->lookups == NULL) {
        return STATUS_NO_MEMORY;
    }
    worker->lookup_count = count;
    for (size_t i = 0; i < count; i++) {
        worker->lookups[i].answer = provider_answer_none();
        worker->lookups[i].next = worker->idle;
        worker->idle = &worker->lookups[i];
    }
    return STATUS_OK;
}

static enum status open_pool(
    struct worker *worker, const struct worker_settings *opened, struct buffer *complaint)
{
    const struct topology_places *const places = &worker->topology->places;
    const bool needs_key = provider_chain_needs_google_key(places);
    enum status status =
        needs_key ? google_key_read(places->google_key_file, worker->google_key, complaint)
                  : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    status = http_fetch_begin_process();
    if (status != STATUS_OK) {
        return status;
    }
    const struct provider_chain_settings settings = {
        .places = places,
        .database = opened->database,
        .google_key = needs_key ? worker->google_key : NULL,
    };
    return lookup_pool_start(&settings, opened->index, worker->mailbox, &worker->pool, complaint);
}

static enum status open_sockets(struct worker *worker, struct buffer *complaint)
{
    const char *address = worker->self->requests_url;
    enum status status = lane_server_open(address,
        REQUEST_BYTES_MAX,
        (unsigned)worker->lookup_count,
        worker->mailbox,
        &worker->lane_server);
    if (status == STATUS_OK && worker->self->admin != NULL) {
        address = worker->self->admin;
        status = admin_open(address, worker->mailbox, &worker->admin);
    }
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return buffer_append_format(complaint, "%s: %s", address, status_text(status)) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

static enum status open_all(
    struct worker *worker, const struct worker_settings *settings, struct buffer *complaint)
{
    enum status status = create_lookups(worker, slots_of(worker->topology, worker->self));
    if (status == STATUS_OK) {
        status = place_cache_create(worker->topology->places.cache_bytes_max, &worker->cache);
    }
    if (status == STATUS_OK) {
        status = open_pool(worker, settings, complaint);
    }
    if (status == STATUS_OK) {
        status = canary_create(&worker->canary);
    }
    return status == STATUS_OK ? open_sockets(worker, complaint) : status;
}

enum status worker_open(
    const struct worker_settings *settings, struct worker **ret_worker, struct buffer *complaint)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return STATUS_NO_MEMORY;
    }
    worker->topology = settings->topology;
    worker->self = &settings->topology->places.workers[settings->index];
    worker->mailbox = settings->mailbox;
    worker->log = settings->log;
    worker->reload = reload_of(settings->topology, PARTS_USED);
    worker->worker_count = (unsigned)settings->topology->places.worker_count;
    worker->started = instant_now();
    worker->response = buffer_with_max(MESSAGE_PLACES_MAX + RESPONSE_OVERHEAD_MAX);
    const enum status status = open_all(worker, settings, complaint);
    if (status != STATUS_OK) {
        worker_close(worker);
        return status;
    }
    log_event(worker->log,
        "started",
        log_text("herd", worker->topology->herd),
        log_text("worker", worker->self->name),
        log_text("requests", worker->self->requests_url),
        log_number("threads", worker->self->threads));
    *ret_worker = worker;
    return STATUS_OK;
}

/* What the pool finished after the loop's last turn lies there, and must not outlive its look-up.
 */
static void empty_mailbox(struct worker *worker)
{
    struct mail *mail = mailbox_wait(worker->mailbox, (struct instant){.ns = 0});
    while (mail != NULL) {
        struct mail *next = mail->next;
        mail_release(mail);
        mail = next;
    }
}

void worker_close(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    admin_close(worker->admin);
    lookup_pool_stop(worker->pool);
    empty_mailbox(worker);
    lane_server_close(worker->lane_server);
    canary_destroy(worker->canary);
    for (size_t i = 0; i < worker->lookup_count; i++) {
        provider_answer_clear(&worker->lookups[i].answer);
    }
    free(worker->lookups);
    place_cache_destroy(worker->cache);
    buffer_clear(&worker->response);
    free(worker);
}
