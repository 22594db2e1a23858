/* Each field of a place is written where the alphabet of the legacy form wants it. */
#include "places-worker/google.h"

#include "places-worker/degrees.h"
#include "places-worker/legacy_json.h"

#include <jansson.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    RESULTS_MAX = 20,       /* Google takes 1 to 20 */
    REASON_MAX = 1024,      /* of Google's own message */
    AUTHOR_MAX = 16 * 1024, /* bytes of the HTML that names one */
    NUMBER_SIZE = 64,
};

/* ---- Asking ---- */

enum status google_append_field_mask(struct buffer *text, const struct google_fields *fields)
{
    enum status status = buffer_append_text(text,
        "places.id,places.displayName,places.location,places.viewport,places.types,"
        "places.businessStatus,places.iconMaskBaseUri,places.iconBackgroundColor,places.plusCode,"
        "places.shortFormattedAddress");
    if (status == STATUS_OK && fields->rating) {
        status =
            buffer_append_text(text, ",places.rating,places.userRatingCount,places.priceLevel");
    }
    if (status == STATUS_OK && fields->hours) {
        status = buffer_append_text(text, ",places.currentOpeningHours.openNow");
    }
    if (status == STATUS_OK && fields->photos) {
        status = buffer_append_text(text, ",places.photos");
    }
    return status;
}

enum status google_append_request(
    struct buffer *text, const struct nearby *nearby, bool rank_by_distance)
{
    char latitude[DEGREES_TEXT_SIZE];
    char longitude[DEGREES_TEXT_SIZE];
    degrees_format(nearby->location.latitude, latitude);
    degrees_format(nearby->location.longitude, longitude);
    /* neither none nor no circle may be asked for; what is too much is cut from the answer */
    const unsigned count = nearby->results_max == 0            ? 1
                           : nearby->results_max > RESULTS_MAX ? RESULTS_MAX
                                                               : nearby->results_max;
    const int64_t radius_m = nearby->radius_m < 1 ? 1 : llround(nearby->radius_m);
    return buffer_append_format(text,
        "{\"maxResultCount\":%u,\"locationRestriction\":{\"circle\":{\"center\":{\"latitude\":%s,"
        "\"longitude\":%s},\"radius\":%" PRId64 "}},\"rankPreference\":\"%s\"}",
        count,
        latitude,
        longitude,
        radius_m,
        rank_by_distance ? "DISTANCE" : "POPULARITY");
}

/* ---- Reading values: what is missing or of another type counts as not there ---- */

static json_t *parse(struct slice body)
{
    return body.length == 0 ? NULL
                            : json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
}

static struct slice text_of(const json_t *value)
{
    const char *const text = json_string_value(value);
    return text == NULL ? slice_of_bytes(NULL, 0) : slice_of_bytes(text, json_string_length(value));
}

static struct slice text_at(const json_t *object, const char *key)
{
    return text_of(json_object_get(object, key));
}

static bool has_degrees(const json_t *object, const char *key, double limit)
{
    const json_t *const value = json_object_get(object, key);
    return json_is_number(value) && fabs(json_number_value(value)) <= limit;
}

static bool is_point(const json_t *point)
{
    return has_degrees(point, "latitude", 90) && has_degrees(point, "longitude", 180);
}

/* Whether `text` is the number `value`. */
static bool stands_for(const char *text, size_t length, const json_t *value)
{
    json_t *const again = json_loadb(text, length, JSON_DECODE_ANY, NULL);
    const double difference = json_number_value(again) - json_number_value(value);
    const bool is_number = json_is_number(again);
    json_decref(again);
    return is_number && fpclassify(difference) == FP_ZERO;
}

