/* The program places-load: makes the places database of the lines in data/places.tsv, which it
 * reads from its input. */
#include "common/options.h"
#include "places-worker/place_line.h"
#include "places-worker/place_writer.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK_SIZE = 64 * 1024, LINE_MAX_SIZE = 16 * 1024, COMPLAINT_MAX = 4096 };

struct load {
    struct place_writer *writer;
    uint64_t line_number;
    struct buffer line; /* the part of a line that has been read */
    struct buffer *complaint;
};

static enum status complain_of_line(struct load *load, enum status status, const char *cause)
{
    return buffer_append_format(
               load->complaint, "line %" PRIu64 ": %s", load->line_number, cause) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

/* One whole line, without its end. */
static enum status take_line(struct load *load)
{
    const struct slice line = buffer_slice(&load->line);
    load->line_number++;
    if (load->line_number == 1) {
        return slice_equals(line, slice_of(place_line_header))
                   ? STATUS_OK
                   : complain_of_line(load, STATUS_MALFORMED, "is not the header of places.tsv");
    }
    struct place_line place;
    enum status status = place_line_parse(line, &place);
    if (status != STATUS_OK) {
        return complain_of_line(load, status, status_text(status));
    }
    status = place_writer_add(load->writer, &place, load->complaint);
    return status == STATUS_MALFORMED ? complain_of_line(load, status, "this id was there before")
                                      : status;
}

/* Some of the input: the end of a line, whole lines, the beginning of another. */
static enum status take_chunk(struct load *load, struct slice chunk)
{
    while (chunk.length > 0) {
        size_t length = 0;
        while (length < chunk.length && chunk.data[length] != '\n') {
            length++;
        }
        enum status status = buffer_append(&load->line, slice_of_bytes(chunk.data, length));
        if (status != STATUS_OK) {
            load->line_number++;
            return complain_of_line(load, status, status_text(status));
        }
        chunk = slice_from(chunk, length);
        if (!slice_take_byte(&chunk, '\n')) {
            return STATUS_OK;
        }
        status = take_line(load);
        if (status != STATUS_OK) {
            return status;
        }
        buffer_reset(&load->line);
    }
    return STATUS_OK;
}

/* Everything, to the end of the input; a line that has no end is a sign that some is missing. */
static enum status take_input(struct load *load)
{
    static char chunk[CHUNK_SIZE];
    ssize_t length = read(STDIN_FILENO, chunk, sizeof chunk);
    while (length > 0) {
        const enum status status = take_chunk(load, slice_of_bytes(chunk, (size_t)length));
        if (status != STATUS_OK) {
            return status;
        }
        length = read(STDIN_FILENO, chunk, sizeof chunk);
    }
    if (length < 0) {
        return complain_of_line(load, STATUS_IO, status_text(STATUS_IO));
    }
    return load->line.length == 0 && load->line_number > 1
               ? STATUS_OK
               : complain_of_line(load,
                     STATUS_MALFORMED,
                     "the input ends here, and not as a file of places does");
}

static enum status run(const char *path, uint64_t *ret_count, struct buffer *complaint)
{
    struct load load = {.line = buffer_with_max(LINE_MAX_SIZE), .complaint = complaint};
    enum status status = place_writer_open(path, &load.writer, complaint);
    if (status == STATUS_OK) {
        status = take_input(&load);
    }
    if (status == STATUS_OK) {
        status = place_writer_commit(load.writer, complaint);
    }
    place_writer_close(load.writer);
    buffer_clear(&load.line);
    *ret_count = load.line_number > 0 ? load.line_number - 1 : 0;
    return status;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    const struct option_spec options[] = {
        {"database",
            "FILE",
            "The database to make; what was there before stays until it is complete.",
            true,
            &path},
    };
    struct buffer complaint = buffer_with_max(COMPLAINT_MAX);
    bool is_done = false;
    uint64_t count = 0;
    enum status status = options_parse("places-load",
        "Makes the places database from the lines of places.tsv on standard input.",
        options,
        sizeof options / sizeof options[0],
        argc,
        argv,
        &is_done,
        &complaint);
    if (status == STATUS_OK && !is_done) {
        status = run(path, &count, &complaint);
    }
    if (status != STATUS_OK) {
        fprintf(stderr,
            "places-load: %.*s\n",
            complaint.length > 0 ? (int)complaint.length
                                 : (int)slice_of(status_text(status)).length,
            complaint.length > 0 ? complaint.data : status_text(status));
    } else if (!is_done) {
        printf("%s: %" PRIu64 " places\n", path, count);
    }
    buffer_clear(&complaint);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
