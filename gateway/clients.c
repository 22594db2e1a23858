/* libuv on one side, sessions on the other. */
#include "gateway/clients.h"

#include <uv.h>

#include <assert.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    READ_MAX = 64 * 1024, /* bytes per client and turn, into one buffer that all clients share; */
    READ_MIN = 1024,      /* less where many send, so that a turn ends soon: */
    TURN_READ_MAX = 2 * 1024 * 1024, /* about so many bytes of all */
    ADDRESS_TEXT_SIZE = 64,
};

struct client_list {
    struct client *first;
    struct client *last;
    size_t count;
};

/*
 * Kept below 1 KiB, because an idle client costs exactly this.
 *
 *   SERVING ──▶ FINISHING: no more is read ──▶ LINGERING: all was sent, the client may still send
 */
struct client {
    uv_tcp_t tcp;
    struct clients *clients;
    struct client *previous;
    struct client *next;
    struct client_list *list; /* the active or the waiting ones, or NULL */
    uint32_t index;
    uint32_t generation;
    uint64_t number; /* counts connections, for the log */
    size_t listener;
    bool is_reading;
    bool had_its_turn; /* more is read in the next one */
    bool is_writing;   /* `writing` belongs to libuv */
    bool has_ended;    /* it said so */
    bool is_stopped;   /* we want no more of it */
    bool is_lingering;
    bool is_closing;
    bool wants_room;
    bool is_quiet;  /* nothing happened to it since the last check */
    size_t held;    /* bytes, as they are counted in the view */
    size_t untaken; /* at the last check, and since when it is that many */
    struct instant untaken_since;
    struct session session;
    struct buffer writing;
};
_Static_assert(sizeof(struct client) < 1024, "an idle client costs too much");

struct clients {
    uv_loop_t *loop;
    struct clients_settings settings;
    const struct clients_events *events;
    struct client **slots;
    uint32_t *free_slots;
    size_t free_count;
    size_t slots_used; /* no slot from here on was ever used */
    struct client_list active;
    struct client_list waiting;
    struct clients_view view;
    struct instant now; /* of the present turn */
    size_t read_max;    /* bytes per client in it */
    char read_bytes[READ_MAX];
};

enum status clients_create(struct uv_loop_s *loop,
    const struct clients_settings *settings,
    const struct clients_events *events,
    struct clients **ret_clients)
{
    struct clients *clients = calloc(1, sizeof *clients);
    struct client **slots = calloc(settings->connections_max, sizeof(struct client *));
    uint32_t *free_slots = calloc(settings->connections_max, sizeof *free_slots);
    if (clients == NULL || slots == NULL || free_slots == NULL) {
        free(clients);
        free(slots);
        free(free_slots);
        return STATUS_NO_MEMORY;
    }
    clients->loop = loop;
    clients->settings = *settings;
    clients->events = events;
    clients->slots = slots;
    clients->free_slots = free_slots;
    for (size_t i = 0; i < settings->connections_max; i++) {
        free_slots[i] = (uint32_t)(settings->connections_max - 1 - i);
    }
    clients->free_count = settings->connections_max;
    clients->read_max = READ_MAX;
    *ret_clients = clients;
    return STATUS_OK;
}

void clients_destroy(struct clients *clients)
{
    if (clients == NULL) {
        return;
    }
    assert(clients->view.open == 0);
    free(clients->slots);
    free(clients->free_slots);
    free(clients);
}

/* ---- Lists ---- */

static void leave_list(struct client *client)
{
    struct client_list *list = client->list;
    if (list == NULL) {
        return;
    }
    if (client->previous == NULL) {
        list->first = client->next;
    } else {
        client->previous->next = client->next;
    }
    if (client->next == NULL) {
        list->last = client->previous;
    } else {
        client->next->previous = client->previous;
    }
    list->count--;
    client->list = NULL;
}

