/* Does a store find what a writer wrote, and say clearly what is wrong with anything else? */
#include "common/instant.h"
#include "places-worker/place_store.h"
#include "places-worker/place_writer.h"
#include "tests/support/faults.h"
#include "tests/support/found_places.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

/* A folder of its own for each test, with the database's path in it. */
struct folder {
    char path[64];
    char database[80];
    struct buffer complaint;
};

static int make_folder(void **state)
{
    struct folder *const folder = calloc(1, sizeof *folder);
    assert_non_null(folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/place_store_test.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->database, sizeof folder->database, "%s/places.sqlite", folder->path);
    folder->complaint = buffer_with_max(1024);
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *const folder = *state;
    char leftover[96];
    snprintf(leftover, sizeof leftover, "%s.new", folder->database);
    unlink(folder->database);
    assert_int_not_equal(unlink(leftover), 0); /* no test leaves one */
    assert_int_equal(rmdir(folder->path), 0);
    buffer_clear(&folder->complaint);
    free(folder);
    return 0;
}

static void add(struct place_writer *writer, struct folder *folder, const char *line)
{
    struct place_line place;
    assert_int_equal(place_line_parse(slice_of(line), &place), STATUS_OK);
    assert_int_equal(place_writer_add(writer, &place, &folder->complaint), STATUS_OK);
}

static const char *const westwood = "neighborhood\tgeonames:5408522\tWestwood\t34.05612\t-118."
                                    "43063\t2019\tLos Angeles County, California\tUS";

/* Writes these lines; NULL ends them. */
static void write_places(struct folder *folder, const char *const *lines)
{
    struct place_writer *writer;
    assert_int_equal(place_writer_open(folder->database, &writer, &folder->complaint), STATUS_OK);
    for (; *lines != NULL; lines++) {
        add(writer, folder, *lines);
    }
    assert_int_equal(place_writer_commit(writer, &folder->complaint), STATUS_OK);
    place_writer_close(writer);
}
#define WRITE(folder, ...) write_places(folder, (const char *const[]){__VA_ARGS__, NULL})

static struct place_store *open_store(struct folder *folder)
{
    struct place_store *store = NULL;
    if (place_store_open(folder->database, &store, &folder->complaint) != STATUS_OK) {
        fail_msg("%.*s", (int)folder->complaint.length, folder->complaint.data);
    }
    return store;
}

static struct place_results results; /* large */

static enum status find(struct place_store *store,
    double latitude,
    double longitude,
    double radius_m,
    size_t results_max)
{
    const struct place_query query = {
        .centre = {latitude, longitude},
        .radius_m = radius_m,
        .results_max = results_max,
        .order = RANKING_BY_DISTANCE,
        .deadline = INSTANT_NEVER,
    };
    return place_store_find(store, &query, &results);
}

/* Checks the names found, nearest first, written `A B C`. */
static void assert_names(
    struct folder *folder, double latitude, double longitude, double radius_m, const char *wanted)
{
    struct place_store *const store = open_store(folder);
    assert_int_equal(find(store, latitude, longitude, radius_m, 20), STATUS_OK);
    found_places_expect(&results, wanted);
    place_store_close(store);
}

static void a_place_comes_back_whole(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    struct place_store *const store = open_store(folder);

    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_int_equal(results.count, 1);
    const struct place *const place = &results.places[0];
    assert_true(slice_equals(place->id, slice_of("geonames:5408522")));
    assert_true(slice_equals(place->name, slice_of("Westwood")));
    assert_true(slice_equals(place->vicinity, slice_of("Los Angeles County, California")));
    assert_true(slice_equals(place->types, slice_of("neighborhood political")));
    assert_true(place->attribution.length > 0);
    assert_true(place->location.latitude > 34.0561199 && place->location.latitude < 34.0561201);
    place_store_close(store);
}

static void a_circle_is_round_and_not_a_box(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder,
        "locality\tgeonames:1\tInside\t0.08\t0\t0\t\t",
        "locality\tgeonames:2\tCorner\t0.08\t0.08\t0\t\t",
        "locality\tgeonames:3\tOutside\t0.2\t0\t0\t\t");

    assert_names(folder, 0, 0, 10000, "Inside");
    assert_names(folder, 0, 0, 0, "");
    assert_names(folder, 0.08, 0.08, 0, "Corner");
}