/* The shortest text that is this number, as Google writes it: 4 and 4.8, -33.86009812989271. */
static struct slice number_text(const json_t *value, char text[NUMBER_SIZE])
{
    enum { DIGITS_MIN = 15, DIGITS_MAX = 17 }; /* of a double: 17 always do */
    size_t length = 0;
    for (size_t digits = DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        length =
            json_dumpb(value, text, NUMBER_SIZE, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        if (length == 0 || length > NUMBER_SIZE) {
            return slice_of("0"); /* no double is longer */
        }
        if (stands_for(text, length, value)) {
            break;
        }
    }
    if (length > 2 && memcmp(text + length - 2, ".0", 2) == 0) {
        length -= 2;
    }
    return slice_of_bytes(text, length);
}

/* ---- Writing, from here to write_place in the order of the fields ---- */

static void write_text(struct legacy_json *json, const char *key, struct slice text)
{
    if (text.length > 0) {
        legacy_json_key(json, key);
        legacy_json_text(json, text);
    }
}

static void write_number(struct legacy_json *json, const char *key, const json_t *value)
{
    char text[NUMBER_SIZE];
    if (json_is_number(value)) {
        legacy_json_key(json, key);
        legacy_json_literal(json, number_text(value, text));
    }
}

static void write_point(struct legacy_json *json, const char *key, const json_t *point)
{
    legacy_json_key(json, key);
    legacy_json_open_object(json);
    write_number(json, "lat", json_object_get(point, "latitude"));
    write_number(json, "lng", json_object_get(point, "longitude"));
    legacy_json_close(json);
}

static void write_geometry(struct legacy_json *json, const json_t *place)
{
    const json_t *const viewport = json_object_get(place, "viewport");
    const json_t *const low = json_object_get(viewport, "low");
    const json_t *const high = json_object_get(viewport, "high");
    legacy_json_key(json, "geometry");
    legacy_json_open_object(json);
    write_point(json, "location", json_object_get(place, "location"));
    if (is_point(low) && is_point(high)) {
        legacy_json_key(json, "viewport");
        legacy_json_open_object(json);
        write_point(json, "northeast", high);
        write_point(json, "southwest", low);
        legacy_json_close(json);
    }
    legacy_json_close(json);
}

static void write_opening_hours(struct legacy_json *json, const json_t *place)
{
    const json_t *const open_now =
        json_object_get(json_object_get(place, "currentOpeningHours"), "openNow");
    if (json_is_boolean(open_now)) {
        legacy_json_key(json, "opening_hours");
        legacy_json_open_object(json);
        legacy_json_key(json, "open_now");
        legacy_json_literal(json, slice_of(json_is_true(open_now) ? "true" : "false"));
        legacy_json_close(json);
    }
}

static bool begins_with(struct slice text, const char *prefix)
{
    const size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

/* As HTML, in an attribute or between tags. */
static enum status append_html(struct buffer *html, struct slice text)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < text.length && status == STATUS_OK; i++) {
        const char *const entity = text.data[i] == '&'   ? "&amp;"
                                   : text.data[i] == '<' ? "&lt;"
                                   : text.data[i] == '>' ? "&gt;"
                                   : text.data[i] == '"' ? "&quot;"
                                                         : NULL;
        status = entity != NULL ? buffer_append_text(html, entity)
                                : buffer_append(html, slice_of_bytes(text.data + i, 1));
    }
    return status;
}

/* `<a href="https://...">Name</a>`, as the legacy form credits photos; a link only to the web. */
static enum status append_author(struct buffer *html, struct slice name, struct slice link)
{
    const bool is_relative = begins_with(link, "//");
    if (!is_relative && !begins_with(link, "https://")) {
        return append_html(html, name);
    }
    enum status status = buffer_append_text(html, is_relative ? "<a href=\"https:" : "<a href=\"");
    if (status == STATUS_OK) {
        status = append_html(html, link);
    }
    if (status == STATUS_OK) {
        status = buffer_append_text(html, "\">");
    }
    if (status == STATUS_OK) {
        status = append_html(html, name);
    }
    return status == STATUS_OK ? buffer_append_text(html, "</a>") : status;
}

static void write_authors(struct legacy_json *json, const json_t *authors)
{
    struct buffer html = buffer_with_max(AUTHOR_MAX);
    legacy_json_key(json, "html_attributions");
    legacy_json_open_array(json);
    for (size_t i = 0; i < json_array_size(authors); i++) {
        const json_t *const author = json_array_get(authors, i);
        const struct slice name = text_at(author, "displayName");
        buffer_reset(&html);
        if (name.length > 0 && append_author(&html, name, text_at(author, "uri")) == STATUS_OK) {
            legacy_json_text(json, buffer_slice(&html));
        }
    }
    legacy_json_close(json);
    buffer_clear(&html);
}

