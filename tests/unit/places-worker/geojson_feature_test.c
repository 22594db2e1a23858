/* Is a feature of OpenStreetMap known by its own id, and put where its shape is? */
#include "places-worker/geojson_feature.h"
#include "tests/support/parsed_place.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static enum import_verdict parse(const char *text)
{
    return geojson_feature_parse(slice_of(text), &parsed_tags, &parsed_place);
}

/* A castle with this id, geometry and further properties. */
static enum import_verdict parse_castle(
    const char *id, const char *coordinates, const char *properties)
{
    char text[2048];
    snprintf(text,
        sizeof text,
        "{\"properties\":{\"name\":\"Burg\",\"historic\":\"castle\"%s},\"geometry\":{"
        "\"coordinates\":%s,\"type\":\"Any\"},\"type\":\"Feature\"%s}",
        properties,
        coordinates,
        id);
    return parse(text);
}

static void assert_id(const char *id, const char *properties, const char *wanted)
{
    assert_int_equal(parse_castle(id, "[9.5,47.1]", properties), IMPORT_TAKEN);
    char text[128];
    snprintf(text, sizeof text, "%.*s", (int)parsed_place.id.length, parsed_place.id.data);
    assert_string_equal(text, wanted);
}

static void ids_are_those_of_openstreetmap(void **state)
{
    (void)state;
    assert_id(",\"id\":\"n123\"", "", "node/123");
    assert_id(",\"id\":\"w123\"", "", "way/123");
    assert_id(",\"id\":\"r123\"", "", "relation/123");
    assert_id(",\"id\":\"a246\"", "", "way/123");
    assert_id(",\"id\":\"a247\"", "", "relation/123");
    assert_id(",\"id\":\"node/5\"", "", "node/5");
    assert_id("", ",\"@type\":\"way\",\"@id\":77", "way/77");
    assert_id("", ",\"@type\":\"relation\",\"@id\":\"78\"", "relation/78");
}

static void what_has_no_such_id_has_a_digest(void **state)
{
    (void)state;
    char first[64];
    assert_int_equal(parse_castle(",\"id\":\"shop-1\"", "[9.5,47.1]", ""), IMPORT_TAKEN);
    snprintf(first, sizeof first, "%.*s", (int)parsed_place.id.length, parsed_place.id.data);
    assert_memory_equal(first, "feature/", 8);
    assert_id(",\"id\":\"shop-1\"", ",\"note\":\"other\"", first);
    assert_int_equal(parse_castle(",\"id\":\"shop-2\"", "[9.5,47.1]", ""), IMPORT_TAKEN);
    assert_false(slice_equals(buffer_slice(&parsed_place.id), slice_of(first)));

    assert_int_equal(parse_castle("", "[9.5,47.1]", ""), IMPORT_TAKEN);
    snprintf(first, sizeof first, "%.*s", (int)parsed_place.id.length, parsed_place.id.data);
    assert_id("", ",\"note\":\"other\"", first);
    assert_int_equal(parse_castle("", "[9.5,47.2]", ""), IMPORT_TAKEN);
    assert_false(slice_equals(buffer_slice(&parsed_place.id), slice_of(first)));
}

static void assert_point(const char *coordinates, double latitude, double longitude)
{
    assert_int_equal(parse_castle(",\"id\":\"n1\"", coordinates, ""), IMPORT_TAKEN);
    assert_true(fabs(parsed_place.location.latitude - latitude) < 1e-9);
    assert_true(fabs(parsed_place.location.longitude - longitude) < 1e-9);
}

static void every_shape_has_a_point(void **state)
{
    (void)state;
    assert_point("[9.5,47.1]", 47.1, 9.5);
    assert_point("[9.5,47.1,455]", 47.1, 9.5);
    assert_point("[[0,0],[2,4]]", 2, 1);
    assert_point("[[0,0],[2,0],[2,2],[0,2],[0,0]]", 1, 1);
    assert_point("[[[0,0],[2,0],[2,2],[0,2],[0,0]]]", 1, 1);
    assert_point(
        "[[[10,40],[10,42],[12,42],[12,40],[10,40]],[[10,40],[10,41],[11,41],[11,40],[10,40]]]",
        41,
        11);
    assert_point("[[[[50,1],[51,1],[51,2],[50,1]]],[[[0,0],[4,0],[4,4],[0,4],[0,0]]]]", 2, 2);
    assert_point("[[[1,1],[1,1],[1,1],[1,1]]]", 1, 1);
}

