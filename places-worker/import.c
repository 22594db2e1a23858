/* The program places-import: adds places from OpenStreetMap or GeoNames to the places database. */
#include "common/instant.h"
#include "common/mailbox.h"
#include "common/options.h"
#include "common/signals.h"
#include "places-worker/import_report.h"
#include "places-worker/import_stream.h"
#include "places-worker/place_catalogue.h"
#include "places-worker/place_importer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK_SIZE = 64 * 1024,
    COMPLAINT_MAX = 8192,
    WAIT_MS = 200,              /* for input, before looking whether to stop */
    PROGRESS_TERMINAL_MS = 200, /* often enough to look alive */
    PROGRESS_LOG_MS = 5000,
};

struct arguments {
    const char *database;
    const char *format;
    const char *source;
    const char *credit;
    const char *file;
};

struct import {
    const char *name; /* of the file, for people */
    int file;
    uint64_t size; /* 0: not known */
    uint64_t taken_bytes;
    struct import_stream stream;
    struct import_report report;
    struct place_importer *importer;
    struct mailbox *mailbox; /* where signals go */
    bool is_stopped;
    bool is_terminal;
    struct instant started;
    struct instant progress_due;
    struct buffer *complaint;
};

static enum status complain(struct import *import, enum status status, const char *cause)
{
    return buffer_append_format(import->complaint, "%s %s", import->name, cause) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

/* Whether a signal has come. */
static bool is_stopped(void *context)
{
    struct import *const import = context;
    struct mail *mail = mailbox_wait(import->mailbox, (struct instant){.ns = 0});
    while (mail != NULL) {
        struct mail *const next = mail->next;
        import->is_stopped = import->is_stopped || mail->kind == MAIL_STOP;
        mail_release(mail);
        mail = next;
    }
    return import->is_stopped;
}

static double seconds_since(struct instant start)
{
    return (double)instant_ns_between(start, instant_now()) / NS_PER_SECOND;
}

static void show_progress(struct import *import)
{
    const struct instant now = instant_now();
    if (instant_is_before(now, import->progress_due)) {
        return;
    }
    import->progress_due =
        instant_after_ms(now, import->is_terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LOG_MS);
    char share[16] = "";
    if (import->size > 0) {
        snprintf(share,
            sizeof share,
            " (%.0f %%)",
            100 * (double)import->taken_bytes / (double)import->size);
    }
    fprintf(stderr,
        "%splaces-import: %.1f MB%s read, %" PRIu64 " of %" PRIu64 " taken%s",
        import->is_terminal ? "\r" : "",
        (double)import->taken_bytes / 1e6,
        share,
        import->report.counts[IMPORT_TAKEN],
        import_report_total(&import->report),
        import->is_terminal ? "\033[K" : "\n");
}

static void end_progress(const struct import *import)
{
    if (import->is_terminal) {
        fprintf(stderr, "\r\033[K");
    }
}

/* ---- Reading ---- */

/* The next bytes; *ret_length is 0 at the end. STATUS_CLOSED: to be stopped. */
static enum status read_chunk(struct import *import, char *bytes, size_t size, size_t *ret_length)
{
    struct pollfd ready = {.fd = import->file, .events = POLLIN};
    while (poll(&ready, 1, WAIT_MS) == 0) {
        show_progress(import);
        if (is_stopped(import)) {
            return STATUS_CLOSED;
        }
    }
    const ssize_t length = read(import->file, bytes, size);
    if (length < 0) {
        return complain(import, STATUS_IO, strerror(errno));
    }
    import->taken_bytes += (uint64_t)length;
    *ret_length = (size_t)length;
    return is_stopped(import) ? STATUS_CLOSED : STATUS_OK;
}

static enum status take_thing(struct import *import, const struct import_thing *thing)
{
    import_report_count(
        &import->report, thing->verdict, thing->number, buffer_slice(&thing->place->name));
    return thing->verdict == IMPORT_TAKEN
               ? place_importer_add(import->importer, thing->place, import->complaint)
               : STATUS_OK;
}

static enum status take_chunk(struct import *import, struct slice chunk)
{
    struct import_thing thing;
    while (import_stream_next(&import->stream, &chunk, &thing)) {
        const enum status status = take_thing(import, &thing);
        if (status != STATUS_OK) {
            return status;
        }
    }
    show_progress(import);
    return STATUS_OK;
}

/* All of the input, which begins with `head`. */
static enum status take_input(struct import *import, struct slice head)
{
    static char chunk[CHUNK_SIZE];
    enum status status = take_chunk(import, head);
    size_t length = head.length;
    while (status == STATUS_OK && length > 0) {
        status = read_chunk(import, chunk, sizeof chunk, &length);
        if (status == STATUS_OK) {
            status = take_chunk(import, slice_of_bytes(chunk, length));
        }
    }
    struct import_thing thing;
    if (status == STATUS_OK && import_stream_finish(&import->stream, &thing)) {
        status = take_thing(import, &thing);
    }
    return status;
}

/* The start of the input; short only at its end. */
static enum status read_head(struct import *import, char head[IMPORT_HEAD_SIZE], size_t *ret_length)
{
    size_t length = 0;
    size_t more = 1;
    while (more > 0 && length < IMPORT_HEAD_SIZE) {
        const enum status status =
            read_chunk(import, head + length, IMPORT_HEAD_SIZE - length, &more);
        if (status != STATUS_OK) {
            return status;
        }
        length += more;
    }
    *ret_length = length;
    return STATUS_OK;
}

/* What the input is: what it was said to be, unless it plainly is something else. */
static enum status find_format(struct import *import,
    const struct arguments *arguments,
    struct slice head,
    enum import_format *ret_format)
{
    enum import_format guess = IMPORT_GEOJSONSEQ;
    const char *const doubt = import_format_guess(head, &guess);
    if (arguments->format == NULL) {
        *ret_format = guess;
        return doubt == NULL ? STATUS_OK : complain(import, STATUS_MALFORMED, doubt);
    }
    if (!import_format_parse(slice_of(arguments->format), ret_format)) {
        const enum status status = buffer_append_format(import->complaint,
            "--format is one of geojsonseq, overpass, geonames; not '%s'",
            arguments->format);
        return status == STATUS_OK ? STATUS_MALFORMED : status;
    }
    if (doubt == NULL && guess != *ret_format) {
        const enum status status = buffer_append_format(import->complaint,
            "%s is not %s but %s",
            import->name,
            import_format_name(*ret_format),
            import_format_name(guess));
        return status == STATUS_OK ? STATUS_MALFORMED : status;
    }
    return STATUS_OK;
}

/* ---- The import ---- */

static void print_report(const struct import *import,
    enum import_format format,
    const char *database,
    const struct place_importer_counts *counts)
{
    const double seconds = seconds_since(import->started);
    struct buffer reasons = buffer_with_max(COMPLAINT_MAX);
    const enum status status = import_report_append(
        &import->report, format == IMPORT_GEONAMES ? "line" : "feature", &reasons);
    printf("%s: %" PRIu64 " read as %s in %.1f s, %" PRIu64 " taken\n",
        import->name,
        import_report_total(&import->report),
        import_format_name(format),
        seconds,
        import->report.counts[IMPORT_TAKEN]);
    if (status == STATUS_OK && reasons.length > 0) {
        printf("%.*s", (int)reasons.length, reasons.data);
    }
    buffer_clear(&reasons);
    if (counts != NULL) {
        printf("%s: %" PRIu64 " new, %" PRIu64 " replaced, %" PRIu64 " as they were, %" PRIu64
               " given more than once, %" PRIu64 " known by another id\n",
            database,
            counts->added,
            counts->replaced,
            counts->unchanged,
            counts->repeated,
            counts->doubles);
    }
}

static enum status import_all(struct import *import,
    const struct arguments *arguments,
    struct slice head,
    enum import_format format)
{
    const char *const source = arguments->source != NULL
                                   ? arguments->source
                                   : (format == IMPORT_GEONAMES ? "geonames" : "osm");
    const struct place_source *const known = place_catalogue_source(slice_of(source));
    const struct place_importer_settings settings = {
        .path = arguments->database,
        .source = source,
        .attribution = arguments->credit != NULL ? arguments->credit
                       : known != NULL           ? known->attribution
                                                 : NULL,
        .is_stopped = is_stopped,
        .context = import,
    };
    import_stream_init(&import->stream, format, head);
    enum status status = place_importer_open(&settings, &import->importer, import->complaint);
    if (status == STATUS_OK) {
        status = take_input(import, head);
    }
    const char *const doubt = status == STATUS_OK ? import_stream_complaint(&import->stream) : NULL;
    if (doubt != NULL) {
        status = complain(import, STATUS_MALFORMED, doubt);
    } else if (status == STATUS_OK && import->report.counts[IMPORT_TAKEN] == 0) {
        status = complain(import, STATUS_MALFORMED, "has no place that could be used");
        end_progress(import);
        print_report(import, format, arguments->database, NULL);
    }
    struct place_importer_counts counts;
    if (status == STATUS_OK) {
        status = place_importer_commit(import->importer, &counts, import->complaint);
    }
    end_progress(import);
    if (status == STATUS_OK) {
        print_report(import, format, arguments->database, &counts);
    }
    place_importer_close(import->importer);
    import_stream_clear(&import->stream);
    return status;
}

/* `osm`, `my-town_2`: what may stand before the colon of an id. */
static bool is_source_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    const size_t length = strlen(name);
    return length > 0 && length <= PLACE_IMPORTER_SOURCE_MAX && strspn(name, allowed) == length;
}

