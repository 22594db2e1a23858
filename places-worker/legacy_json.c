/* An opening bracket waits for the first content, because only then is known where it stands. */
#include "places-worker/legacy_json.h"

#include "common/json_writer.h"
#include "places-worker/degrees.h"

#include <assert.h>

void legacy_json_begin(struct legacy_json *json, struct buffer *text)
{
    json->text = text;
    json->status = STATUS_OK;
    json->depth = 0;
    json->follows_key = false;
}

enum status legacy_json_end(const struct legacy_json *json)
{
    assert(json->depth == 0 && !json->follows_key);
    return json->status;
}

static void append(struct legacy_json *json, struct slice bytes)
{
    if (json->status == STATUS_OK) {
        json->status = buffer_append(json->text, bytes);
    }
}

static void append_line_start(struct legacy_json *json, unsigned depth)
{
    append(json, slice_of("\n"));
    for (unsigned i = 0; i < depth; i++) {
        append(json, slice_of("   "));
    }
}

/* The bracket that waited or a comma, then a new line for the next key or element. */
static void begin_content(struct legacy_json *json)
{
    assert(json->depth > 0);
    const unsigned level = json->depth - 1;
    if (json->levels[level].has_content) {
        append(json, slice_of(","));
    } else {
        json->levels[level].has_content = true;
        if (json->levels[level].follows_key) {
            append_line_start(json, level);
        }
        append(json, slice_of(json->levels[level].closing == ']' ? "[" : "{"));
    }
    append_line_start(json, json->depth);
}

/* A value stands behind its key, is an element of an array, or is the whole text. */
static void begin_value(struct legacy_json *json)
{
    if (json->follows_key) {
        json->follows_key = false;
    } else if (json->depth > 0) {
        assert(json->levels[json->depth - 1].closing == ']');
        begin_content(json);
    }
}

static void open_level(struct legacy_json *json, char closing)
{
    const bool follows_key = json->follows_key;
    begin_value(json);
    assert(json->depth < LEGACY_JSON_DEPTH_MAX);
    json->levels[json->depth].closing = closing;
    json->levels[json->depth].follows_key = follows_key;
    json->levels[json->depth].has_content = false;
    json->depth++;
}

void legacy_json_open_object(struct legacy_json *json)
{
    open_level(json, '}');
}

void legacy_json_open_array(struct legacy_json *json)
{
    open_level(json, ']');
}

void legacy_json_close(struct legacy_json *json)
{
    assert(json->depth > 0 && !json->follows_key);
    json->depth--;
    const bool is_array = json->levels[json->depth].closing == ']';
    if (!json->levels[json->depth].has_content) {
        append(json, slice_of(is_array ? "[]" : "{}"));
        return;
    }
    append_line_start(json, json->depth);
    append(json, slice_of(is_array ? "]" : "}"));
}

void legacy_json_key(struct legacy_json *json, const char *key)
{
    assert(!json->follows_key);
    begin_content(json);
    append(json, slice_of("\""));
    append(json, slice_of(key));
    append(json, slice_of("\" : "));
    json->follows_key = true;
}

void legacy_json_text(struct legacy_json *json, struct slice text)
{
    begin_value(json);
    if (json->status == STATUS_OK) {
        json->status = json_append_string(json->text, text);
    }
}

void legacy_json_degrees(struct legacy_json *json, double degrees)
{
    char text[DEGREES_TEXT_SIZE];
    const size_t length = degrees_format(degrees, text);
    begin_value(json);
    append(json, slice_of_bytes(text, length));
}

void legacy_json_literal(struct legacy_json *json, struct slice literal)
{
    begin_value(json);
    append(json, literal);
}
