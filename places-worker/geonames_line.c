/* A table of feature codes; coordinates by way of the parser that clients' positions go through. */
#include "places-worker/geonames_line.h"

#include "places-worker/place_worth.h"

#include <math.h>

enum {
    COLUMN_ID = 0,
    COLUMN_NAME = 1,
    COLUMN_LATITUDE = 4,
    COLUMN_LONGITUDE = 5,
    COLUMN_CLASS = 6,
    COLUMN_CODE = 7,
    COLUMN_POPULATION = 14,
};

#define PLACE "point_of_interest establishment"

/* The first that fits decides. */
static const struct rule {
    char class;
    const char *code;  /* NULL: any */
    const char *types; /* NULL: not to be shown */
} rules[] = {
    {'P', "PPLCH", NULL},
    {'P', "PPLH", NULL},
    {'P', "PPLQ", NULL},
    {'P', "PPLW", NULL},
    {'P', "PPLX", "neighborhood political"},
    {'P', NULL, "locality political"},
    {'A', "PCLI", "country political"},
    {'A', "ADM1", "administrative_area_level_1 political"},
    {'A', "ADM2", "administrative_area_level_2 political"},
    {'T', "MT", "natural_feature establishment"},
    {'T', "MTS", "natural_feature establishment"},
    {'T', "PK", "natural_feature establishment"},
    {'T', "VLC", "natural_feature establishment"},
    {'H', "LK", "natural_feature establishment"},
    {'H', "FLLS", "natural_feature establishment"},
    {'L', "PRK", "park " PLACE},
    {'L', "AMUS", "amusement_park tourist_attraction " PLACE},
    {'S', "AIRP", "airport " PLACE},
    {'S', "AIRH", PLACE},
    {'S', "RSTN", "train_station transit_station " PLACE},
    {'S', "RSTP", "train_station transit_station " PLACE},
    {'S', "MTRO", "subway_station transit_station " PLACE},
    {'S', "BUSTN", "bus_station transit_station " PLACE},
    {'S', "HTL", "lodging " PLACE},
    {'S', "GHSE", "lodging " PLACE},
    {'S', "RSRT", "lodging " PLACE},
    {'S', "REST", "restaurant food " PLACE},
    {'S', "HSP", "hospital health " PLACE},
    {'S', "SCH", "school " PLACE},
    {'S', "SCHC", "university " PLACE},
    {'S', "UNIV", "university " PLACE},
    {'S', "LIBR", "library " PLACE},
    {'S', "MUS", "museum tourist_attraction " PLACE},
    {'S', "CSTL", "tourist_attraction " PLACE},
    {'S', "PAL", "tourist_attraction " PLACE},
    {'S', "MNMT", "tourist_attraction " PLACE},
    {'S', "RUIN", "tourist_attraction " PLACE},
    {'S', "ZOO", "zoo tourist_attraction " PLACE},
    {'S', "STDM", "stadium " PLACE},
    {'S', "CH", "church place_of_worship " PLACE},
    {'S', "MSQE", "mosque place_of_worship " PLACE},
    {'S', "SYG", "synagogue place_of_worship " PLACE},
    {'S', "TMPL", "place_of_worship " PLACE},
    {'S', "MALL", "shopping_mall " PLACE},
    {'S', "PO", "post_office finance " PLACE},
    {'S', "CTHSE", "courthouse " PLACE},
    {'S', "DIP", "embassy " PLACE},
    {'S', "BANK", "bank finance " PLACE},
    {'S', "CSNO", "casino " PLACE},
    {'S', "THTR", PLACE},
};

static const char *types_of(struct slice class, struct slice code)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (class.length == 1 && class.data[0] == rules[i].class &&
            (rules[i].code == NULL || slice_equals(code, slice_of(rules[i].code)))) {
            return rules[i].types;
        }
    }
    return NULL;
}

static bool split(struct slice line, struct slice ret_columns[GEONAMES_COLUMNS])
{
    for (size_t i = 0; i < GEONAMES_COLUMNS; i++) {
        const char *const tab = line.length == 0 ? NULL : memchr(line.data, '\t', line.length);
        const size_t length = tab == NULL ? line.length : (size_t)(tab - line.data);
        ret_columns[i] = slice_of_bytes(line.data, length);
        line = slice_from(line, length);
        if (i + 1 < GEONAMES_COLUMNS && !slice_take_byte(&line, '\t')) {
            return false;
        }
    }
    return line.length == 0;
}

enum import_verdict geonames_line_parse(struct slice line, struct import_place *place)
{
    struct slice columns[GEONAMES_COLUMNS];
    uint64_t number;
    uint64_t population = 0;
    import_place_reset(place);
    if (!split(line, columns) || !slice_parse_number(columns[COLUMN_ID], INT64_MAX, &number) ||
        (columns[COLUMN_POPULATION].length > 0 &&
            !slice_parse_number(columns[COLUMN_POPULATION], INT32_MAX, &population))) {
        return IMPORT_MALFORMED;
    }
    enum status status = location_parse_fields(
        columns[COLUMN_LATITUDE], columns[COLUMN_LONGITUDE], &place->location);
    if (status == STATUS_MALFORMED) {
        return IMPORT_MALFORMED;
    }
    if (status == STATUS_OUT_OF_RANGE) {
        place->location.latitude = INFINITY; /* which is nowhere */
    }
    status = buffer_append(&place->id, columns[COLUMN_ID]);
    if (status == STATUS_OK) {
        status = buffer_append(&place->name, columns[COLUMN_NAME]);
    }
    if (status != STATUS_OK) {
        return import_verdict_of(status);
    }
    place->types = types_of(columns[COLUMN_CLASS], columns[COLUMN_CODE]);
    if (place->types != NULL) {
        const bool is_settlement = columns[COLUMN_CLASS].data[0] == 'P';
        place->prominence =
            is_settlement ? population : place_worth_of(slice_of(place->types)).prominence;
    }
    return import_place_check(place);
}