/* The last part of `places/ID/photos/REFERENCE`. */
static struct slice reference_of(const json_t *photo)
{
    const struct slice name = text_at(photo, "name");
    size_t start = name.length;
    while (start > 0 && name.data[start - 1] != '/') {
        start--;
    }
    return slice_from(name, start);
}

static void write_photo(struct legacy_json *json, const json_t *photo)
{
    legacy_json_open_object(json);
    write_number(json, "height", json_object_get(photo, "heightPx"));
    write_authors(json, json_object_get(photo, "authorAttributions"));
    write_text(json, "photo_reference", reference_of(photo));
    write_number(json, "width", json_object_get(photo, "widthPx"));
    legacy_json_close(json);
}

static void write_photos(struct legacy_json *json, const json_t *photos)
{
    if (json_array_size(photos) == 0) {
        return;
    }
    legacy_json_key(json, "photos");
    legacy_json_open_array(json);
    for (size_t i = 0; i < json_array_size(photos); i++) {
        if (reference_of(json_array_get(photos, i)).length > 0) {
            write_photo(json, json_array_get(photos, i));
        }
    }
    legacy_json_close(json);
}

static void write_plus_code(struct legacy_json *json, const json_t *plus_code)
{
    const struct slice compound = text_at(plus_code, "compoundCode");
    const struct slice global = text_at(plus_code, "globalCode");
    if (compound.length > 0 || global.length > 0) {
        legacy_json_key(json, "plus_code");
        legacy_json_open_object(json);
        write_text(json, "compound_code", compound);
        write_text(json, "global_code", global);
        legacy_json_close(json);
    }
}

static void write_price_level(struct legacy_json *json, const json_t *place)
{
    static const char *const levels[] = {"PRICE_LEVEL_FREE",
        "PRICE_LEVEL_INEXPENSIVE",
        "PRICE_LEVEL_MODERATE",
        "PRICE_LEVEL_EXPENSIVE",
        "PRICE_LEVEL_VERY_EXPENSIVE"};
    const struct slice level = text_at(place, "priceLevel");
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (slice_equals(level, slice_of(levels[i]))) {
            const char digit = (char)('0' + i);
            legacy_json_key(json, "price_level");
            legacy_json_literal(json, slice_of_bytes(&digit, 1));
        }
    }
}

static bool has_type(const json_t *types, const char *wanted)
{
    for (size_t i = 0; i < json_array_size(types); i++) {
        if (slice_equals(text_of(json_array_get(types, i)), slice_of(wanted))) {
            return true;
        }
    }
    return false;
}

static void write_types(struct legacy_json *json, const json_t *types)
{
    static const char *const always[] = {"point_of_interest", "establishment"};
    legacy_json_key(json, "types");
    legacy_json_open_array(json);
    for (size_t i = 0; i < json_array_size(types); i++) {
        const struct slice type = text_of(json_array_get(types, i));
        if (type.length > 0) {
            legacy_json_text(json, type);
        }
    }
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (!has_type(types, always[i])) {
            legacy_json_text(json, slice_of(always[i]));
        }
    }
    legacy_json_close(json);
}

static void write_place(struct legacy_json *json, const json_t *place)
{
    legacy_json_open_object(json);
    write_text(json, "business_status", text_at(place, "businessStatus"));
    write_geometry(json, place);
    write_text(json, "icon_background_color", text_at(place, "iconBackgroundColor"));
    write_text(json, "icon_mask_base_uri", text_at(place, "iconMaskBaseUri"));
    write_text(json, "name", text_at(json_object_get(place, "displayName"), "text"));
    write_opening_hours(json, place);
    write_photos(json, json_object_get(place, "photos"));
    write_text(json, "place_id", text_at(place, "id"));
    write_plus_code(json, json_object_get(place, "plusCode"));
    write_price_level(json, place);
    write_number(json, "rating", json_object_get(place, "rating"));
    write_text(json, "reference", text_at(place, "id"));
    write_text(json, "scope", slice_of("GOOGLE"));
    write_types(json, json_object_get(place, "types"));
    write_number(json, "user_ratings_total", json_object_get(place, "userRatingCount"));
    write_text(json, "vicinity", text_at(place, "shortFormattedAddress"));
    legacy_json_close(json);
}

/* ---- Reading ---- */

