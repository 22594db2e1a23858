/* Two values that each test finds empty. */
#include "tests/support/parsed_place.h"

struct osm_tags parsed_tags;
struct import_place parsed_place;

int parsed_place_set_up(void **state)
{
    (void)state;
    osm_tags_init(&parsed_tags);
    parsed_place = import_place_none();
    return 0;
}

int parsed_place_tear_down(void **state)
{
    (void)state;
    osm_tags_clear(&parsed_tags);
    import_place_clear(&parsed_place);
    return 0;
}
