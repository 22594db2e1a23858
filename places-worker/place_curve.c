/* Cells of 2^-24 of the whole range each way, some two metres: nearer than that the order does not
 * matter. */
#include "places-worker/place_curve.h"

int64_t place_curve(struct location location)
{
    const uint32_t north = (uint32_t)((location.latitude + 90) / 180 * 0xFFFFFF);
    const uint32_t east = (uint32_t)((location.longitude + 180) / 360 * 0xFFFFFF);
    int64_t position = 0;
    for (unsigned bit = 24; bit-- > 0;) {
        position = position << 2 | (int64_t)((north >> bit & 1) << 1 | (east >> bit & 1));
    }
    return position;
}
