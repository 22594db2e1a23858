/* Look-ups that wait, lanes that carry them, and the words for those that nobody answers. */
#include "gateway/lookups.h"

#include "common/buffer.h"
#include "common/message.h"
#include "common/message_codec.h"
#include "common/place_cache.h"
#include "common/places_status.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEARBY_MAX = 64, /* an encoded question */
    AT_LINE_MAX = 2 * MESSAGE_FIELD_MAX,
    FAILURE_MAX = 1024,
    TIMEOUT_MS_MIN = 100, /* what a worker gets when a look-up is repeated late */
    /* Of one event: every look-up may end, every lane fail, be cancelled and send, and every worker
     * be replaced. */
    EFFECTS_MAX = LOOKUPS_MAX + 5 * LOOKUPS_LANES_MAX + 2 * TOPOLOGY_WORKERS_MAX + 4,
    NO_LANE = LOOKUPS_LANES_MAX,
};

/* Why a look-up ends without places: what the log says, and what the client is told. */
#define FAILURE_TABLE(X)                                                                           \
    X(NO_WORKER,                                                                                   \
        "no worker is up",                                                                         \
        "No places worker of this herd is running; try again when one is.")                        \
    X(ALL_BUSY,                                                                                    \
        "all workers are busy",                                                                    \
        "All places workers were busy for too long; try again later, or run more of them.")        \
    X(TOO_MANY,                                                                                    \
        "too many look-ups wait",                                                                  \
        "Too many look-ups of places are waiting; try again later, or run more places workers.")   \
    X(TOO_LATE,                                                                                    \
        "the worker did not answer in time",                                                       \
        "The places worker did not answer in time; try again later, or look into its log.")        \
    X(BROKEN,                                                                                      \
        "the worker failed at it again and again",                                                 \
        "The places workers failed at this look-up several times; their logs say why.")

enum failure {
#define FAILURE_ENUMERATOR(name, log, text) FAILURE_##name,
    FAILURE_TABLE(FAILURE_ENUMERATOR)
#undef FAILURE_ENUMERATOR
        FAILURE_COUNT,
};

static const struct {
    const char *log;
    const char *text;
} failure_words[] = {
#define FAILURE_WORDS(name, log, text) [FAILURE_##name] = {log, text},
    FAILURE_TABLE(FAILURE_WORDS)
#undef FAILURE_WORDS
};

struct lookup {
    struct lookup *next;
    struct origin origin;
    struct buffer at_line;
    struct nearby nearby;
    struct instant deadline;
    unsigned failures;         /* that say something about it */
    uint64_t failed_with_life; /* of its worker, the last time */
};

struct list {
    struct lookup *first;
    struct lookup *last;
    size_t count;
};

enum lane_state { LANE_NONE, LANE_AWAY, LANE_IDLE, LANE_BUSY, LANE_CANCELLED };

/* A place in the table of lanes. */
struct lane {
    enum lane_state state;
    uint32_t epoch; /* how many lanes had this place before */
    size_t next;    /* place of the next one of its worker, or that is free; NO_LANE: none */
    bool is_connected;
    bool was_redialled;   /* since its last answer: a connection is no sign of life then */
    int redial_ms;        /* how long to wait for a connection before the next redial */
    struct instant alarm; /* AWAY: when to redial */
    struct worker *worker;
    struct lookup *lookup; /* BUSY only */
    struct buffer message; /* the request that is out */
};

struct worker {
    struct worker *next; /* of those that have gone */
    char name[TOPOLOGY_NAME_MAX + 1];
    unsigned threads;
    uint64_t life;     /* a new number, of all workers, whenever a lane is connected */
    bool is_leaving;   /* no longer one of them, but some of its lanes are busy */
    size_t lane_first; /* place; unless it is leaving */
    size_t lane_count;
    size_t lanes_connected;
    size_t lanes_busy;            /* or cancelled: its thread may still be at it */
    struct instant suspect_until; /* after a wrong or late answer: asked when no other is free */
    uint64_t answered;
    uint64_t failures;
    char url[];
};

