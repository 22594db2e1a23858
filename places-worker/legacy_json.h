/*
 * JSON in the white space of Google's legacy web services: three spaces a level, `"key" : value`,
 * brackets on lines of their own, and `[]` and `{}` inline when they are empty.
 *
 * The caller gives the keys in alphabetical order, as Google does; nothing checks it. A failed
 * append is remembered and told by legacy_json_end, so that no call in between needs a check.
 * Limits: LEGACY_JSON_DEPTH_MAX levels (asserted).
 */
#ifndef PLACES_WORKER_LEGACY_JSON_H
#define PLACES_WORKER_LEGACY_JSON_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>

#define LEGACY_JSON_DEPTH_MAX 16

/* Embedded in the caller's struct; the fields are the writer's own. */
struct legacy_json {
    struct buffer *text; /* borrowed */
    enum status status;
    unsigned depth;
    struct {
        char closing;     /* `]` or `}` */
        bool follows_key; /* then its opening bracket starts a line */
        bool has_content;
    } levels[LEGACY_JSON_DEPTH_MAX];
    bool follows_key; /* the next value stands behind its key */
};

/* Begins one JSON text at the end of `text`, which has to outlive the writer. */
void legacy_json_begin(struct legacy_json *json, struct buffer *text);

/* STATUS_FULL or STATUS_NO_MEMORY of the first append that failed. All that was opened has been
 * closed. */
enum status legacy_json_end(const struct legacy_json *json) MUST_USE;

void legacy_json_open_object(struct legacy_json *json);
void legacy_json_open_array(struct legacy_json *json);
void legacy_json_close(struct legacy_json *json);

/* `key` is plain ASCII. */
void legacy_json_key(struct legacy_json *json, const char *key);

/* Any bytes; escaped as Google does it (see json_append_string). */
void legacy_json_text(struct legacy_json *json, struct slice text);
void legacy_json_degrees(struct legacy_json *json, double degrees);

/* A number, `true` or `false` as it is to be written. */
void legacy_json_literal(struct legacy_json *json, struct slice literal);

#endif