static enum status open_input(struct import *import, const char *path)
{
    const bool is_standard = strcmp(path, "-") == 0;
    import->name = is_standard ? "the input" : path;
    import->file = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (import->file < 0) {
        return complain(import, STATUS_NOT_FOUND, strerror(errno));
    }
    struct stat status;
    if (fstat(import->file, &status) == 0 && S_ISREG(status.st_mode)) {
        import->size = (uint64_t)status.st_size;
    }
    return STATUS_OK;
}

static enum status run(struct import *import, const struct arguments *arguments)
{
    static char head[IMPORT_HEAD_SIZE];
    size_t length = 0;
    enum import_format format;
    if (arguments->source != NULL && !is_source_name(arguments->source)) {
        return buffer_append_format(import->complaint,
                   "--source is a name of a-z, 0-9, _ and -, not '%s'",
                   arguments->source) == STATUS_OK
                   ? STATUS_MALFORMED
                   : STATUS_NO_MEMORY;
    }
    if (arguments->credit != NULL && strlen(arguments->credit) > PLACE_IMPORTER_CREDIT_MAX) {
        return buffer_append_format(import->complaint,
                   "--credit is longer than %d bytes",
                   PLACE_IMPORTER_CREDIT_MAX) == STATUS_OK
                   ? STATUS_MALFORMED
                   : STATUS_NO_MEMORY;
    }
    enum status status = open_input(import, arguments->file);
    if (status == STATUS_OK) {
        status = read_head(import, head, &length);
    }
    if (status == STATUS_OK) {
        status = find_format(import, arguments, slice_of_bytes(head, length), &format);
    }
    if (status == STATUS_OK) {
        status = import_all(import, arguments, slice_of_bytes(head, length), format);
    }
    if (import->file > STDIN_FILENO) {
        close(import->file);
    }
    return status;
}

