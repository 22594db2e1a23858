/* Clients over many TCP connections of one thread. */
#include "tests/bench/load.h"

#include "tests/bench/conversation.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 256 * 1024, /* at once; with what is left of the last answer before it */
    ANSWER_BYTES_MAX = 1 << 20, /* an answer that is longer is given up as wrong */
    EVENTS_MAX = 256,           /* taken from the kernel at once */
    CONNECT_DEADLINE_MS = 30 * 1000,
    CONNECTS_AT_ONCE = 1024, /* under way at once, within usual accept queues */
};

/* One connection. */
struct peer {
    int socket; /* -1: closed */
    bool is_connected;
    bool waits_to_send; /* the socket was full; its lines leave when it says so */
    bool is_touched;    /* has lines that are not flushed yet, and stands in load->touched */
    struct conversation conversation;
    struct buffer rest; /* the beginning of an answer */
};

/* What is said when, for one call of load_greet, load_introduce or load_measure. */
struct phase {
    enum { PHASE_GREET, PHASE_INTRODUCE, PHASE_MEASURE } kind;
    size_t speakers; /* the first so many peers speak */
    uint64_t rate;   /* 0: closed loop */
    uint64_t count_max;
    struct instant start;
    struct instant end; /* of speaking */
    uint64_t said;
    uint64_t outstanding;
};

struct load {
    struct load_plan plan;
    struct workload *workload;
    size_t peer_count;
    struct peer *peers;
    size_t open_count; /* peers that are not closed */
    size_t *touched;   /* indices of peers with lines to flush */
    size_t touched_count;
    size_t next_peer; /* whose turn it is in an open loop */
    int epoll;
    char *received; /* room for the rest of an answer and what follows */
    int64_t last_stamp_ns;
    struct phase phase;
    struct tally *tally;    /* of the phase */
    struct tally *interval; /* of the present second, added to the tally at its end */
    struct instant interval_end;
    uint64_t disconnects;
};

/* ---- Connecting ---- */

static bool watch(struct load *load, size_t index, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = index};
    return epoll_ctl(load->epoll, operation, load->peers[index].socket, &event) == 0;
}

static enum status start_connecting(struct load *load, size_t index)
{
    struct peer *peer = &load->peers[index];
    const struct tcp_endpoint *endpoint = &load->plan.endpoints[index % load->plan.endpoint_count];
    const enum status status =
        tcp_endpoint_connect(endpoint, TCP_ENDPOINT_NONBLOCKING, &peer->socket);
    if (status != STATUS_OK) {
        peer->socket = -1;
        return status;
    }
    load->open_count++;
    return watch(load, index, EPOLL_CTL_ADD, EPOLLOUT) ? STATUS_OK : STATUS_IO;
}

