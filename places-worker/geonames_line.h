/*
 * One line of a GeoNames dump (allCountries.txt, LI.txt, cities500.txt): 19 columns between tabs,
 * without quoting. Pure.
 *
 * Settlements, their quarters, administrative areas, mountains, lakes and what people built for
 * others are taken; streams, fields, roads and what is there no more are not.
 */
#ifndef PLACES_WORKER_GEONAMES_LINE_H
#define PLACES_WORKER_GEONAMES_LINE_H

#include "places-worker/import_place.h"

enum { GEONAMES_COLUMNS = 19 };

/* `line` is without its line end. *place is written whatever the verdict is. */
enum import_verdict geonames_line_parse(struct slice line, struct import_place *place);

#endif
