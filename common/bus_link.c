/*
 * A link is a BUS socket with one dialer; an inlet is one that listens, with a single aio.
 *
 * Each has one mutex, which is held while NNG is called: NNG never calls back on the caller's own
 * thread.
 */
#include "common/bus_link.h"

#include "common/bounded_call.h"
#include "common/wire.h"

#include <nng/nng.h>
#include <nng/protocol/bus0/bus.h>

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECEIVE_QUEUE = 8192,       /* messages; from NNG 1.6 on, what finds no room here is lost */
    SEND_QUEUE = 8192,          /* the same, per neighbour; before 1.6 that one has 16, and */
    SEND_QUEUE_BEFORE_1_6 = 16, /* this is the way to it */
    INCOMING_ON_LINK = 1024     /* bytes; nobody sends anything to a sending socket */
};

/* ---- The sending side ---- */

/* One BUS socket. bus_link_redial replaces it; a replaced one falls silent and is closed apart. */
struct link_socket {
    struct bus_link *link; /* holds one reference */
    nng_socket socket;
    struct wire_pipe pipe;
};

/* First member `mail`, so that its release finds the rest. */
struct link_news {
    struct mail mail;
    struct bus_link *link;
    bool is_out; /* from posting to release */
};

struct bus_link {
    pthread_mutex_t mutex;
    unsigned
        references; /* the owner, the mail if it is out, each socket until NNG has let go of it */
    struct mailbox *mailbox;
    struct link_socket *socket; /* NULL: closed */
    struct link_news news;
    int told_pipe_id; /* which the owner believes connected; 0: none */
    char url[];
};

/* Under the lock, which it gives back. */
static void unlock_and_drop(struct bus_link *link)
{
    assert(link->references > 0);
    link->references--;
    const bool is_last = link->references == 0;
    pthread_mutex_unlock(&link->mutex);
    if (is_last) {
        pthread_mutex_destroy(&link->mutex);
        free(link);
    }
}

/*
 * Posts what the owner does not know yet of where the link stands, one step at a time: the release
 * of that mail comes back here. Whoever was told of a pipe is told of its loss before the next.
 */
static void tell_news(struct bus_link *link)
{
    if (link->socket == NULL || link->news.is_out || link->socket->pipe.id == link->told_pipe_id) {
        return;
    }
    const bool is_connected = link->told_pipe_id == 0;
    link->told_pipe_id = is_connected ? link->socket->pipe.id : 0;
    link->news.mail.kind = is_connected ? MAIL_LINK_CONNECTED : MAIL_LINK_LOST;
    link->news.is_out = true;
    link->references++;
    mailbox_post_urgent(link->mailbox, &link->news.mail);
}

static void release_news(struct mail *mail)
{
    struct bus_link *link = ((struct link_news *)mail)->link;
    pthread_mutex_lock(&link->mutex);
    link->news.is_out = false;
    tell_news(link);
    unlock_and_drop(link);
}

static void on_link_pipe(nng_pipe pipe, nng_pipe_ev event, void *context)
{
    struct link_socket *socket = context;
    struct bus_link *link = socket->link;
    pthread_mutex_lock(&link->mutex);
    wire_pipe_event(&socket->pipe, pipe, event);
    if (link->socket == socket) {
        tell_news(link);
    }
    pthread_mutex_unlock(&link->mutex);
}

/* May never return. */
static void close_link_socket(void *context)
{
    struct link_socket *socket = context;
    nng_close(socket->socket);
    pthread_mutex_lock(&socket->link->mutex);
    unlock_and_drop(socket->link);
    free(socket);
}

static enum status set_up_link_socket(struct link_socket *socket)
{
    enum status status = wire_status(nng_socket_set_int(socket->socket,
        NNG_OPT_SENDBUF,
        wire_nng_is_at_least(1, 6) ? SEND_QUEUE : SEND_QUEUE_BEFORE_1_6));
    if (status == STATUS_OK) {
        status = wire_watch(socket->socket, on_link_pipe, socket);
    }
    return status == STATUS_OK ? wire_dial(socket->socket, socket->link->url, INCOMING_ON_LINK)
                               : status;
}