struct lookups {
    unsigned timeout_ms;
    size_t worker_count;
    struct worker *workers[TOPOLOGY_WORKERS_MAX];
    struct worker *gone; /* effects may still speak of them */
    size_t workers_up;
    size_t worker_last;  /* index of the one that was chosen last */
    size_t place_count;  /* that ever were in use */
    size_t place_free;   /* the first of those that no longer are, or NO_LANE */
    struct lane *lanes;  /* by place */
    size_t leaving;      /* lanes of workers that are */
    uint64_t lives;      /* that were counted */
    struct list waiting; /* oldest first */
    struct list ended;   /* their effects may still be looked at */
    struct list unused;
    size_t count; /* waiting or out */
    struct place_cache *cache;
    uint64_t answered;
    uint64_t unanswered;
    uint64_t repeated;
    uint64_t cached[PLACES_PROVIDERS][PLACES_STATUSES];
    struct buffer failures[FAILURE_COUNT]; /* the JSON texts */
    size_t effect_count;
    size_t effect_taken;
    struct lookups_effect *effects;
};

/* ---- Lists ---- */

static void push_back(struct list *list, struct lookup *lookup)
{
    lookup->next = NULL;
    if (list->last == NULL) {
        list->first = lookup;
    } else {
        list->last->next = lookup;
    }
    list->last = lookup;
    list->count++;
}

static void push_front(struct list *list, struct lookup *lookup)
{
    lookup->next = list->first;
    list->first = lookup;
    if (list->last == NULL) {
        list->last = lookup;
    }
    list->count++;
}

/* Behind all that end earlier; near the front, because only repeated look-ups come here. */
static void insert_by_deadline(struct list *list, struct lookup *lookup)
{
    struct lookup *before = NULL;
    struct lookup *after = list->first;
    while (after != NULL && instant_is_before(after->deadline, lookup->deadline)) {
        before = after;
        after = after->next;
    }
    if (before == NULL) {
        push_front(list, lookup);
    } else if (after == NULL) {
        push_back(list, lookup);
    } else {
        lookup->next = after;
        before->next = lookup;
        list->count++;
    }
}

static struct lookup *pop_front(struct list *list)
{
    struct lookup *lookup = list->first;
    if (lookup != NULL) {
        list->first = lookup->next;
        list->count--;
        if (list->first == NULL) {
            list->last = NULL;
        }
    }
    return lookup;
}

static void destroy_list(struct list *list)
{
    struct lookup *lookup;
    while ((lookup = pop_front(list)) != NULL) {
        buffer_clear(&lookup->at_line);
        free(lookup);
    }
}

/* ---- Life ---- */

static enum status write_failures(struct lookups *lookups)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < FAILURE_COUNT && status == STATUS_OK; i++) {
        lookups->failures[i] = buffer_with_max(FAILURE_MAX);
        status = places_failure_append(
            &lookups->failures[i], PLACES_UNKNOWN_ERROR, slice_of(failure_words[i].text));
    }
    return status;
}

enum status lookups_create(const struct lookups_settings *settings, struct lookups **ret_lookups)
{
    struct lookups *lookups = calloc(1, sizeof *lookups);
    if (lookups == NULL) {
        return STATUS_NO_MEMORY;
    }
    lookups->timeout_ms = settings->timeout_ms;
    lookups->place_free = NO_LANE;
    /* For the most that can ever be; the system gives the memory that is used. */
    lookups->lanes = calloc(LOOKUPS_LANES_MAX, sizeof *lookups->lanes);
    lookups->effects = calloc(EFFECTS_MAX, sizeof *lookups->effects);
    if (lookups->lanes == NULL || lookups->effects == NULL ||
        write_failures(lookups) != STATUS_OK ||
        place_cache_create(settings->cache_bytes_max, &lookups->cache) != STATUS_OK) {
        lookups_destroy(lookups);
        return STATUS_NO_MEMORY;
    }
    *ret_lookups = lookups;
    return STATUS_OK;
}

static void destroy_gone(struct lookups *lookups)
{
    while (lookups->gone != NULL) {
        struct worker *worker = lookups->gone;
        lookups->gone = worker->next;
        free(worker);
    }
}

