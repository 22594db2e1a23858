/*
 * One libmicrohttpd thread per connection, which posts its question and sleeps until the loop has
 * answered. Connections are accepted by a thread of our own: libmicrohttpd tries again without a
 * pause while descriptors are out.
 */
#include "common/admin.h"

#include "common/address.h"
#include "common/bounded_call.h"
#include "common/instant.h"

#include <microhttpd.h>

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTION_MEMORY = 16 * 1024, /* for a request's head; a larger one is refused */
    ACCEPT_AGAIN_MS = 100,         /* where there is no descriptor for it */
};

struct admin {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    unsigned references; /* the owner, each question, and whoever stops the daemon */
    struct mailbox *mailbox;
    struct MHD_Daemon *daemon;
    int listener;
    pthread_t acceptor;
    unsigned question_count;
    bool is_closed;
};

/* First member `mail`, so that its release finds the rest. */
struct admin_question {
    struct mail mail;
    struct admin *admin;
    enum admin_page page;
    unsigned holders; /* the asker, the loop until it answers, the mail until it is released */
    bool is_answered;
    bool is_healthy;
    char *body; /* NULL: not answered, or no memory */
    size_t length;
};

static const struct {
    const char *path;
    enum admin_page page;
    const char *content_type;
} pages[] = {
    {"/livez", ADMIN_LIVEZ, "text/plain; charset=utf-8"},
    {"/readyz", ADMIN_READYZ, "text/plain; charset=utf-8"},
    {"/metrics", ADMIN_METRICS, "text/plain; version=0.0.4; charset=utf-8"},
    {"/status", ADMIN_STATUS, "application/json"},
};

enum { PAGE_COUNT = sizeof pages / sizeof pages[0] };

static const char plain_text[] = "text/plain; charset=utf-8";

/* Under the lock, which it gives back. */
static void unlock_and_drop(struct admin *admin)
{
    assert(admin->references > 0);
    admin->references--;
    const bool is_last = admin->references == 0;
    pthread_mutex_unlock(&admin->mutex);
    if (is_last) {
        pthread_cond_destroy(&admin->answered);
        pthread_mutex_destroy(&admin->mutex);
        free(admin);
    }
}

/* ---- Questions ---- */

/* Under the lock, which it gives back. */
static void unlock_and_let_go(struct admin_question *question, unsigned holds)
{
    struct admin *admin = question->admin;
    assert(question->holders >= holds);
    question->holders -= holds;
    if (question->holders > 0) {
        pthread_mutex_unlock(&admin->mutex);
        return;
    }
    free(question->body);
    free(question);
    admin->question_count--;
    unlock_and_drop(admin);
}

static void release_question(struct mail *mail)
{
    struct admin_question *question = (struct admin_question *)mail;
    pthread_mutex_lock(&question->admin->mutex);
    const bool will_never_be_answered = question->admin->is_closed && !question->is_answered;
    unlock_and_let_go(question, will_never_be_answered ? 2 : 1);
}

enum admin_page admin_question_page(const struct admin_question *question)
{
    return question->page;
}

void admin_answer(struct admin_question *question, bool is_healthy, struct slice body)
{
    char *copy = malloc(body.length + 1);
    if (copy != NULL && body.length > 0) {
        memcpy(copy, body.data, body.length);
    }
    pthread_mutex_lock(&question->admin->mutex);
    assert(!question->is_answered && !question->admin->is_closed);
    question->is_answered = true;
    question->is_healthy = is_healthy;
    question->body = copy;
    question->length = body.length;
    pthread_cond_broadcast(&question->admin->answered);
    unlock_and_let_go(question, 1);
}

