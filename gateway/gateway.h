/*
 * A gateway: the loop that joins clients, nodes and places workers.
 *
 *   clients ──lines──▶ session ──commands──▶ dispatch ──batches──▶ nodes
 *                                               │ found
 *                                               ▼
 *                                            lookups ──────────▶ places workers
 *
 * Thread: the main thread.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "common/buffer.h"
#include "common/log.h"
#include "common/mailbox.h"
#include "common/status.h"
#include "common/topology.h"

struct gateway;

/*
 * Opens everything, or nothing: then *complaint gets one line that names the cause. All pointers
 * are borrowed until the end. STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_NOT_FOUND,
 * STATUS_MALFORMED, STATUS_NO_MEMORY, STATUS_IO.
 */
enum status gateway_open(const struct topology *topology,
    size_t index,
    struct mailbox *mailbox,
    struct log *log,
    struct gateway **ret_gateway,
    struct buffer *complaint) MUST_USE;

/*
 * Serves until MAIL_STOP, and then until every client has what it is owed, or the topology's
 * drain_ms are over. STATUS_IO: NNG has stopped working.
 */
enum status gateway_run(struct gateway *gateway) MUST_USE;

/* Of a gateway that never ran; one that did ends with its process. NULL is allowed. */
void gateway_close(struct gateway *gateway);

#endif
