/*
 * The topology file read again while its process runs, at SIGHUP, and what the process says of it.
 *
 * Taken over is `places.workers`, by each kind of process in its own way. All else holds as it was
 * at the start; what of it the file has changed since is named in the log and on the status page. A
 * file that is refused changes nothing.
 *
 * Thread: the loop.
 */
#ifndef COMMON_RELOAD_H
#define COMMON_RELOAD_H

#include "common/json_writer.h"
#include "common/log.h"
#include "common/topology.h"

enum { RELOAD_TEXT_MAX = 256 }; /* all parts and a name */

struct reload {
    const struct topology *running;    /* what the process was started with */
    unsigned parts;                    /* those that it uses: 1U << part for each */
    uint64_t digest;                   /* of the topology that was taken last */
    char restart_for[RELOAD_TEXT_MAX]; /* what of it waits for a restart: "nodes, limits", or "" */
};

/* Nothing was read again yet. The topology is borrowed; changes of other parts do not matter. */
struct reload reload_of(const struct topology *running, unsigned parts);

/* What the file says now, new (topology_destroy). NULL: it is refused, and the log has the cause.
 */
struct topology *reload_read(const struct reload *reload, struct log *log);

/*
 * The process has taken over what it can of `topology`. Notes and logs what it could not; `own` is
 * a part of the workers that waits for a restart too, as places.workers.NAME, or NULL.
 */
void reload_note(
    struct reload *reload, const struct topology *topology, const char *own, struct log *log);

/* Writes the member "topology" of a status page: its digest, as 16 digits, and restart_for. */
void reload_write_status(const struct reload *reload, struct json_writer *json);

#endif