/* A worker that is leaving has no other owner than its busy lanes. */
static void destroy_lanes(struct lookups *lookups)
{
    for (size_t i = 0; i < lookups->place_count; i++) {
        struct lane *lane = &lookups->lanes[i];
        if (lane->lookup != NULL) {
            push_back(&lookups->ended, lane->lookup);
        }
        if (lane->state != LANE_NONE && --lane->worker->lane_count == 0) {
            free(lane->worker);
        }
        buffer_clear(&lane->message);
    }
    free(lookups->lanes);
}

void lookups_destroy(struct lookups *lookups)
{
    if (lookups == NULL) {
        return;
    }
    destroy_lanes(lookups);
    destroy_gone(lookups);
    destroy_list(&lookups->waiting);
    destroy_list(&lookups->ended);
    destroy_list(&lookups->unused);
    for (size_t i = 0; i < FAILURE_COUNT; i++) {
        buffer_clear(&lookups->failures[i]);
    }
    place_cache_destroy(lookups->cache);
    free(lookups->effects);
    free(lookups);
}

size_t lookups_place_of(uint64_t lane)
{
    return (size_t)(lane & ((UINT64_C(1) << LOOKUPS_PLACE_BITS) - 1));
}

static uint64_t number_of(const struct lookups *lookups, const struct lane *lane)
{
    return (uint64_t)lane->epoch << LOOKUPS_PLACE_BITS | (uint64_t)(lane - lookups->lanes);
}

/* NULL: that lane was closed. */
static struct lane *find_lane(struct lookups *lookups, uint64_t number)
{
    const size_t place = lookups_place_of(number);
    assert(place < lookups->place_count);
    struct lane *lane = &lookups->lanes[place];
    return lane->state != LANE_NONE && number_of(lookups, lane) == number ? lane : NULL;
}

/* ---- Effects ---- */

static void begin_event(struct lookups *lookups)
{
    assert(lookups->effect_taken == lookups->effect_count);
    lookups->effect_taken = lookups->effect_count = 0;
    destroy_gone(lookups);
    struct lookup *lookup;
    while ((lookup = pop_front(&lookups->ended)) != NULL) {
        push_front(&lookups->unused, lookup);
    }
}

const struct lookups_effect *lookups_next_effect(struct lookups *lookups)
{
    if (lookups->effect_taken == lookups->effect_count) {
        return NULL;
    }
    return &lookups->effects[lookups->effect_taken++];
}

static void add_effect(struct lookups *lookups, struct lookups_effect effect)
{
    assert(lookups->effect_count < EFFECTS_MAX);
    lookups->effects[lookups->effect_count++] = effect;
}

static void add_lane_effect(struct lookups *lookups,
    enum lookups_effect_kind kind,
    const struct lane *lane,
    const char *fault)
{
    add_effect(lookups,
        (struct lookups_effect){
            .kind = kind,
            .lane = number_of(lookups, lane),
            .worker = lane->worker->name,
            .url = lane->worker->url,
            .bytes = buffer_slice(&lane->message),
            .fault = fault,
        });
}

static void end_lookup(
    struct lookups *lookups, struct lookup *lookup, struct slice json, const char *fault)
{
    add_effect(lookups,
        (struct lookups_effect){
            .kind = LOOKUPS_DONE,
            .origin = lookup->origin,
            .at_line = buffer_slice(&lookup->at_line),
            .json = json,
            .fault = fault,
        });
    lookups->count--;
    push_back(&lookups->ended, lookup);
}

static void give_up(struct lookups *lookups, struct lookup *lookup, enum failure failure)
{
    lookups->unanswered++;
    end_lookup(
        lookups, lookup, buffer_slice(&lookups->failures[failure]), failure_words[failure].log);
}

/* ---- Lanes ---- */

static bool is_taken(enum lane_state state)
{
    return state == LANE_BUSY || state == LANE_CANCELLED;
}

