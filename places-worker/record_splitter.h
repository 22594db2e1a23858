/*
 * Cuts a long input, however it arrives, into the records it is made of. Pure.
 *
 *   RECORD_LINES      each line is one (empty ones are none); a CR before the end is not part of it
 *   RECORD_SEQUENCE   each begins with the byte RS (RFC 8142)
 *   RECORD_ELEMENTS   each object of the array `elements` of a JSON object is one
 *
 * Limits: RECORD_MAX bytes a record; of a longer one only its being there is told.
 */
#ifndef PLACES_WORKER_RECORD_SPLITTER_H
#define PLACES_WORKER_RECORD_SPLITTER_H

#include "common/buffer.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { RECORD_MAX = 8 * 1024 * 1024 };

enum record_form { RECORD_LINES, RECORD_SEQUENCE, RECORD_ELEMENTS };

/* What is around the elements: each state is what is expected next. */
enum record_outside { OUTSIDE_DOCUMENT, OUTSIDE_MEMBERS, OUTSIDE_ELEMENTS, OUTSIDE_ENDED };

/* The fields are the splitter's own, but for `number` and `remark`. */
struct record_splitter {
    enum record_form form;
    struct buffer record;
    uint64_t number; /* of records, or of lines, that have begun */
    bool is_begun;
    bool is_too_long;

    /* RECORD_ELEMENTS */
    enum record_outside outside;
    unsigned depth;
    bool is_in_text;
    bool is_escaped;
    bool is_broken;
    bool has_elements;
    struct buffer word;   /* the text that was read last among the members, cut where it is long */
    struct buffer key;    /* the member that is being read */
    struct buffer remark; /* Overpass' word on what went wrong, escapes and all; or empty */
};

struct record {
    struct slice
        bytes; /* borrowed until the splitter is used again; nothing where it is too long */
    bool is_too_long;
};

void record_splitter_init(struct record_splitter *splitter, enum record_form form);
void record_splitter_clear(struct record_splitter *splitter);

/* Takes from *chunk up to the end of a record; false: all of it was taken and none has ended. */
bool record_splitter_next(
    struct record_splitter *splitter, struct slice *chunk, struct record *ret_record);

/* At the end of the input: a last record that had no end of its own. */
bool record_splitter_finish(struct record_splitter *splitter, struct record *ret_record);

/* At the end of the input: why it is not what it should be; NULL: it is. A static string. */
const char *record_splitter_complaint(const struct record_splitter *splitter);

#endif
