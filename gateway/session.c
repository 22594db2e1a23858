/* Keeps lines where they arrived until their replies are due, and replies in order. */
#include "gateway/session.h"

#include "common/message.h"
#include "common/report.h"

#include <assert.h>
#include <stdlib.h>

enum {
    ENTRIES_MIN = 2,                    /* most clients wait for each answer */
    ENTRIES_SMALL = 8,                  /* of a session that is trimmed as soon as it is idle */
    REPLY_ROOM = 2 * MESSAGE_FIELD_MAX, /* the longest reply but for places */
    PLACES_ROOM = MESSAGE_PLACES_MAX + REPLY_ROOM,
};

enum entry_state { ENTRY_OPEN, ENTRY_ACCEPTED, ENTRY_PLACES, ENTRY_REJECTED, ENTRY_EXPIRED };

/* A field of a line: where it starts in it, and its length. Lines have at most 32 KiB. */
struct span {
    uint16_t start;
    uint16_t length;
};

struct session_entry {
    uint64_t line_at; /* in the session's input, counted from input_base */
    uint16_t line_length;
    uint8_t kind;  /* enum command_kind */
    uint8_t state; /* enum entry_state */
    uint8_t server_length;
    uint8_t results_max;
    struct span id, location, time;
    struct instant read_at;
    union {
        int64_t time_ns; /* IAMAT */
        double radius_m; /* WHATSAT */
    };
    union { /* by state */
        struct {
            const char *server;
            int64_t received_ns;
        } accepted;
        struct {
            char *text; /* owned: AT line, LF, JSON */
            uint32_t at_length;
            uint32_t length;
        } places;
    } answer;
};

void session_init(struct session *session, const struct session_limits *limits)
{
    assert(limits->line_max <= MESSAGE_FIELD_MAX);
    assert(limits->input_max >= 2 * (limits->line_max + 2));
    *session = (struct session){
        .limits = limits,
        .reader = line_reader_with_max(limits->line_max),
        /* Twice as much, so that moving the live bytes to the front costs less than reading them.
         */
        .input = buffer_with_max(2 * limits->input_max),
        .output = buffer_with_max(limits->output_max + PLACES_ROOM),
    };
}

static struct session_entry *entry_of(const struct session *session, uint64_t ticket)
{
    return &session->entries[ticket & (session->entry_capacity - 1)];
}

static struct slice line_of(const struct session *session, const struct session_entry *entry)
{
    const size_t at = (size_t)(entry->line_at - session->input_base);
    return slice_of_bytes(session->input.data + at, entry->line_length);
}

static struct slice field_of(struct slice line, struct span span)
{
    return slice_of_bytes(line.data + span.start, span.length);
}

static struct span span_of(struct slice line, struct slice field)
{
    if (field.length == 0) {
        return (struct span){.start = 0, .length = 0};
    }
    return (struct span){
        .start = (uint16_t)(field.data - line.data),
        .length = (uint16_t)field.length,
    };
}

static void free_answer(struct session *session, struct session_entry *entry)
{
    if (entry->state == ENTRY_PLACES) {
        session->places_held -= entry->answer.places.length;
        free(entry->answer.places.text);
        entry->state = ENTRY_REJECTED;
    }
}

void session_clear(struct session *session)
{
    for (uint64_t ticket = session->first; ticket != session->end; ticket++) {
        free_answer(session, entry_of(session, ticket));
    }
    free(session->entries);
    session->entries = NULL;
    session->entry_capacity = 0;
    session->first = session->next = session->end = 0;
    buffer_clear(&session->input);
    buffer_clear(&session->output);
}

/* Of a session with half a line, the room for its command stays: see session_feed. */
static void trim_entries(struct session *session)
{
    if (session->input.length == 0) {
        free(session->entries);
        session->entries = NULL;
        session->entry_capacity = 0;
    } else if (session->entry_capacity > ENTRIES_MIN) {
        struct session_entry *few =
            realloc(session->entries, ENTRIES_MIN * sizeof *session->entries);
        if (few != NULL) {
            session->entries = few;
            session->entry_capacity = ENTRIES_MIN;
        }
    }
}

