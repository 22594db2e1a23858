/*
 * Answers about places that are kept for a while, in memory only, by workers and gateways: the
 * oldest go first when there is no room.
 *
 * Thread: one, the loop's. Limits: `bytes_max` for all that is kept, with what it takes to keep it.
 */
#ifndef COMMON_PLACE_CACHE_H
#define COMMON_PLACE_CACHE_H

#include "common/instant.h"
#include "common/message.h"
#include "common/places_provider.h"
#include "common/places_status.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

/* What makes two look-ups the same one, as finely as providers are asked: 10⁻⁷ degrees, 1 mm. */
struct place_key {
    int64_t latitude;
    int64_t longitude;
    int64_t radius;
    int64_t results_max;
};

struct place_key place_key_of(const struct nearby *nearby);
bool place_key_equals(const struct place_key *a, const struct place_key *b);

struct kept_answer {
    enum places_status status;
    enum places_provider provider; /* whose it is */
    struct instant until;          /* it may be given before that */
    struct slice text;             /* of one that is found: borrowed until the cache changes */
};

struct place_cache;

/* bytes_max 0: nothing is ever kept. STATUS_NO_MEMORY. */
enum status place_cache_create(size_t bytes_max, struct place_cache **ret_cache) MUST_USE;

/* NULL is allowed. */
void place_cache_destroy(struct place_cache *cache);

/* False: there is none, or its time is over. */
bool place_cache_find(struct place_cache *cache,
    const struct place_key *key,
    struct instant now,
    struct kept_answer *ret_answer);

/* Keeps a copy, instead of an older one. Where there is no room or memory nothing is kept. */
void place_cache_keep(
    struct place_cache *cache, const struct place_key *key, const struct kept_answer *answer);

struct place_cache_size {
    size_t answers;
    size_t bytes;
};

struct place_cache_size place_cache_size(const struct place_cache *cache);

#endif
