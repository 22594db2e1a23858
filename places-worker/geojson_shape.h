/* One point for a whole shape: GeoJSON's coordinates, read as they come and not kept. */
#ifndef PLACES_WORKER_GEOJSON_SHAPE_H
#define PLACES_WORKER_GEOJSON_SHAPE_H

#include "common/location.h"
#include "places-worker/json_cursor.h"

#include <stdbool.h>

/*
 * Reads the value of "coordinates" of any geometry. A point is itself; of areas (a closed line is
 * one) the centre of gravity of the greatest; of lines the middle of the points of the longest.
 * *ret_is_there: there is a point at all; only then *ret_location is written. A centre may lie
 * outside of a shape that is bent around it, and never outside of its box.
 */
bool geojson_shape_read(
    struct json_cursor *cursor, bool *ret_is_there, struct location *ret_location);

#endif
