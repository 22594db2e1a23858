/*
 * Five pairs of digits to the base of 20, each a latitude and a longitude digit (Open Location Code
 * specification, "Encoding"). The steps of the 10-digit grid are 1/8000 degree.
 */
#include "places-worker/plus_code.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

enum {
    BASE = 20,
    PAIRS = 5,
    SEPARATOR_AFTER = 8,
    STEPS_PER_DEGREE = 8000,
    LATITUDE_STEPS = 180 * STEPS_PER_DEGREE,
    LONGITUDE_STEPS = 360 * STEPS_PER_DEGREE,

    /* The specification floors at the finest grid it knows and then divides: the same results at
       the edges of areas. */
    FINE_LATITUDE = 3125,
    FINE_LONGITUDE = 1024,
};

static const char digits[] = "23456789CFGHJMPQRVWX";

void plus_code_format(struct location location, char ret_text[PLUS_CODE_SIZE])
{
    assert(location.latitude >= -90 && location.latitude <= 90);
    assert(location.longitude >= -180 && location.longitude <= 180);
    const double fine_latitude = floor(location.latitude * STEPS_PER_DEGREE * FINE_LATITUDE);
    const double fine_longitude = floor(location.longitude * STEPS_PER_DEGREE * FINE_LONGITUDE);
    int64_t latitude =
        ((int64_t)fine_latitude + (int64_t)LATITUDE_STEPS / 2 * FINE_LATITUDE) / FINE_LATITUDE;
    int64_t longitude =
        ((int64_t)fine_longitude + (int64_t)LONGITUDE_STEPS / 2 * FINE_LONGITUDE) / FINE_LONGITUDE;
    if (latitude >= LATITUDE_STEPS) {
        latitude = LATITUDE_STEPS - 1;
    }
    longitude %= LONGITUDE_STEPS;

    /* From the last pair to the first: position 9, 10 behind the separator, then 6, 7 and so on. */
    for (int pair = PAIRS - 1; pair >= 0; pair--) {
        const int at = pair * 2 + (pair * 2 >= SEPARATOR_AFTER ? 1 : 0);
        ret_text[at] = digits[latitude % BASE];
        ret_text[at + 1] = digits[longitude % BASE];
        latitude /= BASE;
        longitude /= BASE;
    }
    ret_text[SEPARATOR_AFTER] = '+';
    ret_text[PLUS_CODE_SIZE - 1] = '\0';
}