static void move_lane(struct lane *lane, enum lane_state to)
{
    static const unsigned allowed[] = {
        [LANE_AWAY] = 1U << LANE_IDLE,
        [LANE_IDLE] = 1U << LANE_BUSY | 1U << LANE_AWAY,
        [LANE_BUSY] = 1U << LANE_IDLE | 1U << LANE_AWAY | 1U << LANE_CANCELLED,
        [LANE_CANCELLED] = 1U << LANE_IDLE | 1U << LANE_AWAY,
    };
    assert(lane->state != LANE_NONE && (allowed[lane->state] & 1U << to) != 0);
    struct worker *worker = lane->worker;
    worker->lanes_busy -= is_taken(lane->state);
    worker->lanes_busy += is_taken(to);
    lane->state = to;
}

/* Whether a worker is up concerns nobody once it is leaving. */
static void set_connected(struct lookups *lookups, struct lane *lane, bool is_connected)
{
    struct worker *worker = lane->worker;
    if (lane->is_connected == is_connected) {
        return;
    }
    lane->is_connected = is_connected;
    if (is_connected && worker->lanes_connected++ == 0 && !worker->is_leaving) {
        lookups->workers_up++;
        add_lane_effect(lookups, LOOKUPS_WORKER_UP, lane, NULL);
    }
    if (!is_connected && --worker->lanes_connected == 0 && !worker->is_leaving) {
        lookups->workers_up--;
        add_lane_effect(lookups, LOOKUPS_WORKER_DOWN, lane, NULL);
    }
}

static void redial_later(struct lane *lane, struct instant now)
{
    lane->alarm = instant_after_ms(now, lane->redial_ms);
}

static struct lane *open_lane(struct lookups *lookups, struct instant now, struct worker *worker)
{
    size_t place = lookups->place_free;
    if (place == NO_LANE) {
        assert(lookups->place_count < LOOKUPS_LANES_MAX);
        place = lookups->place_count++;
        lookups->lanes[place].message = buffer_with_max(NEARBY_MAX);
    } else {
        lookups->place_free = lookups->lanes[place].next;
    }
    struct lane *lane = &lookups->lanes[place];
    lane->state = LANE_AWAY;
    lane->is_connected = false;
    lane->was_redialled = false;
    lane->redial_ms = LOOKUPS_REDIAL_MS_MIN;
    lane->worker = worker;
    lane->next = NO_LANE;
    worker->lane_count++;
    redial_later(lane, now);
    add_lane_effect(lookups, LOOKUPS_DIAL, lane, NULL);
    return lane;
}

static void close_lane(struct lookups *lookups, struct lane *lane)
{
    struct worker *worker = lane->worker;
    assert(lane->lookup == NULL);
    add_lane_effect(lookups, LOOKUPS_CLOSE, lane, NULL);
    lane->state = LANE_NONE;
    lane->epoch++;
    lane->next = lookups->place_free;
    lookups->place_free = (size_t)(lane - lookups->lanes);
    lookups->leaving -= worker->is_leaving;
    if (--worker->lane_count == 0) {
        worker->next = lookups->gone;
        lookups->gone = worker;
    }
}

static void release_lane(struct lookups *lookups, struct instant now, struct lane *lane)
{
    if (lane->worker->is_leaving) {
        close_lane(lookups, lane);
        return;
    }
    move_lane(lane, lane->is_connected ? LANE_IDLE : LANE_AWAY);
    redial_later(lane, now);
}

static struct lane *idle_lane_of(struct lookups *lookups, const struct worker *worker)
{
    for (size_t i = worker->lane_first; i != NO_LANE; i = lookups->lanes[i].next) {
        if (lookups->lanes[i].state == LANE_IDLE) {
            return &lookups->lanes[i];
        }
    }
    return NULL;
}

static bool is_better(const struct worker *a, const struct worker *b, struct instant now)
{
    const bool is_suspect = instant_is_before(now, a->suspect_until);
    if (is_suspect != instant_is_before(now, b->suspect_until)) {
        return !is_suspect;
    }
    return a->lanes_busy < b->lanes_busy;
}

