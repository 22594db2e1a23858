/*
 * The embedded places: what is near a point, from a database that place_writer made.
 *
 * Owns:   one connection to the database, read-only. When another file has taken the place of the
 *         one that was opened (after an import), the next look-up opens that one; where it cannot,
 *         a later one tries again, what was opened stays, and place_store_refusal says why.
 * Thread: one thread for each store; open one per thread.
 * Limits: PLACE_STORE_CANDIDATES_MAX places are judged per look-up. Where the circle holds more,
 * the look-up is done again in a smaller circle about the same centre, so that its cost stays
 * bounded.
 */
#ifndef PLACES_WORKER_PLACE_STORE_H
#define PLACES_WORKER_PLACE_STORE_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/location.h"
#include "common/status.h"
#include "places-worker/place.h"
#include "places-worker/ranking.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Twelve times what the fullest circle of 50 km holds of the shipped data; some 15 ms. */
    PLACE_STORE_CANDIDATES_MAX = 20000,
};

struct place_store;

/*
 * path is copied. On failure *complaint gets one line that names the file and the cause:
 * STATUS_NOT_FOUND, STATUS_NOT_PERMITTED, STATUS_MALFORMED (not a places database, or a damaged
 * one), STATUS_UNSUPPORTED_VERSION (one of another version), STATUS_NO_MEMORY.
 */
enum status place_store_open(
    const char *path, struct place_store **ret_store, struct buffer *complaint) MUST_USE;
void place_store_close(struct place_store *store);

struct place_query {
    struct location centre;
    double radius_m;    /* 0 .. 50 000 */
    size_t results_max; /* 0 .. RANKING_RESULTS_MAX */
    enum ranking_order order;
    struct instant deadline;
};

/* Embedded in the caller's struct; large. */
struct place_results {
    size_t count;
    bool is_any_nearby;  /* also where results_max is 0 */
    bool is_narrowed;    /* the circle held too many places: the farther ones were not judged */
    uint64_t candidates; /* places that were judged */
    struct place places[RANKING_RESULTS_MAX]; /* best first; they borrow from `texts`: valid until
                                                 the next look-up */
    struct {
        char id[PLACE_ID_MAX];
        char name[PLACE_NAME_MAX];
        char vicinity[PLACE_VICINITY_MAX];
    } texts[RANKING_RESULTS_MAX];
};

/*
 * STATUS_TIMED_OUT: the deadline passed. STATUS_MALFORMED: the database is damaged. STATUS_IO: it
 * could not be read. The results borrow from the store too (types, attributions).
 */
enum status place_store_find(struct place_store *store,
    const struct place_query *query,
    struct place_results *results) MUST_USE;

/*
 * Why the last look-up could not open the file that has taken the place of the one that was opened,
 * in one line; empty: it had no need to, or did not try again so soon. Valid until the next
 * look-up.
 */
struct slice place_store_refusal(const struct place_store *store);

#endif
