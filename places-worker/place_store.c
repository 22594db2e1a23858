/* The R*Tree gives candidates, the exact distance decides, and only the few best are read whole. */
#include "places-worker/place_store.h"

#include "places-worker/circle.h"
#include "places-worker/place_schema.h"

#include <sqlite3.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BUSY_TIMEOUT_MS = 100,       /* while an import finishes its transaction */
    FOLLOW_AGAIN_MS = 1000,      /* to a new file that could not be opened */
    CACHE_KIB = 16 * 1024,       /* pages of one connection: most of what a busy region needs */
    DEADLINE_CHECK_STEPS = 4000, /* instructions of SQLite's machine, a fraction of a millisecond */
    TEXT_MAX = 1023,
    COMPLAINT_MAX = 4096,
};

struct kind {
    char types[TEXT_MAX];
    size_t types_length;
    enum ranking_family family;
};

struct source {
    char name[PLACE_ID_MAX];
    size_t name_length;
    char attribution[TEXT_MAX];
    size_t attribution_length;
};

struct place_store {
    char *path;
    struct stat file;             /* that was opened under this path */
    struct stat refused;          /* that could not be, last ... */
    struct instant refused_until; /* ... and when to try it again */
    struct buffer refusal;        /* why, if that was in the last look-up */
    sqlite3 *database;
    sqlite3_stmt *candidates;
    sqlite3_stmt *place;
    struct instant deadline; /* of the look-up that is being done */
    size_t kind_count;
    size_t source_count;
    struct kind *kinds; /* by number - 1 */
    struct source *sources;
};

static const char candidates_sql[] =
    "SELECT place.number, latitude, longitude, prominence, kind"
    "  FROM place_box CROSS JOIN place ON place.number = place_box.number"
    "  WHERE latitude_max >= ?1 AND latitude_min <= ?2 AND longitude_max >= ?3 AND longitude_min "
    "<= ?4";
static const char place_sql[] =
    "SELECT latitude, longitude, kind, source, id, name, vicinity FROM place WHERE number = ?1";

/* ---- Opening ---- */

static enum status complain(
    struct buffer *complaint, enum status status, const char *path, const char *cause)
{
    return buffer_append_format(complaint, "places database %s: %s", path, cause) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

static enum status status_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return STATUS_OK;
    case SQLITE_NOMEM:
        return STATUS_NO_MEMORY;
    case SQLITE_INTERRUPT:
        return STATUS_TIMED_OUT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table is missing */
        return STATUS_MALFORMED;
    default:
        return STATUS_IO;
    }
}

/* The first column of the first row of `sql`. */
static enum status read_number(struct place_store *store, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        *ret_number = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    sqlite3_finalize(statement);
    return status_of(code);
}

/* Copies a text column; false: it is too long. */
static bool copy_text(
    sqlite3_stmt *statement, int column, char *text, size_t max, size_t *ret_length)
{
    const unsigned char *const bytes = sqlite3_column_text(statement, column);
    const size_t length = (size_t)sqlite3_column_bytes(statement, column);
    if (bytes == NULL || length > max) {
        return false;
    }
    memcpy(text, bytes, length);
    *ret_length = length;
    return true;
}

static bool read_kind(struct place_store *store, sqlite3_stmt *row)
{
    struct kind *const kind = &store->kinds[store->kind_count++];
    const int family = sqlite3_column_int(row, 2);
    kind->family = (enum ranking_family)family;
    return family >= 0 && family < RANKING_FAMILY_COUNT &&
           copy_text(row, 1, kind->types, sizeof kind->types, &kind->types_length);
}

static bool read_source(struct place_store *store, sqlite3_stmt *row)
{
    struct source *const source = &store->sources[store->source_count++];
    return copy_text(row, 1, source->name, sizeof source->name, &source->name_length) &&
           copy_text(row,
               2,
               source->attribution,
               sizeof source->attribution,
               &source->attribution_length);
}