static bool is_connect_done(const struct peer *peer)
{
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(peer->socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

static enum status connect_all(struct load *load)
{
    const struct instant deadline = instant_after_ms(instant_now(), CONNECT_DEADLINE_MS);
    size_t started = 0;
    size_t connected = 0;
    while (connected < load->peer_count) {
        while (started < load->peer_count && started - connected < CONNECTS_AT_ONCE) {
            const enum status status = start_connecting(load, started);
            if (status != STATUS_OK) {
                return status;
            }
            started++;
        }
        struct epoll_event events[EVENTS_MAX];
        const int count = epoll_wait(load->epoll, events, EVENTS_MAX, 100);
        for (int i = 0; i < count; i++) {
            struct peer *peer = &load->peers[events[i].data.u64];
            if (!is_connect_done(peer)) {
                return STATUS_DISCONNECTED;
            }
            if (!watch(load, events[i].data.u64, EPOLL_CTL_MOD, EPOLLIN)) {
                return STATUS_IO;
            }
            peer->is_connected = true;
            connected++;
        }
        if (instant_is_before(deadline, instant_now())) {
            return STATUS_TIMED_OUT;
        }
    }
    return STATUS_OK;
}

static enum status init_peers(struct load *load)
{
    const size_t speakers = load->plan.connections;
    for (size_t i = 0; i < load->peer_count; i++) {
        struct peer *peer = &load->peers[i];
        const bool speaks = i < speakers;
        const struct workload_client client = speaks
                                                  ? workload_client(load->workload, i)
                                                  : workload_visitor(load->workload, i - speakers);
        const enum status status = conversation_init(
            &peer->conversation, load->workload, client, speaks ? load->plan.window : 1);
        if (status != STATUS_OK) {
            return status;
        }
        peer->rest = buffer_with_max(ANSWER_BYTES_MAX);
    }
    return STATUS_OK;
}

enum status load_open(const struct load_plan *plan, struct load **ret_load)
{
    assert(plan->endpoint_count > 0 && plan->connections > 0 && plan->window > 0);
    assert(plan->count_max > 0 || plan->duration_ns > 0);

    struct load *load = calloc(1, sizeof *load);
    if (load == NULL) {
        return STATUS_NO_MEMORY;
    }
    load->plan = *plan;
    load->plan.workload.visitors = plan->idle_connections;
    load->epoll = -1;
    load->peer_count = plan->connections + plan->idle_connections;
    load->peers = calloc(load->peer_count, sizeof *load->peers);
    load->touched = calloc(load->peer_count, sizeof *load->touched);
    load->received = malloc(ANSWER_BYTES_MAX + RECEIVE_BYTES);
    load->interval = calloc(1, sizeof *load->interval);
    enum status status = STATUS_NO_MEMORY;
    if (load->peers == NULL || load->touched == NULL || load->received == NULL ||
        load->interval == NULL) {
        goto out;
    }
    for (size_t i = 0; i < load->peer_count; i++) {
        load->peers[i].socket = -1;
    }
    status = workload_create(&load->plan.workload, plan->connections, &load->workload);
    if (status != STATUS_OK) {
        goto out;
    }
    status = init_peers(load);
    if (status != STATUS_OK) {
        goto out;
    }
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    status = load->epoll < 0 ? STATUS_IO : connect_all(load);
out:
    if (status != STATUS_OK) {
        load_close(load);
        return status;
    }
    *ret_load = load;
    return STATUS_OK;
}

static void close_peer(struct load *load, struct peer *peer)
{
    if (peer->socket >= 0) {
        (void)close(peer->socket);
        peer->socket = -1;
        load->open_count--;
    }
}

void load_close(struct load *load)
{
    if (load == NULL) {
        return;
    }
    for (size_t i = 0; load->peers != NULL && i < load->peer_count; i++) {
        close_peer(load, &load->peers[i]);
        conversation_clear(&load->peers[i].conversation);
        buffer_clear(&load->peers[i].rest);
    }
    if (load->epoll >= 0) {
        (void)close(load->epoll);
    }
    workload_destroy(load->workload);
    free(load->peers);
    free(load->touched);
    free(load->received);
    free(load->interval);
    free(load);
}

/* ---- Speaking ---- */

/* What a lost connection still owed is missing; the others go on. */
static void lose_peer(struct load *load, struct peer *peer)
{
    const uint64_t owed = peer->conversation.outstanding;
    load->phase.outstanding -= owed;
    load->interval->missing += owed;
    load->disconnects++;
    close_peer(load, peer);
}

static void flush(struct load *load, size_t index)
{
    struct peer *peer = &load->peers[index];
    while (peer->socket >= 0 && !peer->waits_to_send) {
        const struct slice unsent = conversation_unsent(&peer->conversation);
        if (unsent.length == 0) {
            return;
        }
        const ssize_t sent = send(peer->socket, unsent.data, unsent.length, MSG_NOSIGNAL);
        if (sent >= 0) {
            conversation_mark_sent(&peer->conversation, (size_t)sent);
        } else if (errno == EAGAIN) {
            peer->waits_to_send = watch(load, index, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        } else if (errno != EINTR) {
            lose_peer(load, peer);
        }
    }
}

static void flush_touched(struct load *load)
{
    for (size_t i = 0; i < load->touched_count; i++) {
        load->peers[load->touched[i]].is_touched = false;
        flush(load, load->touched[i]);
    }
    load->touched_count = 0;
}

/* Later than every stamp before, and the wall clock's time where that is later still. */
static int64_t next_stamp(struct load *load, int64_t wall_ns)
{
    load->last_stamp_ns = wall_ns > load->last_stamp_ns ? wall_ns : load->last_stamp_ns + 1;
    return load->last_stamp_ns;
}

static void say(struct load *load, size_t index, int64_t due_ns, int64_t wall_ns)
{
    struct peer *peer = &load->peers[index];
    const int64_t stamp_ns = next_stamp(load, wall_ns);
    if (load->phase.kind == PHASE_MEASURE) {
        conversation_say(&peer->conversation, due_ns, stamp_ns);
    } else {
        conversation_report(&peer->conversation, due_ns, stamp_ns);
    }
    load->phase.said++;
    load->phase.outstanding++;
    load->interval->said++;
    if (!peer->is_touched) {
        peer->is_touched = true;
        load->touched[load->touched_count++] = index;
    }
}

/* Whether this peer has anything left to say in this phase. */
static bool has_words(const struct load *load, size_t index)
{
    const struct phase *phase = &load->phase;
    const struct workload_client *client = &load->peers[index].conversation.client;
    if (index >= phase->speakers || load->peers[index].socket < 0) {
        return false;
    }
    switch (phase->kind) {
    case PHASE_GREET:
        return client->introduced == 0;
    case PHASE_INTRODUCE:
        return client->introduced < client->owned;
    case PHASE_MEASURE:
        return phase->count_max == 0 || phase->said < phase->count_max;
    }
    return false;
}

/* Closed loop: as much as the window allows. */
static void say_what_fits(struct load *load, size_t index, struct instant now)
{
    if (!instant_is_before(now, load->phase.end)) {
        return;
    }
    const int64_t wall_ns = wall_clock_ns();
    while (has_words(load, index) && conversation_has_room(&load->peers[index].conversation)) {
        say(load, index, now.ns, wall_ns);
    }
}

static struct instant due_instant(const struct phase *phase, uint64_t index)
{
    const uint64_t seconds = index / phase->rate;
    const uint64_t fraction_ns = (index % phase->rate) * NS_PER_SECOND / phase->rate;
    return (struct instant){phase->start.ns + (int64_t)(seconds * NS_PER_SECOND + fraction_ns)};
}

/* When the next command is due, or never. */
static struct instant next_due(const struct load *load)
{
    const struct phase *phase = &load->phase;
    if (phase->rate == 0 || (phase->count_max > 0 && phase->said >= phase->count_max)) {
        return INSTANT_NEVER;
    }
    const struct instant due = due_instant(phase, phase->said);
    return instant_is_before(due, phase->end) ? due : INSTANT_NEVER;
}

/* The next speaker in turn who may say one more; false: all windows are full. */
static bool find_speaker(struct load *load, size_t *ret_index)
{
    for (size_t tries = 0; tries < load->phase.speakers; tries++) {
        const size_t index = load->next_peer;
        load->next_peer = index + 1 == load->phase.speakers ? 0 : index + 1;
        const struct peer *peer = &load->peers[index];
        if (peer->socket >= 0 && conversation_has_room(&peer->conversation)) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

/* Open loop: everything that is due by now. False: some of it is, and all windows are full. */
static bool say_what_is_due(struct load *load, struct instant now)
{
    const int64_t wall_ns = wall_clock_ns();
    for (;;) {
        const struct instant due = next_due(load);
        if (instant_is_before(now, due)) {
            return true;
        }
        size_t index;
        if (!find_speaker(load, &index)) {
            return false;
        }
        say(load, index, due.ns, wall_ns);
    }
}

/* ---- Hearing ---- */

/* What is there to read, after what was left of the last time. False: the connection is gone. */
static bool receive(struct load *load, struct peer *peer, size_t *ret_length)
{
    const size_t kept = peer->rest.length;
    if (kept > 0) {
        memcpy(load->received, peer->rest.data, kept);
    }
    const ssize_t count = recv(peer->socket, load->received + kept, RECEIVE_BYTES, 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        return false;
    }
    *ret_length = kept + (count > 0 ? (size_t)count : 0);
    return true;
}

/* False: the answer is longer than any may be. */
static bool keep_rest(struct peer *peer, struct slice rest)
{
    buffer_reset(&peer->rest);
    return rest.length == 0 || buffer_append(&peer->rest, rest) == STATUS_OK;
}

static void hear(struct load *load, struct peer *peer, struct instant now)
{
    size_t length;
    if (!receive(load, peer, &length)) {
        lose_peer(load, peer);
        return;
    }
    const struct slice bytes = slice_of_bytes(load->received, length);
    const size_t before = peer->conversation.outstanding;
    const size_t done = conversation_hear(&peer->conversation, bytes, now.ns, load->interval);
    load->phase.outstanding -= before - peer->conversation.outstanding;
    if (!keep_rest(peer, slice_from(bytes, done))) {
        lose_peer(load, peer);
    }
}

/* ---- The loop ---- */

static void show_progress(const struct load *load, struct instant now)
{
    static struct histogram both;
    both = load->interval->right[COMMAND_IAMAT];
    histogram_add(&both, &load->interval->right[COMMAND_WHATSAT]);
    const struct tally *tally = load->tally;
    const unsigned long long not_right =
        tally->refused + tally->wrong + tally->unasked + tally->missing;
    fprintf(stderr,
        "%5.1f s %10llu/s  p50 %.0f us  p99 %.0f us  outstanding %llu  not right %llu\n",
        (double)instant_ns_between(load->phase.start, now) / NS_PER_SECOND,
        (unsigned long long)both.total,
        (double)histogram_quantile(&both, 50000) / NS_PER_US,
        (double)histogram_quantile(&both, 99000) / NS_PER_US,
        (unsigned long long)load->phase.outstanding,
        not_right);
}

static void end_interval(struct load *load, struct instant now)
{
    tally_add(load->tally, load->interval);
    if (load->plan.shows_progress) {
        show_progress(load, now);
    }
    tally_reset(load->interval);
    load->interval_end = instant_after_ms(load->interval_end, 1000);
}

static struct instant next_wake(const struct load *load, bool is_said, bool has_room)
{
    const struct instant end = is_said ? INSTANT_NEVER : load->phase.end;
    const struct instant due = has_room ? next_due(load) : INSTANT_NEVER;
    return instant_earlier(load->interval_end, instant_earlier(end, due));
}

static struct timespec wait_until(struct instant now, struct instant until)
{
    const int64_t ns = instant_ns_between(now, until);
    return (struct timespec){
        .tv_sec = ns > 0 ? ns / NS_PER_SECOND : 0,
        .tv_nsec = ns > 0 ? ns % NS_PER_SECOND : 0,
    };
}

static void perform_events(struct load *load, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        const size_t index = events[i].data.u64;
        struct peer *peer = &load->peers[index];
        if ((events[i].events & EPOLLOUT) != 0 && peer->socket >= 0) {
            peer->waits_to_send = !watch(load, index, EPOLL_CTL_MOD, EPOLLIN);
            flush(load, index);
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && peer->socket >= 0) {
            const struct instant now = instant_now();
            hear(load, peer, now);
            if (load->phase.rate == 0) {
                say_what_fits(load, index, now);
                flush_touched(load);
            }
        }
    }
}

/* Speaking is over: the end is reached, or nobody has anything to say. */
static bool is_all_said(const struct load *load, struct instant now)
{
    const struct phase *phase = &load->phase;
    if (phase->rate > 0) {
        return next_due(load).ns == INSTANT_NEVER.ns;
    }
    if (!instant_is_before(now, phase->end)) {
        return true;
    }
    for (size_t i = 0; i < phase->speakers; i++) {
        if (has_words(load, i)) {
            return false;
        }
    }
    return true;
}

/* Speaks and hears until everything is said and answered, or nothing more is to be expected. */
static enum status run_phase(struct load *load, struct phase phase, struct load_result *ret_result)
{
    struct instant now = instant_now();
    phase.start = now;
    phase.end = phase.kind == PHASE_MEASURE && load->plan.duration_ns > 0
                    ? (struct instant){now.ns + load->plan.duration_ns}
                    : INSTANT_NEVER;
    load->phase = phase;
    load->disconnects = 0;
    load->interval_end = instant_after_ms(now, 1000);
    load->tally = &ret_result->tally;
    tally_reset(load->tally);
    tally_reset(load->interval);
    for (size_t i = 0; phase.rate == 0 && i < phase.speakers; i++) {
        say_what_fits(load, i, now);
        flush_touched(load);
    }

    struct instant last_progress = now;
    uint64_t last_answered = 0;
    for (;;) {
        now = instant_now();
        const bool has_room = phase.rate == 0 || say_what_is_due(load, now);
        flush_touched(load);
        const bool is_said = is_all_said(load, now);
        if (load->open_count == 0 || (is_said && load->phase.outstanding == 0)) {
            break;
        }
        const uint64_t answered = load->phase.said - load->phase.outstanding;
        if (answered != last_answered || load->phase.outstanding == 0) {
            last_progress = now;
            last_answered = answered;
        }
        if (instant_ns_between(last_progress, now) > load->plan.grace_ns) {
            break;
        }
        if (!instant_is_before(now, load->interval_end)) {
            end_interval(load, now);
        }
        const struct timespec wait = wait_until(now, next_wake(load, is_said, has_room));
        struct epoll_event events[EVENTS_MAX];
        const int count = epoll_pwait2(load->epoll, events, EVENTS_MAX, &wait, NULL);
        if (count < 0 && errno != EINTR) {
            return STATUS_IO;
        }
        perform_events(load, events, count);
    }
    load->interval->missing += load->phase.outstanding;
    tally_add(load->tally, load->interval);
    ret_result->elapsed_ns = instant_ns_between(load->phase.start, now);
    ret_result->disconnects = load->disconnects;
    return STATUS_OK;
}

enum status load_greet(struct load *load, struct load_result *ret_result)
{
    return run_phase(
        load, (struct phase){.kind = PHASE_GREET, .speakers = load->peer_count}, ret_result);
}

enum status load_introduce(struct load *load, struct load_result *ret_result)
{
    return run_phase(load,
        (struct phase){.kind = PHASE_INTRODUCE, .speakers = load->plan.connections},
        ret_result);
}

enum status load_measure(struct load *load, struct load_result *ret_result)
{
    return run_phase(load,
        (struct phase){
            .kind = PHASE_MEASURE,
            .speakers = load->plan.connections,
            .rate = load->plan.rate,
            .count_max = load->plan.count_max,
        },
        ret_result);
}
