/*
 * Places are gathered in a table in memory and written in the order of a curve that keeps
 * neighbours together: a look-up then reads few pages.
 */
#include "places-worker/place_writer.h"

#include "places-worker/place_curve.h"
#include "places-worker/place_schema.h"
#include "places-worker/sql_statement.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place_writer {
    char *path;
    char *new_path; /* exists until it is committed */
    sqlite3 *database;
    sqlite3_stmt *add_source;
    sqlite3_stmt *add_kind;
    sqlite3_stmt *add_place;
};

/* The file is new and gets its name only when it is complete, so it needs no journal. */
static const char begin_sql[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "PRAGMA temp_store = MEMORY;" PLACE_SCHEMA_HEADER "BEGIN;" PLACE_SCHEMA_TABLES
    "CREATE TEMP TABLE gathered ("
    "  curve INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL,"
    "  prominence INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL,"
    "  name TEXT NOT NULL, vicinity TEXT NOT NULL, UNIQUE (source, id));";

static const char commit_sql[] =
    "INSERT INTO place (latitude, longitude, prominence, kind, source, id, name, vicinity)"
    "  SELECT latitude, longitude, prominence, kind.number, source.number, id, gathered.name, "
    "vicinity"
    "  FROM gathered JOIN kind ON kind.name = gathered.kind JOIN source ON source.name = "
    "gathered.source"
    "  ORDER BY curve, source, id;"
    "INSERT INTO place_box SELECT number, latitude, latitude, longitude, longitude FROM place;"
    "COMMIT;";

static enum status complain(struct buffer *complaint, const char *path, const char *cause)
{
    return buffer_append_format(complaint, "%s: %s", path, cause) == STATUS_OK ? STATUS_IO
                                                                               : STATUS_NO_MEMORY;
}

static enum status complain_of_database(const struct place_writer *writer, struct buffer *complaint)
{
    return complain(complaint, writer->new_path, sqlite3_errmsg(writer->database));
}

static enum status open_database(struct place_writer *writer, struct buffer *complaint)
{
    if (unlink(writer->new_path) != 0 && errno != ENOENT) {
        return complain(complaint, writer->new_path, strerror(errno));
    }
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(writer->new_path, &writer->database, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(writer->database, begin_sql, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(writer->database,
            "INSERT OR IGNORE INTO source (name, attribution) VALUES (?1, ?2)",
            -1,
            &writer->add_source,
            NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(writer->database,
            "INSERT OR IGNORE INTO kind (name, types, family) VALUES (?1, ?2, ?3)",
            -1,
            &writer->add_kind,
            NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(writer->database,
            "INSERT INTO gathered VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            -1,
            &writer->add_place,
            NULL) != SQLITE_OK) {
        return complain_of_database(writer, complaint);
    }
    return STATUS_OK;
}

enum status place_writer_open(
    const char *path, struct place_writer **ret_writer, struct buffer *complaint)
{
    static const char suffix[] = ".new";
    const size_t size = strlen(path) + 1;
    struct place_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = STATUS_NO_MEMORY;
    writer->path = malloc(size);
    writer->new_path = malloc(size + sizeof suffix);
    if (writer->path != NULL && writer->new_path != NULL) {
        memcpy(writer->path, path, size);
        snprintf(writer->new_path, size + sizeof suffix, "%s%s", path, suffix);
        status = open_database(writer, complaint);
    }
    if (status != STATUS_OK) {
        place_writer_close(writer);
        return status;
    }
    *ret_writer = writer;
    return STATUS_OK;
}

enum status place_writer_add(
    struct place_writer *writer, const struct place_line *place, struct buffer *complaint)
{
    sql_statement_bind_text(writer->add_source, 1, slice_of(place->source->name));
    sql_statement_bind_text(writer->add_source, 2, slice_of(place->source->attribution));
    sql_statement_bind_text(writer->add_kind, 1, slice_of(place->kind->name));
    sql_statement_bind_text(writer->add_kind, 2, slice_of(place->kind->types));
    sqlite3_bind_int(writer->add_kind, 3, (int)place->kind->family);

    sqlite3_bind_int64(writer->add_place, 1, place_curve(place->location));
    sqlite3_bind_double(writer->add_place, 2, place->location.latitude);
    sqlite3_bind_double(writer->add_place, 3, place->location.longitude);
    sqlite3_bind_int64(writer->add_place, 4, (sqlite3_int64)place->prominence);
    sql_statement_bind_text(writer->add_place, 5, slice_of(place->kind->name));
    sql_statement_bind_text(writer->add_place, 6, slice_of(place->source->name));
    sql_statement_bind_text(writer->add_place, 7, place->id);
    sql_statement_bind_text(writer->add_place, 8, place->name);
    sql_statement_bind_text(writer->add_place, 9, place->vicinity);

    if (sql_statement_run(writer->add_source) != SQLITE_OK ||
        sql_statement_run(writer->add_kind) != SQLITE_OK) {
        return complain_of_database(writer, complaint);
    }
    const int code = sql_statement_run(writer->add_place);
    if (code == SQLITE_CONSTRAINT) {
        return STATUS_MALFORMED;
    }
    return code == SQLITE_OK ? STATUS_OK : complain_of_database(writer, complaint);
}

static void close_database(struct place_writer *writer)
{
    sqlite3_finalize(writer->add_source);
    sqlite3_finalize(writer->add_kind);
    sqlite3_finalize(writer->add_place);
    sqlite3_close(writer->database);
    writer->add_source = NULL;
    writer->add_kind = NULL;
    writer->add_place = NULL;
    writer->database = NULL;
}

/* A name that survives a power cut must not lead to bytes that did not. */
static bool is_on_disk(const char *path)
{
    const int file = open(path, O_RDONLY);
    if (file < 0) {
        return false;
    }
    const bool is_synced = fsync(file) == 0;
    const int cause = errno;
    close(file);
    errno = cause;
    return is_synced;
}

enum status place_writer_commit(struct place_writer *writer, struct buffer *complaint)
{
    if (sqlite3_exec(writer->database, commit_sql, NULL, NULL, NULL) != SQLITE_OK) {
        return complain_of_database(writer, complaint);
    }
    close_database(writer);
    if (!is_on_disk(writer->new_path)) {
        return complain(complaint, writer->new_path, strerror(errno));
    }
    if (rename(writer->new_path, writer->path) != 0) {
        return complain(complaint, writer->path, strerror(errno));
    }
    return STATUS_OK;
}

void place_writer_close(struct place_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    close_database(writer);
    if (writer->new_path != NULL) {
        unlink(writer->new_path); /* gone already if it was committed */
    }
    free(writer->path);
    free(writer->new_path);
    free(writer);
}
