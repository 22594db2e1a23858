/*
 * What those who write the places database do with statements of SQLite.
 *
 * Thread: that of the database.
 */
#ifndef PLACES_WORKER_SQL_STATEMENT_H
#define PLACES_WORKER_SQL_STATEMENT_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;

/* `text` is borrowed until the statement has run; an empty one is text too, never NULL. */
void sql_statement_bind_text(struct sqlite3_stmt *statement, int at, struct slice text);

/* Runs a statement without rows, which may then be bound and run again; SQLite's code. */
int sql_statement_run(struct sqlite3_stmt *statement);

/* Runs `sql` once, whose ?1 (if it has one) is `number`. *ret_changed: how many rows it changed.
 * False: the database says why. */
bool sql_statement_change(
    struct sqlite3 *database, const char *sql, int64_t number, uint64_t *ret_changed);

#endif
