/* Keys in alphabetical order, as Google writes them. */
#include "places-worker/legacy_text.h"

#include "places-worker/legacy_json.h"
#include "places-worker/plus_code.h"

#include <assert.h>

static bool is_credited_before(const struct place *places, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (slice_equals(places[i].attribution, places[index].attribution)) {
            return true;
        }
    }
    return false;
}

static void write_attributions(struct legacy_json *json, const struct place *places, size_t count)
{
    legacy_json_open_array(json);
    for (size_t i = 0; i < count; i++) {
        if (places[i].attribution.length > 0 && !is_credited_before(places, i)) {
            legacy_json_text(json, places[i].attribution);
        }
    }
    legacy_json_close(json);
}

static void write_geometry(struct legacy_json *json, struct location location)
{
    legacy_json_open_object(json);
    legacy_json_key(json, "location");
    legacy_json_open_object(json);
    legacy_json_key(json, "lat");
    legacy_json_degrees(json, location.latitude);
    legacy_json_key(json, "lng");
    legacy_json_degrees(json, location.longitude);
    legacy_json_close(json);
    legacy_json_close(json);
}

static void write_plus_code(struct legacy_json *json, struct location location)
{
    char code[PLUS_CODE_SIZE];
    plus_code_format(location, code);
    legacy_json_open_object(json);
    legacy_json_key(json, "global_code");
    legacy_json_text(json, slice_of(code));
    legacy_json_close(json);
}

static void write_types(struct legacy_json *json, struct slice types)
{
    legacy_json_open_array(json);
    struct slice type = slice_next_word(&types);
    while (type.length > 0) {
        legacy_json_text(json, type);
        type = slice_next_word(&types);
    }
    legacy_json_close(json);
}

static void write_place(struct legacy_json *json, const struct place *place)
{
    legacy_json_open_object(json);
    legacy_json_key(json, "geometry");
    write_geometry(json, place->location);
    legacy_json_key(json, "name");
    legacy_json_text(json, place->name);
    legacy_json_key(json, "place_id");
    legacy_json_text(json, place->id);
    legacy_json_key(json, "plus_code");
    write_plus_code(json, place->location);
    legacy_json_key(json, "reference");
    legacy_json_text(json, place->id);
    legacy_json_key(json, "types");
    write_types(json, place->types);
    if (place->vicinity.length > 0) {
        legacy_json_key(json, "vicinity");
        legacy_json_text(json, place->vicinity);
    }
    legacy_json_close(json);
}

enum status legacy_text_append(
    struct buffer *text, const struct place *places, size_t count, bool is_any_nearby)
{
    assert(count == 0 || is_any_nearby);
    struct legacy_json json;
    legacy_json_begin(&json, text);
    legacy_json_open_object(&json);
    legacy_json_key(&json, "html_attributions");
    write_attributions(&json, places, count);
    legacy_json_key(&json, "results");
    legacy_json_open_array(&json);
    for (size_t i = 0; i < count; i++) {
        write_place(&json, &places[i]);
    }
    legacy_json_close(&json);
    legacy_json_key(&json, "status");
    legacy_json_text(&json, slice_of(is_any_nearby ? "OK" : "ZERO_RESULTS"));
    legacy_json_close(&json);
    return legacy_json_end(&json);
}
