/*
 * Google's Places API (New), Nearby Search: a look-up as a request, and what comes back as the text
 * of a legacy Nearby Search. Knows no network.
 *
 * The key goes into a header (the caller's), never into a text of this module. Nothing is made up:
 * a field that the reply does not have is left out.
 * Limits: replies of GOOGLE_REPLY_MAX bytes.
 */
#ifndef PLACES_WORKER_GOOGLE_H
#define PLACES_WORKER_GOOGLE_H

#include "common/buffer.h"
#include "common/message.h"
#include "common/slice.h"
#include "common/status.h"
#include "places-worker/provider_answer.h"

#include <stdbool.h>

enum {
    GOOGLE_REPLY_MAX = 1024 * 1024, /* twenty places with ten photos each have a third of it */
};

#define GOOGLE_PATH "/v1/places:searchNearby"

/* What raises the price of a request, and may be left out. */
struct google_fields {
    bool rating; /* rating, user_ratings_total, price_level */
    bool hours;  /* opening_hours */
    bool photos;
};

/* Appends the value of the header X-Goog-FieldMask. STATUS_FULL, STATUS_NO_MEMORY. */
enum status google_append_field_mask(
    struct buffer *text, const struct google_fields *fields) MUST_USE;

/* Appends the JSON that is posted. STATUS_FULL, STATUS_NO_MEMORY. */
enum status google_append_request(
    struct buffer *text, const struct nearby *nearby, bool rank_by_distance) MUST_USE;

/*
 * Fills `answer` from a whole HTTP answer. Failed is: every HTTP status but 200, and a body that is
 * no Nearby Search (UNKNOWN_ERROR). `{}` is ZERO_RESULTS.
 */
void google_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    const char *key,
    struct provider_answer *answer);

#endif
