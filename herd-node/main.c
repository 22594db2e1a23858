/* The program herd-node: one server of a herd. */
#include "common/process.h"
#include "herd-node/node.h"

#include <stdlib.h>

enum { MAILS_MAX = 1024 };

int main(int argc, char **argv)
{
    const struct process_spec spec = {
        .program = "herd-node",
        .purpose = "One server of a herd: keeps the reports of clients and gossips them to its "
                   "neighbours.",
        .find = topology_find_node,
        .mails_max = MAILS_MAX,
    };
    struct process process;
    size_t index;
    if (!process_begin(&process, &spec, argc, argv, &index)) {
        return EXIT_SUCCESS;
    }

    struct node *node = NULL;
    enum status status =
        node_open(process.topology, index, process.mailbox, process.log, &node, &process.complaint);
    if (status != STATUS_OK) {
        process_refuse(&process, status);
    }
    status = node_run(node);
    process_end(&process, status);
}