void session_trim(struct session *session)
{
    if (session->first == session->end && session->entries != NULL) {
        trim_entries(session);
    }
    if (session->input.length == 0 && session->input.data != NULL) {
        buffer_clear(&session->input);
    }
    if (session->output.length == 0 && session->output.data != NULL) {
        buffer_clear(&session->output);
    }
}

bool session_is_small(const struct session *session)
{
    return session->entry_capacity <= ENTRIES_SMALL;
}

/* ---- Input ---- */

size_t session_room(const struct session *session)
{
    const size_t used = session->input.length - session->input_start;
    const size_t room = session->limits->input_max - used;
    const bool is_worth_reading = room >= session->limits->input_max / 4;
    const bool is_output_full = session->output.length >= session->limits->output_max;
    return session->is_ended || is_output_full || !is_worth_reading ? 0 : room;
}

/* Drops what is done with, when all is, or when `wanted` more bytes need its place. */
static void compact_input(struct session *session, size_t wanted)
{
    const size_t done = session->input_start;
    const size_t live = session->input.length - done;
    const bool is_tight = wanted > session->input.capacity - session->input.length;
    const bool is_full = wanted > session->input.max - session->input.length;
    if (live != 0 && !is_full && (!is_tight || done < live)) {
        return;
    }
    buffer_drop_front(&session->input, done);
    session->input_base += done;
    session->input_unread -= done;
    session->input_start = 0;
}

void session_end_input(struct session *session)
{
    session->is_ended = true;
}

/* The bytes that are done with end where the oldest line that is still owed starts. */
static void release_input(struct session *session)
{
    if (session->first != session->end) {
        const struct session_entry *oldest = entry_of(session, session->first);
        session->input_start = (size_t)(oldest->line_at - session->input_base);
        return;
    }
    session->input_start = session->input_unread;
    if (session->input_start == session->input.length) {
        compact_input(session, 0);
    }
}

void session_cut_input(struct session *session)
{
    buffer_truncate(&session->input, session->input_unread);
    session->reader = line_reader_with_max(session->limits->line_max);
    session->is_ended = true;
    release_input(session);
}

