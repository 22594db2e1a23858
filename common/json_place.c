/* Walks JSON text by brackets, quotes and commas alone, because jansson has checked it before. */
#include "common/json_place.h"

enum status json_place_append_path(const struct json_place *place, struct buffer *text)
{
    if (place->parent == NULL) {
        return STATUS_OK;
    }
    enum status status = json_place_append_path(place->parent, text);
    if (status != STATUS_OK) {
        return status;
    }
    if (place->key == NULL) {
        return buffer_append_format(text, "[%zu]", place->index);
    }
    return buffer_append_format(text, "%s%s", place->parent->parent == NULL ? "" : ".", place->key);
}

static void skip_spaces(struct slice *rest)
{
    while (rest->length > 0 && slice_is_space(rest->data[0])) {
        *rest = slice_from(*rest, 1);
    }
}

/* Moves behind the string that `*rest` starts with and returns what stands between its quotes, as
 * it is written. */
static struct slice take_string(struct slice *rest)
{
    struct slice content = slice_from(*rest, 1);
    size_t length = 0;
    while (length < content.length && content.data[length] != '"') {
        length += content.data[length] == '\\' ? 2 : 1;
    }
    if (length >= content.length) {
        *rest = slice_from(content, content.length);
        return content;
    }
    *rest = slice_from(content, length + 1);
    return slice_of_bytes(content.data, length);
}

/* Moves behind the value that `*rest` starts with: to a comma or a closing bracket of what it
 * stands in. */
static void skip_value(struct slice *rest)
{
    size_t depth = 0;
    while (rest->length > 0) {
        char byte = rest->data[0];
        if (byte == '"') {
            (void)take_string(rest);
            continue;
        }
        if (depth == 0 && (byte == ',' || byte == ']' || byte == '}')) {
            return;
        }
        if (byte == '[' || byte == '{') {
            depth += 1;
        } else if (byte == ']' || byte == '}') {
            depth -= 1;
        }
        *rest = slice_from(*rest, 1);
    }
}

/* From an object to the member of that name: `*ret_key` starts with its key, `*rest` with its
 * value. */
static bool find_member(struct slice *rest, const char *key, struct slice *ret_key)
{
    if (!slice_take_byte(rest, '{')) {
        return false;
    }
    for (;;) {
        skip_spaces(rest);
        struct slice start = *rest;
        if (start.length == 0 || start.data[0] != '"') {
            return false;
        }
        struct slice name = take_string(rest);
        skip_spaces(rest);
        if (!slice_take_byte(rest, ':')) {
            return false;
        }
        skip_spaces(rest);
        if (slice_equals(name, slice_of(key))) {
            *ret_key = start;
            return true;
        }
        skip_value(rest);
        if (!slice_take_byte(rest, ',')) {
            return false;
        }
    }
}

static bool find_element(struct slice *rest, size_t index)
{
    if (!slice_take_byte(rest, '[')) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        skip_value(rest);
        if (!slice_take_byte(rest, ',')) {
            return false;
        }
    }
    skip_spaces(rest);
    return rest->length > 0 && rest->data[0] != ']';
}

/* Moves `*rest` from the start of the document to the value; `*ret_shown` starts where a reader
 * looks for it. */
static bool find_place(const struct json_place *place, struct slice *rest, struct slice *ret_shown)
{
    if (place->parent == NULL) {
        skip_spaces(rest);
        *ret_shown = *rest;
        return rest->length > 0;
    }
    if (!find_place(place->parent, rest, ret_shown)) {
        return false;
    }
    if (place->key != NULL) {
        return find_member(rest, place->key, ret_shown);
    }
    bool is_found = find_element(rest, place->index);
    *ret_shown = *rest;
    return is_found;
}

size_t json_place_line(const struct json_place *place, struct slice document)
{
    struct slice rest = document;
    struct slice shown = document;
    if (!find_place(place, &rest, &shown)) {
        return 0;
    }
    size_t line = 1;
    for (const char *byte = document.data; byte < shown.data; byte++) {
        line += *byte == '\n';
    }
    return line;
}
