/* Times as clients write them, in whole nanoseconds and never as floating point, and the difference
 * of two. */
#ifndef COMMON_TIMESTAMP_H
#define COMMON_TIMESTAMP_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

/*
 * Digits, optionally a point and one or more digits; digits after the ninth are ignored (client
 * protocol, IAMAT). STATUS_MALFORMED: anything else. STATUS_OUT_OF_RANGE: past the year 2262, where
 * ns leave 63 bits. The result is 0 or more.
 */
enum status timestamp_parse(struct slice text, int64_t *ret_ns) MUST_USE;

/* The longest difference, `-9223372036.854775807`, and its terminator. */
#define TIMESTAMP_DIFFERENCE_SIZE 22

/* Seconds with sign and nine decimals (`+0.263873386`), with terminator; returns the length. |ns| <
 * 2^63. */
size_t timestamp_difference_format(int64_t ns, char ret_text[TIMESTAMP_DIFFERENCE_SIZE]);

#endif
