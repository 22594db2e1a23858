/*
 * The providers of a topology in their fall-back order: the next one is asked when one fails.
 *
 * Owns:   a connection to the places database and one to the network, as far as the providers need
 * them. Thread: one thread for each chain. Limits: an answer or a failure by the deadline. A
 * provider on the network leaves time for those behind it.
 */
#ifndef PLACES_WORKER_PROVIDER_CHAIN_H
#define PLACES_WORKER_PROVIDER_CHAIN_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/message.h"
#include "common/status.h"
#include "common/topology.h"
#include "places-worker/provider_answer.h"
#include "places-worker/provider_gate.h"

struct provider_chain;

struct provider_chain_settings {
    const struct topology_places *places; /* borrowed for the chain's lifetime */
    const char *database;                 /* path; only read by create */
    const char *google_key; /* borrowed like `places`; NULL where no provider needs one */
    struct provider_gate *const *gates; /* by enum places_provider; borrowed, shared by chains */
};

/* Whether one of the providers needs a key of Google's. */
bool provider_chain_needs_google_key(const struct topology_places *places);

/*
 * On failure *complaint gets one line: whatever place_store_open says, STATUS_NOT_FOUND (ca_file),
 * STATUS_NO_MEMORY.
 */
enum status provider_chain_create(const struct provider_chain_settings *settings,
    struct provider_chain **ret_chain,
    struct buffer *complaint) MUST_USE;

/* NULL is allowed. */
void provider_chain_destroy(struct provider_chain *chain);

/* What one provider did with a look-up. */
struct provider_attempt {
    enum places_provider provider;
    enum places_status status;
    uint64_t duration_us;
};

struct provider_attempts {
    size_t count;
    struct provider_attempt attempts[TOPOLOGY_PROVIDERS_MAX]; /* in the order they were asked */
};

/*
 * Asks the providers until one answers. `answer->text` is always what the client gets: where all
 * fail, a text without results whose error_message says what each one met; the status is then that
 * of the first. `answer->message` says what the failed ones met, also where a later one answered,
 * and why an old places database is in use where a new one cannot be opened.
 */
void provider_chain_answer(struct provider_chain *chain,
    const struct nearby *nearby,
    struct instant deadline,
    struct provider_answer *answer,
    struct provider_attempts *ret_attempts);

#endif
