/* A position of its own counts first, then a given centre, then the middle of the bounds. */
#include "places-worker/overpass_element.h"

#include <math.h>

enum { KEY_MAX = 255 };

static const double whole_numbers_max = 9007199254740992; /* 2^53 */

struct element {
    struct buffer key;
    bool has_kind;
    enum osm_kind kind;
    double number; /* below 0: none */
    struct location own;
    struct location centre;
    struct location low;
    struct location high;
};

static bool is(const struct buffer *text, const char *word)
{
    return slice_equals(buffer_slice(text), slice_of(word));
}

static void read_kind(struct json_cursor *cursor, struct element *element)
{
    buffer_reset(&element->key);
    json_cursor_text(cursor, &element->key);
    element->has_kind = true;
    if (is(&element->key, "node")) {
        element->kind = OSM_NODE;
    } else if (is(&element->key, "way")) {
        element->kind = OSM_WAY;
    } else if (is(&element->key, "relation")) {
        element->kind = OSM_RELATION;
    } else {
        element->has_kind = false;
    }
}

/* An object of numbers, of which four may be meant. */
static void read_corners(struct json_cursor *cursor,
    struct element *element,
    struct location *low,
    struct location *high)
{
    json_cursor_open(cursor, '{');
    while (json_cursor_member(cursor, &element->key)) {
        if (is(&element->key, "lat") || is(&element->key, "minlat")) {
            json_cursor_number(cursor, &low->latitude);
        } else if (is(&element->key, "lon") || is(&element->key, "minlon")) {
            json_cursor_number(cursor, &low->longitude);
        } else if (is(&element->key, "maxlat")) {
            json_cursor_number(cursor, &high->latitude);
        } else if (is(&element->key, "maxlon")) {
            json_cursor_number(cursor, &high->longitude);
        } else {
            json_cursor_skip(cursor);
        }
    }
}

static enum status read_element(struct slice text, struct osm_tags *tags, struct element *element)
{
    struct location unused = {NAN, NAN};
    struct json_cursor cursor = json_cursor_over(text);
    json_cursor_open(&cursor, '{');
    while (json_cursor_member(&cursor, &element->key)) {
        if (is(&element->key, "type")) {
            read_kind(&cursor, element);
        } else if (is(&element->key, "id")) {
            json_cursor_number(&cursor, &element->number);
        } else if (is(&element->key, "lat")) {
            json_cursor_number(&cursor, &element->own.latitude);
        } else if (is(&element->key, "lon")) {
            json_cursor_number(&cursor, &element->own.longitude);
        } else if (is(&element->key, "center")) {
            read_corners(&cursor, element, &element->centre, &unused);
        } else if (is(&element->key, "bounds")) {
            read_corners(&cursor, element, &element->low, &element->high);
        } else if (is(&element->key, "tags")) {
            osm_tags_read(tags, &cursor);
        } else {
            json_cursor_skip(&cursor);
        }
    }
    return json_cursor_finish(&cursor);
}

static struct location position_of(const struct element *element)
{
    if (import_is_on_earth(element->own)) {
        return element->own;
    }
    if (import_is_on_earth(element->centre)) {
        return element->centre;
    }
    return (struct location){(element->low.latitude + element->high.latitude) / 2,
        (element->low.longitude + element->high.longitude) / 2};
}

static enum import_verdict judge(enum status status,
    const struct element *element,
    const struct osm_tags *tags,
    struct import_place *place)
{
    if (status != STATUS_OK) {
        return import_verdict_of(status);
    }
    if (!element->has_kind || !(element->number >= 0) || element->number > whole_numbers_max) {
        return IMPORT_MALFORMED;
    }
    place->location = position_of(element);
    status = osm_place_describe(tags, place);
    if (status == STATUS_OK) {
        status = osm_place_name(place, element->kind, (uint64_t)element->number);
    }
    return status == STATUS_OK ? import_place_check(place) : import_verdict_of(status);
}

enum import_verdict overpass_element_parse(
    struct slice text, struct osm_tags *tags, struct import_place *place)
{
    const struct location nowhere = {NAN, NAN};
    struct element element = {
        .key = buffer_with_max(KEY_MAX),
        .number = -1,
        .own = nowhere,
        .centre = nowhere,
        .low = nowhere,
        .high = nowhere,
    };
    import_place_reset(place);
    osm_tags_reset(tags);
    const enum import_verdict verdict =
        judge(read_element(text, tags, &element), &element, tags, place);
    buffer_clear(&element.key);
    return verdict;
}
