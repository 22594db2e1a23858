/* Reads, compares by digests, and tells. */
#include "common/reload.h"

#include "common/buffer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COMPLAINT_MAX = 4096, DIGEST_SIZE = 17 };

struct reload reload_of(const struct topology *running, unsigned parts)
{
    assert((parts & 1U << TOPOLOGY_WORKERS) == 0);
    return (struct reload){.running = running, .parts = parts, .digest = topology_digest(running)};
}

struct topology *reload_read(const struct reload *reload, struct log *log)
{
    struct topology *topology = NULL;
    struct buffer complaint = buffer_with_max(COMPLAINT_MAX);
    const enum status status = topology_read(reload->running->path, &topology, &complaint);
    if (status != STATUS_OK) {
        log_event(log,
            "topology_refused",
            log_bytes("cause",
                complaint.length > 0 ? buffer_slice(&complaint) : slice_of(status_text(status))));
    }
    buffer_clear(&complaint);
    return topology;
}

static void add_to_list(char list[RELOAD_TEXT_MAX], const char *name)
{
    const size_t length = strlen(list);
    const int added =
        snprintf(list + length, RELOAD_TEXT_MAX - length, "%s%s", length > 0 ? ", " : "", name);
    assert(added >= 0 && (size_t)added < RELOAD_TEXT_MAX - length);
}

void reload_note(
    struct reload *reload, const struct topology *topology, const char *own, struct log *log)
{
    reload->digest = topology_digest(topology);
    reload->restart_for[0] = '\0';
    for (enum topology_part part = 0; part < TOPOLOGY_PARTS; part++) {
        const bool is_used = (reload->parts & 1U << part) != 0;
        if (is_used && topology->digests[part] != reload->running->digests[part]) {
            add_to_list(reload->restart_for, topology_part_name(part));
        }
    }
    if (own != NULL) {
        add_to_list(reload->restart_for, own);
    }
    log_event(
        log, "topology_reloaded", log_number("workers", (int64_t)topology->places.worker_count));
    if (reload->restart_for[0] != '\0') {
        log_event(log,
            "restart_needed",
            log_text("for", reload->restart_for),
            log_text("cause", "a running process takes over places.workers alone"));
    }
}

void reload_write_status(const struct reload *reload, struct json_writer *json)
{
    char digest[DIGEST_SIZE];
    (void)snprintf(digest, sizeof digest, "%016" PRIx64, reload->digest);
    json_writer_begin_object(json, "topology");
    json_writer_text(json, "digest", slice_of(digest));
    json_writer_text(json, "restart_for", slice_of(reload->restart_for));
    json_writer_end_object(json);
}
