/* Two short tables. */
#include "places-worker/place_catalogue.h"

#include <stddef.h>

#define LINK(url, text) "<a href=\"" url "\">" text "</a>"
#define CC_BY_4         LINK("https://creativecommons.org/licenses/by/4.0/", "CC BY 4.0")
#define ODBL_1          LINK("https://opendatacommons.org/licenses/odbl/1.0/", "ODbL 1.0")
#define GEONAMES        "Places from " LINK("https://www.geonames.org/", "GeoNames") " (" CC_BY_4 ")"

static const struct place_source sources[] = {
    {"geonames", GEONAMES},
    {"citiesjson", GEONAMES},
    {"ourairports",
        "Airports from " LINK("https://ourairports.com/data/",
            "OurAirports") ", database by tabletop ANDROID (" ODBL_1 ")"},
    {"trainline",
        "Stations from " LINK(
            "https://github.com/trainline-eu/stations", "trainline-eu/stations") " (" ODBL_1 ")"},
    {"osm",
        "Places \xC2\xA9 " LINK("https://www.openstreetmap.org/copyright",
            "OpenStreetMap contributors") " (" ODBL_1 ")"},
};

static const struct place_kind kinds[] = {
    {"locality", "locality political", RANKING_SETTLEMENTS},
    {"neighborhood", "neighborhood political", RANKING_SETTLEMENTS},
    {"airport", "airport point_of_interest establishment", RANKING_TRANSPORT},
    {"heliport", "point_of_interest establishment", RANKING_MINOR},
    {"seaplane_base", "airport point_of_interest establishment", RANKING_TRANSPORT},
    {"train_station",
        "train_station transit_station point_of_interest establishment",
        RANKING_TRANSPORT},
};

const struct place_source *place_catalogue_source(struct slice name)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (slice_equals(name, slice_of(sources[i].name))) {
            return &sources[i];
        }
    }
    return NULL;
}

const struct place_kind *place_catalogue_kind(struct slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (slice_equals(name, slice_of(kinds[i].name))) {
            return &kinds[i];
        }
    }
    return NULL;
}
