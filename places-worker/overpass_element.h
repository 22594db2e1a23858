/*
 * One of the `elements` of Overpass JSON: a node with its position, or a way or relation with
 * `center` (`out center`) or `bounds` (`out bb`, `out geom`). Pure.
 */
#ifndef PLACES_WORKER_OVERPASS_ELEMENT_H
#define PLACES_WORKER_OVERPASS_ELEMENT_H

#include "places-worker/osm_place.h"

/* `tags` is room to work in. *place is written whatever the verdict is. */
enum import_verdict overpass_element_parse(
    struct slice text, struct osm_tags *tags, struct import_place *place);

#endif
