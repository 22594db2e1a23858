/* What tests of the parsers of imported things share: the place that a parser fills, and the tags
 * that it reads on the way. */
#ifndef TESTS_SUPPORT_PARSED_PLACE_H
#define TESTS_SUPPORT_PARSED_PLACE_H

#include "places-worker/import_place.h"
#include "places-worker/osm_place.h"

extern struct osm_tags parsed_tags;
extern struct import_place parsed_place;

int parsed_place_set_up(void **state);
int parsed_place_tear_down(void **state);

#define WITH_PARSED(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, parsed_place_set_up, parsed_place_tear_down)

#endif
