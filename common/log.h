/*
 * One event, one line: time first, then key=value. Lines are gathered in memory and written by a thread of the log's
 * own, so that no disk slows the traffic; what finds no room is dropped and counted, and the count is written.
 *
 * Owns:   the file, its rotation, a thread.
 * Thread: any thread may write events.
 * Limits: log_limits; on disk never more than (files_max + 1) * file_size_max.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct log;

struct log_limits {
    size_t file_size_max;    /* bytes after which the file is rotated to NAME.1, NAME.1 to NAME.2, ... */
    unsigned files_max;      /* rotated files that are kept */
    size_t pending_max;      /* bytes gathered in memory; what does not fit is dropped and counted */
    unsigned write_every_ms; /* longest time a line stays in memory */
};

/* 64 MiB and 4 rotated files, 4 MiB in memory, 100 ms. */
extern const struct log_limits log_limits_default;

/*
 * Opens `path` for appending (`-` is standard error, not rotated) and starts the thread. path is copied.
 * STATUS_NOT_PERMITTED, STATUS_NOT_FOUND (the folder), STATUS_IO, STATUS_NO_MEMORY.
 */
enum status log_open(const char *path, const struct log_limits *limits, struct log **ret_log) MUST_USE;

/* Writes what is gathered and closes; NULL is allowed. */
void log_close(struct log *log);

/* A value with its key. Text is quoted and escaped where it is not plain: any bytes are safe. */
struct log_field {
    const char *key;
    enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER } kind;
    struct slice text;
    int64_t number;
};

struct log_field log_bytes(const char *key, struct slice value);
struct log_field log_text(const char *key, const char *value);
struct log_field log_number(const char *key, int64_t value);

/* log_event(log, "node_ready", log_text("server", name), log_number("reports", n)); a NULL log drops it. */
#define log_event(log, event, ...)                                                                 \
    log_fields(log, event, (const struct log_field[]){__VA_ARGS__},                                \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
void log_fields(struct log *log, const char *event, const struct log_field *fields, size_t count);

/* How many lines were dropped since the log was opened, for whatever reason (memory full, disk full). */
uint64_t log_dropped(const struct log *log);

#endif
