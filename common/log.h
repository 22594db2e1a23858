/*
 * One event, one line: time first, then key=value. Lines are gathered in memory and written by a
 * thread of the log's own, so that no disk slows the traffic. What finds no room, in memory or on
 * the disk, is dropped and counted, and `event=log_lines_dropped count=N` tells of it as soon as
 * lines can be written again.
 *
 *   2026-11-21T03:30:17.123456Z event=line_malformed peer=127.0.0.1:40312 line="say \"hi\"\n\xff"
 *
 * Owns:   the file (log_file.h), a thread.
 * Thread: any thread may write events; none waits for the disk.
 * Limits: log_limits; on disk never more than (files_max + 1) * file_size_max.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct log;

struct log_limits {
    size_t file_size_max;    /* bytes; then NAME is renamed NAME.1, NAME.1 to NAME.2, ... */
    unsigned files_max;      /* renamed files that are kept */
    size_t pending_max;      /* bytes in memory: one half gathers while the other is written */
    unsigned write_every_ms; /* longest time a line stays in memory */
};

/* 64 MiB and 4 rotated files, 4 MiB in memory, 100 ms. */
extern const struct log_limits log_limits_default;

/*
 * Opens `path` for appending (`-` is standard error, not rotated) and starts the thread. path is
 * copied. STATUS_NOT_PERMITTED, STATUS_NOT_FOUND (the folder), STATUS_IO, STATUS_NO_MEMORY.
 */
enum status log_open(
    const char *path, const struct log_limits *limits, struct log **ret_log) MUST_USE;

/* Writes what is gathered and closes; what takes over a second is left to the thread. NULL is
 * allowed. */
void log_close(struct log *log);

/* A value with its key, both borrowed. Text is quoted and escaped where it is not plain: any bytes
 * are safe. */
struct log_field {
    const char *key;
    enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER } kind;
    struct slice text;
    int64_t number;
};

struct log_field log_bytes(const char *key, struct slice value);
struct log_field log_text(const char *key, const char *value);
struct log_field log_number(const char *key, int64_t value);

/*
 * log_event(log, "node_ready", log_text("server", name), log_number("reports", n)); a NULL log
 * drops it. For an event without fields: log_fields(log, "event", NULL, 0).
 */
/* NOLINTNEXTLINE(readability-identifier-naming): to its callers it is a function */
#define log_event(log, event, ...)                                                                 \
    log_fields(log,                                                                                \
        event,                                                                                     \
        (const struct log_field[]){__VA_ARGS__},                                                   \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
void log_fields(struct log *log, const char *event, const struct log_field *fields, size_t count);

/*
 * The same for lines that come with every command of a client: a quarter of the memory is not
 * theirs, so that they cannot crowd out what an operator must know.
 */
/* NOLINTNEXTLINE(readability-identifier-naming): likewise */
#define log_traffic(log, event, ...)                                                               \
    log_traffic_fields(log,                                                                        \
        event,                                                                                     \
        (const struct log_field[]){__VA_ARGS__},                                                   \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
void log_traffic_fields(
    struct log *log, const char *event, const struct log_field *fields, size_t count);

/* How many lines were dropped since the log was opened, for whatever reason (memory full, disk
 * full). */
uint64_t log_dropped(struct log *log);

#endif