static void join_list(struct client *client, struct client_list *list)
{
    leave_list(client);
    client->list = list;
    client->next = NULL;
    client->previous = list->last;
    if (list->last == NULL) {
        list->first = client;
    } else {
        list->last->next = client;
    }
    list->last = client;
    list->count++;
}

void clients_touch(struct clients *clients, struct client *client)
{
    if (client->list != &clients->active && !client->is_closing) {
        join_list(client, &clients->active);
    }
}

/* ---- The end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    buffer_clear(&client->writing); /* libuv has given it back */
    free(client);
}

static void count_held(struct client *client, size_t held)
{
    struct clients_view *view = &client->clients->view;
    view->held = view->held - client->held + held;
    client->held = held;
}

static void close_client(struct client *client, const char *cause)
{
    struct clients *clients = client->clients;
    if (client->is_closing) {
        return;
    }
    if (clients->settings.logs_traffic) {
        log_traffic(clients->settings.log,
            "client_disconnected",
            log_number("client", (int64_t)client->number),
            log_text("cause", cause));
    }
    client->is_closing = true;
    leave_list(client);
    session_clear(&client->session);
    clients->slots[client->index] = NULL;
    clients->free_slots[clients->free_count++] = client->index;
    clients->view.open--;
    clients->view.lingering -= client->is_lingering;
    count_held(client, 0);
    clients->events->closed(clients->events->context, client->index);
    uv_close((uv_handle_t *)&client->tcp, on_closed);
}

/* ---- Reading ---- */

static void log_line(
    const struct client *client, const char *event, struct slice line, size_t places_length)
{
    const struct clients_settings *settings = &client->clients->settings;
    if (!settings->logs_traffic) {
        return;
    }
    const struct log_field fields[] = {
        log_number("client", (int64_t)client->number),
        log_bytes("server", settings->servers[client->listener]),
        log_bytes("line", line),
        log_number("places_bytes", (int64_t)places_length),
    };
    log_traffic_fields(settings->log, event, fields, places_length > 0 ? 4 : 3);
}

/* Whether any whole line was there. */
static bool read_lines(struct client *client)
{
    const struct instant now = instant_now();
    struct slice line;
    bool is_any = false;
    while (session_read(&client->session, now, &line)) {
        is_any = true;
        client->clients->view.lines_in++;
        log_line(client, "input", line, 0);
    }
    return is_any;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct client *client = handle->data;
    const size_t room = client->is_lingering ? READ_MAX : session_room(&client->session);
    const size_t read_max = client->clients->read_max;
    buffer->base = client->clients->read_bytes;
    buffer->len = room < read_max ? room : read_max;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static bool may_be_read(const struct client *client)
{
    const bool is_tight = client->clients->view.held > CLIENTS_HELD_MAX;
    return !client->is_stopped && !client->had_its_turn && session_room(&client->session) > 0 &&
           (!is_tight || client->held < CLIENTS_HELD_LITTLE);
}

/* Reads as long as there is room, or to see the client's end. */
static void update_reading(struct client *client)
{
    count_held(client, session_held(&client->session) + client->writing.length);
    const bool wants = !client->has_ended && (client->is_lingering || may_be_read(client));
    if (wants && !client->is_reading) {
        client->is_reading = uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read) == 0;
    } else if (!wants && client->is_reading) {
        uv_read_stop((uv_stream_t *)&client->tcp);
        client->is_reading = false;
    }
}

static void on_end(struct client *client)
{
    client->has_ended = true;
    if (client->is_lingering) {
        close_client(client, "end");
        return;
    }
    session_end_input(&client->session);
    (void)read_lines(client);
    clients_touch(client->clients, client);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct client *client = stream->data;
    client->is_quiet = false;
    if (count == UV_EOF) {
        on_end(client);
    } else if (count < 0 && count != UV_ENOBUFS) {
        close_client(client, uv_strerror((int)count));
    } else if (count > 0 && !client->is_lingering) {
        client->clients->view.bytes_in += (uint64_t)count;
        client->had_its_turn = (size_t)count == buffer->len;
        if (session_feed(&client->session, slice_of_bytes(buffer->base, (size_t)count)) !=
            STATUS_OK) {
            close_client(client, "out of memory");
            return;
        }
        (void)read_lines(client);
        clients_touch(client->clients, client);
    }
    if (!client->is_closing) {
        update_reading(client);
    }
}

