/* Reads elements one by one into a short list that is kept in order. */
#include "places-worker/overpass.h"

#include "places-worker/circle.h"
#include "places-worker/degrees.h"
#include "places-worker/legacy_text.h"
#include "places-worker/osm_types.h"
#include "places-worker/url_escape.h"

#include <jansson.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    QUERY_MAX = 2048,
    SERVER_BYTES_MAX =
        64 * 1024 * 1024, /* what a query may use there: a modest one is served sooner */
    TAGS_MAX = 256,       /* of an element; of more the rest is not looked at */
    REMARK_MAX = 512,
};

static const char credit[] = "\xC2\xA9 <a href=\"https://www.openstreetmap.org/copyright\">"
                             "OpenStreetMap contributors</a> (ODbL)";

/* ---- Asking ---- */

static const double steps_m[] = {300, 1000, 3000, 10000, 30000};

static double asked_m(const struct nearby *nearby)
{
    return nearby->radius_m < 1 ? 1 : ceil(nearby->radius_m);
}

/* Wider than what came whole. */
static double wider_m(const struct overpass_places *places, const struct nearby *nearby)
{
    for (size_t i = 0; i < sizeof steps_m / sizeof steps_m[0]; i++) {
        if (steps_m[i] > places->whole_m) {
            return fmin(steps_m[i], asked_m(nearby));
        }
    }
    return asked_m(nearby);
}

/* Between what came whole and what did not; a third is a tenth of the area. */
static double between_m(const struct overpass_places *places)
{
    return places->whole_m == 0 ? floor(places->limited_m / 3)
                                : round(sqrt(places->whole_m * places->limited_m));
}

bool overpass_next(
    const struct overpass_places *places, const struct nearby *nearby, double *ret_radius_m)
{
    const bool is_found = places->count == places->wanted &&
                          places->places[places->count - 1].distance_m <= places->whole_m;
    if (is_found || places->requests == OVERPASS_REQUESTS_MAX) {
        return false;
    }
    const double radius_m = isinf(places->limited_m) ? wider_m(places, nearby) : between_m(places);
    if (radius_m <= places->whole_m || radius_m >= places->limited_m || radius_m < 1) {
        return false;
    }
    *ret_radius_m = radius_m;
    return true;
}

/* Named things of the kinds that osm_types has words for. */
static enum status append_query(
    struct buffer *query, const struct nearby *nearby, double radius_m, unsigned within_s)
{
    static const char amenities[] = "[\"amenity\"][\"amenity\"!~\"^(bench|bicycle_parking|"
                                    "parking_entrance|parking_space|recycling|vending_machine|"
                                    "waste_basket)$\"]";
    static const char *const filters[] = {
        amenities,
        "[~\"^(shop|tourism|leisure|office|healthcare|historic|craft)$\"~\".\"]",
        "[\"railway\"~\"^(station|halt|tram_stop)$\"]",
        "[\"aeroway\"~\"^(aerodrome|heliport)$\"]",
        "[\"landuse\"=\"cemetery\"]",
    };
    char latitude[DEGREES_TEXT_SIZE];
    char longitude[DEGREES_TEXT_SIZE];
    degrees_format(nearby->location.latitude, latitude);
    degrees_format(nearby->location.longitude, longitude);
    enum status status = buffer_append_format(
        query, "[out:json][timeout:%u][maxsize:%d];(", within_s, SERVER_BYTES_MAX);
    for (size_t i = 0; i < sizeof filters / sizeof filters[0] && status == STATUS_OK; i++) {
        status = buffer_append_format(query,
            "nwr(around:%" PRId64 ",%s,%s)[\"name\"]%s;",
            (int64_t)llround(radius_m),
            latitude,
            longitude,
            filters[i]);
    }
    return status == STATUS_OK
               ? buffer_append_format(query, ");out tags center qt %d;", OVERPASS_ELEMENTS_MAX)
               : status;
}

enum status overpass_append_form(
    struct buffer *text, const struct nearby *nearby, double radius_m, unsigned within_s)
{
    struct buffer query = buffer_with_max(QUERY_MAX);
    enum status status = append_query(&query, nearby, radius_m, within_s);
    if (status == STATUS_OK) {
        status = buffer_append_text(text, "data=");
    }
    if (status == STATUS_OK) {
        status = url_escape_append(text, buffer_slice(&query));
    }
    buffer_clear(&query);
    return status;
}

