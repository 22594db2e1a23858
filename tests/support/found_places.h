/* What tests that look places up share. */
#ifndef TESTS_SUPPORT_FOUND_PLACES_H
#define TESTS_SUPPORT_FOUND_PLACES_H

#include "places-worker/place_store.h"

/* The names, in their order, are `A B C`. */
void found_places_expect(const struct place_results *found, const char *wanted);

#endif
