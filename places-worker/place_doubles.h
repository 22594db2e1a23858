/*
 * New places that are there already, by another id: two sources have the same station, and people
 * draw a castle as a point and as a shape. Of such a pair nobody wants to see both.
 *
 *   same kind                     how far apart   left out
 *   stations of another source    150 m           the new one, whatever the two are called
 *   airports of another source    2 km            likewise
 *   same name, another source     500 m           the new one
 *   same name, same import        50 m            the one of less prominence, or of the greater id
 *
 * What the database has by its own id is never left out: it is what it was, or is replaced.
 */
#ifndef PLACES_WORKER_PLACE_DOUBLES_H
#define PLACES_WORKER_PLACE_DOUBLES_H

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

/*
 * Takes them out of the table `gathered` (id, latitude, longitude, prominence, kind, name) with the
 * new places of this source (its number); the others are those of place_schema.h. False: the
 * database says why.
 */
bool place_doubles_drop(struct sqlite3 *database, int64_t source, uint64_t *ret_count);

#endif
