/* A grid over the Earth whose points stand for what is around them, so that neighbours ask the same
 * question (pure). */
#ifndef PLACES_WORKER_GRID_H
#define PLACES_WORKER_GRID_H

#include "common/location.h"

/* The point of the grid that is nearest to `location`, at most 0.71 `grid_m` away; 0: no grid, the
 * location itself. */
struct location grid_round(struct location location, unsigned grid_m);

#endif