static void the_date_line_and_the_poles_are_no_edge(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder,
        "locality\tgeonames:1\tWest\t-17\t179.95\t0\t\t",
        "locality\tgeonames:2\tEast\t-17\t-179.9\t0\t\t",
        "locality\tgeonames:3\tLine\t-17\t180\t0\t\t",
        "locality\tgeonames:4\tPole\t-90\t0\t0\t\t",
        "locality\tgeonames:5\tBeyond\t-89.9\t-170\t0\t\t");

    assert_names(folder, -17, 179.96, 50000, "West Line East");
    assert_names(folder, -17, -179.96, 50000, "Line East West");
    assert_names(folder, -17, 180, 50000, "Line West East");
    assert_names(folder, -89.9, 10, 50000, "Pole Beyond");
}

static void a_bound_of_none_still_says_whether_there_is_any(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    struct place_store *const store = open_store(folder);

    assert_int_equal(find(store, 34, -118.4, 50000, 0), STATUS_OK);
    assert_int_equal(results.count, 0);
    assert_true(results.is_any_nearby);
    assert_int_equal(find(store, -34, 118.4, 50000, 0), STATUS_OK);
    assert_false(results.is_any_nearby);
    place_store_close(store);
}

static void a_circle_too_full_is_narrowed_to_the_nearest(void **state)
{
    struct folder *const folder = *state;
    struct place_writer *writer;
    assert_int_equal(place_writer_open(folder->database, &writer, &folder->complaint), STATUS_OK);
    for (int i = 0; i < PLACE_STORE_CANDIDATES_MAX; i++) {
        char line[128];
        snprintf(line, sizeof line, "heliport\tourairports:%d\tPad\t0.3\t%.5f\t0\t\t", i, i * 1e-5);
        add(writer, folder, line);
    }
    add(writer, folder, "locality\tgeonames:1\tHere\t0.01\t0.01\t0\t\t");
    assert_int_equal(place_writer_commit(writer, &folder->complaint), STATUS_OK);
    place_writer_close(writer);
    struct place_store *const store = open_store(folder);

    assert_int_equal(find(store, 0, 0, 50000, 20), STATUS_OK);
    assert_true(results.is_narrowed);
    assert_int_equal(results.count, 1);
    assert_true(slice_equals(results.places[0].name, slice_of("Here")));

    assert_int_equal(find(store, 0, 0, 20000, 20), STATUS_OK);
    assert_false(results.is_narrowed);
    place_store_close(store);
}

static void a_deadline_that_passed_ends_the_look_up(void **state)
{
    struct folder *const folder = *state;
    struct place_writer *writer;
    assert_int_equal(place_writer_open(folder->database, &writer, &folder->complaint), STATUS_OK);
    for (int i = 0; i < 5000; i++) {
        char line[128];
        snprintf(line, sizeof line, "heliport\tourairports:%d\tPad\t0\t%.5f\t0\t\t", i, i * 1e-5);
        add(writer, folder, line);
    }
    assert_int_equal(place_writer_commit(writer, &folder->complaint), STATUS_OK);
    place_writer_close(writer);
    struct place_store *const store = open_store(folder);

    const struct place_query query = {.radius_m = 50000, .results_max = 20, .deadline = {.ns = 0}};
    assert_int_equal(place_store_find(store, &query, &results), STATUS_TIMED_OUT);
    assert_int_equal(find(store, 0, 0, 50000, 20), STATUS_OK); /* and the next one is not hurt */
    place_store_close(store);
}

/* ---- What is no places database ---- */

static void assert_refused(struct folder *folder, enum status wanted, const char *cause)
{
    struct place_store *store = NULL;
    buffer_reset(&folder->complaint);
    assert_int_equal(place_store_open(folder->database, &store, &folder->complaint), wanted);
    assert_int_equal(buffer_append(&folder->complaint, slice_of_bytes("", 1)), STATUS_OK);
    if (strstr(folder->complaint.data, folder->database) == NULL ||
        strstr(folder->complaint.data, cause) == NULL) {
        fail_msg("\"%s\" does not name the file or \"%s\"", folder->complaint.data, cause);
    }
}