/* An idle lane of the least busy worker, by turns where several are; NULL: all are busy or away. */
static struct lane *choose_lane(struct lookups *lookups, struct instant now)
{
    struct lane *chosen = NULL;
    size_t chosen_index = lookups->worker_last;
    for (size_t i = 1; i <= lookups->worker_count; i++) {
        const size_t index = (lookups->worker_last + i) % lookups->worker_count;
        const struct worker *worker = lookups->workers[index];
        struct lane *lane = idle_lane_of(lookups, worker);
        if (lane != NULL && (chosen == NULL || is_better(worker, chosen->worker, now))) {
            chosen = lane;
            chosen_index = index;
        }
    }
    lookups->worker_last = chosen_index;
    return chosen;
}

/* What the worker may take, so that its answer is here before the deadline. */
static uint32_t timeout_of(
    const struct lookups *lookups, struct instant now, const struct lookup *lookup)
{
    const int64_t left = instant_ns_between(now, lookup->deadline) / NS_PER_MS - LOOKUPS_MARGIN_MS;
    if (left < TIMEOUT_MS_MIN) {
        return TIMEOUT_MS_MIN;
    }
    return left < lookups->timeout_ms ? (uint32_t)left : lookups->timeout_ms;
}

static void send_waiting(struct lookups *lookups, struct instant now)
{
    struct lane *lane;
    while (lookups->waiting.first != NULL && (lane = choose_lane(lookups, now)) != NULL) {
        struct lookup *lookup = lookups->waiting.first;
        lookup->nearby.timeout_ms = timeout_of(lookups, now, lookup);
        buffer_reset(&lane->message);
        if (nearby_encode(&lane->message, &lookup->nearby) != STATUS_OK) {
            return; /* no memory: another time, or its deadline */
        }
        (void)pop_front(&lookups->waiting);
        lane->lookup = lookup;
        move_lane(lane, LANE_BUSY);
        add_lane_effect(lookups, LOOKUPS_SEND, lane, NULL);
    }
}

/* The look-up of a lane that failed is the next to be sent again. A worker that dies loses its
 * lanes one after the other, and one that was removed may die: neither is held against the look-up.
 */
static void repeat(struct lookups *lookups, struct lane *lane, enum status status)
{
    struct lookup *lookup = lane->lookup;
    struct worker *worker = lane->worker;
    const bool is_same_death =
        status == STATUS_DISCONNECTED && lookup->failed_with_life == worker->life;
    lane->lookup = NULL;
    worker->failures++;
    lookup->failed_with_life = worker->life;
    lookup->failures += !is_same_death && !worker->is_leaving;
    if (lookup->failures == LOOKUPS_TRIES_MAX) {
        give_up(lookups, lookup, FAILURE_BROKEN);
    } else {
        lookups->repeated++;
        insert_by_deadline(&lookups->waiting, lookup);
    }
}

static struct instant suspect_until(struct instant now)
{
    return instant_after_ms(now, LOOKUPS_SUSPECT_MS);
}

/* ---- Workers ---- */

static bool is_same(const struct worker *worker, const struct topology_worker *described)
{
    return worker->threads == described->threads && strcmp(worker->name, described->name) == 0 &&
           strcmp(worker->url, described->requests_url) == 0;
}

static struct worker *find_same(
    const struct lookups *lookups, const struct topology_worker *described)
{
    for (size_t i = 0; i < lookups->worker_count; i++) {
        if (is_same(lookups->workers[i], described)) {
            return lookups->workers[i];
        }
    }
    return NULL;
}

/* Without lanes yet; NULL: no memory. */
static struct worker *create_worker(const struct topology_worker *described)
{
    const size_t name_length = strlen(described->name);
    const size_t url_size = strlen(described->requests_url) + 1;
    struct worker *worker = calloc(1, sizeof *worker + url_size);
    if (worker != NULL) {
        assert(name_length <= TOPOLOGY_NAME_MAX);
        memcpy(worker->name, described->name, name_length);
        memcpy(worker->url, described->requests_url, url_size);
        worker->threads = described->threads;
        worker->lane_first = NO_LANE;
    }
    return worker;
}

