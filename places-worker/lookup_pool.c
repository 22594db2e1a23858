/* Threads that wait at one mailbox. */
#include "places-worker/lookup_pool.h"

#include <pthread.h>
#include <stdlib.h>

struct worker_thread {
    pthread_t thread;
    struct lookup_pool *pool;
    struct provider_chain *chain;
};

struct lookup_pool {
    struct mailbox *work;
    struct mailbox *done; /* borrowed */
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

enum status lookup_pool_start(const struct provider_chain_settings *settings,
    unsigned threads,
    struct mailbox *done,
    struct lookup_pool **ret_pool,
    struct buffer *complaint)
{
    struct lookup_pool *pool = calloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
    if (pool == NULL) {
        return STATUS_NO_MEMORY;
    }
    pool->done = done;
    enum status status = mailbox_create(1, &pool->work);
    for (unsigned i = 0; i < threads && status == STATUS_OK; i++) {
        pool->threads[i].pool = pool;
        status = provider_chain_create(settings, &pool->threads[i].chain, complaint);
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
    mailbox_destroy(pool->work);
    free(pool);
}
