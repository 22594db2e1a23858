/* Beginning and end of a program. */
#include "common/process.h"

#include "common/signals.h"
#include "common/task_threads.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMPLAINT_MAX = 4096, STANDARD_OPTIONS = 3 };

_Noreturn void process_refuse(struct process *process, enum status status)
{
    if (process->complaint.length == 0 &&
        buffer_append_text(&process->complaint, status_text(status)) != STATUS_OK) {
        buffer_reset(&process->complaint);
    }
    const bool is_named = process->name[0] != '\0';
    fprintf(stderr,
        "%s%s%s: %.*s\n",
        process->program,
        is_named ? " " : "",
        process->name,
        (int)process->complaint.length,
        process->complaint.data);
    log_event(process->log, "refused", log_bytes("cause", buffer_slice(&process->complaint)));
    log_close(process->log);
    _exit(EXIT_FAILURE);
}

static enum status parse_options(struct process *process,
    const struct process_spec *spec,
    int argc,
    char **argv,
    const char **ret_topology,
    const char **ret_log,
    bool *ret_is_done)
{
    assert(spec->option_count <= PROCESS_OPTIONS_MAX);
    struct option_spec options[STANDARD_OPTIONS + PROCESS_OPTIONS_MAX] = {
        {"topology", "FILE", "The herd's topology file.", true, ret_topology},
        {"name", "NAME", "Which process of the topology this one is.", true, &process->name},
        {"log",
            "FILE",
            "Where events are logged; - (the default) is standard error.",
            false,
            ret_log},
    };
    for (size_t i = 0; i < spec->option_count; i++) {
        options[STANDARD_OPTIONS + i] = spec->options[i];
    }
    return options_parse(spec->program,
        spec->purpose,
        options,
        STANDARD_OPTIONS + spec->option_count,
        argc,
        argv,
        ret_is_done,
        &process->complaint);
}

static enum status open_log(struct process *process, const char *path)
{
    struct log_limits limits = log_limits_default;
    limits.file_size_max = process->topology->logs.file_size_max;
    limits.files_max = process->topology->logs.files_max;
    const enum status status = log_open(path, &limits, &process->log);
    if (status != STATUS_OK) {
        return buffer_append_format(&process->complaint, "log %s: %s", path, status_text(status)) ==
                       STATUS_OK
                   ? status
                   : STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status begin(struct process *process,
    const struct process_spec *spec,
    int argc,
    char **argv,
    size_t *ret_index,
    bool *ret_is_done)
{
    const char *topology_path = NULL;
    const char *log_path = "-";
    enum status status =
        parse_options(process, spec, argc, argv, &topology_path, &log_path, ret_is_done);
    if (status != STATUS_OK || *ret_is_done) {
        return status;
    }
    signals_block(); /* a SIGHUP that comes now is looked at as soon as somebody can */
    status = topology_read(topology_path, &process->topology, &process->complaint);
    if (status != STATUS_OK) {
        return status;
    }
    if (!spec->find(process->topology, process->name, ret_index)) {
        return buffer_append_format(&process->complaint,
                   "%s has no %s of that name",
                   topology_path,
                   spec->program) == STATUS_OK
                   ? STATUS_NOT_FOUND
                   : STATUS_NO_MEMORY;
    }
    task_threads_leave_one();
    status = open_log(process, log_path);
    if (status != STATUS_OK) {
        return status;
    }
    status = mailbox_create(spec->mails_max, &process->mailbox);
    if (status != STATUS_OK) {
        return status;
    }
    return signals_start(process->mailbox, &process->signals);
}

bool process_begin(struct process *process,
    const struct process_spec *spec,
    int argc,
    char **argv,
    size_t *ret_index)
{
    *process = (struct process){
        .program = spec->program,
        .name = "",
        .complaint = buffer_with_max(COMPLAINT_MAX),
    };
    bool is_done = false;
    const enum status status = begin(process, spec, argc, argv, ret_index, &is_done);
    if (status != STATUS_OK) {
        process_refuse(process, status);
    }
    return !is_done;
}

_Noreturn void process_end(struct process *process, enum status status)
{
    log_event(process->log, "stopped", log_text("status", status_text(status)));
    log_close(process->log);
    _exit(status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE);
}
