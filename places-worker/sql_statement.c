/* A few calls of SQLite each. */
#include "places-worker/sql_statement.h"

#include <sqlite3.h>

#include <stddef.h>

void sql_statement_bind_text(struct sqlite3_stmt *statement, int at, struct slice text)
{
    sqlite3_bind_text(
        statement, at, text.length > 0 ? text.data : "", (int)text.length, SQLITE_STATIC);
}

int sql_statement_run(struct sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

bool sql_statement_change(
    struct sqlite3 *database, const char *sql, int64_t number, uint64_t *ret_changed)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK) {
        return false;
    }
    if (sqlite3_bind_parameter_count(statement) > 0) {
        sqlite3_bind_int64(statement, 1, number);
    }
    const int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) {
        return false;
    }
    *ret_changed = (uint64_t)sqlite3_changes(database);
    return true;
}