static void execute(struct folder *folder, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(folder->database, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void write_bytes(const char *path, size_t offset, const char *bytes, size_t length)
{
    const int file = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, length, (off_t)offset), (ssize_t)length);
    assert_int_equal(close(file), 0);
}

static void a_missing_file_is_not_found(void **state)
{
    assert_refused(*state, STATUS_NOT_FOUND, "No such file");
}

static void a_file_of_something_else_is_refused(void **state)
{
    struct folder *const folder = *state;
    write_bytes(folder->database, 0, "kind\tid\tname\tlatitude\tlongitude\n", 33);
    assert_refused(folder, STATUS_MALFORMED, "not a database");
}

static void a_database_of_something_else_is_refused(void **state)
{
    struct folder *const folder = *state;
    execute(folder, "CREATE TABLE place (name)");
    assert_refused(folder, STATUS_MALFORMED, "not one of places");
}

static void an_empty_file_is_refused(void **state)
{
    struct folder *const folder = *state;
    write_bytes(folder->database, 0, "", 0);
    assert_refused(folder, STATUS_MALFORMED, "not one of places");
}

static void another_version_is_refused_by_its_number(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    execute(folder, "PRAGMA user_version = 99");
    assert_refused(folder, STATUS_UNSUPPORTED_VERSION, "99");
}

static void a_missing_table_is_refused(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    execute(folder, "DROP TABLE place_box");
    assert_refused(folder, STATUS_MALFORMED, "place_box");
}

static void a_damaged_database_is_an_error_and_not_a_crash(void **state)
{
    struct folder *const folder = *state;
    static const char *const damages[] = {
        "UPDATE place SET kind = 7",
        "UPDATE place SET source = 0",
        "UPDATE place SET latitude = 91",
        "UPDATE place SET longitude = 'east'||x'ff', latitude = -90.5",
        "UPDATE place SET prominence = -1",
        "UPDATE place SET name = hex(zeroblob(4000))",
        "UPDATE place SET id = hex(zeroblob(4000))",
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        WRITE(folder, westwood);
        execute(folder, damages[i]);
        struct place_store *const store = open_store(folder);
        assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_MALFORMED);
        place_store_close(store);
    }
}

static void damaged_pages_are_an_error_and_not_a_crash(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    char garbage[4096];
    memset(garbage, 0x5A, sizeof garbage);
    for (size_t page = 1; page < 16; page++) {
        WRITE(folder, westwood);
        write_bytes(folder->database, page * sizeof garbage, garbage, sizeof garbage);
        struct place_store *store = NULL;
        buffer_reset(&folder->complaint);
        if (place_store_open(folder->database, &store, &folder->complaint) == STATUS_OK) {
            const enum status status = find(store, 34.06893, -118.445127, 10000, 20);
            assert_true(status == STATUS_OK || status == STATUS_MALFORMED);
            place_store_close(store);
        }
    }
}

/* ---- Writing ---- */

static void an_id_twice_is_refused(void **state)
{
    struct folder *const folder = *state;
    struct place_writer *writer;
    struct place_line place;
    assert_int_equal(place_line_parse(slice_of(westwood), &place), STATUS_OK);
    assert_int_equal(place_writer_open(folder->database, &writer, &folder->complaint), STATUS_OK);
    assert_int_equal(place_writer_add(writer, &place, &folder->complaint), STATUS_OK);
    assert_int_equal(place_writer_add(writer, &place, &folder->complaint), STATUS_MALFORMED);
    place_writer_close(writer);
}

static void what_is_not_committed_leaves_the_old_database(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    struct place_writer *writer;
    assert_int_equal(place_writer_open(folder->database, &writer, &folder->complaint), STATUS_OK);
    add(writer, folder, "locality\tgeonames:1\tNew\t34.05612\t-118.43063\t0\t\t");
    place_writer_close(writer);

    assert_names(folder, 34.06893, -118.445127, 10000, "Westwood");
}

static void a_store_follows_to_a_new_database(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    struct place_store *const store = open_store(folder);
    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    WRITE(folder,
        "locality\tgeonames:1\tNew\t34.05612\t-118.43063\t0\t\t",
        "heliport\tourairports:2\tPad\t34.05612\t-118.43063\t0\t\t");

    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_int_equal(results.count, 2);
    assert_true(slice_equals(results.places[0].name, slice_of("New")));
    place_store_close(store);
}

