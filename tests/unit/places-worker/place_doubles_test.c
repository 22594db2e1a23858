/* Are new places left out that are there by another id, and no others? */
#include "places-worker/place_doubles.h"
#include "places-worker/place_schema.h"

#include <sqlite3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { OURS = 1, OTHER = 2 }; /* sources */
enum { STATION = 1, AIRPORT, CAFE, BAR };

#define METRE (1 / 111195.0) /* in degrees of latitude */

static const double here = 47;

static void run(sqlite3 *database, const char *sql)
{
    char *cause = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &cause) != SQLITE_OK) {
        fail_msg("%s: %s", sql, cause);
    }
}

static int open_database(void **state)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    run(database,
        PLACE_SCHEMA_TABLES
        "INSERT INTO source VALUES (1, 'ours', ''), (2, 'other', '');"
        "INSERT INTO kind VALUES (1, 'train_station', 'train_station transit_station', 2),"
        "  (2, 'airport', 'airport point_of_interest', 2), (3, 'cafe', 'cafe food', 4),"
        "  (4, 'bar', 'bar food', 4);"
        "CREATE TEMP TABLE gathered (id TEXT PRIMARY KEY, latitude REAL, longitude REAL,"
        "  prominence INTEGER, kind INTEGER, name TEXT) WITHOUT ROWID;");
    *state = database;
    return 0;
}

static int close_database(void **state)
{
    return sqlite3_close(*state) == SQLITE_OK ? 0 : -1;
}

static void has(
    sqlite3 *database, int source, const char *id, int kind, const char *name, double latitude)
{
    char sql[512];
    snprintf(sql,
        sizeof sql,
        "INSERT INTO place (latitude, longitude, prominence, kind, source, id, name, vicinity)"
        "  VALUES (%.7f, 9.5, 0, %d, %d, '%s', '%s', '');"
        "INSERT INTO place_box VALUES (last_insert_rowid(), %.7f, %.7f, 9.5, 9.5);",
        latitude,
        kind,
        source,
        id,
        name,
        latitude,
        latitude);
    run(database, sql);
}

static void gather(
    sqlite3 *database, const char *id, int kind, const char *name, double latitude, int prominence)
{
    char sql[256];
    snprintf(sql,
        sizeof sql,
        "INSERT INTO gathered VALUES ('%s', %.7f, 9.5, %d, %d, '%s');",
        id,
        latitude,
        prominence,
        kind,
        name);
    run(database, sql);
}

static int append_id(void *context, int count, char **values, char **names)
{
    (void)count;
    (void)names;
    char *const text = context;
    const size_t length = strlen(text);
    snprintf(text + length, 64 - length, "%s%s", length > 0 ? " " : "", values[0]);
    return 0;
}

/* What is left, written `a b c`, and that the rest was counted. */
static void assert_left(sqlite3 *database, const char *wanted, unsigned dropped)
{
    char left[64] = "";
    uint64_t count = 99;
    if (!place_doubles_drop(database, OURS, &count)) {
        fail_msg("%s", sqlite3_errmsg(database));
    }
    assert_int_equal(
        sqlite3_exec(database, "SELECT id FROM gathered ORDER BY id", append_id, left, NULL),
        SQLITE_OK);
    assert_string_equal(left, wanted);
    assert_int_equal(count, dropped);
}

static void a_station_is_left_out_where_another_source_has_one(void **state)
{
    has(*state, OTHER, "1", STATION, "Zeeburg CS", here);
    gather(*state, "a", STATION, "Zeeburg", here + 140 * METRE, 0);
    gather(*state, "b", STATION, "Zeeburg West", here + 160 * METRE, 0);
    assert_left(*state, "b", 1);
}

static void an_airport_is_left_out_where_another_source_has_one(void **state)
{
    has(*state, OTHER, "1", AIRPORT, "Zeeburg International", here);
    gather(*state, "a", AIRPORT, "Flughafen", here + 1900 * METRE, 0);
    gather(*state, "b", AIRPORT, "Flugplatz", here + 2100 * METRE, 0);
    assert_left(*state, "b", 1);
}

static void two_of_different_kinds_are_two(void **state)
{
    has(*state, OTHER, "1", STATION, "Zeeburg", here);
    gather(*state, "a", AIRPORT, "Zeeburg", here, 0);
    gather(*state, "b", CAFE, "Zeeburg", here, 0);
    gather(*state, "c", BAR, "Zeeburg", here, 0);
    assert_left(*state, "a b c", 0);
}

static void the_same_name_and_kind_in_another_source_is_left_out(void **state)
{
    has(*state, OTHER, "1", CAFE, "Meer", here);
    gather(*state, "a", CAFE, "Meer", here + 490 * METRE, 0);
    gather(*state, "b", CAFE, "Meer", here + 510 * METRE, 9);
    gather(*state, "c", CAFE, "Mehr", here, 0);
    assert_left(*state, "b c", 1);
}

static void of_two_alike_in_an_import_the_one_of_more_prominence_stays(void **state)
{
    gather(*state, "a", CAFE, "Meer", here, 1);
    gather(*state, "b", CAFE, "Meer", here + 40 * METRE, 2);
    gather(*state, "c", CAFE, "Meer", here - 60 * METRE, 0);
    gather(*state, "d", CAFE, "Mehr", here, 0);
    assert_left(*state, "b c d", 1);
}

static void of_two_that_are_equal_the_one_of_the_smaller_id_stays(void **state)
{
    gather(*state, "b", CAFE, "Meer", here, 1);
    gather(*state, "a", CAFE, "Meer", here, 1);
    gather(*state, "c", CAFE, "Meer", here, 1);
    assert_left(*state, "a", 2);
}

static void what_is_known_by_its_own_id_stays(void **state)
{
    has(*state, OTHER, "1", STATION, "Zeeburg", here);
    has(*state, OTHER, "2", CAFE, "Meer", here);
    has(*state, OURS, "a", STATION, "Zeeburg", here);
    has(*state, OURS, "b", CAFE, "Meer", here);
    gather(*state, "a", STATION, "Zeeburg", here, 0);
    gather(*state, "b", CAFE, "Meer", here, 0);
    assert_left(*state, "a b", 0);
}

static void what_is_known_comes_before_what_is_worth_more(void **state)
{
    has(*state, OURS, "b", CAFE, "Meer", here);
    gather(*state, "a", CAFE, "Meer", here, 9);
    gather(*state, "b", CAFE, "Meer", here, 1);
    assert_left(*state, "b", 1);
}

static void what_cannot_be_done_is_the_databases_to_explain(void **state)
{
    uint64_t count = 99;
    run(*state, "DROP TABLE gathered");
    assert_false(place_doubles_drop(*state, OURS, &count));
    assert_int_equal(count, 99);
    assert_non_null(strstr(sqlite3_errmsg(*state), "gathered"));
}

#define IN_DATABASE(test) cmocka_unit_test_setup_teardown(test, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DATABASE(a_station_is_left_out_where_another_source_has_one),
        IN_DATABASE(an_airport_is_left_out_where_another_source_has_one),
        IN_DATABASE(two_of_different_kinds_are_two),
        IN_DATABASE(the_same_name_and_kind_in_another_source_is_left_out),
        IN_DATABASE(of_two_alike_in_an_import_the_one_of_more_prominence_stays),
        IN_DATABASE(of_two_that_are_equal_the_one_of_the_smaller_id_stays),
        IN_DATABASE(what_is_known_by_its_own_id_stays),
        IN_DATABASE(what_is_known_comes_before_what_is_worth_more),
        IN_DATABASE(what_cannot_be_done_is_the_databases_to_explain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
