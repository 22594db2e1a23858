/* Parsing and help, both from the same table. */
#include "common/options.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS_MAX = 64 }; /* one bit each tells whether it was given */

/* `name`, `name PLACEHOLDER`: how an option is written. */
static int written_length(const struct option_spec *spec)
{
    const size_t name = spec->name == NULL ? 0 : strlen("--") + strlen(spec->name);
    const size_t space = spec->name == NULL || spec->placeholder == NULL ? 0 : 1;
    return (int)(name + space + (spec->placeholder == NULL ? 0 : strlen(spec->placeholder)));
}

static void print_option(const struct option_spec *spec, int width)
{
    const char *placeholder = spec->placeholder == NULL ? "" : spec->placeholder;
    printf("  %s%s%s%s%*s  %s%s\n",
        spec->name == NULL ? "" : "--",
        spec->name == NULL ? "" : spec->name,
        spec->name == NULL || spec->placeholder == NULL ? "" : " ",
        placeholder,
        width - written_length(spec),
        "",
        spec->help,
        spec->is_required ? " (required)" : "");
}

static void print_help(
    const char *program, const char *purpose, const struct option_spec *specs, size_t count)
{
    const struct option_spec common[] = {
        {.name = "help", .help = "Shows this text."},
        {.name = "version", .help = "Shows the version."},
    };
    int width = written_length(&common[1]);
    const char *alone = NULL;
    for (size_t i = 0; i < count; i++) {
        const int length = written_length(&specs[i]);
        width = length > width ? length : width;
        alone = specs[i].name == NULL ? specs[i].placeholder : alone;
    }

    printf("%s: %s\n\nUsage: %s OPTION...%s%s\n\n",
        program,
        purpose,
        program,
        alone == NULL ? "" : " ",
        alone == NULL ? "" : alone);
    for (size_t i = 0; i < count; i++) {
        print_option(&specs[i], width);
    }
    print_option(&common[0], width);
    print_option(&common[1], width);
}

/* The option of that name, or NULL. */
static const struct option_spec *find(
    const struct option_spec *specs, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (specs[i].name != NULL && slice_equals(slice_of(specs[i].name), name)) {
            return &specs[i];
        }
    }
    return NULL;
}

/* The one without a name, or NULL. */
static const struct option_spec *find_alone(const struct option_spec *specs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (specs[i].name == NULL) {
            return &specs[i];
        }
    }
    return NULL;
}

/* `PROGRAM: BEFORE TEXT AFTER; see PROGRAM --help`: STATUS_MALFORMED, or why that could not be
 * written. */
static enum status complain(struct buffer *complaint,
    const char *program,
    const char *before,
    struct slice text,
    const char *after)
{
    const enum status status = buffer_append_format(complaint,
        "%s: %s%.*s%s; see %s --help",
        program,
        before,
        (int)text.length,
        text.data,
        after,
        program);
    return status == STATUS_OK ? STATUS_MALFORMED : status;
}

enum status options_parse(const char *program,
    const char *purpose,
    const struct option_spec *specs,
    size_t count,
    int argc,
    char **argv,
    bool *ret_is_done,
    struct buffer *complaint)
{
    assert(count <= OPTIONS_MAX);
    uint64_t given = 0;
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];
        if (strcmp(argument, "--help") == 0) {
            print_help(program, purpose, specs, count);
            *ret_is_done = true;
            return STATUS_OK;
        }
        if (strcmp(argument, "--version") == 0) {
            printf("%s %s\n", program, HERD_VERSION);
            *ret_is_done = true;
            return STATUS_OK;
        }
        if (strncmp(argument, "--", 2) != 0) {
            const struct option_spec *alone = find_alone(specs, count);
            const uint64_t alone_bit = alone == NULL ? 0 : UINT64_C(1) << (alone - specs);
            if (alone == NULL || (given & alone_bit) != 0 ||
                (argument[0] == '-' && argument[1] != '\0')) {
                return complain(
                    complaint, program, "unexpected argument '", slice_of(argument), "'");
            }
            given |= alone_bit;
            *alone->value = argument;
            continue;
        }

        const char *value = strchr(argument, '=');
        const size_t written = value == NULL ? strlen(argument) : (size_t)(value - argument);
        const struct slice dashed = slice_of_bytes(argument, written);
        const struct option_spec *spec = find(specs, count, slice_from(dashed, 2));
        if (spec == NULL) {
            return complain(complaint, program, "unknown option ", dashed, "");
        }
        const uint64_t bit = UINT64_C(1) << (spec - specs);
        if ((given & bit) != 0) {
            return complain(complaint, program, "option ", dashed, " is given twice");
        }
        given |= bit;

        if (spec->placeholder == NULL) {
            if (value != NULL) {
                return complain(complaint, program, "option ", dashed, " takes no value");
            }
            *spec->value = spec->name;
            continue;
        }
        if (value != NULL) {
            *spec->value = value + 1;
            continue;
        }
        if (i + 1 == argc || strncmp(argv[i + 1], "--", 2) == 0) {
            return complain(complaint, program, "option ", dashed, " needs a value");
        }
        i++;
        *spec->value = argv[i];
    }

    for (size_t i = 0; i < count; i++) {
        if (specs[i].is_required && (given & (UINT64_C(1) << i)) == 0) {
            const bool is_alone = specs[i].name == NULL;
            return complain(complaint,
                program,
                is_alone ? "argument " : "option --",
                slice_of(is_alone ? specs[i].placeholder : specs[i].name),
                " is missing");
        }
    }
    *ret_is_done = false;
    return STATUS_OK;
}
