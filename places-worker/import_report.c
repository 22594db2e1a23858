/* Names are cut between characters, and what could confuse a terminal is not shown. */
#include "places-worker/import_report.h"

#include "common/utf8.h"

#include <inttypes.h>
#include <string.h>

/* As much of a name as has room. */
static void copy_name(char ret_name[IMPORT_EXAMPLE_MAX + 1], struct slice name)
{
    size_t length = 0;
    while (name.length > 0) {
        const unsigned char first = (unsigned char)name.data[0];
        const size_t sequence = first < 0x20 || first == 0x7F ? 0 : utf8_sequence_length(name);
        if (sequence == 0 || sequence > IMPORT_EXAMPLE_MAX - length) {
            break;
        }
        memcpy(ret_name + length, name.data, sequence);
        length += sequence;
        name = slice_from(name, sequence);
    }
    ret_name[length] = '\0';
}

void import_report_count(
    struct import_report *report, enum import_verdict verdict, uint64_t number, struct slice name)
{
    if (report->counts[verdict]++ == 0) {
        report->examples[verdict].number = number;
        copy_name(report->examples[verdict].name, name);
    }
}

uint64_t import_report_total(const struct import_report *report)
{
    uint64_t total = 0;
    for (size_t i = 0; i < IMPORT_VERDICT_COUNT; i++) {
        total += report->counts[i];
    }
    return total;
}

enum status import_report_append(
    const struct import_report *report, const char *thing, struct buffer *text)
{
    for (size_t i = IMPORT_TAKEN + 1; i < IMPORT_VERDICT_COUNT; i++) {
        if (report->counts[i] == 0) {
            continue;
        }
        const char *const name = report->examples[i].name;
        const enum status status = buffer_append_format(text,
            "  skipped %" PRIu64 " %s; the first: %s %" PRIu64 "%s%s%s\n",
            report->counts[i],
            import_verdict_text((enum import_verdict)i),
            thing,
            report->examples[i].number,
            name[0] == '\0' ? "" : ", \"",
            name,
            name[0] == '\0' ? "" : "\"");
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
