/* The sources and the kinds of place that are known by name: what they are credited with and what
 * Google calls them. */
#ifndef PLACES_WORKER_PLACE_CATALOGUE_H
#define PLACES_WORKER_PLACE_CATALOGUE_H

#include "common/slice.h"
#include "places-worker/ranking.h"

struct place_source {
    const char *name;        /* the first part of its ids */
    const char *attribution; /* HTML; data/NOTICE says under which licence the credit is owed */
};

struct place_kind {
    const char *name;
    const char *types; /* Google's legacy types, separated by spaces */
    enum ranking_family family;
};

/* By name; a static object, or NULL: there is none of that name. */
const struct place_source *place_catalogue_source(struct slice name);
const struct place_kind *place_catalogue_kind(struct slice name);

#endif
