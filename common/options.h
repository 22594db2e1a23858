/* The command line of a process: a table of options from which both the parsing and the help come.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include "common/buffer.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

struct option_spec {
    const char *name;        /* without the dashes, e.g. "topology"; NULL: the one argument that
                                stands alone */
    const char *placeholder; /* e.g. "FILE"; NULL: a switch without a value */
    const char *help;        /* one sentence */
    bool is_required;
    const char **value; /* where the value goes, borrowed from argv; a switch gets its own name */
};

/*
 * Parses `--name VALUE` and `--name=VALUE`, each at most once; what is not given keeps its value.
 * An argument without dashes, or `-`, goes to the option without a name, of which there may be one.
 * At most 64 options. STATUS_MALFORMED: `*complaint` gets one line, without line end, that says
 * what is wrong and points to --help. STATUS_NO_MEMORY, STATUS_FULL: `*complaint` could not take
 * that line.
 * `--help` and `--version` are not errors: they set *ret_is_done after printing to standard output.
 */
enum status options_parse(const char *program,
    const char *purpose,
    const struct option_spec *specs,
    size_t count,
    int argc,
    char **argv,
    bool *ret_is_done,
    struct buffer *complaint) MUST_USE;

#endif
