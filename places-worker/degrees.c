/* Goes through a whole number of ten-millionths of a degree, which no locale can dress up. */
#include "places-worker/degrees.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { PARTS_PER_DEGREE = 10 * 1000 * 1000 };

size_t degrees_format(double degrees, char ret_text[DEGREES_TEXT_SIZE])
{
    assert(degrees >= -180 && degrees <= 180);
    const int64_t parts = llround(degrees * PARTS_PER_DEGREE);
    const int64_t size = parts < 0 ? -parts : parts;
    const char *const sign = parts < 0 ? "-" : "";
    const int64_t fraction = size % PARTS_PER_DEGREE;

    int length = snprintf(ret_text,
        DEGREES_TEXT_SIZE,
        "%s%" PRId64 ".%07" PRId64,
        sign,
        size / PARTS_PER_DEGREE,
        fraction);
    assert(length > 0 && length < DEGREES_TEXT_SIZE);
    while (ret_text[length - 1] == '0') {
        length--;
    }
    if (ret_text[length - 1] == '.') {
        length--;
    }
    ret_text[length] = '\0';
    return (size_t)length;
}
