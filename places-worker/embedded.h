/* The provider that asks nobody: places from the database that is shipped, or that was imported. */
#ifndef PLACES_WORKER_EMBEDDED_H
#define PLACES_WORKER_EMBEDDED_H

#include "common/instant.h"
#include "common/message.h"
#include "places-worker/place_store.h"
#include "places-worker/provider_answer.h"

/* `results` is the caller's scratch. Fails with UNKNOWN_ERROR when the database cannot be read, or
 * not in time. */
void embedded_answer(struct place_store *store,
    enum ranking_order order,
    const struct nearby *nearby,
    struct instant deadline,
    struct place_results *results,
    struct provider_answer *answer);

#endif
