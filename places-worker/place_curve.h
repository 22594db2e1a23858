/* The order in which places lie in the database: one that keeps neighbours together, so that a
 * circle reads few pages. */
#ifndef PLACES_WORKER_PLACE_CURVE_H
#define PLACES_WORKER_PLACE_CURVE_H

#include "common/location.h"

#include <stdint.h>

/* Where `location` lies on the curve: bits of the two coordinates by turns (a Z-order curve). */
int64_t place_curve(struct location location);

#endif
