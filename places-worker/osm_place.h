/* What the tags of a thing of OpenStreetMap make of it as a place; shared by the forms in which
 * such things come. */
#ifndef PLACES_WORKER_OSM_PLACE_H
#define PLACES_WORKER_OSM_PLACE_H

#include "places-worker/import_place.h"
#include "places-worker/json_cursor.h"
#include "places-worker/osm_types.h"

enum { OSM_TAGS_MAX = 1024, OSM_TAG_TEXT_MAX = 128 * 1024 };

/* The tags of one thing after the other. */
struct osm_tags {
    size_t count;
    struct buffer text; /* keys and values in a row */
    struct {
        size_t key_length;
        size_t value_length;
    } lengths[OSM_TAGS_MAX];
    struct osm_tag tags[OSM_TAGS_MAX]; /* borrow from `text`; made by osm_tags_read */
};

void osm_tags_init(struct osm_tags *tags);
void osm_tags_reset(struct osm_tags *tags);
void osm_tags_clear(struct osm_tags *tags);

/*
 * Reads an object of texts, `{"amenity": "cafe", ...}`; numbers count as they are written, values
 * of other types are passed over. What the cursor says of it: STATUS_FULL where there are too many
 * or too long ones.
 */
bool osm_tags_read(struct osm_tags *tags, struct json_cursor *cursor);

/* Fills in name, vicinity, types and prominence; the rest of *place stays. STATUS_FULL. */
enum status osm_place_describe(const struct osm_tags *tags, struct import_place *place) MUST_USE;

enum osm_kind { OSM_NODE, OSM_WAY, OSM_RELATION };

/* Writes `node/123` into the place's id. STATUS_FULL. */
enum status osm_place_name(
    struct import_place *place, enum osm_kind kind, uint64_t number) MUST_USE;

#endif