static void open_worker(struct lookups *lookups, struct instant now, struct worker *worker)
{
    size_t *link = &worker->lane_first;
    for (unsigned i = 0; i < worker->threads; i++) {
        struct lane *lane = open_lane(lookups, now, worker);
        *link = (size_t)(lane - lookups->lanes);
        link = &lane->next;
    }
    add_effect(
        lookups, (struct lookups_effect){.kind = LOOKUPS_WORKER_ADDED, .worker = worker->name});
}

/* Its busy lanes stay until they are no longer. */
static void leave_worker(struct lookups *lookups, struct worker *worker)
{
    add_effect(
        lookups, (struct lookups_effect){.kind = LOOKUPS_WORKER_REMOVED, .worker = worker->name});
    lookups->workers_up -= worker->lanes_connected > 0;
    size_t next;
    for (size_t i = worker->lane_first; i != NO_LANE; i = next) {
        next = lookups->lanes[i].next;
        if (lookups->lanes[i].state != LANE_BUSY) {
            close_lane(lookups, &lookups->lanes[i]);
        }
    }
    worker->is_leaving = true;
    lookups->leaving += worker->lane_count;
}

static bool contains(struct worker *const *workers, size_t count, const struct worker *worker)
{
    for (size_t i = 0; i < count; i++) {
        if (workers[i] == worker) {
            return true;
        }
    }
    return false;
}

