/*
 * Makes a new places database. It becomes visible under its name only when it is complete and on
 * disk: a failure, a signal or a crash leaves what was there before.
 */
#ifndef PLACES_WORKER_PLACE_WRITER_H
#define PLACES_WORKER_PLACE_WRITER_H

#include "common/buffer.h"
#include "common/status.h"
#include "places-worker/place_line.h"

struct place_writer;

/*
 * Begins `PATH.new`, in place of one that an earlier failure left. On failure *complaint gets one
 * line and STATUS_NOT_PERMITTED, STATUS_IO or STATUS_NO_MEMORY is returned.
 */
enum status place_writer_open(
    const char *path, struct place_writer **ret_writer, struct buffer *complaint) MUST_USE;

/* STATUS_MALFORMED: its source has a place of that id already. STATUS_IO, with a line in
 * *complaint. */
enum status place_writer_add(
    struct place_writer *writer, const struct place_line *place, struct buffer *complaint) MUST_USE;

/* Completes the database and gives it its name. STATUS_IO, with a line in *complaint. */
enum status place_writer_commit(struct place_writer *writer, struct buffer *complaint) MUST_USE;

/* Drops what was not committed; NULL is allowed. */
void place_writer_close(struct place_writer *writer);

#endif
