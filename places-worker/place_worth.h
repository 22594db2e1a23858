/*
 * What a place of some kind is worth in a short list: which family it belongs to, and a prominence
 * for sources that have none, comparable to a number of inhabitants (see ranking.h).
 */
#ifndef PLACES_WORKER_PLACE_WORTH_H
#define PLACES_WORKER_PLACE_WORTH_H

#include "common/slice.h"
#include "places-worker/ranking.h"

#include <stdint.h>

struct place_worth {
    enum ranking_family family;
    uint64_t prominence;
};

/* By the first of its types, which is the telling one: `restaurant food ...`. */
struct place_worth place_worth_of(struct slice types);

#endif
