/* One place, as the answers are written from it. */
#ifndef PLACES_WORKER_PLACE_H
#define PLACES_WORKER_PLACE_H

#include "common/location.h"
#include "common/slice.h"

/* All slices are borrowed UTF-8. */
struct place {
    struct slice id;          /* unique among all sources: `geonames:5408522` */
    struct slice name;        /* never empty */
    struct slice vicinity;    /* where it is, for people; may be empty */
    struct slice types;       /* Google's words, separated by spaces: `locality political` */
    struct slice attribution; /* HTML that credits its source; may be empty */
    struct location location;
};

enum {
    PLACE_ID_MAX = 127,    /* with its source */
    PLACE_NAME_MAX = 1023, /* OpenStreetMap allows 255 characters of up to four bytes */
    PLACE_VICINITY_MAX = 1023,
};

#endif
