/*
 * New places are gathered in a temporary table, compared with each other and with what is there,
 * and written in the order of the curve behind the old ones.
 */
#include "places-worker/place_importer.h"

#include "places-worker/place_curve.h"
#include "places-worker/place_doubles.h"
#include "places-worker/place_schema.h"
#include "places-worker/place_worth.h"
#include "places-worker/sql_statement.h"

#include <sqlite3.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COPY_SIZE = 256 * 1024,
    STOP_CHECK_STEPS = 100000, /* instructions of SQLite's machine: some milliseconds */
};

struct place_importer {
    struct place_importer_settings settings;
    char *path;     /* without symbolic links, so that a name is replaced and not a link */
    char *new_path; /* exists until it is committed */
    int new_file;   /* holds the lock; below 0: not open */
    bool is_ours;   /* new_path */
    sqlite3 *database;
    sqlite3_stmt *add_kind;
    sqlite3_stmt *add_place;
    uint64_t add_count;
    bool is_source_changed;
};

/* The copy gets its name only when it is complete, so it needs no journal. */
static const char settings_sql[] = "PRAGMA journal_mode = OFF;"
                                   "PRAGMA synchronous = OFF;"
                                   "PRAGMA locking_mode = EXCLUSIVE;"
                                   "PRAGMA cache_size = -32768;"
                                   "PRAGMA temp_store = FILE;"
                                   "PRAGMA temp.cache_size = -16384;";
static const char new_sql[] = PLACE_SCHEMA_HEADER PLACE_SCHEMA_TABLES;
static const char begin_sql[] =
    "CREATE TEMP TABLE gathered ("
    "  id TEXT PRIMARY KEY, curve INTEGER NOT NULL, latitude REAL NOT NULL,"
    "  longitude REAL NOT NULL, prominence INTEGER NOT NULL, kind INTEGER NOT NULL,"
    "  name TEXT NOT NULL, vicinity TEXT NOT NULL) WITHOUT ROWID;"
    "BEGIN;";

/* What the new ones say nothing of stays known. */
static const char keep_vicinity_sql[] =
    "UPDATE gathered SET vicinity = place.vicinity FROM place"
    "  WHERE gathered.vicinity = '' AND place.source = ?1 AND place.id = gathered.id;";
static const char drop_unchanged_sql[] =
    "DELETE FROM gathered WHERE EXISTS (SELECT 1 FROM place"
    "  WHERE place.source = ?1 AND place.id = gathered.id AND place.latitude = gathered.latitude"
    "  AND place.longitude = gathered.longitude AND place.prominence = gathered.prominence"
    "  AND place.kind = gathered.kind AND place.name = gathered.name"
    "  AND place.vicinity = gathered.vicinity);";
static const char find_replaced_sql[] =
    "CREATE TEMP TABLE replaced AS SELECT place.number FROM gathered CROSS JOIN place"
    "  ON place.source = ?1 AND place.id = gathered.id;";
static const char drop_boxes_sql[] =
    "DELETE FROM place_box WHERE number IN (SELECT number FROM replaced);";
static const char drop_replaced_sql[] =
    "DELETE FROM place WHERE number IN (SELECT number FROM replaced);";
static const char mark_sql[] =
    "CREATE TEMP TABLE mark AS SELECT coalesce(max(number), 0) AS number FROM place;";
static const char write_sql[] =
    "INSERT INTO place (latitude, longitude, prominence, kind, source, id, name, vicinity)"
    "  SELECT latitude, longitude, prominence, kind, ?1, id, name, vicinity FROM gathered"
    "  ORDER BY curve, id;";
static const char write_boxes_sql[] =
    "INSERT INTO place_box SELECT number, latitude, latitude, longitude, longitude FROM place"
    "  WHERE number > (SELECT number FROM mark);";

static enum status complain(
    struct buffer *complaint, enum status status, const char *path, const char *cause)
{
    return buffer_append_format(complaint, "%s: %s", path, cause) == STATUS_OK ? status
                                                                               : STATUS_NO_MEMORY;
}

static enum status complain_of_system(struct buffer *complaint, const char *path)
{
    const enum status status =
        errno == EACCES || errno == EPERM || errno == EROFS ? STATUS_NOT_PERMITTED : STATUS_IO;
    return complain(complaint, status, path, strerror(errno));
}