/* Makes a socket the link's own and starts dialling. On failure the link is as before. */
static enum status open_link_socket(struct bus_link *link)
{
    struct link_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return STATUS_NO_MEMORY;
    }
    socket->link = link;
    enum status status = wire_status(nng_bus0_open(&socket->socket));
    if (status != STATUS_OK) {
        free(socket);
        return status;
    }

    pthread_mutex_lock(&link->mutex);
    struct link_socket *useless = link->socket;
    link->socket = socket;
    link->references++;
    status = set_up_link_socket(socket);
    if (status != STATUS_OK) {
        link->socket = useless;
        useless = socket;
    }
    tell_news(link);
    pthread_mutex_unlock(&link->mutex);
    if (useless != NULL) {
        (void)bounded_call_apart(close_link_socket, useless);
    }
    return status;
}

enum status bus_link_open(const char *url,
    struct mailbox *mailbox,
    void *owner,
    uint64_t index,
    struct bus_link **ret_link)
{
    const size_t url_size = strlen(url) + 1;
    struct bus_link *link = calloc(1, sizeof *link + url_size);
    if (link == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(link->url, url, url_size);
    const int failed = pthread_mutex_init(&link->mutex, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    link->references = 1;
    link->mailbox = mailbox;
    link->news = (struct link_news){
        .mail = {.source = owner, .token = index, .release = release_news}, .link = link};
    const enum status status = open_link_socket(link);
    if (status != STATUS_OK) {
        bus_link_close(link);
        return status;
    }
    *ret_link = link;
    return STATUS_OK;
}

/* Sent without waiting and without a callback, which would cost a change of threads per message. */
void bus_link_send(struct bus_link *link, struct slice message)
{
    nng_msg *copy = wire_message(message);
    pthread_mutex_lock(&link->mutex);
    struct link_socket *socket = link->socket;
    if (copy == NULL || socket->pipe.id == 0 ||
        nng_sendmsg(socket->socket, copy, NNG_FLAG_NONBLOCK) != 0) {
        nng_msg_free(copy);
    }
    pthread_mutex_unlock(&link->mutex);
}

void bus_link_redial(struct bus_link *link)
{
    const enum status status = open_link_socket(link);
    (void)status; /* the old socket dials on, and the owner will ask again */
}

void bus_link_close(struct bus_link *link)
{
    if (link == NULL) {
        return;
    }
    pthread_mutex_lock(&link->mutex);
    struct link_socket *socket = link->socket;
    link->socket = NULL;
    unlock_and_drop(link);
    if (socket != NULL) {
        (void)bounded_call(close_link_socket, socket);
    }
}

/* ---- The receiving side ---- */

/* First member `mail`, so that its release finds the rest. Knows no inlet: it may outlive it. */
struct gossip_mail {
    struct mail mail;
    nng_msg *message;
};

struct bus_inlet {
    pthread_mutex_t mutex;
    struct mailbox *mailbox;
    nng_socket socket;
    nng_aio *aio;
    bool is_receiving;
    bool is_closed;
    struct gossip_mail *refused; /* by a full mailbox; the next one to be posted */
    unsigned references;         /* the owner, NNG */
};

static void release_gossip(struct mail *mail)
{
    struct gossip_mail *gossip = (struct gossip_mail *)mail;
    nng_msg_free(gossip->message);
    free(gossip);
}

/* NULL: no memory; the message is lost then. */
static struct gossip_mail *make_gossip_mail(struct bus_inlet *inlet, nng_msg *message)
{
    struct gossip_mail *gossip = malloc(sizeof *gossip);
    if (gossip == NULL) {
        nng_msg_free(message);
        return NULL;
    }
    *gossip = (struct gossip_mail){.mail = {.kind = MAIL_GOSSIP,
                                       .source = inlet,
                                       .bytes = wire_message_bytes(message),
                                       .release = release_gossip},
        .message = message};
    return gossip;
}

/* Posts what was refused and receives on, as far as the mailbox has room. */
static void go_on(struct bus_inlet *inlet)
{
    if (inlet->is_closed || inlet->is_receiving) {
        return;
    }
    if (inlet->refused != NULL) {
        if (mailbox_post(inlet->mailbox, &inlet->refused->mail) != STATUS_OK) {
            return;
        }
        inlet->refused = NULL;
    }
    if (!mailbox_is_full(inlet->mailbox)) {
        inlet->is_receiving = true;
        nng_recv_aio(inlet->socket, inlet->aio);
    }
}

static void on_received(void *context)
{
    struct bus_inlet *inlet = context;
    pthread_mutex_lock(&inlet->mutex);
    inlet->is_receiving = false;
    nng_msg *message = nng_aio_result(inlet->aio) == 0 ? nng_aio_get_msg(inlet->aio) : NULL;
    nng_aio_set_msg(inlet->aio, NULL);
    if (inlet->is_closed) {
        nng_msg_free(message);
    } else {
        if (message != NULL) {
            inlet->refused = make_gossip_mail(inlet, message);
        }
        go_on(inlet);
    }
    pthread_mutex_unlock(&inlet->mutex);
}

static void unlock_and_drop_inlet(struct bus_inlet *inlet)
{
    assert(inlet->references > 0);
    inlet->references--;
    const bool is_last = inlet->references == 0;
    pthread_mutex_unlock(&inlet->mutex);
    if (is_last) {
        if (inlet->refused != NULL) {
            mail_release(&inlet->refused->mail);
        }
        pthread_mutex_destroy(&inlet->mutex);
        free(inlet);
    }
}

/* May never return. */
static void close_inlet_socket(void *context)
{
    struct bus_inlet *inlet = context;
    nng_close(inlet->socket);
    nng_aio_free(inlet->aio);
    pthread_mutex_lock(&inlet->mutex);
    unlock_and_drop_inlet(inlet);
}

enum status bus_inlet_open(
    const char *url, size_t message_max, struct mailbox *mailbox, struct bus_inlet **ret_inlet)
{
    struct bus_inlet *inlet = calloc(1, sizeof *inlet);
    if (inlet == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = wire_status(nng_bus0_open(&inlet->socket));
    if (status != STATUS_OK) {
        free(inlet);
        return status;
    }
    int failed = pthread_mutex_init(&inlet->mutex, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    inlet->references = 2;
    inlet->mailbox = mailbox;
    failed = nng_aio_alloc(&inlet->aio, on_received, inlet);
    if (failed == 0) {
        failed = nng_socket_set_int(inlet->socket, NNG_OPT_RECVBUF, RECEIVE_QUEUE);
    }
    status = failed == 0 ? wire_listen(inlet->socket, url, message_max) : wire_status(failed);
    if (status != STATUS_OK) {
        bus_inlet_close(inlet);
        return status;
    }
    bus_inlet_resume(inlet);
    *ret_inlet = inlet;
    return STATUS_OK;
}

void bus_inlet_resume(struct bus_inlet *inlet)
{
    pthread_mutex_lock(&inlet->mutex);
    go_on(inlet);
    pthread_mutex_unlock(&inlet->mutex);
}

void bus_inlet_close(struct bus_inlet *inlet)
{
    if (inlet == NULL) {
        return;
    }
    pthread_mutex_lock(&inlet->mutex);
    inlet->is_closed = true;
    pthread_mutex_unlock(&inlet->mutex);
    (void)bounded_call(close_inlet_socket, inlet);
    pthread_mutex_lock(&inlet->mutex);
    unlock_and_drop_inlet(inlet);
}
