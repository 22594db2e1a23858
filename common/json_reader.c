/* Checks values of jansson's tree and words the complaints. */
#include "common/json_reader.h"

#include <jansson.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAUSE_MAX = 1024,       /* bytes: a line to be read */
    GUESS_DISTANCE_MAX = 2, /* wrong letters up to which something else was meant */
};

struct json_t *json_reader_parse(struct json_reader *reader)
{
    static const struct json_place whole = {.parent = NULL};
    json_error_t error;
    if (reader->text.length == 0) {
        (void)json_reader_complain(reader, &whole, "the file is empty");
        return NULL;
    }
    json_t *document =
        json_loadb(reader->text.data, reader->text.length, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL && json_error_code(&error) == json_error_out_of_memory) {
        (void)json_reader_fail_memory(reader);
    } else if (document == NULL) {
        enum status written = buffer_append_format(
            reader->complaint, "%s:%d: not JSON: %s", reader->name, error.line, error.text);
        reader->status = written == STATUS_OK ? STATUS_MALFORMED : written;
    }
    return document;
}

/* ---- Complaints ---- */

bool json_reader_fail_memory(struct json_reader *reader)
{
    reader->status = buffer_append_format(reader->complaint, "%s: out of memory", reader->name);
    if (reader->status == STATUS_OK) {
        reader->status = STATUS_NO_MEMORY;
    }
    return false;
}

static enum status append_position(
    struct json_reader *reader, const struct json_place *place, size_t line)
{
    enum status status = buffer_append_text(reader->complaint, reader->name);
    if (status == STATUS_OK && line > 0) {
        status = buffer_append_format(reader->complaint, ":%zu", line);
    }
    if (status == STATUS_OK) {
        status = buffer_append_text(reader->complaint, ": ");
    }
    if (status == STATUS_OK && place->parent != NULL) {
        status = json_place_append_path(place, reader->complaint);
        status = status == STATUS_OK ? buffer_append_text(reader->complaint, ": ") : status;
    }
    return status;
}

static void complain(struct json_reader *reader,
    const struct json_place *place,
    size_t line,
    const char *format,
    va_list arguments)
{
    char cause[CAUSE_MAX];
    (void)vsnprintf(cause, sizeof cause, format, arguments);
    reader->status = append_position(reader, place, line);
    if (reader->status == STATUS_OK) {
        reader->status = buffer_append_text(reader->complaint, cause);
    }
    if (reader->status == STATUS_OK) {
        reader->status = STATUS_MALFORMED;
    }
}

bool json_reader_complain(
    struct json_reader *reader, const struct json_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(reader, place, json_place_line(place, reader->text), format, arguments);
    va_end(arguments);
    return false;
}

bool json_reader_complain_of_key(struct json_reader *reader,
    const struct json_place *object,
    const char *key,
    const char *format,
    ...)
{
    const struct json_place member = json_member(object, key);
    size_t line = json_place_line(&member, reader->text);
    line = line > 0 ? line : json_place_line(object, reader->text);
    va_list arguments;
    va_start(arguments, format);
    complain(reader, object, line, format, arguments);
    va_end(arguments);
    return false;
}

struct json_quote json_quote(const struct json_t *value)
{
    struct json_quote quote = {.text = "?"};
    char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (json == NULL) {
        return quote;
    }
    size_t length = strlen(json);
    if (length <= JSON_QUOTE_MAX) {
        memcpy(quote.text, json, length + 1);
    } else {
        length = JSON_QUOTE_MAX;
        while (((unsigned char)json[length] & 0xC0) == 0x80) {
            length -= 1; /* not in the middle of a UTF-8 character */
        }
        (void)snprintf(quote.text, sizeof quote.text, "%.*s...", (int)length, json);
    }
    free(json);
    return quote;
}

struct json_quote json_quote_text(const char *text)
{
    json_t *value = json_string(text);
    struct json_quote quote = json_quote(value);
    json_decref(value);
    return quote;
}

/* ---- Did you mean ...? ---- */

struct json_guess json_guess(const char *wrong)
{
    size_t length = strlen(wrong);
    size_t limit = length <= GUESS_DISTANCE_MAX ? length : GUESS_DISTANCE_MAX + 1;
    return (struct json_guess){.wrong = wrong, .distance = limit};
}

/* How many letters must be changed, added or left out; many, for texts too long to look at. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    size_t row[JSON_GUESS_MAX + 1];
    if (a_length > JSON_GUESS_MAX || b_length > JSON_GUESS_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

void json_guess_consider(struct json_guess *guess, const char *candidate)
{
    size_t distance = edit_distance(guess->wrong, candidate);
    if (distance < guess->distance) {
        guess->best = candidate;
        guess->distance = distance;
        (void)snprintf(guess->hint, sizeof guess->hint, " (did you mean \"%s\"?)", candidate);
    }
}

/* ---- Places ---- */

struct json_place json_document(struct json_t *document)
{
    return (struct json_place){.value = document};
}

struct json_place json_member(const struct json_place *object, const char *key)
{
    return (struct json_place){
        .parent = object, .key = key, .value = json_object_get(object->value, key)};
}

struct json_place json_element(const struct json_place *array, size_t index)
{
    return (struct json_place){
        .parent = array, .index = index, .value = json_array_get(array->value, index)};
}

