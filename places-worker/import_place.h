/* One thing of a file that is imported: a place, or why it is none. */
#ifndef PLACES_WORKER_IMPORT_PLACE_H
#define PLACES_WORKER_IMPORT_PLACE_H

#include "common/buffer.h"
#include "common/location.h"

#include <stdbool.h>
#include <stdint.h>

/* What became of a thing, with the words of the report: `12 skipped: WORDS`. */
#define IMPORT_VERDICTS(X)                                                                         \
    X(IMPORT_TAKEN, "taken")                                                                       \
    X(IMPORT_NO_NAME, "without a name")                                                            \
    X(IMPORT_NO_KIND, "of no kind that people look for")                                           \
    X(IMPORT_NO_POSITION, "without a position on the Earth")                                       \
    X(IMPORT_TOO_LONG, "too long, or with too long a text")                                        \
    X(IMPORT_UNCLEAN, "with control characters or no UTF-8 in a text")                             \
    X(IMPORT_MALFORMED, "malformed")

enum import_verdict {
#define IMPORT_VERDICT_ENUMERATOR(code, text) code,
    IMPORT_VERDICTS(IMPORT_VERDICT_ENUMERATOR)
#undef IMPORT_VERDICT_ENUMERATOR
};
enum { IMPORT_VERDICT_COUNT = IMPORT_MALFORMED + 1 };

/* A static string. */
const char *import_verdict_text(enum import_verdict verdict);

/* Reused from one thing to the next, so that reading allocates nothing. */
struct import_place {
    struct buffer id;       /* within its source: `node/123` */
    struct buffer name;     /* without a control character */
    struct buffer vicinity; /* may be empty */
    const char *types;      /* a static string, as in place.h */
    struct location location;
    uint64_t prominence; /* see ranking.h */
};

struct import_place import_place_none(void);
void import_place_reset(struct import_place *place);
void import_place_clear(struct import_place *place);

bool import_is_on_earth(struct location location);

/* Whether its texts may go out to clients as they are: not empty where they must not be, clean
 * UTF-8. */
enum import_verdict import_place_check(const struct import_place *place);

/* The verdict on a thing of which a text could not be kept. */
enum import_verdict import_verdict_of(enum status status);

#endif