/* Posts a question that has all three holders; NULL: too many lie unanswered, or no memory. */
static struct admin_question *post_question(struct admin *admin, enum admin_page page)
{
    struct admin_question *question = calloc(1, sizeof *question);
    if (question == NULL) {
        return NULL;
    }
    *question = (struct admin_question){
        .mail = {.kind = MAIL_ADMIN_QUESTION, .source = question, .release = release_question},
        .admin = admin,
        .page = page,
        .holders = 3};
    pthread_mutex_lock(&admin->mutex);
    const bool is_allowed = !admin->is_closed && admin->question_count < ADMIN_CONNECTIONS_MAX;
    if (is_allowed) {
        admin->question_count++;
        admin->references++;
        mailbox_post_urgent(admin->mailbox, &question->mail); /* a full mailbox is no dead loop */
    }
    pthread_mutex_unlock(&admin->mutex);
    if (!is_allowed) {
        free(question);
        return NULL;
    }
    return question;
}

/* ---- The connections' threads ---- */

static enum MHD_Result respond(struct MHD_Connection *connection,
    unsigned code,
    const char *content_type,
    struct MHD_Response *response)
{
    if (response == NULL) {
        return MHD_NO; /* no memory: the connection is closed */
    }
    enum MHD_Result result =
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    if (result == MHD_YES && code == MHD_HTTP_METHOD_NOT_ALLOWED) {
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    if (result == MHD_YES) {
        result = MHD_queue_response(connection, code, response);
    }
    MHD_destroy_response(response);
    return result;
}

/* `text` is static. */
static enum MHD_Result respond_text(
    struct MHD_Connection *connection, unsigned code, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
    return respond(connection, code, plain_text, response);
}

static struct timespec in_ms(int64_t milliseconds)
{
    return instant_timespec(instant_after_ms(instant_now(), milliseconds));
}

static void wait_for_answer(struct admin_question *question)
{
    const struct timespec until = in_ms(ADMIN_ANSWER_WITHIN_MS);
    struct admin *admin = question->admin;
    while (!question->is_answered && !admin->is_closed &&
           pthread_cond_timedwait(&admin->answered, &admin->mutex, &until) == 0) {
    }
}

static enum MHD_Result ask_the_loop(
    struct admin *admin, struct MHD_Connection *connection, size_t page)
{
    struct admin_question *question = post_question(admin, pages[page].page);
    if (question == NULL) {
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the loop does not answer\n");
    }
    pthread_mutex_lock(&admin->mutex);
    wait_for_answer(question);
    const bool is_answered = question->is_answered;
    const bool is_healthy = question->is_healthy;
    const size_t length = question->length;
    char *body = question->body;
    question->body = NULL;
    unlock_and_let_go(question, 1);

    if (!is_answered) {
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the loop does not answer\n");
    }
    if (body == NULL) {
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n");
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body);
    }
    return respond(connection,
        is_healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
        pages[page].content_type,
        response);
}

/* Called when a request's head is read, and again when there is no (more) body; only then may it be
 * answered. */