/* Gives each row of `sql`, whose numbers count from 1, to `read`. */
static enum status read_table(struct place_store *store,
    const char *sql,
    int64_t row_max,
    bool (*read)(struct place_store *store, sqlite3_stmt *row))
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    enum status status = status_of(code);
    for (int64_t number = 1; status == STATUS_OK; number++) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW) {
            status = status_of(code);
            break;
        }
        if (number > row_max || sqlite3_column_int64(statement, 0) != number ||
            !read(store, statement)) {
            status = STATUS_MALFORMED;
        }
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status read_tables(struct place_store *store)
{
    store->kinds = calloc(PLACE_SCHEMA_KINDS_MAX, sizeof *store->kinds);
    store->sources = calloc(PLACE_SCHEMA_SOURCES_MAX, sizeof *store->sources);
    if (store->kinds == NULL || store->sources == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = read_table(store,
        "SELECT number, types, family FROM kind ORDER BY number",
        PLACE_SCHEMA_KINDS_MAX,
        read_kind);
    if (status == STATUS_OK) {
        status = read_table(store,
            "SELECT number, name, attribution FROM source ORDER BY number",
            PLACE_SCHEMA_SOURCES_MAX,
            read_source);
    }
    return status;
}

/* Whether it is one of ours at all, and then of our version. */
static enum status check_version(
    struct place_store *store, const char *path, struct buffer *complaint)
{
    int64_t application = 0;
    int64_t version = 0;
    enum status status = read_number(store, "PRAGMA application_id", &application);
    if (status == STATUS_OK) {
        status = read_number(store, "PRAGMA user_version", &version);
    }
    if (status != STATUS_OK) {
        return complain(complaint, status, path, sqlite3_errmsg(store->database));
    }
    if (application != PLACE_SCHEMA_APPLICATION_ID) {
        return complain(complaint, STATUS_MALFORMED, path, "is a database, but not one of places");
    }
    if (version != PLACE_SCHEMA_VERSION) {
        char cause[96];
        snprintf(cause,
            sizeof cause,
            "has version %lld, this program reads version %d; build it again",
            (long long)version,
            PLACE_SCHEMA_VERSION);
        return complain(complaint, STATUS_UNSUPPORTED_VERSION, path, cause);
    }
    return STATUS_OK;
}

static int is_past_deadline(void *context)
{
    const struct place_store *const store = context;
    return instant_is_before(store->deadline, instant_now()) ? 1 : 0;
}

static enum status open_database(
    struct place_store *store, const char *path, struct buffer *complaint)
{
    /* SQLite says "unable to open database file" for all of these; a person wants to know why. */
    if (access(path, R_OK) != 0 || stat(path, &store->file) != 0) {
        const enum status status = errno == EACCES ? STATUS_NOT_PERMITTED : STATUS_NOT_FOUND;
        return complain(complaint, status, path, strerror(errno));
    }
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK) {
        return complain(complaint, STATUS_NOT_PERMITTED, path, sqlite3_errmsg(store->database));
    }
    sqlite3_busy_timeout(store->database, BUSY_TIMEOUT_MS);
    store->deadline = INSTANT_NEVER;
    sqlite3_progress_handler(store->database, DEADLINE_CHECK_STEPS, is_past_deadline, store);

    enum status status = check_version(store, path, complaint);
    if (status != STATUS_OK) {
        return status;
    }
    char cache_sql[64];
    snprintf(cache_sql, sizeof cache_sql, "PRAGMA cache_size = -%d", CACHE_KIB);
    int code = sqlite3_exec(store->database, cache_sql, NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v3(store->database,
            candidates_sql,
            -1,
            SQLITE_PREPARE_PERSISTENT,
            &store->candidates,
            NULL);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v3(
            store->database, place_sql, -1, SQLITE_PREPARE_PERSISTENT, &store->place, NULL);
    }
    if (code != SQLITE_OK) {
        return complain(complaint, status_of(code), path, sqlite3_errmsg(store->database));
    }
    status = read_tables(store);
    return status == STATUS_OK ? STATUS_OK
                               : complain(complaint, status, path, "is damaged; build it again");
}