static enum status complain_of_database(
    const struct place_importer *importer, struct buffer *complaint)
{
    if (sqlite3_errcode(importer->database) == SQLITE_INTERRUPT) {
        return STATUS_CLOSED;
    }
    return complain(complaint, STATUS_IO, importer->new_path, sqlite3_errmsg(importer->database));
}

static bool is_stopped(const struct place_importer *importer)
{
    return importer->settings.is_stopped != NULL &&
           importer->settings.is_stopped(importer->settings.context);
}

static int progress(void *context)
{
    return is_stopped(context) ? 1 : 0;
}

/* ---- The copy ---- */

/* The file that `new_path` names now is the one that is locked. */
static bool is_still_named(const struct place_importer *importer)
{
    struct stat locked;
    struct stat named;
    return fstat(importer->new_file, &locked) == 0 && stat(importer->new_path, &named) == 0 &&
           locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

/* A copy that a killed import left is not locked, and is written anew. */
static enum status lock_copy(struct place_importer *importer, struct buffer *complaint)
{
    importer->new_file = open(importer->new_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (importer->new_file < 0) {
        return complain_of_system(complaint, importer->new_path);
    }
    if (flock(importer->new_file, LOCK_EX | LOCK_NB) != 0 || !is_still_named(importer)) {
        return complain(
            complaint, STATUS_ADDRESS_IN_USE, importer->path, "another import is under way");
    }
    importer->is_ours = true;
    return ftruncate(importer->new_file, 0) == 0
               ? STATUS_OK
               : complain_of_system(complaint, importer->new_path);
}

static bool write_all(int file, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(file, bytes, length);
        if (written < 0) {
            return false;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static enum status copy_bytes(struct place_importer *importer, int from, struct buffer *complaint)
{
    static char bytes[COPY_SIZE];
    ssize_t length = read(from, bytes, sizeof bytes);
    while (length > 0) {
        if (!write_all(importer->new_file, bytes, (size_t)length)) {
            return complain_of_system(complaint, importer->new_path);
        }
        if (is_stopped(importer)) {
            return STATUS_CLOSED;
        }
        length = read(from, bytes, sizeof bytes);
    }
    return length == 0 ? STATUS_OK : complain_of_system(complaint, importer->path);
}

/* *ret_is_new: there was nothing to copy. */
static enum status make_copy(
    struct place_importer *importer, bool *ret_is_new, struct buffer *complaint)
{
    enum status status = lock_copy(importer, complaint);
    if (status != STATUS_OK) {
        return status;
    }
    const int from = open(importer->path, O_RDONLY | O_CLOEXEC);
    *ret_is_new = from < 0 && errno == ENOENT;
    if (*ret_is_new) {
        return STATUS_OK;
    }
    if (from < 0) {
        return complain_of_system(complaint, importer->path);
    }
    struct stat file;
    if (fstat(from, &file) != 0 || fchmod(importer->new_file, file.st_mode & 07777) != 0) {
        status = complain_of_system(complaint, importer->path);
    } else {
        status = copy_bytes(importer, from, complaint);
    }
    close(from);
    return status;
}

/* ---- The database ---- */

/* The number in the first column of the first row; `absent` where there is no row. */
static bool read_number(
    struct place_importer *importer, const char *sql, const char *text, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(importer->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        if (text != NULL) {
            sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
        }
        code = sqlite3_step(statement);
        *ret_number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

static enum status check_version(struct place_importer *importer, struct buffer *complaint)
{
    int64_t application = 0;
    int64_t version = 0;
    if (!read_number(importer, "PRAGMA application_id", NULL, &application) ||
        !read_number(importer, "PRAGMA user_version", NULL, &version) ||
        application != PLACE_SCHEMA_APPLICATION_ID) {
        return complain(complaint, STATUS_MALFORMED, importer->path, "is no places database");
    }
    return version == PLACE_SCHEMA_VERSION ? STATUS_OK
                                           : complain(complaint,
                                                 STATUS_UNSUPPORTED_VERSION,
                                                 importer->path,
                                                 "is of another version; build it again");
}

static bool prepare(struct place_importer *importer, const char *sql, sqlite3_stmt **ret_statement)
{
    return sqlite3_prepare_v2(importer->database, sql, -1, ret_statement, NULL) == SQLITE_OK;
}

static enum status open_database(
    struct place_importer *importer, bool is_new, struct buffer *complaint)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(importer->new_path, &importer->database, flags, NULL) != SQLITE_OK) {
        return complain_of_database(importer, complaint);
    }
    sqlite3_progress_handler(importer->database, STOP_CHECK_STEPS, progress, importer);
    if (!is_new) {
        const enum status status = check_version(importer, complaint);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (sqlite3_exec(importer->database, settings_sql, NULL, NULL, NULL) != SQLITE_OK ||
        (is_new && sqlite3_exec(importer->database, new_sql, NULL, NULL, NULL) != SQLITE_OK) ||
        sqlite3_exec(importer->database, begin_sql, NULL, NULL, NULL) != SQLITE_OK ||
        !prepare(importer,
            "INSERT OR IGNORE INTO kind (name, types, family) SELECT ?1 || ' ' || ?2, ?1, ?2"
            "  WHERE NOT EXISTS (SELECT 1 FROM kind WHERE types = ?1 AND family = ?2)",
            &importer->add_kind) ||
        !prepare(importer,
            "INSERT OR REPLACE INTO gathered VALUES (?1, ?2, ?3, ?4, ?5,"
            "  (SELECT min(number) FROM kind WHERE types = ?6 AND family = ?9), ?7, ?8)",
            &importer->add_place)) {
        return complain_of_database(importer, complaint);
    }
    return STATUS_OK;
}

/* A source's number is given by the database; a credit that is not given stays what it was. */
static enum status add_source(struct place_importer *importer, struct buffer *complaint)
{
    const char *const attribution = importer->settings.attribution;
    sqlite3_stmt *statement = NULL;
    if (!prepare(importer,
            attribution == NULL
                ? "SELECT number FROM source WHERE name = ?1"
                : "INSERT INTO source (name, attribution) VALUES (?1, ?2)"
                  "  ON CONFLICT (name) DO UPDATE SET attribution = ?2 WHERE attribution <> ?2",
            &statement)) {
        return complain_of_database(importer, complaint);
    }
    sqlite3_bind_text(statement, 1, importer->settings.source, -1, SQLITE_STATIC);
    if (attribution != NULL) {
        sqlite3_bind_text(statement, 2, attribution, -1, SQLITE_STATIC);
    }
    const int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code == SQLITE_ROW) {
        return STATUS_OK;
    }
    if (code != SQLITE_DONE) {
        return complain_of_database(importer, complaint);
    }
    if (attribution == NULL) {
        return complain(complaint,
            STATUS_NOT_FOUND,
            importer->settings.source,
            "is a new source: say with --credit whom its places are owed to");
    }
    importer->is_source_changed = sqlite3_changes(importer->database) > 0;
    int64_t count = 0;
    if (!read_number(importer, "SELECT count(*) FROM source", NULL, &count)) {
        return complain_of_database(importer, complaint);
    }
    return count <= PLACE_SCHEMA_SOURCES_MAX
               ? STATUS_OK
               : complain(complaint, STATUS_FULL, importer->path, "has as many sources as it may");
}

/* Where there is a link, its end is replaced and not the link. */
static enum status find_paths(struct place_importer *importer, struct buffer *complaint)
{
    static const char suffix[] = ".new";
    const char *const given = importer->settings.path;
    importer->path = realpath(given, NULL);
    if (importer->path == NULL) {
        if (errno != ENOENT) {
            return complain_of_system(complaint, given);
        }
        importer->path = malloc(strlen(given) + 1);
        if (importer->path == NULL) {
            return STATUS_NO_MEMORY;
        }
        memcpy(importer->path, given, strlen(given) + 1);
    }
    const size_t size = strlen(importer->path) + sizeof suffix;
    importer->new_path = malloc(size);
    if (importer->new_path == NULL) {
        return STATUS_NO_MEMORY;
    }
    snprintf(importer->new_path, size, "%s%s", importer->path, suffix);
    return STATUS_OK;
}

enum status place_importer_open(const struct place_importer_settings *settings,
    struct place_importer **ret_importer,
    struct buffer *complaint)
{
    assert(strlen(settings->source) <= PLACE_IMPORTER_SOURCE_MAX);
    assert(settings->attribution == NULL ||
           strlen(settings->attribution) <= PLACE_IMPORTER_CREDIT_MAX);
    struct place_importer *importer = calloc(1, sizeof *importer);
    if (importer == NULL) {
        return STATUS_NO_MEMORY;
    }
    importer->settings = *settings;
    importer->new_file = -1;
    bool is_new = false;
    enum status status = find_paths(importer, complaint);
    if (status == STATUS_OK) {
        status = make_copy(importer, &is_new, complaint);
    }
    if (status == STATUS_OK) {
        status = open_database(importer, is_new, complaint);
    }
    if (status == STATUS_OK) {
        status = add_source(importer, complaint);
    }
    if (status != STATUS_OK) {
        place_importer_close(importer);
        return status;
    }
    *ret_importer = importer;
    return STATUS_OK;
}

/* ---- Adding ---- */

enum status place_importer_add(
    struct place_importer *importer, const struct import_place *place, struct buffer *complaint)
{
    const struct slice types = slice_of(place->types);
    const enum ranking_family family = place_worth_of(types).family;
    sql_statement_bind_text(importer->add_kind, 1, types);
    sqlite3_bind_int(importer->add_kind, 2, (int)family);

    sqlite3_stmt *const row = importer->add_place;
    sql_statement_bind_text(row, 1, buffer_slice(&place->id));
    sqlite3_bind_int64(row, 2, place_curve(place->location));
    sqlite3_bind_double(row, 3, place->location.latitude);
    sqlite3_bind_double(row, 4, place->location.longitude);
    sqlite3_bind_int64(row, 5, (sqlite3_int64)place->prominence);
    sql_statement_bind_text(row, 6, types);
    sql_statement_bind_text(row, 7, buffer_slice(&place->name));
    sql_statement_bind_text(row, 8, buffer_slice(&place->vicinity));
    sqlite3_bind_int(row, 9, (int)family);

    if (sql_statement_run(importer->add_kind) != SQLITE_OK || sql_statement_run(row) != SQLITE_OK) {
        return complain_of_database(importer, complaint);
    }
    importer->add_count++;
    return STATUS_OK;
}

/* ---- Committing ---- */

static enum status write_places(
    struct place_importer *importer, struct place_importer_counts *counts, struct buffer *complaint)
{
    sqlite3 *const database = importer->database;
    int64_t source = 0;
    int64_t gathered = 0;
    uint64_t ignored;
    uint64_t written;
    if (!read_number(importer,
            "SELECT number FROM source WHERE name = ?1",
            importer->settings.source,
            &source) ||
        !read_number(importer, "SELECT count(*) FROM gathered", NULL, &gathered) ||
        !place_doubles_drop(database, source, &counts->doubles) ||
        !sql_statement_change(database, keep_vicinity_sql, source, &ignored) ||
        !sql_statement_change(database, drop_unchanged_sql, source, &counts->unchanged) ||
        !sql_statement_change(database, find_replaced_sql, source, &ignored) ||
        !sql_statement_change(database, drop_boxes_sql, source, &ignored) ||
        !sql_statement_change(database, drop_replaced_sql, source, &counts->replaced) ||
        !sql_statement_change(database, mark_sql, source, &ignored) ||
        !sql_statement_change(database, write_sql, source, &written) ||
        !sql_statement_change(database, write_boxes_sql, source, &ignored) ||
        sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        return complain_of_database(importer, complaint);
    }
    counts->repeated = importer->add_count - (uint64_t)gathered;
    counts->added = written - counts->replaced;
    return STATUS_OK;
}

static void close_database(struct place_importer *importer)
{
    sqlite3_finalize(importer->add_kind);
    sqlite3_finalize(importer->add_place);
    sqlite3_close(importer->database);
    importer->add_kind = NULL;
    importer->add_place = NULL;
    importer->database = NULL;
}

enum status place_importer_commit(struct place_importer *importer,
    struct place_importer_counts *ret_counts,
    struct buffer *complaint)
{
    struct place_importer_counts counts = {.added = 0};
    const enum status status = write_places(importer, &counts, complaint);
    if (status != STATUS_OK) {
        return status;
    }
    close_database(importer);
    if (counts.added + counts.replaced > 0 || importer->is_source_changed) {
        /* A name that survives a power cut must not lead to bytes that did not. */
        if (fsync(importer->new_file) != 0) {
            return complain_of_system(complaint, importer->new_path);
        }
        if (is_stopped(importer)) {
            return STATUS_CLOSED;
        }
        if (rename(importer->new_path, importer->path) != 0) {
            return complain_of_system(complaint, importer->path);
        }
        importer->is_ours = false;
    }
    *ret_counts = counts;
    return STATUS_OK;
}

void place_importer_close(struct place_importer *importer)
{
    if (importer == NULL) {
        return;
    }
    close_database(importer);
    if (importer->is_ours) {
        unlink(importer->new_path);
    }
    if (importer->new_file >= 0) {
        close(importer->new_file); /* and with it goes the lock */
    }
    free(importer->path);
    free(importer->new_path);
    free(importer);
}
