/* Names, addresses and kinds; a thing that an encyclopaedia knows is worth more than its like. */
#include "places-worker/osm_place.h"

#include "places-worker/place_worth.h"

#include <inttypes.h>

static const uint64_t fame = 2000; /* of what has an article or an entry about it */

void osm_tags_init(struct osm_tags *tags)
{
    tags->count = 0;
    tags->text = buffer_with_max(OSM_TAG_TEXT_MAX);
}

void osm_tags_reset(struct osm_tags *tags)
{
    tags->count = 0;
    buffer_reset(&tags->text);
}

void osm_tags_clear(struct osm_tags *tags)
{
    buffer_clear(&tags->text);
    tags->count = 0;
}

/* As it is written. */
static bool copy_number(struct osm_tags *tags, struct json_cursor *cursor)
{
    const struct slice before = cursor->rest;
    if (!json_cursor_skip(cursor)) {
        return false;
    }
    const size_t length = before.length - cursor->rest.length;
    const enum status status = buffer_append(&tags->text, slice_of_bytes(before.data, length));
    return status == STATUS_OK || json_cursor_fail(cursor, status);
}

static bool read_tag(
    struct osm_tags *tags, struct json_cursor *cursor, const struct buffer *key, size_t start)
{
    const char first = json_cursor_peek(cursor);
    const bool is_number = first == '-' || slice_is_digit(first);
    if (first != '"' && !is_number) {
        return json_cursor_skip(cursor);
    }
    if (tags->count == OSM_TAGS_MAX || buffer_append(&tags->text, buffer_slice(key)) != STATUS_OK) {
        return json_cursor_fail(cursor, STATUS_FULL);
    }
    const size_t value_start = tags->text.length;
    if (!(is_number ? copy_number(tags, cursor) : json_cursor_text(cursor, &tags->text))) {
        return false;
    }
    tags->lengths[tags->count].key_length = value_start - start;
    tags->lengths[tags->count].value_length = tags->text.length - value_start;
    tags->count++;
    return true;
}

/* The text moves while it grows, so slices of it are taken at the end. */
static void point_into_text(struct osm_tags *tags)
{
    struct slice rest = buffer_slice(&tags->text);
    for (size_t i = 0; i < tags->count; i++) {
        tags->tags[i].key = slice_of_bytes(rest.data, tags->lengths[i].key_length);
        rest = slice_from(rest, tags->lengths[i].key_length);
        tags->tags[i].value = slice_of_bytes(rest.data, tags->lengths[i].value_length);
        rest = slice_from(rest, tags->lengths[i].value_length);
    }
}

bool osm_tags_read(struct osm_tags *tags, struct json_cursor *cursor)
{
    struct buffer key = buffer_with_max(OSM_TAG_TEXT_MAX);
    osm_tags_reset(tags);
    if (json_cursor_open(cursor, '{')) {
        while (
            json_cursor_member(cursor, &key) && read_tag(tags, cursor, &key, tags->text.length)) {
        }
    }
    buffer_clear(&key);
    point_into_text(tags);
    return cursor->status == STATUS_OK;
}

enum status osm_place_describe(const struct osm_tags *tags, struct import_place *place)
{
    enum status status =
        buffer_append(&place->name, osm_tag_value(tags->tags, tags->count, "name"));
    if (status == STATUS_OK) {
        status = osm_vicinity_append(&place->vicinity, tags->tags, tags->count);
    }
    if (status != STATUS_OK) {
        return status;
    }
    place->types = osm_types(tags->tags, tags->count);
    if (place->types != NULL) {
        place->prominence = place_worth_of(slice_of(place->types)).prominence;
        if (osm_tag_value(tags->tags, tags->count, "wikidata").length > 0 ||
            osm_tag_value(tags->tags, tags->count, "wikipedia").length > 0) {
            place->prominence += fame;
        }
    }
    return STATUS_OK;
}

enum status osm_place_name(struct import_place *place, enum osm_kind kind, uint64_t number)
{
    static const char *const names[] = {
        [OSM_NODE] = "node",
        [OSM_WAY] = "way",
        [OSM_RELATION] = "relation",
    };
    return buffer_append_format(&place->id, "%s/%" PRIu64, names[kind], number);
}
