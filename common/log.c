/* Two buffers: events are formatted into one while the other is written to the file. */
#include "common/log.h"

#include "common/instant.h"
#include "common/log_file.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    TIME_LENGTH = WALL_CLOCK_TEXT_SIZE - 1,
    MICROSECONDS_AT = 20, /* where they stand in that text, 6 digits */
    CLOSE_WAIT_MS = 1000, /* a file system that hangs must not keep a process from leaving */
};

const struct log_limits log_limits_default = {
    .file_size_max = (size_t)64 * 1024 * 1024,
    .files_max = 4,
    .pending_max = (size_t)4 * 1024 * 1024,
    .write_every_ms = 100,
};

/* Whole lines, and the text of the second in which the last one was written. */
struct lines {
    char *bytes;
    size_t length;
    size_t capacity;
    bool is_overfull; /* the line that is being put does not fit */
    int64_t second;
    char time[WALL_CLOCK_TEXT_SIZE];
};

struct log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct lines gathered; /* under the lock, likewise all up to the empty line */
    uint64_t dropped;
    bool is_closing;
    bool is_finished;
    bool is_abandoned; /* log_close waits no longer: the writer frees everything */

    pthread_t writer;
    struct lines writing; /* the writer's own, likewise all below */
    uint64_t dropped_told;
    unsigned write_every_ms;
    struct log_file *file;
};

/* ---- A line ---- */

static void put(struct lines *lines, const char *bytes, size_t length)
{
    if (length > lines->capacity - lines->length) {
        lines->is_overfull = true;
        return;
    }
    memcpy(lines->bytes + lines->length, bytes, length);
    lines->length += length;
}

static void put_text(struct lines *lines, const char *text)
{
    put(lines, text, strlen(text));
}

/* The second's text is made once; of most lines only the microseconds are new. */
static void put_time(struct lines *lines)
{
    const int64_t now_ns = wall_clock_ns();
    const int64_t second = now_ns / NS_PER_SECOND;
    if (second != lines->second || lines->time[0] == '\0') {
        lines->second = second;
        wall_clock_format(now_ns, lines->time);
    }
    int64_t left = now_ns % NS_PER_SECOND / NS_PER_US;
    for (size_t i = 6; i > 0; i--) {
        lines->time[MICROSECONDS_AT + i - 1] = (char)('0' + left % 10);
        left /= 10;
    }
    put(lines, lines->time, TIME_LENGTH);
}

static void put_number(struct lines *lines, int64_t number)
{
    char digits[20]; /* as many as -2^63 has, with its sign */
    size_t start = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--start] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        digits[--start] = '-';
    }
    put(lines, digits + start, sizeof digits - start);
}

/* Visible ASCII but for what ends or escapes a quoted text; bytes above are escaped, as they may be
 * anything. */
static bool is_literal(char byte)
{
    return byte >= ' ' && byte <= '~' && byte != '"' && byte != '\\';
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_literal(text.data[i]) || text.data[i] == ' ' || text.data[i] == '=') {
            return false;
        }
    }
    return text.length > 0;
}

static void put_escaped(struct lines *lines, char byte)
{
    static const char hexadecimal[] = "0123456789abcdef";
    const unsigned value = (unsigned char)byte;
    switch (byte) {
    case '"':
        put_text(lines, "\\\"");
        break;
    case '\\':
        put_text(lines, "\\\\");
        break;
    case '\n':
        put_text(lines, "\\n");
        break;
    case '\r':
        put_text(lines, "\\r");
        break;
    case '\t':
        put_text(lines, "\\t");
        break;
    default:
        put(lines, (char[]){'\\', 'x', hexadecimal[value / 16], hexadecimal[value % 16]}, 4);
        break;
    }
}

static void put_quoted(struct lines *lines, struct slice text)
{
    put_text(lines, "\"");
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_literal(text.data[i])) {
            put(lines, text.data + start, i - start);
            put_escaped(lines, text.data[i]);
            start = i + 1;
        }
    }
    if (start < text.length) {
        put(lines, text.data + start, text.length - start);
    }
    put_text(lines, "\"");
}

static void put_field(struct lines *lines, const struct log_field *field)
{
    put_text(lines, " ");
    put_text(lines, field->key);
    put_text(lines, "=");
    switch (field->kind) {
    case LOG_FIELD_NUMBER:
        put_number(lines, field->number);
        break;
    case LOG_FIELD_TEXT:
        if (is_plain(field->text)) {
            put(lines, field->text.data, field->text.length);
        } else {
            put_quoted(lines, field->text);
        }
        break;
    }
}

/* All of a line or nothing; false: it does not fit. */
static bool put_line(
    struct lines *lines, const char *event, const struct log_field *fields, size_t count)
{
    const size_t length_before = lines->length;
    lines->is_overfull = false;
    put_time(lines);
    put_text(lines, " event=");
    put_text(lines, event);
    for (size_t i = 0; i < count; i++) {
        put_field(lines, &fields[i]);
    }
    put_text(lines, "\n");
    if (lines->is_overfull) {
        lines->length = length_before;
    }
    return !lines->is_overfull;
}

struct log_field log_bytes(const char *key, struct slice value)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_TEXT, .text = value};
}

struct log_field log_text(const char *key, const char *value)
{
    return log_bytes(key, slice_of(value));
}

struct log_field log_number(const char *key, int64_t value)
{
    return (struct log_field){.key = key, .kind = LOG_FIELD_NUMBER, .number = value};
}

/* ---- The two threads' meeting place ---- */

static void lock(struct log *log)
{
    const int failed = pthread_mutex_lock(&log->lock);
    assert(failed == 0);
}

static void unlock(struct log *log)
{
    const int failed = pthread_mutex_unlock(&log->lock);
    assert(failed == 0);
}

