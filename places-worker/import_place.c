/* Bounds and cleanliness, which are the same for every source. */
#include "places-worker/import_place.h"

#include "common/utf8.h"
#include "places-worker/place.h"

enum { SOURCE_NAME_MAX = 32 }; /* and a colon: what an id in the database has before this one */

const char *import_verdict_text(enum import_verdict verdict)
{
    static const char *const texts[] = {
#define VERDICT_TEXT(code, text) [code] = (text),
        IMPORT_VERDICTS(VERDICT_TEXT)
#undef VERDICT_TEXT
    };
    return texts[verdict];
}

struct import_place import_place_none(void)
{
    return (struct import_place){
        .id = buffer_with_max(PLACE_ID_MAX - SOURCE_NAME_MAX - 1),
        .name = buffer_with_max(PLACE_NAME_MAX),
        .vicinity = buffer_with_max(PLACE_VICINITY_MAX),
    };
}

void import_place_reset(struct import_place *place)
{
    buffer_reset(&place->id);
    buffer_reset(&place->name);
    buffer_reset(&place->vicinity);
    place->types = NULL;
    place->location = (struct location){0, 0};
    place->prominence = 0;
}

void import_place_clear(struct import_place *place)
{
    buffer_clear(&place->id);
    buffer_clear(&place->name);
    buffer_clear(&place->vicinity);
}

bool import_is_on_earth(struct location location)
{
    return location.latitude >= -90 && location.latitude <= 90 && location.longitude >= -180 &&
           location.longitude <= 180;
}

enum import_verdict import_place_check(const struct import_place *place)
{
    if (place->name.length == 0) {
        return IMPORT_NO_NAME;
    }
    if (place->types == NULL) {
        return IMPORT_NO_KIND;
    }
    if (!import_is_on_earth(place->location)) {
        return IMPORT_NO_POSITION;
    }
    if (place->id.length == 0) {
        return IMPORT_MALFORMED;
    }
    return utf8_is_clean(buffer_slice(&place->id)) && utf8_is_clean(buffer_slice(&place->name)) &&
                   utf8_is_clean(buffer_slice(&place->vicinity))
               ? IMPORT_TAKEN
               : IMPORT_UNCLEAN;
}

enum import_verdict import_verdict_of(enum status status)
{
    return status == STATUS_FULL ? IMPORT_TOO_LONG : IMPORT_MALFORMED;
}