enum status lookups_set_workers(struct lookups *lookups,
    struct instant now,
    const struct topology_worker *workers,
    size_t count)
{
    assert(count <= TOPOLOGY_WORKERS_MAX);
    begin_event(lookups);
    struct worker *wanted[TOPOLOGY_WORKERS_MAX];
    bool are_new[TOPOLOGY_WORKERS_MAX];
    for (size_t i = 0; i < count; i++) {
        wanted[i] = find_same(lookups, &workers[i]);
        are_new[i] = wanted[i] == NULL;
        if (are_new[i]) {
            wanted[i] = create_worker(&workers[i]);
        }
        if (wanted[i] == NULL) {
            for (size_t k = 0; k < i; k++) {
                free(are_new[k] ? wanted[k] : NULL);
            }
            return STATUS_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < lookups->worker_count; i++) { /* first, for their places */
        if (!contains(wanted, count, lookups->workers[i])) {
            leave_worker(lookups, lookups->workers[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (are_new[i]) {
            open_worker(lookups, now, wanted[i]);
        }
        lookups->workers[i] = wanted[i];
    }
    lookups->worker_count = count;
    return STATUS_OK;
}

/* ---- Events ---- */

static struct lookup *take_lookup(struct lookups *lookups)
{
    struct lookup *lookup = pop_front(&lookups->unused);
    if (lookup != NULL) {
        buffer_reset(&lookup->at_line);
        return lookup;
    }
    lookup = calloc(1, sizeof *lookup);
    if (lookup != NULL) {
        lookup->at_line = buffer_with_max(AT_LINE_MAX);
    }
    return lookup;
}

/* The question's own bytes come back, without a wait. */
static void answer_at_once(struct lookups *lookups,
    const struct lookups_question *question,
    struct slice json,
    const char *fault)
{
    add_effect(lookups,
        (struct lookups_effect){
            .kind = LOOKUPS_DONE,
            .origin = question->origin,
            .at_line = question->at_line,
            .json = json,
            .fault = fault,
        });
}

/* Without room or memory for the question. */
static void refuse(struct lookups *lookups, const struct lookups_question *question)
{
    lookups->unanswered++;
    answer_at_once(lookups,
        question,
        buffer_slice(&lookups->failures[FAILURE_TOO_MANY]),
        failure_words[FAILURE_TOO_MANY].log);
}

void lookups_ask(
    struct lookups *lookups, struct instant now, const struct lookups_question *question)
{
    begin_event(lookups);
    const struct nearby nearby = {
        .location = question->location,
        .radius_m = question->radius_m,
        .results_max = question->results_max,
    };
    const struct place_key key = place_key_of(&nearby);
    struct kept_answer kept;
    if (place_cache_find(lookups->cache, &key, now, &kept)) {
        lookups->cached[kept.provider][kept.status]++;
        answer_at_once(lookups, question, kept.text, NULL);
        return;
    }
    struct lookup *lookup = lookups->count == LOOKUPS_MAX ? NULL : take_lookup(lookups);
    if (lookup == NULL) {
        refuse(lookups, question);
        return;
    }
    if (buffer_append(&lookup->at_line, question->at_line) != STATUS_OK) {
        push_front(&lookups->unused, lookup);
        refuse(lookups, question);
        return;
    }
    lookup->origin = question->origin;
    lookup->nearby = nearby;
    lookup->deadline = instant_after_ms(now, (int64_t)lookups->timeout_ms + LOOKUPS_MARGIN_MS);
    lookup->failures = 0;
    lookup->failed_with_life = 0;
    lookups->count++;
    push_back(&lookups->waiting, lookup);
    send_waiting(lookups, now);
}

void lookups_lane_connected(struct lookups *lookups, struct instant now, uint64_t lane_number)
{
    begin_event(lookups);
    struct lane *lane = find_lane(lookups, lane_number);
    if (lane == NULL) {
        return;
    }
    lane->worker->life = ++lookups->lives;
    set_connected(lookups, lane, true);
    if (!lane->was_redialled) { /* it has answered after all, to nobody */
        lane->worker->suspect_until = now;
    }
    if (lane->state == LANE_AWAY) {
        move_lane(lane, LANE_IDLE);
    }
    send_waiting(lookups, now);
}

void lookups_lane_lost(struct lookups *lookups, struct instant now, uint64_t lane_number)
{
    begin_event(lookups);
    struct lane *lane = find_lane(lookups, lane_number);
    if (lane == NULL) {
        return;
    }
    set_connected(lookups, lane, false);
    if (lane->state == LANE_IDLE) {
        move_lane(lane, LANE_AWAY);
        redial_later(lane, now);
    }
}

static void keep(struct lookups *lookups,
    struct instant now,
    const struct lookup *lookup,
    const struct places *places)
{
    const struct place_key key = place_key_of(&lookup->nearby);
    const struct kept_answer answer = {
        .status = places->status,
        .provider = places->provider,
        .until = instant_after_ms(now, places->keep_ms),
        .text = places->json,
    };
    if (places->keep_ms > 0) {
        place_cache_keep(lookups->cache, &key, &answer);
    }
}

void lookups_lane_response(
    struct lookups *lookups, struct instant now, uint64_t lane_number, struct slice response)
{
    begin_event(lookups);
    struct lane *lane = find_lane(lookups, lane_number);
    if (lane == NULL || !is_taken(lane->state)) {
        return; /* not asked for */
    }
    struct worker *worker = lane->worker;
    struct places places;
    const enum status status = places_decode(response, &places);
    worker->suspect_until = status == STATUS_OK ? now : suspect_until(now);
    if (status != STATUS_OK) {
        add_lane_effect(lookups,
            LOOKUPS_FAULT,
            lane,
            status == STATUS_UNSUPPORTED_VERSION ? "the answer is of another protocol version"
                                                 : "the answer is malformed");
    }
    if (lane->state == LANE_BUSY && status == STATUS_OK) {
        lookups->answered++;
        worker->answered++;
        lane->redial_ms = LOOKUPS_REDIAL_MS_MIN;
        lane->was_redialled = false;
        keep(lookups, now, lane->lookup, &places);
        end_lookup(lookups, lane->lookup, places.json, NULL);
        lane->lookup = NULL;
    } else if (lane->state == LANE_BUSY) {
        repeat(lookups, lane, status);
    }
    release_lane(lookups, now, lane);
    send_waiting(lookups, now);
}

void lookups_lane_failed(
    struct lookups *lookups, struct instant now, uint64_t lane_number, enum status status)
{
    begin_event(lookups);
    struct lane *lane = find_lane(lookups, lane_number);
    if (lane == NULL || !is_taken(lane->state)) {
        return; /* nothing was out */
    }
    if (status == STATUS_DISCONNECTED) {
        set_connected(
            lookups, lane, false); /* MAIL_LANE_LOST follows; it must not be asked first */
    }
    if (lane->state == LANE_BUSY) {
        repeat(lookups, lane, status);
    }
    release_lane(lookups, now, lane);
    send_waiting(lookups, now);
}

/* ---- Time ---- */

static bool is_late(const struct lookup *lookup, struct instant now)
{
    return !instant_is_before(now, lookup->deadline);
}

static void cancel(struct lookups *lookups, struct instant now, struct lane *lane)
{
    struct worker *worker = lane->worker;
    if (!worker->is_leaving) {
        add_lane_effect(lookups, LOOKUPS_CANCEL, lane, NULL);
    }
    add_lane_effect(lookups, LOOKUPS_FAULT, lane, failure_words[FAILURE_TOO_LATE].log);
    worker->suspect_until = suspect_until(now);
    worker->failures++;
    give_up(lookups, lane->lookup, FAILURE_TOO_LATE);
    lane->lookup = NULL;
    if (worker->is_leaving) {
        close_lane(lookups, lane);
    } else {
        move_lane(lane, LANE_CANCELLED);
    }
}

static void redial(struct lookups *lookups, struct instant now, struct lane *lane)
{
    add_lane_effect(lookups, LOOKUPS_DIAL, lane, NULL);
    lane->was_redialled = true;
    lane->redial_ms = 2 * lane->redial_ms;
    if (lane->redial_ms > LOOKUPS_REDIAL_MS_MAX) {
        lane->redial_ms = LOOKUPS_REDIAL_MS_MAX;
    }
    redial_later(lane, now);
}

void lookups_tick(struct lookups *lookups, struct instant now)
{
    begin_event(lookups);
    for (size_t i = 0; i < lookups->place_count; i++) {
        struct lane *lane = &lookups->lanes[i];
        if (lane->state == LANE_BUSY && is_late(lane->lookup, now)) {
            cancel(lookups, now, lane);
        } else if (lane->state == LANE_AWAY && !instant_is_before(now, lane->alarm)) {
            redial(lookups, now, lane);
        }
    }
    while (lookups->waiting.first != NULL && is_late(lookups->waiting.first, now)) {
        give_up(lookups,
            pop_front(&lookups->waiting),
            lookups->workers_up == 0 ? FAILURE_NO_WORKER : FAILURE_ALL_BUSY);
    }
    send_waiting(lookups, now);
}

struct instant lookups_deadline(const struct lookups *lookups)
{
    struct instant deadline = INSTANT_NEVER;
    if (lookups->waiting.first != NULL) {
        deadline = lookups->waiting.first->deadline;
    }
    for (size_t i = 0; i < lookups->place_count; i++) {
        const struct lane *lane = &lookups->lanes[i];
        if (lane->state == LANE_BUSY) {
            deadline = instant_earlier(deadline, lane->lookup->deadline);
        } else if (lane->state == LANE_AWAY) {
            deadline = instant_earlier(deadline, lane->alarm);
        }
    }
    return deadline;
}

/* ---- What can be known of it ---- */

size_t lookups_worker_count(const struct lookups *lookups)
{
    return lookups->worker_count;
}

struct lookups_worker_view lookups_view_worker(const struct lookups *lookups, size_t index)
{
    const struct worker *worker = lookups->workers[index];
    return (struct lookups_worker_view){
        .name = worker->name,
        .is_up = worker->lanes_connected > 0,
        .lanes_connected = worker->lanes_connected,
        .lanes_busy = worker->lanes_busy,
        .answered = worker->answered,
        .failures = worker->failures,
    };
}

struct lookups_view lookups_view(const struct lookups *lookups)
{
    struct lookups_view view = {
        .waiting = lookups->waiting.count,
        .leaving = lookups->leaving,
        .answered = lookups->answered,
        .unanswered = lookups->unanswered,
        .repeated = lookups->repeated,
        .cache_answers = place_cache_size(lookups->cache).answers,
        .cache_bytes = place_cache_size(lookups->cache).bytes,
    };
    memcpy(view.cached, lookups->cached, sizeof view.cached);
    return view;
}
