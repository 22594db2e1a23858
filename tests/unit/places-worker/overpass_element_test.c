/* Does an element of Overpass become the place it describes, where it has a middle of any kind? */
#include "places-worker/overpass_element.h"
#include "tests/support/exact.h"
#include "tests/support/expect.h"
#include "tests/support/parsed_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In memory of just that size, so that a step beyond the end is seen. */
static enum import_verdict parse(const char *text)
{
    const size_t length = strlen(text);
    char *const exact = exact_copy(text, length);
    const enum import_verdict verdict =
        overpass_element_parse(slice_of_bytes(exact, length), &parsed_tags, &parsed_place);
    free(exact);
    return verdict;
}

#define CAFE "\"tags\":{\"name\":\"Caf\xC3\xA9\",\"amenity\":\"cafe\"}"

static void a_node_has_all_its_parts(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"type\":\"node\",\"id\":123,\"lat\":47.25,\"lon\":-9.5,\"tags\":{"
                           "\"amenity\":\"cafe\",\"name\":\"Caf\\u00e9\",\"addr:street\":"
                           "\"Dorfstrasse\",\"addr:housenumber\":\"24\",\"addr:city\":\"Vaduz\"}}"),
        IMPORT_TAKEN);
    expect_bytes(buffer_slice(&parsed_place.id), "node/123");
    expect_bytes(buffer_slice(&parsed_place.name), "Caf\xC3\xA9");
    expect_bytes(buffer_slice(&parsed_place.vicinity), "Dorfstrasse 24, Vaduz");
    assert_string_equal(parsed_place.types, "cafe food store point_of_interest establishment");
    assert_true(parsed_place.location.latitude == 47.25 && parsed_place.location.longitude == -9.5);
    assert_true(parsed_place.prominence > 0);
}

static void what_an_encyclopaedia_knows_is_worth_more(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2," CAFE "}"), IMPORT_TAKEN);
    const uint64_t ordinary = parsed_place.prominence;
    assert_int_equal(parse("{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"name\":"
                           "\"x\",\"amenity\":\"cafe\",\"wikidata\":\"Q1\"}}"),
        IMPORT_TAKEN);
    assert_true(parsed_place.prominence > ordinary);
}

static void the_best_position_that_there_is_counts(void **state)
{
    (void)state;
    static const struct {
        const char *position;
        double latitude;
        double longitude;
    } cases[] = {
        {"\"lat\":1,\"lon\":2", 1, 2},
        {"\"center\":{\"lat\":3,\"lon\":4}", 3, 4},
        {"\"bounds\":{\"minlat\":1,\"minlon\":2,\"maxlat\":3,\"maxlon\":6}", 2, 4},
        {"\"bounds\":{\"minlat\":1,\"minlon\":2,\"maxlat\":3,\"maxlon\":6},"
         "\"center\":{\"lat\":7,\"lon\":8}",
            7,
            8},
        {"\"center\":{\"lat\":7,\"lon\":8},\"lat\":1,\"lon\":2", 1, 2},
        {"\"center\":{\"lat\":7,\"lon\":8},\"lat\":91,\"lon\":2", 7, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"id\":9,\"type\":\"way\",%s," CAFE "}", cases[i].position);
        assert_int_equal(parse(text), IMPORT_TAKEN);
        expect_bytes(buffer_slice(&parsed_place.id), "way/9");
        assert_true(parsed_place.location.latitude == cases[i].latitude);
        assert_true(parsed_place.location.longitude == cases[i].longitude);
    }
}

static void the_order_of_members_and_unknown_ones_do_not_matter(void **state)
{
    (void)state;
    assert_int_equal(parse(" {" CAFE ",\"nodes\":[1,[2,{\"id\":7}]],\"lon\":2,\"version\":3,"
                           "\"geometry\":[{\"lat\":9,\"lon\":9}],\"members\":[{\"type\":\"node\"}],"
                           "\"id\":5,\"lat\":1,\"type\":\"relation\"} "),
        IMPORT_TAKEN);
    expect_bytes(buffer_slice(&parsed_place.id), "relation/5");
    assert_true(parsed_place.location.latitude == 1 && parsed_place.location.longitude == 2);
}

static void what_is_no_place_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum import_verdict verdict;
    } cases[] = {
        {"", IMPORT_MALFORMED},
        {"{", IMPORT_MALFORMED},
        {"[]", IMPORT_MALFORMED},
        {"{}", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"lat\":1,\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"id\":1,\"lat\":1,\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"type\":\"area\",\"id\":1,\"lat\":1,\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":-1,\"lat\":1,\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":1e17,\"lat\":1,\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":\"1\",\"lat\":1,\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":1,\"lat\":\"1\",\"lon\":2," CAFE "}", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2," CAFE "}x", IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2," CAFE, IMPORT_MALFORMED},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":[]}", IMPORT_MALFORMED},
        {"{\"type\":\"way\",\"id\":1," CAFE "}", IMPORT_NO_POSITION},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1," CAFE "}", IMPORT_NO_POSITION},
        {"{\"type\":\"node\",\"id\":1,\"lat\":91,\"lon\":2," CAFE "}", IMPORT_NO_POSITION},
        {"{\"type\":\"way\",\"id\":1,\"bounds\":{\"minlat\":1,\"minlon\":2,\"maxlat\":3}," CAFE "}",
            IMPORT_NO_POSITION},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2}", IMPORT_NO_NAME},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"amenity\":\"cafe\"}}",
            IMPORT_NO_NAME},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"name\":\"x\"}}",
            IMPORT_NO_KIND},
        {"{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"name\":\"a\\u0007b\","
         "\"amenity\":\"cafe\"}}",
            IMPORT_UNCLEAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const enum import_verdict verdict = parse(cases[i].text);
        if (verdict != cases[i].verdict) {
            fail_msg("%s: is %s, and not %s",
                cases[i].text,
                import_verdict_text(verdict),
                import_verdict_text(cases[i].verdict));
        }
    }
}

static void a_name_beyond_its_limit_is_too_long(void **state)
{
    (void)state;
    char text[4096];
    char name[2048];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(text,
        sizeof text,
        "{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2,\"tags\":{\"name\":\"%s\",\"amenity\":"
        "\"cafe\"}}",
        name);
    assert_int_equal(parse(text), IMPORT_TOO_LONG);
}

static void nothing_of_the_element_before_is_left(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{\"type\":\"node\",\"id\":1,\"lat\":1,\"lon\":2," CAFE "}"), IMPORT_TAKEN);
    assert_int_equal(parse("{\"type\":\"way\",\"id\":2}"), IMPORT_NO_NAME);
    expect_bytes(buffer_slice(&parsed_place.id), "way/2");
    expect_bytes(buffer_slice(&parsed_place.name), "");
    assert_null(parsed_place.types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PARSED(a_node_has_all_its_parts),
        WITH_PARSED(what_an_encyclopaedia_knows_is_worth_more),
        WITH_PARSED(the_best_position_that_there_is_counts),
        WITH_PARSED(the_order_of_members_and_unknown_ones_do_not_matter),
        WITH_PARSED(what_is_no_place_has_its_reason),
        WITH_PARSED(a_name_beyond_its_limit_is_too_long),
        WITH_PARSED(nothing_of_the_element_before_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
