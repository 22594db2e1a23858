/* One table: what strangers ask for and people tell each other of is worth more than what every
 * street has. */
#include "places-worker/place_worth.h"

#include <stddef.h>

struct row {
    const char *type;
    enum ranking_family family;
    uint64_t prominence;
};

static const struct row rows[] = {
    {"locality", RANKING_SETTLEMENTS, 1000},
    {"neighborhood", RANKING_SETTLEMENTS, 1000},
    {"political", RANKING_SETTLEMENTS, 1000},
    {"country", RANKING_SETTLEMENTS, 0},
    {"administrative_area_level_1", RANKING_SETTLEMENTS, 0},
    {"administrative_area_level_2", RANKING_SETTLEMENTS, 0},

    {"airport", RANKING_TRANSPORT, 20000},
    {"train_station", RANKING_TRANSPORT, 5000},
    {"subway_station", RANKING_TRANSPORT, 3000},
    {"bus_station", RANKING_TRANSPORT, 2000},
    {"light_rail_station", RANKING_TRANSPORT, 300},
    {"transit_station", RANKING_TRANSPORT, 300},
    {"gas_station", RANKING_TRANSPORT, 100},
    {"car_rental", RANKING_TRANSPORT, 100},

    {"museum", RANKING_SIGHTS, 4000},
    {"tourist_attraction", RANKING_SIGHTS, 1500},
    {"amusement_park", RANKING_SIGHTS, 4000},
    {"zoo", RANKING_SIGHTS, 4000},
    {"aquarium", RANKING_SIGHTS, 4000},
    {"art_gallery", RANKING_SIGHTS, 800},
    {"stadium", RANKING_SIGHTS, 3000},
    {"casino", RANKING_SIGHTS, 1500},
    {"movie_theater", RANKING_SIGHTS, 1500},
    {"park", RANKING_SIGHTS, 800},
    {"natural_feature", RANKING_SIGHTS, 800},
    {"church", RANKING_SIGHTS, 600},
    {"mosque", RANKING_SIGHTS, 600},
    {"synagogue", RANKING_SIGHTS, 600},
    {"hindu_temple", RANKING_SIGHTS, 600},
    {"place_of_worship", RANKING_SIGHTS, 600},

    {"restaurant", RANKING_FOOD, 500},
    {"cafe", RANKING_FOOD, 400},
    {"bar", RANKING_FOOD, 300},
    {"night_club", RANKING_FOOD, 300},
    {"meal_takeaway", RANKING_FOOD, 200},
    {"food", RANKING_FOOD, 200},

    {"lodging", RANKING_LODGING, 900},
    {"campground", RANKING_LODGING, 500},
    {"rv_park", RANKING_LODGING, 200},

    {"shopping_mall", RANKING_SHOPS, 3000},
    {"department_store", RANKING_SHOPS, 1500},
    {"supermarket", RANKING_SHOPS, 600},
    {"bakery", RANKING_SHOPS, 200},
    {"book_store", RANKING_SHOPS, 200},

    {"university", RANKING_SERVICES, 3000},
    {"hospital", RANKING_SERVICES, 3000},
    {"city_hall", RANKING_SERVICES, 1500},
    {"library", RANKING_SERVICES, 800},
    {"school", RANKING_SERVICES, 300},
    {"post_office", RANKING_SERVICES, 400},
    {"police", RANKING_SERVICES, 300},
    {"embassy", RANKING_SERVICES, 300},
    {"pharmacy", RANKING_SERVICES, 200},
    {"bank", RANKING_SERVICES, 200},

    {"parking", RANKING_MINOR, 0},
    {"atm", RANKING_MINOR, 0},
    {"taxi_stand", RANKING_MINOR, 0},
    {"car_wash", RANKING_MINOR, 0},
    {"cemetery", RANKING_MINOR, 0},
};

static const char *const shop_words[] = {"store", "car_dealer"};

/* `clothing_store store ...`: a shop of a kind that has no row. */
static bool is_shop(struct slice types)
{
    struct slice type = slice_next_word(&types);
    while (type.length > 0) {
        for (size_t i = 0; i < sizeof shop_words / sizeof shop_words[0]; i++) {
            if (slice_equals(type, slice_of(shop_words[i]))) {
                return true;
            }
        }
        type = slice_next_word(&types);
    }
    return false;
}

struct place_worth place_worth_of(struct slice types)
{
    struct slice rest = types;
    const struct slice first = slice_next_word(&rest);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (slice_equals(first, slice_of(rows[i].type))) {
            return (struct place_worth){rows[i].family, rows[i].prominence};
        }
    }
    return is_shop(types) ? (struct place_worth){RANKING_SHOPS, 100}
                          : (struct place_worth){RANKING_SERVICES, 50};
}
