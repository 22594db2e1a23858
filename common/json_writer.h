/* Writes JSON text into a buffer, value by value, for what a process says of itself; any bytes
 * become valid JSON. */
#ifndef COMMON_JSON_WRITER_H
#define COMMON_JSON_WRITER_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The first failure (STATUS_FULL, STATUS_NO_MEMORY) stays, and nothing is written after it. */
struct json_writer {
    struct buffer *text;
    bool has_sibling; /* a value stands before the next one in the same object or array */
    enum status status;
};

struct json_writer json_writer_into(struct buffer *text);

/* `key` is the member's name within an object, and NULL within an array and at the top. */
void json_writer_begin_object(struct json_writer *writer, const char *key);
void json_writer_end_object(struct json_writer *writer);
void json_writer_begin_array(struct json_writer *writer, const char *key);
void json_writer_end_array(struct json_writer *writer);
void json_writer_text(struct json_writer *writer, const char *key, struct slice value);
void json_writer_number(struct json_writer *writer, const char *key, int64_t value);
void json_writer_bool(struct json_writer *writer, const char *key, bool value);

/*
 * Appends `value` as a JSON string with its quotes. UTF-8 stays as it is; what is not UTF-8 becomes
 * U+FFFD; `<` and `>` are escaped as Google does it. STATUS_FULL and STATUS_NO_MEMORY may leave a
 * part of it behind.
 */
enum status json_append_string(struct buffer *text, struct slice value) MUST_USE;

#endif
