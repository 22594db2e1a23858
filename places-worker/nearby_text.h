/*
 * The body of a Nearby Search as a provider sent it, and what of it a client gets: the same bytes,
 * cut to the bound.
 *
 * Nothing is printed anew. What is cut away are whole elements of `results`; and each run of
 * newlines becomes one newline, with none at either end, because two newlines end an answer in the
 * client protocol. Limits: bodies of MESSAGE_PLACES_MAX bytes, NEARBY_TEXT_DEPTH_MAX levels.
 */
#ifndef PLACES_WORKER_NEARBY_TEXT_H
#define PLACES_WORKER_NEARBY_TEXT_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stddef.h>

enum {
    NEARBY_TEXT_DEPTH_MAX = 64,
    NEARBY_TEXT_RESULTS_MAX = 20, /* a bound is at most that */
};

/* Where in a body its parts are. All slices are borrowed from it. */
struct nearby_text {
    struct slice body;
    struct slice status;        /* as written between its quotes; empty where there is none */
    struct slice error_message; /* likewise, so with escapes */
    size_t results_key_end;     /* behind the colon of "results" */
    size_t results_end;         /* behind the closing bracket */
    size_t result_count;
    size_t result_ends[NEARBY_TEXT_RESULTS_MAX]; /* behind each of the first results */
    size_t last_result_end;
};

/*
 * STATUS_MALFORMED: not one JSON object in UTF-8 (RFC 8259) with one array `results` and, where
 * there are any, strings `status` and `error_message`; or too deep. STATUS_FULL: too large.
 */
enum status nearby_text_read(struct slice body, struct nearby_text *ret_text) MUST_USE;

/* Appends the text with at most `results_max` results; STATUS_FULL and STATUS_NO_MEMORY leave a
 * part behind. */
enum status nearby_text_append(
    const struct nearby_text *text, size_t results_max, struct buffer *output) MUST_USE;

/* Appends what a string of a well-formed body means, its escapes resolved; half a surrogate pair
 * becomes U+FFFD. */
enum status nearby_text_append_plain(struct slice escaped, struct buffer *output) MUST_USE;

#endif
