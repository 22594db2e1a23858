/*
 * A lane is one REQ socket, its aio and its mails; a server is one REP socket with a context and an
 * aio per slot.
 *
 * Each has one mutex, which is held while NNG is called: NNG never calls back on the caller's own
 * thread.
 */
#include "common/lane.h"

#include "common/bounded_call.h"
#include "common/wire.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* REQ puts a number of this size before each request, and REP before each response. */
enum { REQUEST_ID_SIZE = 4 };

/* ---- The asking side ---- */

/* One REQ socket. lane_redial replaces it; a replaced one falls silent and is closed apart. */
struct lane_socket {
    struct lane *lane; /* holds one reference */
    nng_socket socket;
    nng_aio *aio;
    struct wire_pipe pipe;
    int asked_pipe_id; /* the pipe that has the present request */
};

/* First member `mail`, so that its release finds the rest. */
struct lane_answer {
    struct mail mail;
    struct lane *lane;
    nng_msg *response;
    bool is_out; /* from posting to release */
};

struct lane_news {
    struct mail mail;
    struct lane *lane;
    bool is_out;
};

/*
 *            lane_send            sent              response, or the pipe is gone
 *     IDLE ------------> SENDING ------> RECEIVING --------------------------------> IDLE
 *
 * A cancelled request runs through the same phases, but as an abandoned one: its mail is posted at
 * once and what comes of it is dropped. Until then the lane counts as lost.
 */
enum lane_phase { LANE_IDLE, LANE_SENDING, LANE_RECEIVING };

struct lane {
    pthread_mutex_t mutex;
    unsigned
        references; /* the owner, each mail that is out, each socket until NNG has let go of it */
    struct mailbox *mailbox;
    void *owner;
    uint64_t index;
    size_t response_max;
    struct lane_socket *socket; /* NULL: closed */
    enum lane_phase phase;
    bool is_abandoned;
    struct lane_answer answers[2]; /* by turns: a request may be sent before the mail of the one
                                      before is released */
    unsigned answer_turn;
    struct lane_news news;
    int told_pipe_id; /* which the owner believes connected; 0: none */
    char url[];
};

/* Under the lock, which it gives back. */
static void unlock_and_drop(struct lane *lane)
{
    assert(lane->references > 0);
    lane->references--;
    const bool is_last = lane->references == 0;
    pthread_mutex_unlock(&lane->mutex);
    if (is_last) {
        pthread_mutex_destroy(&lane->mutex);
        free(lane);
    }
}

/*
 * Posts what the owner does not know yet of where the lane stands, one step at a time: the release
 * of that mail comes back here. Whoever was told of a pipe is told of its loss before the next.
 * While a request waits whose pipe is gone, its own mail comes first.
 */
static void tell_news(struct lane *lane)
{
    if (lane->socket == NULL || lane->news.is_out) {
        return;
    }
    const int pipe_id = lane->is_abandoned ? 0 : lane->socket->pipe.id;
    const bool is_waiting = lane->phase != LANE_IDLE && !lane->is_abandoned;
    if (pipe_id == lane->told_pipe_id || (is_waiting && pipe_id != lane->socket->asked_pipe_id)) {
        return;
    }
    const bool is_connected = lane->told_pipe_id == 0;
    lane->told_pipe_id = is_connected ? pipe_id : 0;
    lane->news.mail.kind = is_connected ? MAIL_LANE_CONNECTED : MAIL_LANE_LOST;
    lane->news.is_out = true;
    lane->references++;
    mailbox_post_urgent(lane->mailbox, &lane->news.mail);
}

static void release_news(struct mail *mail)
{
    struct lane *lane = ((struct lane_news *)mail)->lane;
    pthread_mutex_lock(&lane->mutex);
    lane->news.is_out = false;
    tell_news(lane);
    unlock_and_drop(lane);
}

static void release_answer(struct mail *mail)
{
    struct lane_answer *answer = (struct lane_answer *)mail;
    struct lane *lane = answer->lane;
    pthread_mutex_lock(&lane->mutex);
    nng_msg_free(answer->response);
    answer->response = NULL;
    answer->is_out = false;
    unlock_and_drop(lane);
}

/* The one mail of the present request. `response` is taken; NULL where `status` is not OK. */
static void post_answer(struct lane *lane, enum status status, nng_msg *response)
{
    struct lane_answer *answer = &lane->answers[lane->answer_turn];
    answer->response = response;
    answer->mail.kind = response != NULL ? MAIL_LANE_RESPONSE : MAIL_LANE_FAILED;
    answer->mail.status = status;
    answer->mail.bytes = response != NULL ? wire_message_bytes(response) : slice_of_bytes(NULL, 0);
    answer->is_out = true;
    lane->references++;
    mailbox_post_urgent(lane->mailbox, &answer->mail);
}