/* ---- Writing ---- */

static void on_written(uv_write_t *request, int result)
{
    struct client *client = request->data;
    free(request);
    client->is_writing = false;
    client->is_quiet = false;
    if (client->is_closing) {
        return;
    }
    if (result != 0) {
        close_client(client, uv_strerror(result));
        return;
    }
    client->clients->view.bytes_out += client->writing.length;
    buffer_reset(&client->writing);
    clients_touch(client->clients, client);
}

/* Gives libuv the part of `writing` that the socket does not take at once. */
static int write_later(struct client *client, size_t written)
{
    uv_write_t *request = malloc(sizeof *request); /* for the few that need it */
    if (request == NULL) {
        return UV_ENOMEM;
    }
    uv_buf_t bytes =
        uv_buf_init(client->writing.data + written, (unsigned)(client->writing.length - written));
    request->data = client;
    const int result = uv_write(request, (uv_stream_t *)&client->tcp, &bytes, 1, on_written);
    if (result != 0) {
        free(request);
    }
    client->is_writing = result == 0;
    return result;
}

/* Writes what the socket takes at once, and the rest later. */
static void write_output(struct client *client)
{
    if (client->is_writing || session_output_length(&client->session) == 0) {
        return;
    }
    session_take_output(&client->session, &client->writing);
    uv_stream_t *stream = (uv_stream_t *)&client->tcp;
    uv_buf_t bytes = uv_buf_init(client->writing.data, (unsigned)client->writing.length);
    int result = uv_try_write(stream, &bytes, 1);
    if (result == (int)client->writing.length) {
        client->clients->view.bytes_out += client->writing.length;
        buffer_reset(&client->writing);
        return;
    }
    const size_t written = result > 0 ? (size_t)result : 0;
    if (result >= 0 || result == UV_EAGAIN) {
        result = write_later(client, written);
    }
    if (!client->is_writing) {
        close_client(client, uv_strerror(result));
    }
}

static void on_shutdown(uv_shutdown_t *request, int result)
{
    struct client *client = request->data;
    free(request);
    if (result != 0) {
        close_client(client, uv_strerror(result));
    }
}

/* All is sent. Closing while the client still sends would make the system throw away what it has
 * not delivered yet, so that waits for the client's own end. */
static void finish(struct client *client)
{
    if (client->has_ended) {
        close_client(client, "end");
        return;
    }
    if (client->is_lingering) {
        return;
    }
    client->is_lingering = true;
    client->clients->view.lingering++;
    uv_shutdown_t *request = malloc(sizeof *request);
    int result = UV_ENOMEM;
    if (request != NULL) {
        request->data = client;
        result = uv_shutdown(request, (uv_stream_t *)&client->tcp, on_shutdown);
    }
    if (result != 0) {
        free(request);
        close_client(client, uv_strerror(result));
    }
}

static void trim(struct client *client)
{
    session_trim(&client->session);
    if (!client->is_writing) {
        buffer_clear(&client->writing);
    }
}

/* Appends the replies that are due; whether there was any. */
static bool collect_replies(struct client *client)
{
    struct clients_view *view = &client->clients->view;
    bool is_any = false;
    for (;;) {
        struct session_reply reply;
        switch (session_reply(&client->session, &reply)) {
        case SESSION_REPLIED:
            is_any = true;
            view->replies++;
            view->replies_invalid += reply.line.data[0] == '?';
            log_line(client, "output", reply.line, reply.places_length);
            continue;
        case SESSION_WAITS:
            return is_any;
        case SESSION_NO_MEMORY:
            close_client(client, "out of memory");
            return false;
        }
    }
}

