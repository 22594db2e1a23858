/* Fields between tabs; coordinates by way of the parser that clients' positions go through. */
#include "places-worker/place_line.h"

#include "common/utf8.h"
#include "places-worker/place.h"

#include <stdbool.h>

const char place_line_header[] =
    "kind\tid\tname\tlatitude\tlongitude\tprominence\tvicinity\tcountry";

enum {
    FIELD_KIND,
    FIELD_ID,
    FIELD_NAME,
    FIELD_LATITUDE,
    FIELD_LONGITUDE,
    FIELD_PROMINENCE,
    FIELD_VICINITY,
    FIELD_COUNTRY,
    FIELD_COUNT
};

static struct slice take_until(struct slice *rest, char end)
{
    size_t length = 0;
    while (length < rest->length && rest->data[length] != end) {
        length++;
    }
    const struct slice taken = slice_of_bytes(rest->data, length);
    *rest = slice_from(*rest, length);
    return taken;
}

static bool split(struct slice line, struct slice ret_fields[FIELD_COUNT])
{
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (i > 0 && !slice_take_byte(&line, '\t')) {
            return false;
        }
        ret_fields[i] = take_until(&line, '\t');
    }
    return line.length == 0;
}

enum status place_line_parse(struct slice line, struct place_line *ret_place)
{
    struct slice fields[FIELD_COUNT];
    if (!split(line, fields)) {
        return STATUS_MALFORMED;
    }
    struct slice id = fields[FIELD_ID];
    const struct slice source = take_until(&id, ':');
    struct place_line place = {
        .kind = place_catalogue_kind(fields[FIELD_KIND]),
        .source = place_catalogue_source(source),
        .id = id.length > 0 ? slice_from(id, 1) : id,
        .name = fields[FIELD_NAME],
        .vicinity = fields[FIELD_VICINITY],
    };
    if (place.kind == NULL || place.source == NULL || place.id.length == 0 ||
        place.name.length == 0 || !utf8_is_clean(place.id) || !utf8_is_clean(place.name) ||
        !utf8_is_clean(place.vicinity) ||
        !slice_parse_number(fields[FIELD_PROMINENCE], INT32_MAX, &place.prominence)) {
        return STATUS_MALFORMED;
    }
    if (fields[FIELD_ID].length > PLACE_ID_MAX || place.name.length > PLACE_NAME_MAX ||
        place.vicinity.length > PLACE_VICINITY_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    const enum status status =
        location_parse_fields(fields[FIELD_LATITUDE], fields[FIELD_LONGITUDE], &place.location);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_place = place;
    return STATUS_OK;
}
