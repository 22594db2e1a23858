/*
 * Reading one JSON text (RFC 8259) strictly and in order, without a tree: for long files of small
 * objects.
 *
 *     struct json_cursor cursor = json_cursor_over(text);
 *     json_cursor_open(&cursor, '{');
 *     while (json_cursor_member(&cursor, &key)) {
 *         ... reads the value with exactly one of the calls below ...
 *     }
 *     status = json_cursor_finish(&cursor);
 *
 * The first mistake stays: every later call does nothing and returns false, so one question at the
 * end is enough.
 *
 * Limits: JSON_CURSOR_DEPTH_MAX levels in a value that is skipped.
 */
#ifndef PLACES_WORKER_JSON_CURSOR_H
#define PLACES_WORKER_JSON_CURSOR_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>

enum { JSON_CURSOR_DEPTH_MAX = 64 };

/* The fields are the cursor's own. */
struct json_cursor {
    struct slice rest;
    bool is_first; /* nothing was read yet of the object or array that was opened last */
    enum status status;
};

/* Borrows the text. */
struct json_cursor json_cursor_over(struct slice text);

/* The first byte of the next value: one of `{["tfn-` or a digit; anything else is a mistake, or the
 * end (0). */
char json_cursor_peek(struct json_cursor *cursor);

/* Goes into an object (`{`) or an array (`[`). */
bool json_cursor_open(struct json_cursor *cursor, char bracket);

/* Whether there is one more member, with its key in place of what *key held; false: it was left. */
bool json_cursor_member(struct json_cursor *cursor, struct buffer *key);

/* The same for an array. */
bool json_cursor_element(struct json_cursor *cursor);

/* Appends a text, its escapes resolved, as UTF-8. */
bool json_cursor_text(struct json_cursor *cursor, struct buffer *text);

/* Exact for numbers of up to 15 digits and an exponent within +-22, and elsewhere as good as a
 * coordinate has to be. */
bool json_cursor_number(struct json_cursor *cursor, double *ret_number);

/* Any value. */
bool json_cursor_skip(struct json_cursor *cursor);

/* For a value that is JSON and not what it should be: as if it were a mistake. Returns false. */
bool json_cursor_fail(struct json_cursor *cursor, enum status status);

/*
 * At the end, where only white space may follow. STATUS_MALFORMED: it is no JSON, or not what was
 * asked for. STATUS_FULL: a text had no place in its buffer. STATUS_NO_MEMORY.
 */
enum status json_cursor_finish(struct json_cursor *cursor) MUST_USE;

#endif