static void a_centre_of_gravity_is_not_the_mean_of_corners(void **state)
{
    (void)state;
    assert_point("[[[0,0],[1,0],[2,0],[3,0],[4,0],[4,2],[0,2],[0,0]]]", 1, 2);
}

static void what_lies_nowhere_is_told(void **state)
{
    (void)state;
    assert_int_equal(parse_castle("", "[200,47]", ""), IMPORT_NO_POSITION);
    assert_int_equal(parse_castle("", "[9,-90.1]", ""), IMPORT_NO_POSITION);
    assert_int_equal(parse_castle("", "[]", ""), IMPORT_NO_POSITION);
    assert_int_equal(parse_castle("", "[[[]]]", ""), IMPORT_NO_POSITION);
    assert_int_equal(parse("{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"name\":\"A\","
                           "\"shop\":\"books\"}}"),
        IMPORT_NO_POSITION);
}

static void what_is_no_feature_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(parse("[]"), IMPORT_MALFORMED);
    assert_int_equal(parse("{}"), IMPORT_MALFORMED);
    assert_int_equal(parse("{\"type\":\"Point\",\"coordinates\":[1,2]}"), IMPORT_MALFORMED);
    assert_int_equal(parse("{\"type\":\"Feature\"}{"), IMPORT_MALFORMED);
    assert_int_equal(parse_castle("", "[\"9\",47]", ""), IMPORT_MALFORMED);
    assert_int_equal(parse_castle("", "[9]", ""), IMPORT_MALFORMED);
    assert_int_equal(parse_castle("", "[[9,47],7]", ""), IMPORT_MALFORMED);
    assert_int_equal(parse_castle("", "[[[[[9,47]]]]]", ""), IMPORT_MALFORMED);
    assert_int_equal(parse_castle("", "{}", ""), IMPORT_MALFORMED);
}

static void texts_that_may_not_go_out_are_told(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{\"type\":\"Feature\",\"id\":\"n1\",\"geometry\":{\"type\":\"Point\","
              "\"coordinates\":[1,2]},\"properties\":{\"name\":\"A\\nB\",\"shop\":\"books\"}}"),
        IMPORT_UNCLEAN);

    char text[4096];
    char name[1100];
    memset(name, 'a', sizeof name);
    snprintf(text,
        sizeof text,
        "{\"type\":\"Feature\",\"id\":\"n1\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]"
        "},"
        "\"properties\":{\"name\":\"%.*s\",\"shop\":\"books\"}}",
        (int)sizeof name,
        name);
    assert_int_equal(parse(text), IMPORT_TOO_LONG);
}

static void what_an_encyclopaedia_knows_is_worth_more(void **state)
{
    (void)state;
    assert_int_equal(parse_castle("", "[9,47]", ""), IMPORT_TAKEN);
    const uint64_t plain = parsed_place.prominence;
    assert_int_equal(parse_castle("", "[9,47]", ",\"wikidata\":\"Q1\""), IMPORT_TAKEN);
    assert_true(parsed_place.prominence > plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PARSED(ids_are_those_of_openstreetmap),
        WITH_PARSED(what_has_no_such_id_has_a_digest),
        WITH_PARSED(every_shape_has_a_point),
        WITH_PARSED(a_centre_of_gravity_is_not_the_mean_of_corners),
        WITH_PARSED(what_lies_nowhere_is_told),
        WITH_PARSED(what_is_no_feature_is_malformed),
        WITH_PARSED(texts_that_may_not_go_out_are_told),
        WITH_PARSED(what_an_encyclopaedia_knows_is_worth_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