/* What a client can use: an id and a position. */
static bool is_place(const json_t *place)
{
    return text_at(place, "id").length > 0 && is_point(json_object_get(place, "location"));
}

static size_t count_places(const json_t *places)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(places); i++) {
        count += is_place(json_array_get(places, i)) ? 1 : 0;
    }
    return count;
}

static enum status write_answer(
    struct buffer *text, const json_t *places, size_t results_max, const char *status)
{
    struct legacy_json json;
    size_t written = 0;
    legacy_json_begin(&json, text);
    legacy_json_open_object(&json);
    legacy_json_key(&json, "html_attributions");
    legacy_json_open_array(&json);
    legacy_json_close(&json);
    legacy_json_key(&json, "results");
    legacy_json_open_array(&json);
    for (size_t i = 0; i < json_array_size(places) && written < results_max; i++) {
        if (is_place(json_array_get(places, i))) {
            write_place(&json, json_array_get(places, i));
            written++;
        }
    }
    legacy_json_close(&json);
    legacy_json_key(&json, "status");
    legacy_json_text(&json, slice_of(status));
    legacy_json_close(&json);
    return legacy_json_end(&json);
}

static bool has_reason(const json_t *error, const char *reason)
{
    const json_t *const details = json_object_get(error, "details");
    for (size_t i = 0; i < json_array_size(details); i++) {
        if (slice_equals(text_at(json_array_get(details, i), "reason"), slice_of(reason))) {
            return true;
        }
    }
    return false;
}

static enum places_status status_of(unsigned http_status, const json_t *error)
{
    if (http_status == 400) {
        return has_reason(error, "API_KEY_INVALID") ? PLACES_REQUEST_DENIED
                                                    : PLACES_INVALID_REQUEST;
    }
    if (http_status == 401 || http_status == 403) {
        return PLACES_REQUEST_DENIED;
    }
    return http_status == 429 ? PLACES_OVER_QUERY_LIMIT : PLACES_UNKNOWN_ERROR;
}

/* Google's own words where it has some. */
static void fail_by_http_status(
    unsigned http_status, struct slice body, const char *key, struct provider_answer *answer)
{
    json_t *const document = parse(body);
    const json_t *const error = json_object_get(document, "error");
    const enum places_status status = status_of(http_status, error);
    const struct slice message = text_at(error, "message");
    if (message.length > 0 && !provider_answer_repeats(message, key)) {
        const size_t length = message.length < REASON_MAX ? message.length : REASON_MAX;
        provider_answer_fail(answer, status, "%.*s", (int)length, message.data);
    } else {
        provider_answer_fail(answer,
            status,
            "Google answered HTTP %u%s",
            http_status,
            http_status >= 500   ? ": its service has a fault"
            : http_status == 429 ? ": more was asked than the key's quota allows"
            : http_status == 401 || http_status == 403
                ? ": the key is not allowed to ask for places"
            : http_status == 400 ? ": it does not understand the request"
                                 : ": google_url may not be the address of its service");
    }
    json_decref(document);
}

/* `{}` or an object with an array `places`; anything else is no Nearby Search. */
static void read_document(
    const json_t *document, const struct nearby *nearby, struct provider_answer *answer)
{
    const json_t *const places = json_object_get(document, "places");
    const bool is_empty = json_is_object(document) && json_object_size(document) == 0;
    const size_t count = count_places(places);
    if (!is_empty && (!json_is_array(places) || (count == 0 && json_array_size(places) > 0))) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "Google's answer is not a Nearby Search: it was cut off, or something else answers at "
            "google_url");
        return;
    }
    answer->status = count > 0 ? PLACES_OK : PLACES_ZERO_RESULTS;
    if (write_answer(
            &answer->text, places, nearby->results_max, places_status_text(answer->status)) !=
        STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "the places worker is out of memory");
    }
}

void google_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    const char *key,
    struct provider_answer *answer)
{
    provider_answer_reset(answer);
    if (http_status != 200) {
        fail_by_http_status(http_status, body, key, answer);
        return;
    }
    json_t *const document = parse(body);
    read_document(document, nearby, answer);
    json_decref(document);
    if (provider_answer_repeats(buffer_slice(&answer->text), key)) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "Google's answer repeats the key and is therefore not passed on");
    }
}
