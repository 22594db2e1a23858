/*
 * One feature of GeoJSON (RFC 7946) with the tags of OpenStreetMap as its properties, as `osmium
 * export` writes them. Pure.
 *
 * A feature is known by what OpenStreetMap calls it: an id like `n12`, `w12`, `a24` (`osmium export
 * -u type_id`; an area is a way or a relation), `node/12`, or the properties @type and @id (`-a
 * type,id`). Any other has a digest of its id, or else of its name, kind and position.
 */
#ifndef PLACES_WORKER_GEOJSON_FEATURE_H
#define PLACES_WORKER_GEOJSON_FEATURE_H

#include "places-worker/osm_place.h"

/* `tags` is room to work in. *place is written whatever the verdict is. */
enum import_verdict geojson_feature_parse(
    struct slice text, struct osm_tags *tags, struct import_place *place);

#endif