/* ---- Turns ---- */

/* Whether any was issued. */
static bool issue_commands(struct client *client)
{
    struct clients *clients = client->clients;
    struct session_command command;
    (void)read_lines(client);
    enum clients_issue result = CLIENTS_ISSUED;
    bool is_any = false;
    while (result == CLIENTS_ISSUED && session_peek(&client->session, clients->now, &command)) {
        result = clients->events->issue(clients->events->context, client, &command);
        is_any = is_any || result == CLIENTS_ISSUED;
    }
    client->wants_room = result == CLIENTS_NO_ROOM;
    return is_any;
}

size_t clients_wake(struct clients *clients, struct instant now, size_t count)
{
    clients->now = now;
    size_t woken = 0;
    struct client *next = clients->waiting.first;
    for (size_t i = 0; i < count && next != NULL; i++) {
        struct client *client = next;
        next = client->next;
        if (issue_commands(client) || !client->wants_room) {
            clients_touch(clients, client);
            woken++;
        }
    }
    return woken;
}

void clients_pass_over(struct clients *clients, size_t count)
{
    for (size_t i = 0; i < count && clients->waiting.first != NULL; i++) {
        join_list(clients->waiting.first, &clients->waiting);
    }
}

static void reply_and_write(struct client *client)
{
    bool is_any = false;
    bool has_output = true;
    while (has_output && !client->is_writing && !client->is_closing) {
        is_any = collect_replies(client) || is_any;
        if (!client->is_closing) {
            has_output = session_output_length(&client->session) > 0;
            write_output(client); /* which makes room for further replies */
        }
    }
    if (client->is_closing) {
        return;
    }
    if (!client->is_writing && session_is_finished(&client->session)) {
        finish(client);
    }
    if (client->is_closing) {
        return;
    }
    client->had_its_turn = false;
    update_reading(client);
    if (client->held == 0 && session_is_small(&client->session)) {
        trim(client); /* perhaps it is quiet now for long, as most are */
    }
    struct session_command command;
    if (is_any &&
        (read_lines(client) || session_peek(&client->session, client->clients->now, &command))) {
        clients_touch(client->clients, client); /* the replies made room for more commands */
    } else if (client->wants_room) {
        join_list(client, &client->clients->waiting);
    }
}

void clients_turn(struct clients *clients, struct instant now)
{
    clients->now = now;
    clients->read_max = TURN_READ_MAX / (clients->active.count + 1);
    if (clients->read_max > READ_MAX) {
        clients->read_max = READ_MAX;
    } else if (clients->read_max < READ_MIN) {
        clients->read_max = READ_MIN;
    }
    while (clients->active.count > 0) {
        for (struct client *client = clients->active.first; client != NULL; client = client->next) {
            (void)issue_commands(client);
        }
        clients->events->issued(clients->events->context);
        for (size_t count = clients->active.count; count > 0 && clients->active.first != NULL;
             count--) {
            struct client *client = clients->active.first;
            leave_list(client);
            reply_and_write(client);
        }
    }
}

/* How many bytes for the client are still on this machine. The socket alone holds megabytes, and
 * takes more only when a third of them is gone: for a slow client that is minutes. */
static size_t count_untaken(const struct client *client, size_t unsent)
{
    int fd;
    int sent = 0;
    if (uv_fileno((const uv_handle_t *)&client->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &sent) != 0) {
        sent = 0;
    }
    return unsent + (size_t)sent;
}

static bool is_stuck(struct client *client, struct instant now)
{
    const size_t unsent = uv_stream_get_write_queue_size((uv_stream_t *)&client->tcp);
    if (unsent == 0 && !client->is_lingering) {
        client->untaken = 0;
        client->untaken_since = now;
        return false;
    }
    const size_t untaken = count_untaken(client, unsent);
    if (untaken != client->untaken) {
        client->untaken = untaken;
        client->untaken_since = now;
        return false;
    }
    return instant_ns_between(client->untaken_since, now) >= (int64_t)CLIENTS_STUCK_MS * NS_PER_MS;
}

