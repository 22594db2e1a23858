/* A table, tried from the top: what is said first there decides. */
#include "places-worker/osm_types.h"

#include <stdbool.h>
#include <string.h>

#define PLACE "point_of_interest establishment" /* what every one of them is */

struct rule {
    const char *key;
    const char *values; /* a|b|c, or * for any but `no` */
    const char *also;   /* key=value that has to be there too; NULL: none */
    const char *types;  /* NULL: not to be shown */
};

static const struct rule rules[] = {
    /* Furniture of streets has names too, and nobody looks for it. */
    {"amenity",
        "parking_space|parking_entrance|bench|waste_basket|vending_machine|bicycle_parking|"
        "recycling|waste_disposal|hunting_stand|shelter|drinking_water|post_box|telephone",
        NULL,
        NULL},

    {"amenity", "restaurant", NULL, "restaurant food " PLACE},
    {"amenity", "fast_food", NULL, "meal_takeaway restaurant food " PLACE},
    {"amenity", "cafe", NULL, "cafe food store " PLACE},
    {"amenity", "bar|pub|biergarten", NULL, "bar " PLACE},
    {"amenity", "nightclub", NULL, "night_club " PLACE},
    {"amenity", "ice_cream", NULL, "food store " PLACE},
    {"amenity", "school|kindergarten", NULL, "school " PLACE},
    {"amenity", "college|university", NULL, "university " PLACE},
    {"amenity", "library", NULL, "library " PLACE},
    {"amenity", "hospital", NULL, "hospital health " PLACE},
    {"amenity", "clinic|doctors", NULL, "doctor health " PLACE},
    {"amenity", "dentist", NULL, "dentist health " PLACE},
    {"amenity", "pharmacy", NULL, "pharmacy store health " PLACE},
    {"amenity", "veterinary", NULL, "veterinary_care " PLACE},
    {"amenity", "bank", NULL, "bank finance " PLACE},
    {"amenity", "atm", NULL, "atm finance " PLACE},
    {"amenity", "bureau_de_change", NULL, "finance " PLACE},
    {"amenity", "fuel", NULL, "gas_station " PLACE},
    {"amenity", "parking", NULL, "parking " PLACE},
    {"amenity", "car_rental", NULL, "car_rental " PLACE},
    {"amenity", "car_wash", NULL, "car_wash " PLACE},
    {"amenity", "taxi", NULL, "taxi_stand " PLACE},
    {"amenity", "bus_station", NULL, "bus_station transit_station " PLACE},
    {"amenity", "police", NULL, "police " PLACE},
    {"amenity", "fire_station", NULL, "fire_station " PLACE},
    {"amenity", "post_office", NULL, "post_office finance " PLACE},
    {"amenity", "townhall", NULL, "city_hall local_government_office " PLACE},
    {"amenity", "courthouse", NULL, "courthouse " PLACE},
    {"amenity", "embassy", NULL, "embassy " PLACE},
    {"amenity", "cinema", NULL, "movie_theater " PLACE},
    {"amenity", "casino", NULL, "casino " PLACE},
    {"amenity", "place_of_worship", "religion=christian", "church place_of_worship " PLACE},
    {"amenity", "place_of_worship", "religion=muslim", "mosque place_of_worship " PLACE},
    {"amenity", "place_of_worship", "religion=jewish", "synagogue place_of_worship " PLACE},
    {"amenity", "place_of_worship", "religion=hindu", "hindu_temple place_of_worship " PLACE},
    {"amenity", "place_of_worship", NULL, "place_of_worship " PLACE},
    {"amenity", "grave_yard", NULL, "cemetery " PLACE},

    {"tourism", "hotel|motel|hostel|guest_house|apartment", NULL, "lodging " PLACE},
    {"tourism", "museum", NULL, "museum tourist_attraction " PLACE},
    {"tourism", "gallery", NULL, "art_gallery " PLACE},
    {"tourism", "theme_park", NULL, "amusement_park tourist_attraction " PLACE},
    {"tourism", "zoo", NULL, "zoo tourist_attraction " PLACE},
    {"tourism", "aquarium", NULL, "aquarium tourist_attraction " PLACE},
    {"tourism", "camp_site", NULL, "campground " PLACE},
    {"tourism", "caravan_site", NULL, "rv_park " PLACE},

    {"shop", "supermarket", NULL, "supermarket grocery_or_supermarket food store " PLACE},
    {"shop", "convenience", NULL, "convenience_store food store " PLACE},
    {"shop", "bakery", NULL, "bakery food store " PLACE},
    {"shop", "alcohol|wine", NULL, "liquor_store store " PLACE},
    {"shop", "clothes|fashion", NULL, "clothing_store store " PLACE},
    {"shop", "shoes", NULL, "shoe_store store " PLACE},
    {"shop", "books", NULL, "book_store store " PLACE},
    {"shop", "electronics|computer|mobile_phone", NULL, "electronics_store store " PLACE},
    {"shop", "jewelry", NULL, "jewelry_store store " PLACE},
    {"shop", "furniture", NULL, "furniture_store home_goods_store store " PLACE},
    {"shop", "hardware|doityourself", NULL, "hardware_store store " PLACE},
    {"shop", "florist", NULL, "florist store " PLACE},
    {"shop", "bicycle", NULL, "bicycle_store store " PLACE},
    {"shop", "car", NULL, "car_dealer store " PLACE},
    {"shop", "car_repair", NULL, "car_repair " PLACE},
    {"shop", "hairdresser", NULL, "hair_care " PLACE},
    {"shop", "beauty", NULL, "beauty_salon " PLACE},
    {"shop", "laundry|dry_cleaning", NULL, "laundry " PLACE},
    {"shop", "mall", NULL, "shopping_mall " PLACE},
    {"shop", "department_store", NULL, "department_store store " PLACE},
    {"shop", "pet", NULL, "pet_store store " PLACE},
    {"shop", "travel_agency", NULL, "travel_agency " PLACE},
    {"shop", "*", NULL, "store " PLACE},

    {"leisure", "park|garden|nature_reserve", NULL, "park " PLACE},
    {"leisure", "stadium", NULL, "stadium " PLACE},
    {"leisure", "fitness_centre|sports_centre", NULL, "gym health " PLACE},
    {"leisure", "bowling_alley", NULL, "bowling_alley " PLACE},

    {"office", "diplomatic", NULL, "embassy " PLACE},
    {"office", "lawyer", NULL, "lawyer " PLACE},
    {"office", "estate_agent", NULL, "real_estate_agency " PLACE},
    {"office", "insurance", NULL, "insurance_agency " PLACE},
    {"office", "government", NULL, "local_government_office " PLACE},

    {"railway",
        "station|halt",
        "station=subway",
        "subway_station train_station transit_station " PLACE},
    {"railway", "station|halt", NULL, "train_station transit_station " PLACE},
    {"railway", "tram_stop", NULL, "light_rail_station transit_station " PLACE},
    {"aeroway", "aerodrome", NULL, "airport " PLACE},
    {"aeroway", "heliport", NULL, PLACE},

    {"landuse", "cemetery", NULL, "cemetery " PLACE},
    {"tourism", "attraction|viewpoint|artwork", NULL, "tourist_attraction " PLACE},
    {"historic", "*", NULL, "tourist_attraction " PLACE},

    /* Signs and maps in a landscape; an office that informs is a place. */
    {"tourism", "information", "information=office", PLACE},
    {"tourism", "information", "information=visitor_centre", PLACE},
    {"tourism", "information", NULL, NULL},

    /* What Google had no word for. */
    {"amenity", "*", NULL, PLACE},
    {"tourism", "*", NULL, PLACE},
    {"leisure", "*", NULL, PLACE},
    {"office", "*", NULL, PLACE},
    {"healthcare", "*", NULL, "health " PLACE},
    {"craft", "*", NULL, PLACE},
};

