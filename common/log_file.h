/*
 * A file of lines that rotates before it grows past a size: NAME is renamed NAME.1, NAME.1 to
 * NAME.2, and so on.
 *
 * Owns:   the open file. One that somebody removes is made anew.
 * Thread: one at a time; it may wait for the disk.
 * Limits: on disk never more than (files_max + 1) * size_max. What is no regular file is not
 * rotated.
 */
#ifndef COMMON_LOG_FILE_H
#define COMMON_LOG_FILE_H

#include "common/slice.h"
#include "common/status.h"

struct log_file;

/*
 * Opens `path` for appending; `-` is standard error. path is copied.
 * STATUS_NOT_PERMITTED, STATUS_NOT_FOUND (the folder), STATUS_IO, STATUS_NO_MEMORY.
 */
enum status log_file_open(
    const char *path, size_t size_max, unsigned files_max, struct log_file **ret_file) MUST_USE;

/* NULL is allowed. */
void log_file_close(struct log_file *file);

/*
 * Appends lines, each with its LF. Returns how many of them are lost: those longer than size_max,
 * and all from the first that could not be written. The next call tries again, on a line of its
 * own.
 */
size_t log_file_write(struct log_file *file, struct slice lines);

#endif