static void a_store_keeps_what_it_has_where_the_new_file_is_none(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    struct place_store *const store = open_store(folder);
    assert_int_equal(unlink(folder->database), 0);
    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_int_equal(results.count, 1);
    const int file = open(folder->database, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, "no database at all", 18), 18);
    close(file);

    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_int_equal(results.count, 1);
    assert_true(slice_equals(results.places[0].name, slice_of("Westwood")));
    struct buffer refusal = buffer_with_max(4096);
    assert_int_equal(buffer_append_format(
                         &refusal, "places database %s: file is not a database", folder->database),
        STATUS_OK);
    assert_true(slice_equals(place_store_refusal(store), buffer_slice(&refusal)));
    buffer_clear(&refusal);

    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_int_equal(place_store_refusal(store).length, 0); /* it was not tried again so soon */
    WRITE(folder, westwood);
    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_int_equal(place_store_refusal(store).length, 0);
    place_store_close(store);
}

static void a_new_database_that_could_not_be_opened_once_is_tried_again(void **state)
{
    struct folder *const folder = *state;
    WRITE(folder, westwood);
    struct place_store *const store = open_store(folder);
    WRITE(folder, "locality\tgeonames:1\tNew\t34.05612\t-118.43063\t0\t\t");
    faults_begin(1);
    assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    assert_true(faults_end());
    assert_true(slice_equals(results.places[0].name, slice_of("Westwood")));

    const struct instant end = instant_after_ms(instant_now(), PATIENCE_MS);
    while (!slice_equals(results.places[0].name, slice_of("New"))) {
        assert_true(instant_is_before(instant_now(), end));
        assert_int_equal(find(store, 34.06893, -118.445127, 10000, 20), STATUS_OK);
    }
    place_store_close(store);
}

static void the_same_places_make_the_same_answers_in_any_order(void **state)
{
    struct folder *const folder = *state;
    const char *const one = "heliport\tourairports:1\tOne\t0\t0.01\t0\t\t";
    const char *const two = "locality\tgeonames:2\tTwo\t0\t0.02\t0\t\t";
    WRITE(folder, one, two);
    assert_names(folder, 0, 0, 10000, "One Two");
    WRITE(folder, two, one);
    assert_names(folder, 0, 0, 10000, "One Two");
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct folder *const folder = *state;
    struct place_writer *writer;
    assert_int_equal(
        place_writer_open("/nonexistent/places.sqlite", &writer, &folder->complaint), STATUS_IO);
    assert_true(folder->complaint.length > 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_place_comes_back_whole),
        IN_FOLDER(a_circle_is_round_and_not_a_box),
        IN_FOLDER(the_date_line_and_the_poles_are_no_edge),
        IN_FOLDER(a_bound_of_none_still_says_whether_there_is_any),
        IN_FOLDER(a_circle_too_full_is_narrowed_to_the_nearest),
        IN_FOLDER(a_deadline_that_passed_ends_the_look_up),
        IN_FOLDER(a_missing_file_is_not_found),
        IN_FOLDER(a_file_of_something_else_is_refused),
        IN_FOLDER(a_database_of_something_else_is_refused),
        IN_FOLDER(an_empty_file_is_refused),
        IN_FOLDER(another_version_is_refused_by_its_number),
        IN_FOLDER(a_missing_table_is_refused),
        IN_FOLDER(a_damaged_database_is_an_error_and_not_a_crash),
        IN_FOLDER(damaged_pages_are_an_error_and_not_a_crash),
        IN_FOLDER(an_id_twice_is_refused),
        IN_FOLDER(what_is_not_committed_leaves_the_old_database),
        IN_FOLDER(a_store_follows_to_a_new_database),
        IN_FOLDER(a_store_keeps_what_it_has_where_the_new_file_is_none),
        IN_FOLDER(a_new_database_that_could_not_be_opened_once_is_tried_again),
        IN_FOLDER(the_same_places_make_the_same_answers_in_any_order),
        IN_FOLDER(a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