void clients_check(struct clients *clients, struct instant now)
{
    for (size_t i = 0; i < clients->slots_used; i++) {
        struct client *client = clients->slots[i];
        if (client == NULL) {
            continue;
        }
        if (is_stuck(client, now)) {
            clients->view.stuck++;
            log_event(clients->settings.log,
                "client_stuck",
                log_number("client", (int64_t)client->number),
                log_number("untaken", (int64_t)client->untaken));
            close_client(client, "it does not take what it is owed");
            continue;
        }
        if (client->is_quiet) {
            trim(client);
        }
        client->is_quiet = true;
        update_reading(client); /* there may be room again for all */
    }
}

/* ---- The beginning of a connection ---- */

static void log_arrival(const struct client *client)
{
    if (!client->clients->settings.logs_traffic) {
        return;
    }
    struct sockaddr_storage address;
    int size = sizeof address;
    char host[ADDRESS_TEXT_SIZE] = "?";
    if (uv_tcp_getpeername(&client->tcp, (struct sockaddr *)&address, &size) == 0) {
        const struct sockaddr *peer = (const struct sockaddr *)&address;
        (void)uv_ip_name(peer, host, sizeof host);
    }
    log_traffic(client->clients->settings.log,
        "client_connected",
        log_number("client", (int64_t)client->number),
        log_bytes("server", client->clients->settings.servers[client->listener]),
        log_text("peer", host));
}

void clients_arrived(struct clients *clients, size_t listener, int fd)
{
    struct client *client = clients->free_count == 0 ? NULL : calloc(1, sizeof *client);
    if (client == NULL || uv_tcp_init(clients->loop, &client->tcp) != 0) {
        free(client);
        close(fd);
        clients->view.refused++;
        return;
    }
    client->clients = clients;
    client->tcp.data = client;
    client->writing = buffer_with_max(0);
    session_init(&client->session, &clients->settings.limits);
    client->index = clients->free_slots[--clients->free_count];
    clients->slots[client->index] = client;
    if (client->index >= clients->slots_used) {
        clients->slots_used = client->index + 1;
    }
    client->listener = listener;
    client->untaken_since = instant_now();
    client->number = ++clients->view.accepted;
    clients->view.open++;
    client->generation = clients->events->opened(clients->events->context, client->index, listener);
    const int result = uv_tcp_open(&client->tcp, fd);
    if (result != 0) {
        close(fd);
        close_client(client, uv_strerror(result));
        return;
    }
    log_arrival(client);
    update_reading(client);
}

/* ---- Knowing and stopping them ---- */

struct client *clients_find(const struct clients *clients, struct origin origin)
{
    assert(origin.client < clients->settings.connections_max);
    struct client *client = clients->slots[origin.client];
    return client != NULL && client->generation == origin.generation ? client : NULL;
}

struct session *client_session(struct client *client)
{
    return &client->session;
}

uint32_t client_index(const struct client *client)
{
    return client->index;
}

static void stop_client(struct client *client)
{
    if (client->is_stopped) {
        return;
    }
    (void)read_lines(client);
    session_cut_input(&client->session);
    client->is_stopped = true;
    update_reading(client);
    clients_touch(client->clients, client);
}

void clients_stop_listener(struct clients *clients, size_t listener)
{
    for (size_t i = 0; i < clients->slots_used; i++) {
        if (clients->slots[i] != NULL && clients->slots[i]->listener == listener) {
            stop_client(clients->slots[i]);
        }
    }
}

void clients_stop(struct clients *clients)
{
    for (size_t i = 0; i < clients->slots_used; i++) {
        if (clients->slots[i] != NULL) {
            stop_client(clients->slots[i]);
        }
    }
}

struct clients_view clients_view(const struct clients *clients)
{
    struct clients_view view = clients->view;
    view.waiting = clients->waiting.count;
    return view;
}
