/* The program gateway: where clients of a herd come by TCP. */
#include "common/process.h"
#include "gateway/gateway.h"

#include <stdlib.h>

enum { MAILS_MAX = 1024 };

int main(int argc, char **argv)
{
    const struct process_spec spec = {
        .program = "gateway",
        .purpose = "Takes the lines of clients by TCP to the servers of a herd, and the answers "
                   "back.",
        .find = topology_find_gateway,
        .mails_max = MAILS_MAX,
    };
    struct process process;
    size_t index;
    if (!process_begin(&process, &spec, argc, argv, &index)) {
        return EXIT_SUCCESS;
    }

    struct gateway *gateway = NULL;
    enum status status = gateway_open(
        process.topology, index, process.mailbox, process.log, &gateway, &process.complaint);
    if (status != STATUS_OK) {
        process_refuse(&process, status);
    }
    status = gateway_run(gateway);
    process_end(&process, status);
}
