/*
 * OpenStreetMap through an Overpass server: a look-up as queries, and what comes back as places.
 * Knows no network.
 *
 * Overpass cannot sort by distance, and where it limits a reply the rest is left out at random.
 * So the caller asks for a small circle first and for wider ones (overpass_radius_m) until there
 * are enough; what was found is kept by distance meanwhile.
 * Limits: replies of OVERPASS_REPLY_MAX bytes, OVERPASS_ELEMENTS_MAX elements.
 */
#ifndef PLACES_WORKER_OVERPASS_H
#define PLACES_WORKER_OVERPASS_H

#include "common/buffer.h"
#include "common/location.h"
#include "common/message.h"
#include "common/slice.h"
#include "common/status.h"
#include "places-worker/place.h"
#include "places-worker/provider_answer.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    OVERPASS_REPLY_MAX = 1024 * 1024, /* twice what so many elements usually need */
    OVERPASS_ELEMENTS_MAX = 400,
    OVERPASS_RESULTS_MAX = 20,
};

/* The circle of a step, 0 first, in metres; the last step has the whole radius (at least 1 m). */
double overpass_radius_m(const struct nearby *nearby, unsigned step);
bool overpass_is_last(const struct nearby *nearby, unsigned step);

/* Appends the form that is posted. `within_s`: what the server may take. STATUS_FULL,
 * STATUS_NO_MEMORY. */
enum status overpass_append_form(
    struct buffer *text, const struct nearby *nearby, unsigned step, unsigned within_s) MUST_USE;

struct overpass_place {
    double distance_m;
    struct location location;
    const char *types;
    size_t id_length;
    size_t name_length;
    size_t vicinity_length;
    char id[PLACE_ID_MAX];
    char name[PLACE_NAME_MAX];
    char vicinity[PLACE_VICINITY_MAX];
};

/* The nearest places of all replies that were read, nearest first. */
struct overpass_places {
    size_t wanted;   /* as many as fit; 1 or more */
    bool is_limited; /* a reply left some out: wider circles add nothing that is nearer */
    size_t count;
    struct overpass_place places[OVERPASS_RESULTS_MAX];
};

void overpass_begin(struct overpass_places *places, const struct nearby *nearby);

/* Whether there is nothing to be won by asking for a wider circle. */
bool overpass_is_enough(const struct overpass_places *places);

/*
 * Adds what a whole HTTP answer has. False: it is a failure, and `answer` says which: another HTTP
 * status than 200, a page instead of data, or a remark that the query did not come to its end.
 */
bool overpass_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    unsigned step,
    struct overpass_places *places,
    struct provider_answer *answer) MUST_USE;

/* Fills `answer` with the places that were found. */
void overpass_answer(const struct overpass_places *places,
    const struct nearby *nearby,
    struct provider_answer *answer);

#endif
