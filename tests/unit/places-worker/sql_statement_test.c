/* Do texts, repeated runs and counts of changed rows arrive as they should? */
#include "places-worker/sql_statement.h"

#include <sqlite3.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int open_database(void **state)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database, "CREATE TABLE t (a INTEGER, b TEXT UNIQUE)", NULL, NULL, NULL),
        SQLITE_OK);
    *state = database;
    return 0;
}

static int close_database(void **state)
{
    return sqlite3_close(*state) == SQLITE_OK ? 0 : -1;
}

/* How many rows fulfil it. */
static uint64_t count_where(sqlite3 *database, const char *sql)
{
    uint64_t count = 99;
    assert_true(sql_statement_change(database, sql, 0, &count));
    return count;
}

static void a_statement_runs_again_with_other_texts(void **state)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(
        sqlite3_prepare_v2(*state, "INSERT INTO t VALUES (1, ?1)", -1, &statement, NULL),
        SQLITE_OK);
    sql_statement_bind_text(statement, 1, slice_of("one"));
    assert_int_equal(sql_statement_run(statement), SQLITE_OK);
    sql_statement_bind_text(statement, 1, slice_of("two"));
    assert_int_equal(sql_statement_run(statement), SQLITE_OK);
    assert_int_equal(sql_statement_run(statement), SQLITE_CONSTRAINT); /* it is there */
    sql_statement_bind_text(statement, 1, slice_of_bytes(NULL, 0));
    assert_int_equal(sql_statement_run(statement), SQLITE_OK);
    sqlite3_finalize(statement);

    assert_int_equal(count_where(*state, "DELETE FROM t WHERE b IN ('one', 'two')"), 2);
    assert_int_equal(count_where(*state, "DELETE FROM t WHERE b = ''"), 1);
}

static void a_change_knows_its_number_and_counts_its_rows(void **state)
{
    uint64_t changed = 99;
    assert_int_equal(count_where(*state, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (2, 'c')"), 3);
    assert_true(sql_statement_change(*state, "DELETE FROM t WHERE a = ?1", 2, &changed));
    assert_int_equal(changed, 2);
}

static void a_change_that_fails_counts_nothing(void **state)
{
    uint64_t changed = 99;
    assert_false(sql_statement_change(*state, "DELETE FROM nowhere", 0, &changed));
    assert_false(sql_statement_change(
        *state, "INSERT INTO t VALUES (?1, 'same'), (?1, 'same')", 1, &changed));
    assert_int_equal(changed, 99);
}

#define IN_DATABASE(test) cmocka_unit_test_setup_teardown(test, open_database, close_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DATABASE(a_statement_runs_again_with_other_texts),
        IN_DATABASE(a_change_knows_its_number_and_counts_its_rows),
        IN_DATABASE(a_change_that_fails_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