enum status place_store_open(
    const char *path, struct place_store **ret_store, struct buffer *complaint)
{
    struct place_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return STATUS_NO_MEMORY;
    }
    const size_t size = strlen(path) + 1;
    store->path = malloc(size);
    if (store->path == NULL) {
        free(store);
        return STATUS_NO_MEMORY;
    }
    memcpy(store->path, path, size);
    store->refusal = buffer_with_max(COMPLAINT_MAX);
    const enum status status = open_database(store, path, complaint);
    if (status != STATUS_OK) {
        place_store_close(store);
        return status;
    }
    *ret_store = store;
    return STATUS_OK;
}

void place_store_close(struct place_store *store)
{
    if (store == NULL) {
        return;
    }
    sqlite3_finalize(store->candidates);
    sqlite3_finalize(store->place);
    sqlite3_close(store->database);
    free(store->kinds);
    free(store->sources);
    free(store->path);
    buffer_clear(&store->refusal);
    free(store);
}

/* ---- Following ---- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * An import puts a new file in the place of the old one. While that cannot be opened, the old file,
 * which is still open, is better than none.
 */
static void follow_path(struct place_store *store)
{
    const struct instant now = instant_now();
    struct stat file;
    buffer_reset(&store->refusal);
    if (stat(store->path, &file) != 0 || is_same_file(&file, &store->file) ||
        (is_same_file(&file, &store->refused) && instant_is_before(now, store->refused_until))) {
        return;
    }
    store->refused = file;
    store->refused_until = instant_after_ms(now, FOLLOW_AGAIN_MS);
    struct place_store *fresh = NULL;
    if (place_store_open(store->path, &fresh, &store->refusal) == STATUS_OK) {
        const struct place_store old = *store;
        *store = *fresh;
        *fresh = old;
        sqlite3_progress_handler(store->database, DEADLINE_CHECK_STEPS, is_past_deadline, store);
        place_store_close(fresh);
    }
}

struct slice place_store_refusal(const struct place_store *store)
{
    return buffer_slice(&store->refusal);
}

/* ---- Finding ---- */

static bool is_on_earth(struct location location)
{
    return location.latitude >= -90 && location.latitude <= 90 && location.longitude >= -180 &&
           location.longitude <= 180;
}

/* Numbers of kinds and sources count from 1. */
static bool is_number_of(int64_t number, size_t count)
{
    return number >= 1 && (uint64_t)number <= count;
}

/* What is being looked for, and what has been found so far. */
struct search {
    struct circle circle;
    struct ranking ranking;
    uint64_t candidates;
    bool is_any_nearby;
};

/* STATUS_FULL: the circle holds too many. */
static enum status judge(struct search *search, const struct place_store *store, sqlite3_stmt *row)
{
    if (search->candidates == PLACE_STORE_CANDIDATES_MAX) {
        return STATUS_FULL;
    }
    search->candidates++;
    const struct location location = {sqlite3_column_double(row, 1), sqlite3_column_double(row, 2)};
    const int64_t kind = sqlite3_column_int64(row, 4);
    struct ranking_entry entry = {
        .key = sqlite3_column_int64(row, 0),
        .prominence = sqlite3_column_double(row, 3),
    };
    if (!is_on_earth(location) || !is_number_of(kind, store->kind_count) ||
        !(entry.prominence >= 0)) {
        return STATUS_MALFORMED;
    }
    if (circle_contains(&search->circle, location, &entry.distance_m)) {
        search->is_any_nearby = true;
        entry.family = store->kinds[kind - 1].family;
        ranking_offer(&search->ranking, entry);
    }
    return STATUS_OK;
}

static enum status search_box(
    struct place_store *store, const struct circle_box *box, struct search *search)
{
    sqlite3_stmt *const statement = store->candidates;
    sqlite3_bind_double(statement, 1, box->latitude_min);
    sqlite3_bind_double(statement, 2, box->latitude_max);
    sqlite3_bind_double(statement, 3, box->longitude_min);
    sqlite3_bind_double(statement, 4, box->longitude_max);
    enum status status = STATUS_OK;
    int code = sqlite3_step(statement);
    while (code == SQLITE_ROW && status == STATUS_OK) {
        status = judge(search, store, statement);
        code = status == STATUS_OK ? sqlite3_step(statement) : code;
    }
    sqlite3_reset(statement);
    return status == STATUS_OK ? status_of(code) : status;
}

