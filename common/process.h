/*
 * What every program of the herd does around its own work: command line, topology, log, signals;
 * one line and exit status 1 when it cannot begin.
 *
 * Thread: the main thread; process_begin before any other thread is made.
 */
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include "common/buffer.h"
#include "common/log.h"
#include "common/mailbox.h"
#include "common/options.h"
#include "common/status.h"
#include "common/topology.h"

#include <stdbool.h>

struct process {
    const char *program;
    const char *name; /* --name: which process of the topology this is */
    struct topology *topology;
    struct log *log;
    struct mailbox *mailbox; /* gets MAIL_STOP at SIGTERM and SIGINT, MAIL_RELOAD at SIGHUP */
    struct buffer complaint; /* where the cause of a failed start is written */
    struct signals *signals;
};

struct process_spec {
    const char *program;
    const char *purpose; /* one sentence, for --help */
    const struct option_spec
        *options;        /* beside --topology, --name and --log, which every program has */
    size_t option_count; /* at most PROCESS_OPTIONS_MAX */
    bool (*find)(const struct topology *topology, const char *name, size_t *ret_index);
    size_t mails_max;
};

enum { PROCESS_OPTIONS_MAX = 8 };

/*
 * True: the process may go on; *ret_index is its place in the topology. False: all it was asked for
 * is said (--help), and it is to exit. Where it cannot begin, it does not return (process_refuse).
 */
bool process_begin(struct process *process,
    const struct process_spec *spec,
    int argc,
    char **argv,
    size_t *ret_index);

/* Says on standard error and in the log why the process cannot begin (the complaint, else the
 * status), and leaves with exit status 1, at once as process_end does. */
_Noreturn void process_refuse(struct process *process, enum status status);

/*
 * Logs how it ended, writes the log to its end and leaves at once: NNG may not return from closing
 * its sockets (README.md, "NNG"), so nothing waits for them.
 */
_Noreturn void process_end(struct process *process, enum status status);

#endif