struct slice osm_tag_value(const struct osm_tag *tags, size_t count, const char *key)
{
    const struct slice wanted = slice_of(key);
    for (size_t i = 0; i < count; i++) {
        if (slice_equals(tags[i].key, wanted)) {
            return tags[i].value;
        }
    }
    return slice_of_bytes(NULL, 0);
}

/* The part of `text` before `separator`; all of it where there is none. */
static struct slice part_before(struct slice text, char separator)
{
    const char *const end = text.length == 0 ? NULL : memchr(text.data, separator, text.length);
    return end == NULL ? text : slice_of_bytes(text.data, (size_t)(end - text.data));
}

/* `values` as in a rule. */
static bool is_one_of(struct slice value, const char *values)
{
    struct slice rest = slice_of(values);
    if (slice_equals(rest, slice_of("*"))) {
        return !slice_equals(value, slice_of("no"));
    }
    while (rest.length > 0) {
        const struct slice choice = part_before(rest, '|');
        if (slice_equals(choice, value)) {
            return true;
        }
        rest = slice_from(rest, choice.length);
        slice_take_byte(&rest, '|');
    }
    return false;
}

/* `condition` is key=value. */
static bool holds(const char *condition, const struct osm_tag *tags, size_t count)
{
    const struct slice key = part_before(slice_of(condition), '=');
    const struct slice value = slice_from(slice_of(condition), key.length + 1);
    for (size_t i = 0; i < count; i++) {
        if (slice_equals(tags[i].key, key)) {
            return slice_equals(tags[i].value, value);
        }
    }
    return false;
}

static bool applies(const struct rule *rule, const struct osm_tag *tags, size_t count)
{
    /* of several values (`cafe;bakery`) the first is the one that says what it is */
    const struct slice value = part_before(osm_tag_value(tags, count, rule->key), ';');
    return value.length > 0 && is_one_of(value, rule->values) &&
           (rule->also == NULL || holds(rule->also, tags, count));
}

const char *osm_types(const struct osm_tag *tags, size_t count)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (applies(&rules[i], tags, count)) {
            return rules[i].types;
        }
    }
    return NULL;
}

enum status osm_vicinity_append(struct buffer *text, const struct osm_tag *tags, size_t count)
{
    const struct slice street_alone = osm_tag_value(tags, count, "addr:street");
    const struct slice street =
        street_alone.length > 0 ? street_alone : osm_tag_value(tags, count, "addr:place");
    const struct slice house = street.length > 0 ? osm_tag_value(tags, count, "addr:housenumber")
                                                 : slice_of_bytes(NULL, 0);
    const struct slice town = osm_tag_value(tags, count, "addr:city");
    const bool house_first = osm_tag_value(tags, count, "addr:state").length > 0;

    const struct slice first = house_first ? house : street;
    const struct slice second = house_first ? street : house;
    const struct slice nothing = slice_of("");
    const struct slice parts[] = {
        first,
        first.length > 0 && second.length > 0 ? slice_of(" ") : nothing,
        second,
        street.length > 0 && town.length > 0 ? slice_of(", ") : nothing,
        town,
    };
    const size_t start = text->length;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const enum status status = buffer_append(text, parts[i]);
        if (status != STATUS_OK) {
            buffer_truncate(text, start);
            return status;
        }
    }
    return STATUS_OK;
}
