/* What a client's line asks for. Pure; README.md, "Commands", has the rules. */
#ifndef GATEWAY_COMMAND_H
#define GATEWAY_COMMAND_H

#include "common/slice.h"

#include <stdint.h>

enum command_kind {
    COMMAND_INVALID, /* anything that breaks a rule: answered with `? ` and the line */
    COMMAND_IAMAT,
    COMMAND_WHATSAT,
};

enum {
    COMMAND_RADIUS_KM_MAX = 50,
    COMMAND_RESULTS_MAX = 20,
};

/* The slices are borrowed from the line. */
struct command {
    enum command_kind kind;
    struct slice id;       /* IAMAT, WHATSAT */
    struct slice location; /* IAMAT, likewise time and time_ns */
    struct slice time;
    int64_t time_ns;
    double radius_m; /* WHATSAT, likewise results_max */
    unsigned results_max;
};

/* `line` without its line end. */
struct command command_parse(struct slice line);

#endif
