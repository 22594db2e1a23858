/* Members come in any order, so each is kept until all were seen. */
#include "places-worker/geojson_feature.h"

#include "places-worker/fnv_digest.h"
#include "places-worker/geojson_shape.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { ID_TEXT_MAX = 255, KEY_MAX = 255 };

static const double whole_numbers_max = 9007199254740992; /* 2^53 */

struct feature {
    struct buffer id; /* as text, also where it is a number */
    struct buffer key;
    bool is_feature;
    bool has_location;
    struct location location;
};

static bool is(const struct buffer *text, const char *word)
{
    return slice_equals(buffer_slice(text), slice_of(word));
}

static bool read_id(struct json_cursor *cursor, struct buffer *id)
{
    buffer_reset(id);
    if (json_cursor_peek(cursor) == '"') {
        return json_cursor_text(cursor, id);
    }
    double number;
    if (json_cursor_peek(cursor) == 'n') {
        return json_cursor_skip(cursor);
    }
    if (!json_cursor_number(cursor, &number)) {
        return false;
    }
    /* An id that is no whole number is as good as any other text for a digest. */
    return buffer_append_format(id, fabs(number) < whole_numbers_max ? "%.0f" : "%.17g", number) ==
           STATUS_OK;
}

static bool read_type(struct json_cursor *cursor, struct feature *feature)
{
    buffer_reset(&feature->key);
    if (!json_cursor_text(cursor, &feature->key)) {
        return false;
    }
    feature->is_feature = is(&feature->key, "Feature");
    return true;
}

static bool read_geometry(struct json_cursor *cursor, struct feature *feature)
{
    if (json_cursor_peek(cursor) == 'n') {
        return json_cursor_skip(cursor);
    }
    json_cursor_open(cursor, '{');
    while (json_cursor_member(cursor, &feature->key)) {
        if (is(&feature->key, "coordinates")) {
            geojson_shape_read(cursor, &feature->has_location, &feature->location);
        } else {
            json_cursor_skip(cursor);
        }
    }
    return cursor->status == STATUS_OK;
}

static enum status read_feature(struct slice text, struct osm_tags *tags, struct feature *feature)
{
    struct json_cursor cursor = json_cursor_over(text);
    json_cursor_open(&cursor, '{');
    while (json_cursor_member(&cursor, &feature->key)) {
        if (is(&feature->key, "type")) {
            read_type(&cursor, feature);
        } else if (is(&feature->key, "id")) {
            read_id(&cursor, &feature->id);
        } else if (is(&feature->key, "geometry")) {
            read_geometry(&cursor, feature);
        } else if (is(&feature->key, "properties") && json_cursor_peek(&cursor) == '{') {
            osm_tags_read(tags, &cursor);
        } else {
            json_cursor_skip(&cursor);
        }
    }
    return json_cursor_finish(&cursor);
}

/* `n12`, `a24`, `node/12`: what OpenStreetMap calls it; false: it is none of these. */
static bool parse_osm_id(struct slice id, enum osm_kind *ret_kind, uint64_t *ret_number)
{
    static const struct {
        const char *prefix;
        enum osm_kind kind;
    } forms[] = {
        {"node/", OSM_NODE},
        {"way/", OSM_WAY},
        {"relation/", OSM_RELATION},
        {"n", OSM_NODE},
        {"w", OSM_WAY},
        {"r", OSM_RELATION},
        {"a", OSM_WAY},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct slice prefix = slice_of(forms[i].prefix);
        uint64_t number;
        if (id.length > prefix.length && memcmp(id.data, prefix.data, prefix.length) == 0 &&
            slice_parse_number(slice_from(id, prefix.length), INT64_MAX, &number)) {
            /* An area has twice the number of its way, or twice that of its relation and one. */
            const bool is_area = prefix.data[0] == 'a';
            *ret_kind = is_area && number % 2 == 1 ? OSM_RELATION : forms[i].kind;
            *ret_number = is_area ? number / 2 : number;
            return true;
        }
    }
    return false;
}

/* For one that has no id that lasts. */
static enum status name_by_digest(const struct feature *feature, struct import_place *place)
{
    uint64_t digest = FNV_DIGEST_START;
    if (feature->id.length > 0) {
        digest = fnv_digest(digest, buffer_slice(&feature->id));
    } else {
        char position[64];
        const int length = snprintf(position,
            sizeof position,
            " %.7f %.7f",
            place->location.latitude,
            place->location.longitude);
        digest = fnv_digest(digest, buffer_slice(&place->name));
        digest = fnv_digest(digest, slice_of(place->types == NULL ? "" : place->types));
        digest = fnv_digest(digest, slice_of_bytes(position, (size_t)length));
    }
    return buffer_append_format(&place->id, "feature/%016" PRIx64, digest);
}

static enum status name_feature(
    const struct feature *feature, const struct osm_tags *tags, struct import_place *place)
{
    enum osm_kind kind;
    uint64_t number;
    if (parse_osm_id(buffer_slice(&feature->id), &kind, &number)) {
        return osm_place_name(place, kind, number);
    }
    char id[64];
    const struct slice type = osm_tag_value(tags->tags, tags->count, "@type");
    const struct slice digits = osm_tag_value(tags->tags, tags->count, "@id");
    const int length = snprintf(
        id, sizeof id, "%.*s/%.*s", (int)type.length, type.data, (int)digits.length, digits.data);
    if (length > 0 && (size_t)length < sizeof id &&
        parse_osm_id(slice_of_bytes(id, (size_t)length), &kind, &number)) {
        return osm_place_name(place, kind, number);
    }
    return name_by_digest(feature, place);
}

static enum import_verdict judge(enum status status,
    const struct feature *feature,
    struct osm_tags *tags,
    struct import_place *place)
{
    if (status != STATUS_OK) {
        return import_verdict_of(status);
    }
    if (!feature->is_feature) {
        return IMPORT_MALFORMED;
    }
    status = osm_place_describe(tags, place);
    place->location = feature->location;
    if (status == STATUS_OK && feature->has_location && import_is_on_earth(place->location)) {
        status = name_feature(feature, tags, place);
    } else if (status == STATUS_OK) {
        place->location.latitude = INFINITY; /* which is nowhere */
    }
    return status == STATUS_OK ? import_place_check(place) : import_verdict_of(status);
}

enum import_verdict geojson_feature_parse(
    struct slice text, struct osm_tags *tags, struct import_place *place)
{
    struct feature feature = {
        .id = buffer_with_max(ID_TEXT_MAX),
        .key = buffer_with_max(KEY_MAX),
    };
    import_place_reset(place);
    osm_tags_reset(tags);
    const enum import_verdict verdict =
        judge(read_feature(text, tags, &feature), &feature, tags, place);
    buffer_clear(&feature.id);
    buffer_clear(&feature.key);
    return verdict;
}
