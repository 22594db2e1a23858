/*
 * Where a value stands in a JSON document: as a path for people, and as a line number, which
 * jansson does not keep. Pure; knows no JSON library.
 */
#ifndef COMMON_JSON_PLACE_H
#define COMMON_JSON_PLACE_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

struct json_t;

/*
 * One step into a document. A chain of them, innermost first, is a place; it lives on the stack of
 * whoever walks down the document, and has the value along. The document itself has no parent.
 */
struct json_place {
    const struct json_place *parent;
    const char *key; /* of a member of the parent object; borrowed. NULL: an element of an array */
    size_t index;    /* of that element */
    struct json_t *value; /* borrowed, not looked at here; NULL: there is none */
};

/* Appends the path, e.g. `nodes.Hands.neighbours[2]`; nothing for the document itself. */
enum status json_place_append_path(const struct json_place *place, struct buffer *text) MUST_USE;

/*
 * The line of `document`, counted from 1, on which the value starts; for a member, the line of its
 * key. 0: there is no such place, or it lies behind a key that is written with escapes. Any bytes
 * are safe.
 */
size_t json_place_line(const struct json_place *place, struct slice document);

#endif