static enum status search_circle(struct place_store *store,
    const struct place_query *query,
    double radius_m,
    struct search *search)
{
    search->circle = circle_around(query->centre, radius_m);
    search->candidates = 0;
    search->is_any_nearby = false;
    ranking_init(&search->ranking, query->order, radius_m, query->results_max);

    struct circle_box boxes[CIRCLE_BOXES_MAX];
    const unsigned count = circle_boxes(&search->circle, boxes);
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        status = search_box(store, &boxes[i], search);
    }
    return status;
}

/* Reads a place whole into place `index` of the results. */
static enum status read_place(
    struct place_store *store, int64_t number, struct place_results *results, size_t index)
{
    sqlite3_stmt *const row = store->place;
    struct place *const place = &results->places[index];
    char *const id = results->texts[index].id;
    char *const name = results->texts[index].name;
    char *const vicinity = results->texts[index].vicinity;
    size_t id_length;
    size_t name_length;
    size_t vicinity_length;

    sqlite3_bind_int64(row, 1, number);
    const int code = sqlite3_step(row);
    if (code != SQLITE_ROW) {
        sqlite3_reset(row);
        return code == SQLITE_DONE ? STATUS_MALFORMED : status_of(code);
    }
    const int64_t kind_number = sqlite3_column_int64(row, 2);
    const int64_t source_number = sqlite3_column_int64(row, 3);
    enum status status = STATUS_MALFORMED;
    if (is_number_of(kind_number, store->kind_count) &&
        is_number_of(source_number, store->source_count)) {
        const struct kind *const kind = &store->kinds[kind_number - 1];
        const struct source *const source = &store->sources[source_number - 1];
        const size_t id_start = source->name_length + 1;
        memcpy(id, source->name, source->name_length);
        if (id_start <= PLACE_ID_MAX &&
            copy_text(row, 4, id + id_start, PLACE_ID_MAX - id_start, &id_length) &&
            copy_text(row, 5, name, PLACE_NAME_MAX, &name_length) &&
            copy_text(row, 6, vicinity, PLACE_VICINITY_MAX, &vicinity_length)) {
            id[source->name_length] = ':';
            *place = (struct place){
                .id = slice_of_bytes(id, id_start + id_length),
                .name = slice_of_bytes(name, name_length),
                .vicinity = slice_of_bytes(vicinity, vicinity_length),
                .types = slice_of_bytes(kind->types, kind->types_length),
                .attribution = slice_of_bytes(source->attribution, source->attribution_length),
                .location = {sqlite3_column_double(row, 0), sqlite3_column_double(row, 1)},
            };
            status = STATUS_OK;
        }
    }
    sqlite3_reset(row);
    return status;
}

static enum status read_results(
    struct place_store *store, const struct search *search, struct place_results *results)
{
    struct ranking_entry best[RANKING_RESULTS_MAX];
    const size_t count = ranking_results(&search->ranking, best);
    for (size_t i = 0; i < count; i++) {
        const enum status status = read_place(store, best[i].key, results, i);
        if (status != STATUS_OK) {
            return status;
        }
    }
    results->count = count;
    results->is_any_nearby = search->is_any_nearby;
    results->candidates = search->candidates;
    return STATUS_OK;
}

enum status place_store_find(
    struct place_store *store, const struct place_query *query, struct place_results *results)
{
    struct search search;
    double radius_m = query->radius_m;
    follow_path(store);
    store->deadline = query->deadline;
    results->is_narrowed = false;

    enum status status = search_circle(store, query, radius_m, &search);
    while (status == STATUS_FULL && radius_m > 1) {
        results->is_narrowed = true;
        radius_m /= 2;
        status = search_circle(store, query, radius_m, &search);
    }
    /* Thousands of places on one metre: whichever came first are as good as the others. */
    return status == STATUS_OK || status == STATUS_FULL ? read_results(store, &search, results)
                                                        : status;
}
