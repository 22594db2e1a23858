/*
 * Reading a JSON document strictly: each value is checked where it is read, and the first mistake
 * ends the reading with one line that names the file, the line, the place, the value, and what
 * would be right.
 *
 * All functions that return bool say whether to go on. A place without a value is an optional key
 * that is absent: it reads as true and leaves *ret_... as it was, so defaults stand there before.
 */
#ifndef COMMON_JSON_READER_H
#define COMMON_JSON_READER_H

#include "common/buffer.h"
#include "common/json_place.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>

struct json_reader {
    const char *name; /* of the file */
    struct slice text;
    struct buffer *complaint;
    enum status status; /* STATUS_OK until the first failure */
};

/* The document of `text`, new (json_decref); NULL with a complaint when it is no JSON or repeats a
 * key. */
struct json_t *json_reader_parse(struct json_reader *reader);

/* Write the complaint, set the status and return false. */
bool json_reader_complain(
    struct json_reader *reader, const struct json_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of a key that should not be there, or not so: the line is that of the key, the place the
 * object's. */
bool json_reader_complain_of_key(struct json_reader *reader,
    const struct json_place *object,
    const char *key,
    const char *format,
    ...) __attribute__((format(printf, 4, 5)));
bool json_reader_fail_memory(struct json_reader *reader);

/* A value as one line of JSON for a complaint, cut when it is long. */
enum { JSON_QUOTE_MAX = 60 };
struct json_quote {
    char text[JSON_QUOTE_MAX + sizeof "..."];
};
struct json_quote json_quote(const struct json_t *value);
struct json_quote json_quote_text(const char *text);

/* ` (did you mean "this"?)`, once a candidate was considered that is close enough to what is wrong;
 * else nothing. */
enum { JSON_GUESS_MAX = 64 };
struct json_guess {
    const char *wrong;
    size_t distance;
    const char *best;
    char hint[JSON_GUESS_MAX + sizeof " (did you mean \"\"?)"];
};
struct json_guess json_guess(const char *wrong);
void json_guess_consider(struct json_guess *guess, const char *candidate);

struct json_place json_document(struct json_t *document);
struct json_place json_member(const struct json_place *object, const char *key);
struct json_place json_element(const struct json_place *array, size_t index);

struct json_key {
    const char *name;
    bool is_required;
};

/* An object without unknown keys and with all required ones. */
bool json_check_keys(struct json_reader *reader,
    const struct json_place *place,
    const struct json_key *keys,
    size_t count);

/* An object, or array, of 1 to `max` things, which are called `thing` in complaints. */
bool json_check_object(
    struct json_reader *reader, const struct json_place *place, size_t max, const char *thing);
bool json_check_array(
    struct json_reader *reader, const struct json_place *place, size_t max, const char *thing);

/* Not the empty text. *ret_text is replaced by a new copy. */
bool json_read_text(struct json_reader *reader, const struct json_place *place, char **ret_text);

/* One of `count` texts; *ret_index is which. */
bool json_read_choice(struct json_reader *reader,
    const struct json_place *place,
    const char *const *choices,
    size_t count,
    size_t *ret_index);

/* These two read the member `key` of an object, or leave the default if the object itself is
 * absent. */
bool json_read_flag(
    struct json_reader *reader, const struct json_place *object, const char *key, bool *ret_flag);
bool json_read_number(struct json_reader *reader,
    const struct json_place *object,
    const char *key,
    uint64_t min,
    uint64_t max,
    uint64_t *ret_number);

#endif
