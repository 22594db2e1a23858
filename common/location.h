/* A point on the Earth as clients write it: ISO 6709 in decimal degrees. */
#ifndef COMMON_LOCATION_H
#define COMMON_LOCATION_H

#include "common/slice.h"
#include "common/status.h"

/* Degrees, north and east positive; latitude within +-90, longitude within +-180. */
struct location {
    double latitude;
    double longitude;
};

/*
 * Sign, digits, optional fraction; for latitude, then longitude (client protocol, IAMAT). `+34-118`
 * is accepted. STATUS_MALFORMED: the form is broken. STATUS_OUT_OF_RANGE: a well-formed number
 * beyond the poles or the date line, decided on the digits, not on a rounded number.
 */
enum status location_parse(struct slice text, struct location *ret_location) MUST_USE;

/* Likewise, for those who do not need the numbers. */
enum status location_check(struct slice text) MUST_USE;

/* Likewise, from two fields as data files have them: with a sign only where it is negative. */
enum status location_parse_fields(
    struct slice latitude, struct slice longitude, struct location *ret_location) MUST_USE;

#endif
