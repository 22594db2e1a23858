/*
 * Adds the places of one source to a places database, all of them or none.
 *
 * It works on a copy, `PATH.new`, in one transaction, and gives it the name when it is complete and
 * on disk. Whoever reads meanwhile has the old file; a failure, a signal, kill -9 or a power cut
 * leaves that file as it was. Places of the same source and id are replaced; all others stay.
 *
 * Limits: twice the room of the database on its disk, and room for the new places in the folder for
 *         temporary files (SQLITE_TMPDIR, TMPDIR, /var/tmp). One import at a time, by a lock.
 */
#ifndef PLACES_WORKER_PLACE_IMPORTER_H
#define PLACES_WORKER_PLACE_IMPORTER_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"
#include "places-worker/import_place.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PLACE_IMPORTER_SOURCE_MAX = 32,   /* bytes of a source's name */
    PLACE_IMPORTER_CREDIT_MAX = 1023, /* bytes of its attribution */
};

struct place_importer;

struct place_importer_settings {
    const char *path;        /* what is not there is made anew */
    const char *source;      /* the first part of the ids */
    const char *attribution; /* HTML that credits it; NULL: what the database has for that source */
    bool (*is_stopped)(void *context); /* asked now and then; true ends it with STATUS_CLOSED */
    void *context;
};

/*
 * The settings' texts are borrowed until close. With a line in *complaint: STATUS_NOT_PERMITTED,
 * STATUS_IO, STATUS_MALFORMED (not a places database), STATUS_UNSUPPORTED_VERSION,
 * STATUS_ADDRESS_IN_USE (another import is under way), STATUS_NOT_FOUND (no credit for this
 * source), STATUS_FULL (too many sources), STATUS_CLOSED,
 * STATUS_NO_MEMORY.
 */
enum status place_importer_open(const struct place_importer_settings *settings,
    struct place_importer **ret_importer,
    struct buffer *complaint) MUST_USE;

/* Of two places with one id the later one stays. STATUS_IO, with a line in *complaint. */
enum status place_importer_add(struct place_importer *importer,
    const struct import_place *place,
    struct buffer *complaint) MUST_USE;

struct place_importer_counts {
    uint64_t added;
    uint64_t replaced;  /* by something that differs */
    uint64_t unchanged; /* the database had them so */
    uint64_t repeated;  /* of an id that came before in this import */
    uint64_t doubles;   /* of others, by another id: left out (place_doubles.h) */
};

/*
 * Makes it visible. Where nothing differs from what was there, the file is not touched. STATUS_IO,
 * with a line in *complaint; STATUS_CLOSED.
 */
enum status place_importer_commit(struct place_importer *importer,
    struct place_importer_counts *ret_counts,
    struct buffer *complaint) MUST_USE;

/* Drops what was not committed; NULL is allowed. */
void place_importer_close(struct place_importer *importer);

#endif
