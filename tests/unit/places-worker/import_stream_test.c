/* Do the same places come out of a file however its bytes arrive, and is everything else told by
 * its reason? */
#include "places-worker/import_stream.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct import_stream stream; /* large */

/* Adds `1 taken node/4 Camp 47.0862971 9.5270956 Street 1, Town [campground ...]` or `2 without a
 * name`. */
static void describe(const struct import_thing *thing, struct buffer *text)
{
    enum status status = buffer_append_format(
        text, "%" PRIu64 " %s", thing->number, import_verdict_text(thing->verdict));
    if (status == STATUS_OK && thing->verdict == IMPORT_TAKEN) {
        const struct import_place *const place = thing->place;
        status = buffer_append_format(text,
            " %.*s %.*s %.6f %.6f (%.*s) %s",
            (int)place->id.length,
            place->id.data,
            (int)place->name.length,
            place->name.data,
            place->location.latitude,
            place->location.longitude,
            (int)place->vicinity.length,
            place->vicinity.length > 0 ? place->vicinity.data : "",
            place->types);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(buffer_append_text(text, "\n"), STATUS_OK);
}

static void take(struct slice chunk, struct buffer *text)
{
    struct import_thing thing;
    while (import_stream_next(&stream, &chunk, &thing)) {
        describe(&thing, text);
    }
    assert_int_equal(chunk.length, 0);
}

/* Everything that comes out of an input that arrives in two parts, and then what is said of it. */
static void read_in_two(
    enum import_format format, struct slice input, size_t first_length, struct buffer *text)
{
    struct import_thing thing;
    import_stream_init(&stream, format, input);
    take(slice_of_bytes(input.data, first_length), text);
    take(slice_from(input, first_length), text);
    if (import_stream_finish(&stream, &thing)) {
        describe(&thing, text);
    }
    const char *const complaint = import_stream_complaint(&stream);
    assert_int_equal(buffer_append_text(text, complaint == NULL ? "" : complaint), STATUS_OK);
    import_stream_clear(&stream);
}

/* The input gives this, wherever it is split. */
static void assert_reads(enum import_format format, const char *input, const char *wanted)
{
    const struct slice bytes = slice_of(input);
    for (size_t split = 0; split <= bytes.length; split++) {
        struct buffer text = buffer_with_max(65536);
        read_in_two(format, bytes, split, &text);
        assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
        assert_string_equal(text.data, wanted);
        buffer_clear(&text);
    }
}

#define CAMP                                                                                       \
    "{\"type\":\"Feature\",\"id\":\"n4\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[9.5,"   \
    "47.25]},\"properties\":{\"name\":\"Camp\",\"tourism\":\"camp_site\"}}"
#define CAMP_TYPES "campground point_of_interest establishment\n"

static void a_text_sequence_has_records_behind_separators(void **state)
{
    (void)state;
    assert_reads(IMPORT_GEOJSONSEQ,
        "\x1E" CAMP "\n\x1E" CAMP "\n",
        "1 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES
        "2 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES);
}

static void a_record_may_have_lines_of_its_own(void **state)
{
    (void)state;
    assert_reads(IMPORT_GEOJSONSEQ,
        "\x1E{\n\"type\":\n\"Feature\"}\n\x1E\x1E" CAMP,
        "1 without a name\n2 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES);
}

static void without_separators_a_line_is_a_record(void **state)
{
    (void)state;
    assert_reads(IMPORT_GEOJSONSEQ,
        CAMP "\r\n\n" CAMP,
        "1 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES
        "3 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES);
}

static void a_bad_feature_does_not_spoil_the_next(void **state)
{
    (void)state;
    assert_reads(IMPORT_GEOJSONSEQ,
        "\x1E{\"type\":\x1E[]\n\x1E" CAMP "\n",
        "1 malformed\n2 malformed\n3 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES);
}

static void a_sequence_that_is_cut_off_is_told(void **state)
{
    (void)state;
    assert_reads(IMPORT_GEOJSONSEQ,
        "\x1E" CAMP "\n\x1E{\"type\":\"Fea",
        "1 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES
        "2 malformed\nends in the middle of a thing: it is cut off");
}

#define OVERPASS_CAFE                                                                              \
    "{\"type\": \"node\", \"id\": 7, \"lat\": 47.5, \"lon\": 9.5, \"tags\": {\"amenity\": "        \
    "\"cafe\", \"name\": \"Caf\\u00e9 }]\", \"addr:street\": \"Gasse\", \"addr:housenumber\": "    \
    "\"1\", \"addr:city\": \"Stadt\"}}"
#define CAFE_LINE                                                                                  \
    " taken node/7 Caf\xC3\xA9 }] 47.500000 9.500000 (Gasse 1, Stadt) cafe food store "            \
    "point_of_interest establishment\n"

static void overpass_has_elements_among_other_things(void **state)
{
    (void)state;
    assert_reads(IMPORT_OVERPASS,
        "{\"version\": 0.6, \"osm3s\": {\"copyright\": \"\\\"elements\\\": [\"},\n"
        "\"elements\": [" OVERPASS_CAFE ",\n"
        "{\"type\":\"way\",\"id\":8,\"center\":{\"lat\":1,\"lon\":2},\"nodes\":[1,2],\"tags\":{"
        "\"name\":\"B\",\"shop\":\"books\"}},"
        "{\"type\":\"relation\",\"id\":9,\"bounds\":{\"minlat\":1,\"minlon\":2,\"maxlat\":3,"
        "\"maxlon\":4},\"tags\":{\"name\":\"M\",\"tourism\":\"museum\"}},"
        "{\"type\":\"way\",\"id\":10,\"tags\":{\"name\":\"N\",\"shop\":\"books\"}},"
        "{\"type\":\"node\",\"id\":11,\"lat\":1,\"lon\":2}"
        "], \"more\": [{\"elements\": 1}]}\n",
        "1" CAFE_LINE "2 taken way/8 B 1.000000 2.000000 () book_store store point_of_interest "
        "establishment\n"
        "3 taken relation/9 M 2.000000 3.000000 () museum tourist_attraction point_of_interest "
        "establishment\n"
        "4 without a position on the Earth\n5 without a name\n");
}

static void an_error_of_overpass_is_no_end_of_places(void **state)
{
    (void)state;
    assert_reads(IMPORT_OVERPASS,
        "{\"elements\":[" OVERPASS_CAFE "],\"remark\":\"runtime error: Query timed out\"}",
        "1" CAFE_LINE "is incomplete: Overpass remarks an error");
}

static void overpass_that_is_cut_off_is_told(void **state)
{
    (void)state;
    assert_reads(IMPORT_OVERPASS,
        "{\"elements\":[" OVERPASS_CAFE ",{\"type\"",
        "1" CAFE_LINE "ends in its middle");
    assert_reads(
        IMPORT_OVERPASS, "{\"elements\":[" OVERPASS_CAFE "]", "1" CAFE_LINE "ends in its middle");
}

static void what_is_not_of_overpass_is_told(void **state)
{
    (void)state;
    assert_reads(IMPORT_OVERPASS, "", "is not the JSON of Overpass");
    assert_reads(IMPORT_OVERPASS, "<html>", "is not the JSON of Overpass");
    assert_reads(IMPORT_OVERPASS, "{\"elements\":[1]}", "is not the JSON of Overpass");
    assert_reads(IMPORT_OVERPASS, "{\"elements\":[]} {}", "is not the JSON of Overpass");
    assert_reads(IMPORT_OVERPASS, "{\"version\":0.6}", "has no elements");
    assert_reads(IMPORT_OVERPASS, "{\"a\":{\"elements\":[{}]}}", "has no elements");
    assert_reads(IMPORT_OVERPASS, "{\"elements\":[]}", "");
}

#define GEONAMES(id, name, latitude, class, code, population)                                      \
    id "\t" name "\tAscii\tOther\t" latitude                                                       \
       "\t-9.5\t" class "\t" code "\tLI\t\t11\t\t\t\t" population                                  \
                        "\t\t455\tEurope/Vaduz\t2023-01-01\n"

static void geonames_has_a_place_a_line(void **state)
{
    (void)state;
    assert_reads(IMPORT_GEONAMES,
        GEONAMES("1", "Vaduz", "47.14151", "P", "PPLC", "5197") GEONAMES(
            "2", "Schloss", "47.1", "S", "CSTL", "0") GEONAMES("3", "Bach", "47.1", "H", "STM", "0")
            GEONAMES("4", "Alt", "47.1", "P", "PPLQ", "0") GEONAMES(
                "5", "", "47.1", "P", "PPL", "0") GEONAMES("6", "Fern", "97.1", "P", "PPL", "0")
                GEONAMES("x", "Kein", "47.1", "P", "PPL", "0") "\tzu wenig\n",
        "1 taken 1 Vaduz 47.141510 -9.500000 () locality political\n"
        "2 taken 2 Schloss 47.100000 -9.500000 () tourist_attraction point_of_interest "
        "establishment\n"
        "3 of no kind that people look for\n"
        "4 of no kind that people look for\n"
        "5 without a name\n"
        "6 without a position on the Earth\n"
        "7 malformed\n8 malformed\n");
}

static void formats_are_told_by_their_beginnings(void **state)
{
    (void)state;
    enum import_format format;
    assert_null(import_format_guess(slice_of("\x1E" CAMP), &format));
    assert_int_equal(format, IMPORT_GEOJSONSEQ);
    assert_null(import_format_guess(slice_of(CAMP "\n"), &format));
    assert_int_equal(format, IMPORT_GEOJSONSEQ);
    assert_null(import_format_guess(slice_of("{\n \"version\": 0.6, \"osm3s\": {"), &format));
    assert_int_equal(format, IMPORT_OVERPASS);
    assert_null(import_format_guess(
        slice_of(GEONAMES("1", "Vaduz", "47.14151", "P", "PPLC", "5197")), &format));
    assert_int_equal(format, IMPORT_GEONAMES);
    assert_non_null(import_format_guess(slice_of(""), &format));
    assert_non_null(import_format_guess(slice_of("<!DOCTYPE html>"), &format));
    assert_non_null(import_format_guess(slice_of("<?xml version='1.0'?>\n<osm>"), &format));
    assert_non_null(import_format_guess(slice_of_bytes("\0\0\0\r\n\tOSMHeader", 15), &format));
    assert_non_null(import_format_guess(slice_of("{\"type\":\"FeatureCollection\""), &format));
    assert_non_null(import_format_guess(slice_of("{\"a\":1}"), &format));
    assert_non_null(import_format_guess(slice_of("a\tb\n"), &format));
}

static void a_record_beyond_the_limit_is_left_out_and_the_next_one_read(void **state)
{
    (void)state;
    static char filler[1024 * 1024];
    memset(filler, ' ', sizeof filler);
    struct buffer text = buffer_with_max(4096);
    import_stream_init(&stream, IMPORT_GEOJSONSEQ, slice_of("{"));
    for (size_t length = 0; length <= RECORD_MAX; length += sizeof filler) {
        take(slice_of_bytes(filler, sizeof filler), &text);
    }
    take(slice_of("\n" CAMP "\n"), &text);
    import_stream_clear(&stream);

    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(text.data,
        "1 too long, or with too long a text\n"
        "2 taken node/4 Camp 47.250000 9.500000 () " CAMP_TYPES);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_sequence_has_records_behind_separators),
        cmocka_unit_test(a_record_may_have_lines_of_its_own),
        cmocka_unit_test(without_separators_a_line_is_a_record),
        cmocka_unit_test(a_bad_feature_does_not_spoil_the_next),
        cmocka_unit_test(a_sequence_that_is_cut_off_is_told),
        cmocka_unit_test(overpass_has_elements_among_other_things),
        cmocka_unit_test(an_error_of_overpass_is_no_end_of_places),
        cmocka_unit_test(overpass_that_is_cut_off_is_told),
        cmocka_unit_test(what_is_not_of_overpass_is_told),
        cmocka_unit_test(geonames_has_a_place_a_line),
        cmocka_unit_test(formats_are_told_by_their_beginnings),
        cmocka_unit_test(a_record_beyond_the_limit_is_left_out_and_the_next_one_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
