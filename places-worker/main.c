/* The program places-worker: looks up what is near a place, for the gateways of a herd. */
#include "common/process.h"
#include "places-worker/worker.h"

#include <stdlib.h>

enum { MAILS_MAX = 1024 };

int main(int argc, char **argv)
{
    const char *database = NULL;
    const struct option_spec options[] = {
        {"database",
            "FILE",
            "The places database, instead of the topology's or the one that was built.",
            false,
            &database},
    };
    const struct process_spec spec = {
        .program = "places-worker",
        .purpose = "Looks up what is near a place, for the gateways of a herd.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .find = topology_find_worker,
        .mails_max = MAILS_MAX,
    };
    struct process process;
    size_t index;
    if (!process_begin(&process, &spec, argc, argv, &index)) {
        return EXIT_SUCCESS;
    }

    const char *const from_topology = process.topology->places.database;
    const struct worker_settings settings = {
        .topology = process.topology,
        .index = index,
        .database = database != NULL        ? database
                    : from_topology != NULL ? from_topology
                                            : PLACES_DATABASE,
        .mailbox = process.mailbox,
        .log = process.log,
    };
    struct worker *worker = NULL;
    enum status status = worker_open(&settings, &worker, &process.complaint);
    if (status != STATUS_OK) {
        process_refuse(&process, status);
    }
    status = worker_run(worker);
    process_end(&process, status);
}