/* NNG has done with the request. */
static void finish(struct lane *lane, nng_msg *response)
{
    lane->phase = LANE_IDLE;
    if (lane->is_abandoned) {
        lane->is_abandoned = false;
        nng_msg_free(response);
    } else {
        post_answer(lane, response != NULL ? STATUS_OK : STATUS_DISCONNECTED, response);
    }
    tell_news(lane);
}

static void on_lane_pipe(nng_pipe pipe, nng_pipe_ev event, void *context)
{
    struct lane_socket *socket = context;
    struct lane *lane = socket->lane;
    pthread_mutex_lock(&lane->mutex);
    wire_pipe_event(&socket->pipe, pipe, event);
    if (lane->socket == socket) {
        if (socket->pipe.id == 0 && lane->phase != LANE_IDLE) {
            nng_aio_abort(
                socket->aio, NNG_ECONNRESET); /* a request that waits for a pipe would wait on */
        }
        tell_news(lane);
    }
    pthread_mutex_unlock(&lane->mutex);
}

static void on_lane_aio(void *context)
{
    struct lane_socket *socket = context;
    struct lane *lane = socket->lane;
    pthread_mutex_lock(&lane->mutex);
    const int result = nng_aio_result(socket->aio);
    if (result == NNG_ECONNRESET) { /* known here earlier than from the pipe itself */
        wire_pipe_lost(&socket->pipe, socket->asked_pipe_id);
    }
    nng_msg *message =
        nng_aio_get_msg(socket->aio); /* a response, or a request that NNG gave back */
    nng_aio_set_msg(socket->aio, NULL);
    if (lane->socket != socket) {
        nng_msg_free(message);
    } else if (lane->phase == LANE_SENDING && result == 0) {
        lane->phase = LANE_RECEIVING;
        nng_recv_aio(socket->socket, socket->aio);
    } else if (result == 0) {
        finish(lane, message);
    } else {
        nng_msg_free(message);
        finish(lane, NULL);
    }
    pthread_mutex_unlock(&lane->mutex);
}

/* May never return. */
static void close_lane_socket(void *context)
{
    struct lane_socket *socket = context;
    nng_close(socket->socket);
    nng_aio_free(socket->aio);
    pthread_mutex_lock(&socket->lane->mutex);
    unlock_and_drop(socket->lane);
    free(socket);
}

/* Makes a socket the lane's own and starts dialling. On failure the lane is as before. */
static enum status open_lane_socket(struct lane *lane)
{
    struct lane_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return STATUS_NO_MEMORY;
    }
    socket->lane = lane;
    if (nng_aio_alloc(&socket->aio, on_lane_aio, socket) != 0) {
        free(socket);
        return STATUS_NO_MEMORY;
    }
    enum status status = wire_status(nng_req0_open(&socket->socket));
    if (status != STATUS_OK) {
        nng_aio_free(socket->aio);
        free(socket);
        return status;
    }

    pthread_mutex_lock(&lane->mutex);
    struct lane_socket *replaced = lane->socket;
    lane->socket = socket;
    lane->references++;
    /* Resending would repeat a request behind our back; without it a lost pipe ends the request at
     * once. */
    status = wire_status(
        nng_socket_set_ms(socket->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE));
    if (status == STATUS_OK) {
        status = wire_watch(socket->socket, on_lane_pipe, socket);
    }
    if (status == STATUS_OK) {
        status = wire_dial(socket->socket, lane->url, lane->response_max + REQUEST_ID_SIZE);
    }
    struct lane_socket *useless = replaced;
    if (status != STATUS_OK) {
        lane->socket = replaced;
        useless = socket;
    } else if (lane->phase != LANE_IDLE) {
        finish(lane, NULL);
    } else {
        tell_news(lane);
    }
    pthread_mutex_unlock(&lane->mutex);
    if (useless != NULL) {
        (void)bounded_call_apart(close_lane_socket, useless);
    }
    return status;
}