static enum MHD_Result on_request(void *context,
    struct MHD_Connection *connection,
    const char *path,
    const char *method,
    const char *version,
    const char *upload,
    size_t *upload_size,
    void **request_context)
{
    (void)version;
    (void)upload;
    static int head_is_read;
    if (*request_context == NULL) {
        *request_context = &head_is_read;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* dropped */
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return respond_text(
            connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are served here\n");
    }
    for (size_t page = 0; page < PAGE_COUNT; page++) {
        if (strcmp(path, pages[page].path) == 0) {
            return ask_the_loop(context, connection, page);
        }
    }
    return respond_text(
        connection, MHD_HTTP_NOT_FOUND, "there are /livez, /readyz, /metrics and /status\n");
}

/* ---- Accepting ---- */

/* Unless it is being closed. */
static void wait_before_accepting(struct admin *admin)
{
    const struct timespec until = in_ms(ACCEPT_AGAIN_MS);
    pthread_mutex_lock(&admin->mutex);
    while (
        !admin->is_closed && pthread_cond_timedwait(&admin->answered, &admin->mutex, &until) == 0) {
    }
    pthread_mutex_unlock(&admin->mutex);
}

/* Until the listener is shut down. */
static void *accept_connections(void *context)
{
    struct admin *admin = context;
    for (;;) {
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        const int fd = accept4(admin->listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
        if (fd >= 0) { /* closed there, if there are too many */
            (void)MHD_add_connection(admin->daemon, fd, (const struct sockaddr *)&peer, size);
        } else if (errno == EINVAL) {
            return NULL;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            wait_before_accepting(admin);
        }
    }
}

/* ---- Opening and closing ---- */

static enum status status_of_errno(int error)
{
    switch (error) {
    case EADDRINUSE:
        return STATUS_ADDRESS_IN_USE;
    case EACCES:
        return STATUS_NOT_PERMITTED;
    case EADDRNOTAVAIL:
        return STATUS_MALFORMED;
    default:
        return STATUS_IO;
    }
}

/* A socket of our own, because libmicrohttpd does not say why it cannot listen. */
static enum status listen_on(const struct address *address, int *ret_fd)
{
    struct sockaddr_in socket_address = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    if (inet_pton(AF_INET, address->host, &socket_address.sin_addr) != 1) {
        return STATUS_MALFORMED;
    }
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return STATUS_IO;
    }
    const int on = 1; /* a process that was killed may listen again at once */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&socket_address, sizeof socket_address) != 0 ||
        listen(fd, ADMIN_CONNECTIONS_MAX) != 0) {
        const enum status status = status_of_errno(errno);
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

static bool init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    const bool is_made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                         pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return is_made;
}

static struct admin *create(struct mailbox *mailbox)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL) {
        return NULL;
    }
    if (!init_condition(&admin->answered)) {
        free(admin);
        return NULL;
    }
    const int failed = pthread_mutex_init(&admin->mutex, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    admin->references = 1;
    admin->mailbox = mailbox;
    return admin;
}

enum status admin_open(const char *address, struct mailbox *mailbox, struct admin **ret_admin)
{
    struct address parsed;
    int fd = -1;
    if (address_parse(slice_of(address), &parsed) != NULL || parsed.kind != ADDRESS_IPV4) {
        return STATUS_MALFORMED;
    }
    const enum status status = listen_on(&parsed, &fd);
    if (status != STATUS_OK) {
        return status;
    }
    struct admin *admin = create(mailbox);
    if (admin == NULL) {
        close(fd);
        return STATUS_NO_MEMORY;
    }
    admin->listener = fd;
    admin->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD |
                                         MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC,
        0,
        NULL,
        NULL,
        on_request,
        admin,
        MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)ADMIN_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)ADMIN_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY,
        MHD_OPTION_END);
    if (admin->daemon == NULL ||
        pthread_create(&admin->acceptor, NULL, accept_connections, admin) != 0) {
        if (admin->daemon != NULL) {
            MHD_stop_daemon(admin->daemon);
        }
        close(fd);
        pthread_mutex_lock(&admin->mutex);
        unlock_and_drop(admin);
        return STATUS_NO_MEMORY;
    }
    *ret_admin = admin;
    return STATUS_OK;
}

/* Joins the threads of all connections. */
static void stop(void *context)
{
    struct admin *admin = context;
    shutdown(admin->listener, SHUT_RDWR);
    pthread_join(admin->acceptor, NULL);
    MHD_stop_daemon(admin->daemon);
    close(admin->listener);
    pthread_mutex_lock(&admin->mutex);
    unlock_and_drop(admin);
}

void admin_close(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    pthread_mutex_lock(&admin->mutex);
    admin->is_closed = true;
    admin->references++; /* for stop, which may outlast this call */
    pthread_cond_broadcast(&admin->answered);
    pthread_mutex_unlock(&admin->mutex);
    (void)bounded_call(stop, admin);
    pthread_mutex_lock(&admin->mutex);
    unlock_and_drop(admin);
}
