/* Threads that wait at one mailbox. */
#include "places-worker/lookup_pool.h"

#include "places-worker/machine_turn.h"

#include <pthread.h>
#include <stdlib.h>

struct worker_thread {
    pthread_t thread;
    struct lookup_pool *pool;
    struct provider_chain *chain;
};

struct lookup_pool {
    struct mailbox *work;
    struct mailbox *done;                                /* borrowed */
    struct machine_turn *overpass_turn;                  /* NULL where that is not asked */
    struct provider_gate *gates[TOPOLOGY_PROVIDERS_MAX]; /* by enum places_provider */
    unsigned chain_count;
    unsigned thread_count; /* those that run */
    struct worker_thread threads[];
};

static void *run(void *context)
{
    struct worker_thread *const self = context;
    struct mail *mail = mailbox_wait_one(self->pool->work, INSTANT_NEVER);
    while (mail != NULL) {
        struct lookup *const lookup = mail->source;
        provider_chain_answer(
            self->chain, &lookup->nearby, lookup->deadline, &lookup->answer, &lookup->attempts);
        mailbox_post_urgent(self->pool->done, mail);
        mail = mailbox_wait_one(self->pool->work, INSTANT_NEVER);
    }
    return NULL;
}

/* Public Overpass servers count by address, so all workers here count as one; Google counts by key,
 * and takes many requests at once. */
static enum status open_overpass_turn(
    struct lookup_pool *pool, const struct topology_places *places, struct buffer *complaint)
{
    for (size_t i = 0; i < places->provider_count; i++) {
        if (places->providers[i] == PROVIDER_OVERPASS) {
            return machine_turn_open(places->overpass_url, &pool->overpass_turn, complaint);
        }
    }
    return STATUS_OK;
}

static enum status create_gates(
    struct lookup_pool *pool, const struct topology_places *places, size_t worker)
{
    const struct provider_limits limits = {
        .per_second = places->requests_per_second,
        .per_day = places->requests_per_day,
        .workers = (unsigned)places->worker_count,
        .worker = (unsigned)worker,
        .started = instant_now(),
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX && status == STATUS_OK; i++) {
        struct machine_turn *const turn = i == PROVIDER_OVERPASS ? pool->overpass_turn : NULL;
        status = provider_gate_create(&limits, turn, &pool->gates[i]);
    }
    return status;
}

enum status lookup_pool_start(const struct provider_chain_settings *settings,
    size_t worker,
    struct mailbox *done,
    struct lookup_pool **ret_pool,
    struct buffer *complaint)
{
    const unsigned threads = settings->places->workers[worker].threads;
    struct lookup_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL) {
        return STATUS_NO_MEMORY;
    }
    pool->done = done;
    struct provider_chain_settings shared = *settings;
    shared.gates = pool->gates;
    enum status status = mailbox_create(1, &pool->work);
    if (status == STATUS_OK) {
        status = open_overpass_turn(pool, settings->places, complaint);
    }
    if (status == STATUS_OK) {
        status = create_gates(pool, settings->places, worker);
    }
    for (unsigned i = 0; i < threads && status == STATUS_OK; i++) {
        pool->threads[i].pool = pool;
        status = provider_chain_create(&shared, &pool->threads[i].chain, complaint);
        pool->chain_count += status == STATUS_OK ? 1 : 0;
    }
    for (unsigned i = 0; i < threads && status == STATUS_OK; i++) {
        if (pthread_create(&pool->threads[i].thread, NULL, run, &pool->threads[i]) != 0) {
            status = STATUS_NO_MEMORY;
        } else {
            pool->thread_count++;
        }
    }
    if (status != STATUS_OK) {
        lookup_pool_stop(pool);
        return status;
    }
    *ret_pool = pool;
    return STATUS_OK;
}

void lookup_pool_ask(struct lookup_pool *pool, struct lookup *lookup)
{
    lookup->mail = (struct mail){.kind = MAIL_LOOKUP, .source = lookup};
    mailbox_post_urgent(pool->work, &lookup->mail);
}

void lookup_pool_divide(
    struct lookup_pool *pool, unsigned workers, unsigned worker, struct instant now)
{
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX; i++) {
        provider_gate_divide(pool->gates[i], workers, worker, now);
    }
}

void lookup_pool_stop(struct lookup_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    if (pool->work != NULL) {
        mailbox_close(pool->work);
    }
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i].thread, NULL);
    }
    for (unsigned i = 0; i < pool->chain_count; i++) {
        provider_chain_destroy(pool->threads[i].chain);
    }
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX; i++) {
        provider_gate_destroy(pool->gates[i]);
    }
    machine_turn_close(pool->overpass_turn);
    mailbox_destroy(pool->work);
    free(pool);
}
