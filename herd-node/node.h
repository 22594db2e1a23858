/*
 * One server of the herd as a process: sockets and clock around the cores. One loop thread owns
 * everything.
 *
 * Owns:   the table, the links to its neighbours, the sockets for gateways and neighbours, its
 * admin endpoint. Thread: all calls from the thread that runs the loop.
 */
#ifndef HERD_NODE_NODE_H
#define HERD_NODE_NODE_H

#include "common/buffer.h"
#include "common/log.h"
#include "common/mailbox.h"
#include "common/status.h"
#include "common/topology.h"

#include <stdbool.h>

struct node;

/*
 * Opens everything for the node `index` of the topology; both and the log are borrowed for its
 * lifetime, MAIL_STOP is expected in `mailbox`. On failure *complaint gets one line that names the
 * cause, and nothing is left open. STATUS_ADDRESS_IN_USE, STATUS_NOT_PERMITTED, STATUS_MALFORMED
 * (an address), STATUS_NO_MEMORY.
 */
enum status node_open(const struct topology *topology,
    size_t index,
    struct mailbox *mailbox,
    struct log *log,
    struct node **ret_node,
    struct buffer *complaint) MUST_USE;

/*
 * Works until MAIL_STOP has come and what is owed is done: requests answered, neighbours told, at
 * most limits.drain_ms long. STATUS_OK, or STATUS_IO when NNG's machinery is found dead and only a
 * new process helps.
 */
enum status node_run(struct node *node) MUST_USE;

void node_close(struct node *node);

#endif