/* Under the lock. False: the deadline has passed. */
static bool wait_for_change(struct log *log, struct instant deadline)
{
    if (!instant_is_before(instant_now(), deadline)) {
        return false;
    }
    const struct timespec until = instant_timespec(deadline);
    pthread_cond_timedwait(&log->changed, &log->lock, &until);
    return true;
}

static void write_line(struct log *log,
    bool is_traffic,
    const char *event,
    const struct log_field *fields,
    size_t count)
{
    lock(log);
    struct lines *lines = &log->gathered;
    const size_t half = lines->capacity / 2;
    const size_t length_before = lines->length;
    const bool is_kept_out = is_traffic && length_before > lines->capacity / 4 * 3;
    if (is_kept_out || !put_line(lines, event, fields, count)) {
        log->dropped++;
    }
    const bool is_half_full = length_before < half && lines->length >= half;
    unlock(log);

    if (length_before == 0 || is_half_full) {
        pthread_cond_broadcast(&log->changed);
    }
}

void log_fields(struct log *log, const char *event, const struct log_field *fields, size_t count)
{
    if (log != NULL) {
        write_line(log, false, event, fields, count);
    }
}

void log_traffic_fields(
    struct log *log, const char *event, const struct log_field *fields, size_t count)
{
    if (log != NULL) {
        write_line(log, true, event, fields, count);
    }
}

uint64_t log_dropped(struct log *log)
{
    lock(log);
    const uint64_t dropped = log->dropped;
    unlock(log);
    return dropped;
}

/* ---- The writer ---- */

static void free_parts(struct log *log)
{
    log_file_close(log->file);
    free(log->gathered.bytes);
    free(log->writing.bytes);
    free(log);
}

static void destroy(struct log *log)
{
    pthread_mutex_destroy(&log->lock);
    pthread_cond_destroy(&log->changed);
    free_parts(log);
}

/* Under the lock: until lines have been here for long enough or are many, or a lost line is to be
 * told of. */
static void wait_for_lines(struct log *log)
{
    while (log->gathered.length == 0 && !log->is_closing && log->dropped == log->dropped_told) {
        wait_for_change(log, INSTANT_NEVER);
    }
    const struct instant deadline = instant_after_ms(instant_now(), log->write_every_ms);
    while (log->gathered.length < log->gathered.capacity / 2 && !log->is_closing &&
           wait_for_change(log, deadline)) {
    }
}

static void write_out(struct log *log)
{
    struct lines *lines = &log->writing;
    const uint64_t lost = log_file_write(log->file, slice_of_bytes(lines->bytes, lines->length));
    lines->length = 0;
    lock(log);
    log->dropped += lost;
    const uint64_t dropped = log->dropped;
    unlock(log);
    if (lost > 0 || dropped == log->dropped_told) {
        return; /* after a failure the next turn tells of it */
    }
    const struct log_field count = log_number("count", (int64_t)(dropped - log->dropped_told));
    if (put_line(lines, "log_lines_dropped", &count, 1) &&
        log_file_write(log->file, slice_of_bytes(lines->bytes, lines->length)) == 0) {
        log->dropped_told = dropped;
    }
    lines->length = 0;
}

static void *run_writer(void *context)
{
    struct log *log = context;
    bool is_last = false;
    lock(log);
    while (!is_last) {
        wait_for_lines(log);
        is_last = log->is_closing;
        const struct lines full = log->gathered;
        log->gathered = log->writing;
        log->writing = full;
        unlock(log);
        write_out(log);
        lock(log);
    }
    log->is_finished = true;
    const bool is_abandoned = log->is_abandoned;
    pthread_cond_broadcast(&log->changed);
    unlock(log);
    if (is_abandoned) {
        destroy(log);
    }
    return NULL;
}

/* ---- Opening and closing ---- */

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

enum status log_open(const char *path, const struct log_limits *limits, struct log **ret_log)
{
    struct log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return STATUS_NO_MEMORY;
    }
    const size_t capacity = limits->pending_max / 2;
    log->gathered = (struct lines){.bytes = malloc(capacity), .capacity = capacity};
    log->writing = (struct lines){.bytes = malloc(capacity), .capacity = capacity};
    log->write_every_ms = limits->write_every_ms;
    enum status status = STATUS_NO_MEMORY;
    if (log->gathered.bytes == NULL || log->writing.bytes == NULL) {
        goto out;
    }
    status = log_file_open(path, limits->file_size_max, limits->files_max, &log->file);
    if (status != STATUS_OK) {
        goto out;
    }
    status = STATUS_NO_MEMORY;
    if (!init_condition(&log->changed)) {
        goto out;
    }
    const int failed = pthread_mutex_init(&log->lock, NULL);
    assert(failed == 0);
    if (pthread_create(&log->writer, NULL, run_writer, log) != 0) {
        pthread_mutex_destroy(&log->lock);
        pthread_cond_destroy(&log->changed);
        goto out;
    }
    *ret_log = log;
    return STATUS_OK;

out:
    free_parts(log);
    return status;
}

void log_close(struct log *log)
{
    if (log == NULL) {
        return;
    }
    const struct instant deadline = instant_after_ms(instant_now(), CLOSE_WAIT_MS);
    lock(log);
    log->is_closing = true;
    pthread_cond_broadcast(&log->changed);
    while (!log->is_finished && wait_for_change(log, deadline)) {
    }
    const bool is_finished = log->is_finished;
    log->is_abandoned = !is_finished;
    const pthread_t writer = log->writer;
    unlock(log);

    if (!is_finished) {
        pthread_detach(writer);
        return;
    }
    pthread_join(writer, NULL);
    destroy(log);
}
