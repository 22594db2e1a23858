/* What a Nearby Search can end with, in Google's legacy terms, how that is counted, and the answer
 * text for an end without results. */
#ifndef COMMON_PLACES_STATUS_H
#define COMMON_PLACES_STATUS_H

#include "common/buffer.h"
#include "common/json_writer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

/* PLACES_X is written `X`. Their order is their number in messages. */
#define PLACES_STATUS_TABLE(X)                                                                     \
    X(OK)                                                                                          \
    X(ZERO_RESULTS)                                                                                \
    X(INVALID_REQUEST)                                                                             \
    X(OVER_QUERY_LIMIT)                                                                            \
    X(OVER_DAILY_LIMIT)                                                                            \
    X(REQUEST_DENIED)                                                                              \
    X(UNKNOWN_ERROR)                                                                               \
    X(NOT_FOUND)

enum places_status {
#define PLACES_STATUS_ENUMERATOR(name) PLACES_##name,
    PLACES_STATUS_TABLE(PLACES_STATUS_ENUMERATOR)
#undef PLACES_STATUS_ENUMERATOR
};

enum {
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a term of a sum */
#define PLACES_STATUS_ONE(name) +1
    PLACES_STATUSES = PLACES_STATUS_TABLE(PLACES_STATUS_ONE), /* how many there are */
#undef PLACES_STATUS_ONE
};

/* As Google writes it, e.g. "ZERO_RESULTS"; a static string. */
const char *places_status_text(enum places_status status);

/* The member "by_status": an object with those that were counted. */
void places_status_write_counts(
    struct json_writer *json, const uint64_t by_status[PLACES_STATUSES]);

/*
 * Appends the JSON text of an answer without results, in Google's white space, without a line end:
 * `error_message` (left out where it is empty), `html_attributions`, `results`, `status`.
 * STATUS_FULL and STATUS_NO_MEMORY: nothing was appended.
 */
enum status places_failure_append(
    struct buffer *text, enum places_status status, struct slice error_message) MUST_USE;

#endif
