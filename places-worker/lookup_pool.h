/*
 * The threads of a places worker: each takes a look-up, asks the providers, and gives it back.
 *
 *   loop ──lookup_pool_ask──▶ threads ──MAIL_LOOKUP──▶ loop
 *
 * Owns:   the threads, and a provider_chain for each.
 * Thread: all functions by the loop. Between lookup_pool_ask and the mail, a look-up belongs to the
 * pool. Limits: none of its own: the loop has a fixed number of look-ups.
 */
#ifndef PLACES_WORKER_LOOKUP_POOL_H
#define PLACES_WORKER_LOOKUP_POOL_H

#include "common/instant.h"
#include "common/mailbox.h"
#include "common/message.h"
#include "common/place_cache.h"
#include "places-worker/provider_chain.h"

/* One look-up on its way; the fields above the line are the question. */
struct lookup {
    uint64_t token; /* to respond with */
    struct nearby nearby;
    struct instant received;
    struct instant deadline;
    /* ---- */
    struct provider_answer
        answer; /* never a text longer than MESSAGE_PLACES_MAX; empty: no memory */
    struct provider_attempts attempts;
    struct mail mail; /* the pool's */
    bool is_in_hand;  /* the loop's, likewise: */
    struct place_key key;
    struct lookup *joined; /* those that wait for the same answer */
    struct lookup *next;   /* idle, asked or joined */
};

struct lookup_pool;

/*
 * Opens what the providers need (`gates` of the settings are the pool's own), then starts the
 * threads of this worker (its index in the topology). Look-ups that are done are posted to `done`
 * as MAIL_LOOKUP with the look-up as `source`. Fails as provider_chain_create and machine_turn_open
 * do, with their complaint.
 */
enum status lookup_pool_start(const struct provider_chain_settings *settings,
    size_t worker,
    struct mailbox *done,
    struct lookup_pool **ret_pool,
    struct buffer *complaint) MUST_USE;

void lookup_pool_ask(struct lookup_pool *pool, struct lookup *lookup);

/* There are `workers` now, of which this is number `worker`: limits of providers are divided anew.
 */
void lookup_pool_divide(
    struct lookup_pool *pool, unsigned workers, unsigned worker, struct instant now);

/* Waits for the look-ups that are being done and ends the threads; NULL is allowed. */
void lookup_pool_stop(struct lookup_pool *pool);

#endif
