/* What an import read and why it left things out: counts by reason, each with its first example.
 * Pure. */
#ifndef PLACES_WORKER_IMPORT_REPORT_H
#define PLACES_WORKER_IMPORT_REPORT_H

#include "common/buffer.h"
#include "common/status.h"
#include "places-worker/import_place.h"

#include <stdint.h>

enum { IMPORT_EXAMPLE_MAX = 60 };

struct import_report {
    uint64_t counts[IMPORT_VERDICT_COUNT];
    struct {
        uint64_t number; /* of the thing in its file */
        char name[IMPORT_EXAMPLE_MAX + 1];
    } examples[IMPORT_VERDICT_COUNT];
};

/* `name` may be empty. */
void import_report_count(
    struct import_report *report, enum import_verdict verdict, uint64_t number, struct slice name);

/* Everything that was read. */
uint64_t import_report_total(const struct import_report *report);

/* Appends a line for each reason that occurred; `thing` is what one is called: `line`, `feature`.
 */
enum status import_report_append(
    const struct import_report *report, const char *thing, struct buffer *text) MUST_USE;

#endif
