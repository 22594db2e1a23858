/*
 * Whether the bytes a server sent are the answer that a command must get, to the letter of the
 * client protocol.
 *
 * Pure and without memory: the caller says what was asked, the oldest first.
 */
#ifndef BENCH_REPLY_CHECKER_H
#define BENCH_REPLY_CHECKER_H

#include "common/slice.h"

#include <stdbool.h>

enum reply_verdict {
    REPLY_INCOMPLETE, /* right so far, or not yet to be told; more bytes are needed */
    REPLY_RIGHT,
    REPLY_REFUSED, /* `? ` and the command: the server did not take it */
    REPLY_WRONG,
};

struct reply {
    enum reply_verdict verdict;
    size_t length; /* bytes it takes up, line ends included; a wrong one: up to its line end */
    struct slice server; /* REPLY_RIGHT: the name in the AT line, borrowed from the bytes */
};

enum { REPLY_SERVER_NAME_MAX = 64 };

/*
 * To IAMAT: `AT NAME +S.NNNNNNNNN ` and an exact copy of `report`, which is `id location time` as
 * it was sent. command: the whole line as it was sent, without its line end.
 */
struct reply reply_check_iamat(struct slice bytes, struct slice command, struct slice report);

/*
 * To WHATSAT: the AT line of `report`, then a JSON object without an empty line in it, then two
 * line ends. scanned_from is where the search for the end may start: 0, or the length of the bytes
 * of an earlier REPLY_INCOMPLETE.
 */
struct reply reply_check_whatsat(
    struct slice bytes, size_t scanned_from, struct slice command, struct slice report);

#endif