/* Room for one more entry in the ring. */
static bool reserve_entry(struct session *session)
{
    const size_t count = (size_t)(session->end - session->first);
    if (count < session->entry_capacity) {
        return true;
    }
    if (count == SESSION_COMMANDS_MAX) {
        return false;
    }
    const size_t capacity = count == 0 ? ENTRIES_MIN : 2 * count;
    struct session_entry *entries = calloc(capacity, sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    for (uint64_t ticket = session->first; ticket != session->end; ticket++) {
        entries[ticket & (capacity - 1)] = *entry_of(session, ticket);
    }
    free(session->entries);
    session->entries = entries;
    session->entry_capacity = capacity;
    return true;
}

/* With room for a command in the ring: without memory for it later, nobody would ever try again. */
enum status session_feed(struct session *session, struct slice bytes)
{
    assert(bytes.length <= session_room(session));
    if (session->entry_capacity == 0 && !reserve_entry(session)) {
        return STATUS_NO_MEMORY;
    }
    compact_input(session, bytes.length);
    return buffer_append(&session->input, bytes);
}

static void append_entry(
    struct session *session, struct slice line, const struct command *command, struct instant now)
{
    struct session_entry *entry = entry_of(session, session->end++);
    *entry = (struct session_entry){
        .line_at = session->input_base + (uint64_t)(line.data - session->input.data),
        .line_length = (uint16_t)line.length,
        .kind = (uint8_t)command->kind,
        .state = command->kind == COMMAND_INVALID ? ENTRY_REJECTED : ENTRY_OPEN,
        .results_max = (uint8_t)command->results_max,
        .id = span_of(line, command->id),
        .location = span_of(line, command->location),
        .time = span_of(line, command->time),
        .read_at = now,
    };
    if (command->kind == COMMAND_WHATSAT) {
        entry->radius_m = command->radius_m;
    } else {
        entry->time_ns = command->time_ns;
    }
}

/* Skips the rest of a line that was too long; what is last is cut off, so that it takes no room. */
static void skip_input(struct session *session, size_t count)
{
    if (count == session->input.length - session->input_unread) {
        buffer_truncate(&session->input, session->input_unread);
    } else {
        session->input_unread += count;
    }
    release_input(session);
}

bool session_read(struct session *session, struct instant now, struct slice *ret_line)
{
    if (session->input_unread == session->input.length && !session->reader.is_discarding) {
        return false;
    }
    if (!reserve_entry(session)) {
        return false;
    }
    const struct slice unread = slice_from(buffer_slice(&session->input), session->input_unread);
    struct slice line;
    size_t consumed;
    struct command command = {.kind = COMMAND_INVALID};
    switch (line_reader_next(&session->reader, unread, session->is_ended, &line, &consumed)) {
    case LINE_READY:
        command = command_parse(line);
        break;
    case LINE_TOO_LONG:
        break;
    case LINE_NEED_MORE:
        skip_input(session, consumed);
        return false;
    }
    append_entry(session, line, &command, now);
    session->input_unread += consumed;
    *ret_line = line;
    return true;
}

/* ---- Commands and their answers ---- */

/* Time spent behind commands that were answered is no sign of servers that do not answer. */
static struct instant readiness(struct session *session, struct instant now, struct instant read_at)
{
    if (session->has_progressed) {
        session->has_progressed = false;
        session->progress_at = now;
    }
    return instant_is_before(read_at, session->progress_at) ? session->progress_at : read_at;
}

bool session_peek(struct session *session, struct instant now, struct session_command *ret_command)
{
    while (session->next != session->end) {
        const struct session_entry *entry = entry_of(session, session->next);
        if (entry->kind == COMMAND_INVALID) {
            session->next++;
            continue;
        }
        const bool is_whatsat = entry->kind == COMMAND_WHATSAT;
        if (is_whatsat && session->whatsat_count == SESSION_WHATSATS_MAX) {
            return false;
        }
        const struct slice line = line_of(session, entry);
        *ret_command = (struct session_command){
            .ticket = session->next,
            .read_at = readiness(session, now, entry->read_at),
            .command =
                {
                    .kind = (enum command_kind)entry->kind,
                    .id = field_of(line, entry->id),
                    .location = field_of(line, entry->location),
                    .time = field_of(line, entry->time),
                    .time_ns = is_whatsat ? 0 : entry->time_ns,
                    .radius_m = is_whatsat ? entry->radius_m : 0,
                    .results_max = entry->results_max,
                },
        };
        return true;
    }
    return false;
}

void session_issue(struct session *session)
{
    assert(session->next != session->end);
    if (entry_of(session, session->next)->kind == COMMAND_WHATSAT) {
        session->whatsat_count++;
    }
    session->next++;
}

/* The entry of an issued command that has no answer yet. */
static struct session_entry *open_entry(const struct session *session, uint64_t ticket)
{
    assert(ticket - session->first < session->next - session->first);
    struct session_entry *entry = entry_of(session, ticket);
    assert(entry->state == ENTRY_OPEN);
    return entry;
}

struct slice session_id_of(const struct session *session, uint64_t ticket)
{
    const struct session_entry *entry = open_entry(session, ticket);
    return field_of(line_of(session, entry), entry->id);
}

void session_answer_accepted(
    struct session *session, uint64_t ticket, struct slice server, int64_t received_ns)
{
    struct session_entry *entry = open_entry(session, ticket);
    assert(entry->kind == COMMAND_IAMAT && server.length <= MESSAGE_NAME_MAX);
    entry->state = ENTRY_ACCEPTED;
    entry->server_length = (uint8_t)server.length;
    entry->answer.accepted.server = server.data;
    entry->answer.accepted.received_ns = received_ns;
}

void session_answer_places(
    struct session *session, uint64_t ticket, struct slice at_line, struct slice json)
{
    struct session_entry *entry = open_entry(session, ticket);
    assert(entry->kind == COMMAND_WHATSAT);
    assert(at_line.length < REPLY_ROOM && json.length <= MESSAGE_PLACES_MAX);
    struct buffer text = buffer_with_max(PLACES_ROOM);
    if (buffer_append(&text, at_line) != STATUS_OK ||
        buffer_append_text(&text, "\n") != STATUS_OK || buffer_append(&text, json) != STATUS_OK) {
        buffer_clear(&text);
        entry->state = ENTRY_REJECTED;
        return;
    }
    size_t length;
    entry->state = ENTRY_PLACES;
    entry->answer.places.at_length = (uint32_t)at_line.length;
    entry->answer.places.text = buffer_take(&text, &length);
    entry->answer.places.length = (uint32_t)length;
    session->places_held += length;
}

void session_answer_rejected(struct session *session, uint64_t ticket)
{
    open_entry(session, ticket)->state = ENTRY_REJECTED;
}

void session_answer_expired(struct session *session, uint64_t ticket)
{
    open_entry(session, ticket)->state = ENTRY_EXPIRED;
}

/* ---- Output ---- */

static enum status append_accepted(struct session *session, const struct session_entry *entry)
{
    const struct slice line = line_of(session, entry);
    const struct report report = {
        .id = field_of(line, entry->id),
        .location = field_of(line, entry->location),
        .time = field_of(line, entry->time),
        .server = slice_of_bytes(entry->answer.accepted.server, entry->server_length),
        .time_ns = entry->time_ns,
        .received_ns = entry->answer.accepted.received_ns,
    };
    return report_append_at_line(&report, &session->output);
}

static enum status append_places(struct session *session, const struct session_entry *entry)
{
    const struct slice text =
        slice_of_bytes(entry->answer.places.text, entry->answer.places.length);
    const enum status status = buffer_append(&session->output, text);
    return status == STATUS_OK ? buffer_append_text(&session->output, "\n") : status;
}

static enum status append_rejected(struct session *session, const struct session_entry *entry)
{
    const enum status status = buffer_append_text(&session->output, "? ");
    return status == STATUS_OK ? buffer_append(&session->output, line_of(session, entry)) : status;
}

static enum status append_reply(struct session *session, const struct session_entry *entry)
{
    enum status status = STATUS_OK;
    switch ((enum entry_state)entry->state) {
    case ENTRY_ACCEPTED:
        status = append_accepted(session, entry);
        break;
    case ENTRY_PLACES:
        status = append_places(session, entry);
        break;
    case ENTRY_REJECTED:
    case ENTRY_EXPIRED:
        status = append_rejected(session, entry);
        break;
    case ENTRY_OPEN:
        assert(false);
    }
    return status == STATUS_OK ? buffer_append_text(&session->output, "\n") : status;
}

/* Whether its answer is a sign that servers answer. */
static bool is_by_server(const struct session_entry *entry)
{
    return entry->kind != COMMAND_INVALID && entry->state != ENTRY_EXPIRED;
}

/* The last entry's line is done with. */
static void remove_first(struct session *session)
{
    struct session_entry *entry = entry_of(session, session->first);
    session->has_progressed = session->has_progressed || is_by_server(entry);
    free_answer(session, entry);
    if (entry->kind == COMMAND_WHATSAT) {
        session->whatsat_count--;
    }
    if (session->next == session->first) {
        session->next++; /* an invalid line, which is never issued */
    }
    session->first++;
    release_input(session);
}

enum session_result session_reply(struct session *session, struct session_reply *ret_reply)
{
    if (session->first == session->end || session->output.length >= session->limits->output_max) {
        return SESSION_WAITS;
    }
    const struct session_entry *entry = entry_of(session, session->first);
    if (entry->state == ENTRY_OPEN) {
        return SESSION_WAITS;
    }
    const size_t start = session->output.length;
    if (append_reply(session, entry) != STATUS_OK) {
        return SESSION_NO_MEMORY;
    }
    const size_t length = session->output.length - start;
    const bool has_places = entry->state == ENTRY_PLACES;
    const size_t line_length = has_places ? entry->answer.places.at_length : length - 1;
    *ret_reply = (struct session_reply){
        .line = slice_of_bytes(session->output.data + start, line_length),
        .places_length = has_places ? entry->answer.places.length - line_length - 1 : 0,
    };
    remove_first(session);
    return SESSION_REPLIED;
}

void session_take_output(struct session *session, struct buffer *spare)
{
    assert(spare->length == 0);
    const struct buffer output = session->output;
    session->output = *spare;
    session->output.max = output.max;
    *spare = output;
}

size_t session_output_length(const struct session *session)
{
    return session->output.length;
}

size_t session_held(const struct session *session)
{
    const size_t entries = (size_t)(session->end - session->first) * sizeof *session->entries;
    return session->input.length - session->input_start + entries + session->places_held +
           session->output.length;
}

bool session_is_finished(const struct session *session)
{
    return session->is_ended && session->first == session->end && session->output.length == 0 &&
           session->input_unread == session->input.length;
}
