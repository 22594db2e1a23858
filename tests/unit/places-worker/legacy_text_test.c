/* Do places come out as a Google legacy Nearby Search would show them? */
#include "places-worker/legacy_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct place westwood(void)
{
    return (struct place){.id = slice_of("geonames:5408522"),
        .name = slice_of("Westwood"),
        .vicinity = slice_of("Los Angeles County, California"),
        .types = slice_of("neighborhood political"),
        .attribution = slice_of("Places from <a href=\"https://www.geonames.org/\">GeoNames</a>"),
        .location = {34.05612, -118.43063}};
}

static void assert_answer(
    const struct place *places, size_t count, bool is_any_nearby, const char *wanted)
{
    struct buffer text = buffer_with_max(4096);
    assert_int_equal(legacy_text_append(&text, places, count, is_any_nearby), STATUS_OK);
    assert_int_equal(text.length, strlen(wanted));
    assert_memory_equal(text.data, wanted, text.length);
    buffer_clear(&text);
}

static void a_place_has_all_that_is_known_and_nothing_else(void **state)
{
    (void)state;
    const struct place place = westwood();
    assert_answer(&place,
        1,
        true,
        "{\n"
        "   \"html_attributions\" : \n"
        "   [\n"
        "      \"Places from \\u003ca "
        "href=\\\"https://www.geonames.org/\\\"\\u003eGeoNames\\u003c/a\\u003e\"\n"
        "   ],\n"
        "   \"results\" : \n"
        "   [\n"
        "      {\n"
        "         \"geometry\" : \n"
        "         {\n"
        "            \"location\" : \n"
        "            {\n"
        "               \"lat\" : 34.05612,\n"
        "               \"lng\" : -118.43063\n"
        "            }\n"
        "         },\n"
        "         \"name\" : \"Westwood\",\n"
        "         \"place_id\" : \"geonames:5408522\",\n"
        "         \"plus_code\" : \n"
        "         {\n"
        "            \"global_code\" : \"85633H49+CP\"\n"
        "         },\n"
        "         \"reference\" : \"geonames:5408522\",\n"
        "         \"types\" : \n"
        "         [\n"
        "            \"neighborhood\",\n"
        "            \"political\"\n"
        "         ],\n"
        "         \"vicinity\" : \"Los Angeles County, California\"\n"
        "      }\n"
        "   ],\n"
        "   \"status\" : \"OK\"\n"
        "}");
}

static void nothing_nearby_is_zero_results(void **state)
{
    (void)state;
    assert_answer(NULL,
        0,
        false,
        "{\n   \"html_attributions\" : [],\n   \"results\" : [],\n   \"status\" : "
        "\"ZERO_RESULTS\"\n}");
}

static void a_bound_of_none_is_not_zero_results(void **state)
{
    (void)state;
    assert_answer(NULL,
        0,
        true,
        "{\n   \"html_attributions\" : [],\n   \"results\" : [],\n   \"status\" : \"OK\"\n}");
}

static bool has(const struct buffer *text, const char *part)
{
    return strstr(text->data, part) != NULL;
}

static void unknown_fields_are_absent_and_sources_credited_once(void **state)
{
    (void)state;
    struct place places[] = {westwood(), westwood(), westwood()};
    places[0].vicinity.length = 0;
    places[1].vicinity.length = 0;
    places[1].attribution.length = 0;
    places[2].vicinity.length = 0;
    struct buffer text = buffer_with_max(8192);
    assert_int_equal(legacy_text_append(&text, places, 3, true), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);

    assert_false(has(&text, "vicinity"));
    const char *const first = strstr(text.data, "Places from");
    assert_non_null(first);
    assert_null(strstr(first + 1, "Places from"));
    buffer_clear(&text);
}

static void an_answer_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct place place = westwood();
    struct buffer text = buffer_with_max(100);
    assert_int_equal(legacy_text_append(&text, &place, 1, true), STATUS_FULL);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_has_all_that_is_known_and_nothing_else),
        cmocka_unit_test(nothing_nearby_is_zero_results),
        cmocka_unit_test(a_bound_of_none_is_not_zero_results),
        cmocka_unit_test(unknown_fields_are_absent_and_sources_credited_once),
        cmocka_unit_test(an_answer_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