/* ---- Reading elements ---- */

void overpass_begin(struct overpass_places *places, const struct nearby *nearby)
{
    /* at least one, because whether there is any decides between OK and ZERO_RESULTS */
    places->wanted = nearby->results_max < 1                      ? 1
                     : nearby->results_max > OVERPASS_RESULTS_MAX ? OVERPASS_RESULTS_MAX
                                                                  : nearby->results_max;
    places->count = 0;
    places->requests = 0;
    places->whole_m = 0;
    places->limited_m = INFINITY;
}

static struct slice text_of(const json_t *value)
{
    const char *const text = json_string_value(value);
    return text == NULL ? slice_of_bytes(NULL, 0) : slice_of_bytes(text, json_string_length(value));
}

/* Nodes have their own position, ways and relations one of their middle. */
static bool read_location(const json_t *element, struct location *ret_location)
{
    const json_t *const centre = json_object_get(element, "center");
    const json_t *const point = centre != NULL ? centre : element;
    const json_t *const latitude = json_object_get(point, "lat");
    const json_t *const longitude = json_object_get(point, "lon");
    if (!json_is_number(latitude) || !json_is_number(longitude) ||
        fabs(json_number_value(latitude)) > 90 || fabs(json_number_value(longitude)) > 180) {
        return false;
    }
    ret_location->latitude = json_number_value(latitude);
    ret_location->longitude = json_number_value(longitude);
    return true;
}

/* `osm:node/123`. */
static bool read_id(const json_t *element, struct overpass_place *place)
{
    static const char *const kinds[] = {"node", "way", "relation"};
    const struct slice kind = text_of(json_object_get(element, "type"));
    const json_t *const id = json_object_get(element, "id");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && json_is_integer(id); i++) {
        if (slice_equals(kind, slice_of(kinds[i]))) {
            const int length = snprintf(place->id,
                sizeof place->id,
                "osm:%s/%" JSON_INTEGER_FORMAT,
                kinds[i],
                json_integer_value(id));
            assert(length > 0 && length < (int)sizeof place->id);
            place->id_length = (size_t)length;
            return true;
        }
    }
    return false;
}

static size_t read_tags(json_t *object, struct osm_tag tags[TAGS_MAX])
{
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (count < TAGS_MAX && json_is_string(value)) {
            tags[count++] = (struct osm_tag){.key = slice_of(key), .value = text_of(value)};
        }
    }
    return count;
}

/* Name, types and address; false: nothing to be shown. */
static bool read_words(const json_t *element, struct overpass_place *place)
{
    struct osm_tag tags[TAGS_MAX];
    const size_t count = read_tags(json_object_get(element, "tags"), tags);
    const struct slice name = osm_tag_value(tags, count, "name");
    place->types = osm_types(tags, count);
    if (name.length == 0 || name.length > sizeof place->name || place->types == NULL) {
        return false;
    }
    memcpy(place->name, name.data, name.length);
    place->name_length = name.length;

    struct buffer vicinity = buffer_with_max(sizeof place->vicinity);
    place->vicinity_length = 0;
    if (osm_vicinity_append(&vicinity, tags, count) == STATUS_OK && vicinity.length > 0) {
        memcpy(place->vicinity, vicinity.data, vicinity.length);
        place->vicinity_length = vicinity.length;
    }
    buffer_clear(&vicinity);
    return true;
}

static bool is_known(const struct overpass_places *places, const struct overpass_place *place)
{
    const struct slice id = slice_of_bytes(place->id, place->id_length);
    for (size_t i = 0; i < places->count; i++) {
        if (slice_equals(slice_of_bytes(places->places[i].id, places->places[i].id_length), id)) {
            return true;
        }
    }
    return false;
}

/* By distance; equal ones in the order in which they came. */
static void insert(struct overpass_places *places, const struct overpass_place *place)
{
    size_t index = places->count;
    while (index > 0 && places->places[index - 1].distance_m > place->distance_m) {
        index--;
    }
    if (index == places->wanted || is_known(places, place)) {
        return;
    }
    places->count += places->count < places->wanted ? 1 : 0;
    memmove(&places->places[index + 1],
        &places->places[index],
        (places->count - index - 1) * sizeof places->places[0]);
    places->places[index] = *place;
}