/* With signals as mail, so that one that ends the import leaves nothing behind. */
static enum status run_with_signals(const struct arguments *arguments, struct buffer *complaint)
{
    static struct import import; /* large */
    struct signals *signals = NULL;
    import.complaint = complaint;
    import.is_terminal = isatty(STDERR_FILENO) == 1;
    import.started = instant_now();
    import.progress_due = instant_after_ms(import.started, PROGRESS_TERMINAL_MS);
    if (!import.is_terminal) {
        import.progress_due = instant_after_ms(import.started, PROGRESS_LOG_MS);
    }
    signals_block();
    enum status status = mailbox_create(1, &import.mailbox);
    if (status == STATUS_OK) {
        status = signals_start(import.mailbox, &signals);
    }
    if (status == STATUS_OK) {
        status = run(&import, arguments);
    }
    signals_stop(signals);
    mailbox_destroy(import.mailbox);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.database = NULL};
    const struct option_spec options[] = {
        {"database",
            "FILE",
            "The places database, e.g. share/places.sqlite.",
            true,
            &arguments.database},
        {"format",
            "NAME",
            "geojsonseq, overpass or geonames; where it cannot be told from the file.",
            false,
            &arguments.format},
        {"source",
            "NAME",
            "The first part of the ids; osm or geonames unless given.",
            false,
            &arguments.source},
        {"credit",
            "HTML",
            "Whom html_attributions credits; needed for a source of another name.",
            false,
            &arguments.credit},
        {NULL, "FILE|-", "What to import; - is the standard input.", true, &arguments.file},
    };
    struct buffer complaint = buffer_with_max(COMPLAINT_MAX);
    bool is_done = false;
    enum status status = options_parse("places-import",
        "Adds places from OpenStreetMap or GeoNames to the places database: all of a file or "
        "nothing.",
        options,
        sizeof options / sizeof options[0],
        argc,
        argv,
        &is_done,
        &complaint);
    const bool is_run = status == STATUS_OK && !is_done;
    if (is_run) {
        status = run_with_signals(&arguments, &complaint);
    }
    if (status != STATUS_OK) {
        const char *const cause = status == STATUS_CLOSED ? "stopped" : status_text(status);
        fprintf(stderr,
            "%s%.*s%s\n",
            is_run ? "places-import: " : "",
            complaint.length > 0 ? (int)complaint.length : (int)strlen(cause),
            complaint.length > 0 ? complaint.data : cause,
            is_run ? "; the database is as it was" : "");
    }
    buffer_clear(&complaint);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
