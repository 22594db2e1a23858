/*
 * The last report of every client, in the order in which they changed here: the table is the log
 * (README.md).
 *
 * Each change gets the next local sequence number (lseq, from 1) and moves its report to the tail
 * of one recency list. Cursors point between two reports of that list, so whoever follows the table
 * needs no queue: a report that changed a thousand times since is met once, where it changed last.
 *
 * Owns:   all bytes of the reports. What it shows is borrowed until the next upsert.
 * Limits: reports_max reports; REPORT_TABLE_SERVERS_MAX accepting servers; 32 GiB of reports.
 */
#ifndef HERD_NODE_REPORT_TABLE_H
#define HERD_NODE_REPORT_TABLE_H

#include "common/message.h"
#include "common/report.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    REPORT_TABLE_CURSORS_MAX = 64,
    REPORT_TABLE_SERVERS_MAX = 255, /* as many as a topology may name */
};

struct report_table;

/*
 * cursor_count: at most REPORT_TABLE_CURSORS_MAX. `seed` is mixed into the hash of ids: random in
 * production, so that ids which collide in one process do not in another. STATUS_NO_MEMORY.
 */
enum status report_table_create(uint64_t reports_max,
    unsigned cursor_count,
    uint64_t seed,
    struct report_table **ret_table) MUST_USE;
void report_table_destroy(struct report_table *table);

enum upsert {
    UPSERT_NEWER,   /* the table changed: the report has a new lseq */
    UPSERT_SAME,    /* the table held exactly this report */
    UPSERT_OLDER,   /* the table holds a greater one */
    UPSERT_REFUSED, /* a limit is reached or memory is out, nothing changed */
};

/*
 * Keeps the greater of `report` and what is known of its id (report_compare); copies what it keeps.
 * `known` are the bits of the neighbours that hold this very report: they replace the bits of a
 * report that changes and join those of the same one.
 */
enum upsert report_table_upsert(
    struct report_table *table, const struct report *report, uint32_t known);

/*
 * Upserts all of them, in order, faster than one by one: their memory is fetched ahead.
 * ret_upserts[i] tells what became of reports[i].
 */
void report_table_upsert_all(struct report_table *table,
    const struct report *reports,
    size_t count,
    uint32_t known,
    enum upsert *ret_upserts);

/* What is known of `id`; false: nothing. */
bool report_table_find(
    const struct report_table *table, struct slice id, struct report *ret_report);

uint64_t report_table_count(const struct report_table *table);

/* The lseq of the last change; 0 before the first. */
uint64_t report_table_head(const struct report_table *table);

/* The sum of a hash of every report modulo 2^128: the same for equal tables of all nodes, whatever
 * their order. */
struct digest report_table_digest(const struct report_table *table);

/* Bytes taken from the system. */
uint64_t report_table_memory(const struct report_table *table);

/* ---- Cursors: numbered 0 .. cursor_count - 1, all at the start of the list at first ---- */

/* Moves the cursor to right behind `lseq`: what it meets next changed later. Costs the distance,
 * from where it is or from the nearer end. */
void report_table_seek(struct report_table *table, unsigned cursor, uint64_t lseq);

struct report_table_item {
    struct report report;
    uint64_t lseq;
    uint32_t known;
};

/* The next report with an lseq of at most `lseq_max`, without moving. false: there is none. */
bool report_table_peek(const struct report_table *table,
    unsigned cursor,
    uint64_t lseq_max,
    struct report_table_item *ret_item);

/* Moves over the report that peek showed. */
void report_table_advance(struct report_table *table, unsigned cursor);

#endif