static void read_element(
    const json_t *element, const struct circle *circle, struct overpass_places *places)
{
    struct overpass_place place;
    if (read_location(element, &place.location) &&
        circle_contains(circle, place.location, &place.distance_m) && read_id(element, &place) &&
        read_words(element, &place)) {
        insert(places, &place);
    }
}

/* ---- Reading replies ---- */

static void fail_by_http_status(unsigned http_status, struct provider_answer *answer)
{
    const enum places_status status =
        http_status == 429                                               ? PLACES_OVER_QUERY_LIMIT
        : http_status == 400                                             ? PLACES_INVALID_REQUEST
        : http_status == 401 || http_status == 403 || http_status == 406 ? PLACES_REQUEST_DENIED
                                                                         : PLACES_UNKNOWN_ERROR;
    provider_answer_fail(answer,
        status,
        "the Overpass server answered HTTP %u%s",
        http_status,
        http_status == 429                ? ": it was asked too often"
        : http_status == 504              ? ": it is too busy"
        : http_status == 400              ? ": it does not understand the query"
        : status == PLACES_REQUEST_DENIED ? ": it does not serve this program"
        : http_status >= 500              ? ": it has a fault"
                                          : ": overpass_url may not be its address");
}

/* A remark of an error: what there is of the answer is no answer. */
static bool is_failed(const json_t *document, struct provider_answer *answer)
{
    const struct slice remark = text_of(json_object_get(document, "remark"));
    static const char word[] = "error";
    for (size_t i = 0; i + sizeof word - 1 <= remark.length; i++) {
        if (memcmp(remark.data + i, word, sizeof word - 1) == 0) {
            const size_t length = remark.length < REMARK_MAX ? remark.length : REMARK_MAX;
            provider_answer_fail(answer,
                PLACES_UNKNOWN_ERROR,
                "the Overpass server did not finish: %.*s",
                (int)length,
                remark.data);
            return true;
        }
    }
    return false;
}

bool overpass_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    double radius_m,
    struct overpass_places *places,
    struct provider_answer *answer)
{
    if (http_status != 200) {
        fail_by_http_status(http_status, answer);
        return false;
    }
    json_t *const document =
        body.length == 0 ? NULL : json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *const elements = json_object_get(document, "elements");
    const bool is_usable = json_is_array(elements) && !is_failed(document, answer);
    if (!json_is_array(elements)) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "the Overpass server's answer is not data: it is a page or was cut off, or something "
            "else answers at overpass_url");
    }
    if (is_usable) {
        const struct circle circle = circle_around(nearby->location, radius_m);
        for (size_t i = 0; i < json_array_size(elements); i++) {
            read_element(json_array_get(elements, i), &circle, places);
        }
        const bool is_limited = json_array_size(elements) >= OVERPASS_ELEMENTS_MAX;
        *(is_limited ? &places->limited_m : &places->whole_m) = radius_m;
        places->requests++;
    }
    json_decref(document);
    return is_usable;
}

/* ---- Answering ---- */

void overpass_answer(const struct overpass_places *places,
    const struct nearby *nearby,
    struct provider_answer *answer)
{
    struct place shown[OVERPASS_RESULTS_MAX];
    const size_t count = places->count < nearby->results_max ? places->count : nearby->results_max;
    for (size_t i = 0; i < count; i++) {
        const struct overpass_place *const place = &places->places[i];
        shown[i] = (struct place){
            .id = slice_of_bytes(place->id, place->id_length),
            .name = slice_of_bytes(place->name, place->name_length),
            .vicinity = slice_of_bytes(place->vicinity, place->vicinity_length),
            .types = slice_of(place->types),
            .attribution = slice_of(credit),
            .location = place->location,
        };
    }
    provider_answer_reset(answer);
    answer->status = places->count > 0 ? PLACES_OK : PLACES_ZERO_RESULTS;
    if (legacy_text_append(&answer->text, shown, count, places->count > 0) != STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "the places worker is out of memory");
    }
}