/* ---- Values ---- */

static bool is_known_key(const struct json_key *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool complain_of_unknown_key(struct json_reader *reader,
    const struct json_place *place,
    const char *name,
    const struct json_key *keys,
    size_t count)
{
    struct json_guess guess = json_guess(name);
    char known[CAUSE_MAX / 2] = "";
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        json_guess_consider(&guess, keys[i].name);
        length += (size_t)snprintf(
            known + length, sizeof known - length, "%s%s", i == 0 ? "" : ", ", keys[i].name);
        assert(length < sizeof known);
    }
    struct json_quote quote = json_quote_text(name);
    if (guess.best != NULL) {
        return json_reader_complain_of_key(
            reader, place, name, "unknown key %s%s", quote.text, guess.hint);
    }
    return json_reader_complain_of_key(
        reader, place, name, "unknown key %s (known here: %s)", quote.text, known);
}

static bool check_is_object(struct json_reader *reader, const struct json_place *place)
{
    if (json_is_object(place->value)) {
        return true;
    }
    return json_reader_complain(
        reader, place, "must be an object {...}, not %s", json_quote(place->value).text);
}

bool json_check_keys(struct json_reader *reader,
    const struct json_place *place,
    const struct json_key *keys,
    size_t count)
{
    if (place->value == NULL) {
        return true;
    }
    if (!check_is_object(reader, place)) {
        return false;
    }
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(place->value, name, member)
    {
        if (!is_known_key(keys, count, name)) {
            return complain_of_unknown_key(reader, place, name, keys, count);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (keys[i].is_required && json_object_get(place->value, keys[i].name) == NULL) {
            return json_reader_complain(reader, place, "the key \"%s\" is missing", keys[i].name);
        }
    }
    return true;
}

static bool check_count(struct json_reader *reader,
    const struct json_place *place,
    size_t count,
    size_t max,
    const char *thing)
{
    if (count == 0) {
        return json_reader_complain(reader, place, "is empty; at least one %s is needed", thing);
    }
    if (count > max) {
        return json_reader_complain(
            reader, place, "has %zu %ss; at most %zu are possible", count, thing, max);
    }
    return true;
}

bool json_check_object(
    struct json_reader *reader, const struct json_place *place, size_t max, const char *thing)
{
    return check_is_object(reader, place) &&
           check_count(reader, place, json_object_size(place->value), max, thing);
}

bool json_check_array(
    struct json_reader *reader, const struct json_place *place, size_t max, const char *thing)
{
    if (!json_is_array(place->value)) {
        return json_reader_complain(
            reader, place, "must be an array [...], not %s", json_quote(place->value).text);
    }
    return check_count(reader, place, json_array_size(place->value), max, thing);
}

bool json_read_text(struct json_reader *reader, const struct json_place *place, char **ret_text)
{
    if (place->value == NULL) {
        return true;
    }
    if (!json_is_string(place->value)) {
        return json_reader_complain(
            reader, place, "must be a text, not %s", json_quote(place->value).text);
    }
    if (json_string_length(place->value) == 0) {
        return json_reader_complain(reader, place, "is empty");
    }
    char *copy = strdup(json_string_value(place->value));
    if (copy == NULL) {
        return json_reader_fail_memory(reader);
    }
    free(*ret_text);
    *ret_text = copy;
    return true;
}

bool json_read_choice(struct json_reader *reader,
    const struct json_place *place,
    const char *const *choices,
    size_t count,
    size_t *ret_index)
{
    if (place->value == NULL) {
        return true;
    }
    char list[CAUSE_MAX / 2] = "";
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (json_is_string(place->value) &&
            strcmp(json_string_value(place->value), choices[i]) == 0) {
            *ret_index = i;
            return true;
        }
        const char *separator = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        length += (size_t)snprintf(
            list + length, sizeof list - length, "%s\"%s\"", separator, choices[i]);
        assert(length < sizeof list);
    }
    return json_reader_complain(
        reader, place, "must be %s, not %s", list, json_quote(place->value).text);
}

bool json_read_flag(
    struct json_reader *reader, const struct json_place *object, const char *key, bool *ret_flag)
{
    struct json_place place = json_member(object, key);
    if (place.value == NULL) {
        return true;
    }
    if (!json_is_boolean(place.value)) {
        return json_reader_complain(
            reader, &place, "must be true or false, not %s", json_quote(place.value).text);
    }
    *ret_flag = json_is_true(place.value);
    return true;
}

bool json_read_number(struct json_reader *reader,
    const struct json_place *object,
    const char *key,
    uint64_t min,
    uint64_t max,
    uint64_t *ret_number)
{
    struct json_place place = json_member(object, key);
    if (place.value == NULL) {
        return true;
    }
    json_int_t number = json_integer_value(place.value);
    if (!json_is_integer(place.value) || number < 0 || (uint64_t)number < min ||
        (uint64_t)number > max) {
        return json_reader_complain(reader,
            &place,
            "must be a whole number from %llu to %llu, not %s",
            (unsigned long long)min,
            (unsigned long long)max,
            json_quote(place.value).text);
    }
    *ret_number = (uint64_t)number;
    return true;
}
