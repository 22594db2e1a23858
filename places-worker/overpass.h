/*
 * OpenStreetMap through an Overpass server: a look-up as queries, and what comes back as places.
 * Knows no network.
 *
 * Overpass cannot sort by distance, and where it limits a reply it leaves out what it likes. So the
 * caller asks for a small circle first and for wider ones until there are enough in one that came
 * whole: those are the nearest. When a reply was limited, the next circle lies between the widest
 * that came whole and that one. What was found is kept by distance meanwhile.
 * Limits: replies of OVERPASS_REPLY_MAX bytes, OVERPASS_ELEMENTS_MAX elements;
 * OVERPASS_REQUESTS_MAX requests.
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
    OVERPASS_REQUESTS_MAX = 12, /* six circles to 50 km, and as many again in a dense place */
};

/* Appends the form that is posted. `within_s`: what the server may take. STATUS_FULL,
 * STATUS_NO_MEMORY. */
enum status overpass_append_form(
    struct buffer *text, const struct nearby *nearby, double radius_m, unsigned within_s) MUST_USE;

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
    size_t wanted;     /* as many as fit; 1 or more */
    unsigned requests; /* whose replies were read */
    double whole_m;    /* the widest circle that came whole; 0: none did */
    double limited_m;  /* the narrowest of which some were left out; INFINITY: of none */
    size_t count;
    struct overpass_place places[OVERPASS_RESULTS_MAX];
};

void overpass_begin(struct overpass_places *places, const struct nearby *nearby);

/*
 * The circle to ask for next, in whole metres, at least 1. False: there is nothing more to be won;
 * the nearest are known, or a dozen requests did not find out which of too many are.
 */
bool overpass_next(
    const struct overpass_places *places, const struct nearby *nearby, double *ret_radius_m);

/*
 * Adds what the whole HTTP answer to a circle has. False: it is a failure, and `answer` says which:
 * another HTTP status than 200, a page instead of data, or a remark that the query did not come to
 * its end.
 */
bool overpass_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    double radius_m,
    struct overpass_places *places,
    struct provider_answer *answer) MUST_USE;

/* Fills `answer` with the places that were found. */
void overpass_answer(const struct overpass_places *places,
    const struct nearby *nearby,
    struct provider_answer *answer);

#endif