enum status lane_open(const char *url,
    size_t response_max,
    struct mailbox *mailbox,
    void *owner,
    uint64_t index,
    struct lane **ret_lane)
{
    const size_t url_size = strlen(url) + 1;
    struct lane *lane = calloc(1, sizeof *lane + url_size);
    if (lane == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(lane->url, url, url_size);
    const int failed = pthread_mutex_init(&lane->mutex, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    lane->references = 1;
    lane->mailbox = mailbox;
    lane->owner = owner;
    lane->index = index;
    lane->response_max = response_max;
    lane->news = (struct lane_news){
        .mail = {.source = owner, .token = index, .release = release_news}, .lane = lane};
    for (size_t i = 0; i < 2; i++) {
        lane->answers[i] = (struct lane_answer){
            .mail = {.source = owner, .token = index, .release = release_answer}, .lane = lane};
    }
    const enum status status = open_lane_socket(lane);
    if (status != STATUS_OK) {
        lane_close(lane);
        return status;
    }
    *ret_lane = lane;
    return STATUS_OK;
}

/*
 * Nearly always the pipe is ready, and the request is on its way at once, without a callback, which
 * would cost a change of threads. A response may come so soon that NNG has not yet noted that the
 * pipe is free again; then the aio waits for that.
 */
static void send_request(struct lane *lane, struct lane_socket *socket, nng_msg *request)
{
    if (nng_sendmsg(socket->socket, request, NNG_FLAG_NONBLOCK) == 0) {
        lane->phase = LANE_RECEIVING;
        nng_recv_aio(socket->socket, socket->aio);
    } else {
        lane->phase = LANE_SENDING;
        nng_aio_set_msg(socket->aio, request); /* given back by the aio if it fails */
        nng_send_aio(socket->socket, socket->aio);
    }
}

void lane_send(struct lane *lane, struct slice request)
{
    nng_msg *message = wire_message(request);
    pthread_mutex_lock(&lane->mutex);
    assert(lane->phase == LANE_IDLE || lane->is_abandoned);
    lane->answer_turn = 1 - lane->answer_turn;
    assert(!lane->answers[lane->answer_turn].is_out);
    const bool is_connected = lane->socket->pipe.id != 0 && !lane->is_abandoned;
    if (message == NULL || !is_connected) {
        nng_msg_free(message);
        post_answer(lane, message == NULL ? STATUS_NO_MEMORY : STATUS_DISCONNECTED, NULL);
    } else {
        lane->socket->asked_pipe_id = lane->socket->pipe.id;
        send_request(lane, lane->socket, message);
    }
    pthread_mutex_unlock(&lane->mutex);
}

void lane_cancel(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    struct lane_answer *answer = &lane->answers[lane->answer_turn];
    if (answer->is_out) {
        answer->mail.kind =
            MAIL_LANE_FAILED; /* the owner has not looked at it yet, or does not care */
        answer->mail.status = STATUS_TIMED_OUT;
    } else if (lane->phase != LANE_IDLE && !lane->is_abandoned) {
        lane->is_abandoned = true;
        tell_news(lane); /* before the end of the request, which invites the next one */
        post_answer(lane, STATUS_TIMED_OUT, NULL);
        if (lane->phase == LANE_SENDING) {
            nng_aio_abort(lane->socket->aio, NNG_ECANCELED); /* in vain if it is on its way */
        }
    }
    pthread_mutex_unlock(&lane->mutex);
}

void lane_redial(struct lane *lane)
{
    const enum status status = open_lane_socket(lane);
    (void)status; /* the old socket dials on, and the owner will ask again */
}

void lane_close(struct lane *lane)
{
    if (lane == NULL) {
        return;
    }
    pthread_mutex_lock(&lane->mutex);
    struct lane_socket *socket = lane->socket;
    lane->socket = NULL;
    unlock_and_drop(lane);
    if (socket != NULL) {
        (void)bounded_call(close_lane_socket, socket);
    }
}

/* ---- The answering side ---- */

/*
 *                    request                   respond              sent
 *     SLOT_LISTENING --------> SLOT_ANSWERING ---------> SLOT_SENDING ----> SLOT_FREE
 *            ^                                                                 |
 *            +------------------- as soon as the mail is released -------------+
 */
enum slot_phase { SLOT_LISTENING, SLOT_ANSWERING, SLOT_SENDING, SLOT_FREE };

/* First member `mail`, so that its release finds the rest. */
struct lane_slot {
    struct mail mail;
    struct lane_server *server;
    nng_ctx ctx;
    nng_aio *aio;
    nng_msg *request;
    enum slot_phase phase;
    bool is_out; /* its mail, from posting to release */
};

struct lane_server {
    pthread_mutex_t mutex;
    unsigned references; /* the owner, each mail that is out, NNG */
    struct mailbox *mailbox;
    nng_socket socket;
    bool is_closed;
    unsigned slot_count;
    struct lane_slot slots[];
};

/* A token is the slot's number and, above it, how often the slot was used, so that a stale one is
 * noticed. */
enum { TOKEN_SLOT_BITS = 16 };

static void unlock_and_drop_server(struct lane_server *server)
{
    assert(server->references > 0);
    server->references--;
    const bool is_last = server->references == 0;
    pthread_mutex_unlock(&server->mutex);
    if (is_last) {
        pthread_mutex_destroy(&server->mutex);
        free(server);
    }
}

static void listen_again(struct lane_slot *slot)
{
    if (slot->phase == SLOT_FREE && !slot->is_out && !slot->server->is_closed) {
        slot->phase = SLOT_LISTENING;
        nng_ctx_recv(slot->ctx, slot->aio);
    }
}

static void release_request(struct mail *mail)
{
    struct lane_slot *slot = (struct lane_slot *)mail;
    struct lane_server *server = slot->server;
    pthread_mutex_lock(&server->mutex);
    nng_msg_free(slot->request);
    slot->request = NULL;
    slot->is_out = false;
    listen_again(slot);
    unlock_and_drop_server(server);
}

static void post_request(struct lane_slot *slot, nng_msg *request)
{
    slot->phase = SLOT_ANSWERING;
    slot->request = request;
    slot->mail.bytes = wire_message_bytes(request);
    slot->mail.token += UINT64_C(1) << TOKEN_SLOT_BITS;
    slot->is_out = true;
    slot->server->references++;
    mailbox_post_urgent(slot->server->mailbox, &slot->mail);
}

static void on_slot_aio(void *context)
{
    struct lane_slot *slot = context;
    struct lane_server *server = slot->server;
    pthread_mutex_lock(&server->mutex);
    const bool is_ok = nng_aio_result(slot->aio) == 0;
    nng_msg *message = nng_aio_get_msg(slot->aio); /* a request, or a response that NNG gave back */
    nng_aio_set_msg(slot->aio, NULL);
    if (slot->phase == SLOT_LISTENING && is_ok && !server->is_closed) {
        post_request(slot, message);
    } else {
        nng_msg_free(message);
        slot->phase = SLOT_FREE;
        listen_again(slot);
    }
    pthread_mutex_unlock(&server->mutex);
}

/* May never return. */
static void close_server_socket(void *context)
{
    struct lane_server *server = context;
    nng_close(server->socket);
    for (unsigned i = 0; i < server->slot_count; i++) {
        nng_aio_free(server->slots[i].aio);
    }
    pthread_mutex_lock(&server->mutex);
    unlock_and_drop_server(server);
}

static enum status open_slot(struct lane_server *server, unsigned index)
{
    struct lane_slot *slot = &server->slots[index];
    *slot = (struct lane_slot){.mail = {.kind = MAIL_REQUEST,
                                   .source = server,
                                   .token = index,
                                   .release = release_request},
        .server = server,
        .phase = SLOT_FREE};
    int failed = nng_ctx_open(&slot->ctx, server->socket);
    if (failed == 0) {
        failed = nng_aio_alloc(&slot->aio, on_slot_aio, slot);
    }
    return wire_status(failed);
}

enum status lane_server_open(const char *url,
    size_t request_max,
    unsigned slots,
    struct mailbox *mailbox,
    struct lane_server **ret_server)
{
    assert(slots > 0 && slots <= LANE_SLOTS_MAX);
    struct lane_server *server = calloc(1, sizeof *server + slots * sizeof server->slots[0]);
    if (server == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = wire_status(nng_rep0_open(&server->socket));
    if (status != STATUS_OK) {
        free(server);
        return status;
    }
    const int failed = pthread_mutex_init(&server->mutex, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    server->references = 2;
    server->mailbox = mailbox;
    for (unsigned i = 0; i < slots && status == STATUS_OK; i++) {
        status = open_slot(server, i);
        server->slot_count = i + 1;
    }
    if (status == STATUS_OK) {
        status = wire_listen(server->socket, url, request_max + REQUEST_ID_SIZE);
    }
    if (status != STATUS_OK) {
        lane_server_close(server);
        return status;
    }
    pthread_mutex_lock(&server->mutex);
    for (unsigned i = 0; i < slots; i++) {
        listen_again(&server->slots[i]);
    }
    pthread_mutex_unlock(&server->mutex);
    *ret_server = server;
    return STATUS_OK;
}

void lane_server_respond(struct lane_server *server, uint64_t token, struct slice response)
{
    const uint64_t index = token & LANE_SLOTS_MAX;
    assert(index < server->slot_count);
    struct lane_slot *slot = &server->slots[index];
    nng_msg *message = wire_message(response);
    pthread_mutex_lock(&server->mutex);
    assert(slot->mail.token == token && slot->phase == SLOT_ANSWERING);
    if (message == NULL) {
        slot->phase = SLOT_FREE;
        listen_again(slot); /* receiving anew gives the request up */
    } else {
        slot->phase = SLOT_SENDING;
        nng_aio_set_msg(slot->aio, message); /* given back by the aio if it fails */
        nng_ctx_send(slot->ctx, slot->aio);
    }
    pthread_mutex_unlock(&server->mutex);
}

void lane_server_close(struct lane_server *server)
{
    if (server == NULL) {
        return;
    }
    pthread_mutex_lock(&server->mutex);
    server->is_closed = true;
    pthread_mutex_unlock(&server->mutex);
    (void)bounded_call(close_server_socket, server);
    pthread_mutex_lock(&server->mutex);
    unlock_and_drop_server(server);
}
