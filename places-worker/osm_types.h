/*
 * What the tags of OpenStreetMap say of a thing, in Google's words (pure; no allocation but in the
 * caller's buffer).
 *
 * Only what the tags say is told: there is no table of names, brands or countries.
 */
#ifndef PLACES_WORKER_OSM_TYPES_H
#define PLACES_WORKER_OSM_TYPES_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stddef.h>

/* One tag, e.g. amenity=cafe. */
struct osm_tag {
    struct slice key;
    struct slice value;
};

/* The value of the tag with this key; empty: there is none. */
struct slice osm_tag_value(const struct osm_tag *tags, size_t count, const char *key);

/*
 * Google's legacy types of a thing with these tags, the telling ones first, separated by spaces:
 * `cafe food store point_of_interest establishment`. A static string, the same pointer for the same
 * kind of thing. NULL: nothing that a person would look for (a bench, a guidepost, a house).
 */
const char *osm_types(const struct osm_tag *tags, size_t count);

/*
 * Appends where it is, for people, from the tags addr:*: `Dorfstrasse 24, Vaduz`. The number comes
 * first where the address has a state (as in North America and Australia). Nothing is appended
 * where neither street nor town is known. STATUS_FULL, STATUS_NO_MEMORY: nothing was appended.
 */
enum status osm_vicinity_append(
    struct buffer *text, const struct osm_tag *tags, size_t count) MUST_USE;

#endif
