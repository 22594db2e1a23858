/* Any bytes are a place on the Earth or are refused; a flipped sign gives the opposite place. */
#include "common/location.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct location location = {.latitude = 1000, .longitude = 1000};
    const struct slice text = slice_of_bytes((const char *)data, size);
    const enum status status = location_parse(text, &location);
    check(location_check(text) == status);
    if (status != STATUS_OK) {
        check(status == STATUS_MALFORMED || status == STATUS_OUT_OF_RANGE);
        check(location.latitude == 1000 && location.longitude == 1000);
        return 0;
    }
    check(location.latitude >= -90 && location.latitude <= 90);
    check(location.longitude >= -180 && location.longitude <= 180);

    char *mirrored = malloc(size);
    check(mirrored != NULL);
    memcpy(mirrored, data, size);
    mirrored[0] = mirrored[0] == '+' ? '-' : '+';
    struct location opposite;
    check(location_parse(slice_of_bytes(mirrored, size), &opposite) == STATUS_OK);
    check(opposite.latitude == -location.latitude);
    check(opposite.longitude == location.longitude);
    free(mirrored);
    return 0;
}
