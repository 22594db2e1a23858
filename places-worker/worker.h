/*
 * A places worker: takes look-ups from gateways, has its threads do them, and answers.
 *
 * Owns:   its listener, its threads, its admin endpoint.
 * Thread: one, which runs the loop; all state is the loop's, the threads of the pool only do
 * look-ups.
 */
#ifndef PLACES_WORKER_WORKER_H
#define PLACES_WORKER_WORKER_H

#include "common/buffer.h"
#include "common/log.h"
#include "common/mailbox.h"
#include "common/status.h"
#include "common/topology.h"

struct worker;

struct worker_settings {
    const struct topology
        *topology;        /* borrowed for the worker's lifetime, likewise mailbox and log */
    size_t index;         /* of the worker in the topology */
    const char *database; /* path; only read by worker_open */
    struct mailbox *mailbox;
    struct log *log;
};

/*
 * Opens everything that is needed; look-ups are taken from now on and answered once worker_run
 * runs. On failure *complaint gets one line that names the cause.
 */
enum status worker_open(const struct worker_settings *settings,
    struct worker **ret_worker,
    struct buffer *complaint) MUST_USE;

/*
 * Runs until MAIL_STOP; then finishes what is in hand, but at most for limits.drain_ms. STATUS_OK:
 * it was stopped. STATUS_IO: NNG is dead in this process.
 */
enum status worker_run(struct worker *worker) MUST_USE;

/* Waits for look-ups that are being done; NULL is allowed. */
void worker_close(struct worker *worker);

#endif
