/* Does a look-up become the request that Google wants, and every reply the legacy text or the right
 * failure? */
#include "places-worker/google.h"
#include "tests/support/expect.h"
#include "tests/support/provider_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char key[] = "AIzaSecret";

/* ---- Asking ---- */

static void assert_request(struct nearby nearby, bool rank_by_distance, const char *wanted)
{
    struct buffer text = buffer_with_max(1024);
    assert_int_equal(google_append_request(&text, &nearby, rank_by_distance), STATUS_OK);
    expect_bytes(buffer_slice(&text), wanted);
    buffer_clear(&text);
}

static void the_request_has_the_circle_and_the_bound(void **state)
{
    (void)state;
    assert_request(provider_case_nearby(34.06893, -118.445127, 10000, 5),
        false,
        "{\"maxResultCount\":5,\"locationRestriction\":{\"circle\":{\"center\":{\"latitude\":34."
        "06893,\"longitude\":-118.445127},\"radius\":10000}},\"rankPreference\":\"POPULARITY\"}");
    assert_request(provider_case_nearby(-90, 180, 50000, 20),
        true,
        "{\"maxResultCount\":20,\"locationRestriction\":{\"circle\":{\"center\":{\"latitude\":-90,"
        "\"longitude\":180},\"radius\":50000}},\"rankPreference\":\"DISTANCE\"}");
}

static void what_google_would_refuse_is_not_asked(void **state)
{
    (void)state;
    assert_request(provider_case_nearby(0, 0, 0, 0),
        false,
        "{\"maxResultCount\":1,\"locationRestriction\":{\"circle\":{\"center\":{\"latitude\":0,"
        "\"longitude\":0},\"radius\":1}},\"rankPreference\":\"POPULARITY\"}");
}

static void the_fields_that_cost_more_can_be_left_out(void **state)
{
    (void)state;
    static const char cheap[] =
        "places.id,places.displayName,places.location,places.viewport,places.types,"
        "places.businessStatus,places.iconMaskBaseUri,places.iconBackgroundColor,places.plusCode,"
        "places.shortFormattedAddress";
    static const struct {
        struct google_fields fields;
        const char *more;
    } cases[] = {
        {{false, false, false}, ""},
        {{true, false, false}, ",places.rating,places.userRatingCount,places.priceLevel"},
        {{false, true, false}, ",places.currentOpeningHours.openNow"},
        {{false, false, true}, ",places.photos"},
        {{true, true, true},
            ",places.rating,places.userRatingCount,places.priceLevel,places.currentOpeningHours."
            "openNow,places.photos"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = buffer_with_max(1024);
        assert_int_equal(google_append_field_mask(&text, &cases[i].fields), STATUS_OK);
        expect_bytes(slice_of_bytes(text.data, strlen(cheap)), cheap);
        expect_bytes(slice_from(buffer_slice(&text), strlen(cheap)), cases[i].more);
        buffer_clear(&text);
    }
}

static void a_request_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct nearby nearby = provider_case_nearby(0, 0, 1, 5);
    const struct google_fields fields = {true, true, true};
    struct buffer text = buffer_with_max(100);
    assert_int_equal(google_append_request(&text, &nearby, false), STATUS_FULL);
    assert_int_equal(google_append_field_mask(&text, &fields), STATUS_FULL);
    buffer_clear(&text);
}

/* ---- Reading ---- */

static void read_reply(
    struct provider_answer *answer, unsigned http_status, const char *body, unsigned results_max)
{
    const struct nearby nearby = provider_case_nearby(0, 0, 1000, results_max);
    google_read(http_status, slice_of(body), &nearby, key, answer);
}

static const char full_place[] =
    "{\"name\":\"places/ChIJ1\",\"id\":\"ChIJ1\",\"types\":[\"bar\",\"establishment\"],"
    "\"location\":{\"latitude\":-33.8587323,\"longitude\":151.2100055},"
    "\"viewport\":{\"low\":{\"latitude\":-33.86009812989271,\"longitude\":151.2085439701072},"
    "\"high\":{\"latitude\":-33.85739847010727,\"longitude\":151.2112436298927}},"
    "\"rating\":4.8,\"userRatingCount\":1269,\"priceLevel\":\"PRICE_LEVEL_MODERATE\","
    "\"businessStatus\":\"OPERATIONAL\",\"iconMaskBaseUri\":\"https://icons/bar\","
    "\"iconBackgroundColor\":\"#FF9E67\",\"displayName\":{\"text\":\"Caf\xC3\xA9 <1>\","
    "\"languageCode\":\"en\"},\"currentOpeningHours\":{\"openNow\":false},"
    "\"photos\":[{\"name\":\"places/ChIJ1/photos/Aap\",\"widthPx\":1080,\"heightPx\":608,"
    "\"authorAttributions\":[{\"displayName\":\"A & B\",\"uri\":\"//maps.google.com/1\"}]}],"
    "\"plusCode\":{\"globalCode\":\"4RRH46R6+G2\",\"compoundCode\":\"46R6+G2 The Rocks\"},"
    "\"shortFormattedAddress\":\"1 Circular Quay\"}";

static const char full_text[] = "      {\n"
                                "         \"business_status\" : \"OPERATIONAL\",\n"
                                "         \"geometry\" : \n"
                                "         {\n"
                                "            \"location\" : \n"
                                "            {\n"
                                "               \"lat\" : -33.8587323,\n"
                                "               \"lng\" : 151.2100055\n"
                                "            },\n"
                                "            \"viewport\" : \n"
                                "            {\n"
                                "               \"northeast\" : \n"
                                "               {\n"
                                "                  \"lat\" : -33.85739847010727,\n"
                                "                  \"lng\" : 151.2112436298927\n"
                                "               },\n"
                                "               \"southwest\" : \n"
                                "               {\n"
                                "                  \"lat\" : -33.86009812989271,\n"
                                "                  \"lng\" : 151.2085439701072\n"
                                "               }\n"
                                "            }\n"
                                "         },\n"
                                "         \"icon_background_color\" : \"#FF9E67\",\n"
                                "         \"icon_mask_base_uri\" : \"https://icons/bar\",\n"
                                "         \"name\" : \"Caf\xC3\xA9 \\u003c1\\u003e\",\n"
                                "         \"opening_hours\" : \n"
                                "         {\n"
                                "            \"open_now\" : false\n"
                                "         },\n"
                                "         \"photos\" : \n"
                                "         [\n"
                                "            {\n"
                                "               \"height\" : 608,\n"
                                "               \"html_attributions\" : \n"
                                "               [\n"
                                "                  \"\\u003ca "
                                "href=\\\"https://maps.google.com/1\\\"\\u003eA &amp; "
                                "B\\u003c/a\\u003e\"\n"
                                "               ],\n"
                                "               \"photo_reference\" : \"Aap\",\n"
                                "               \"width\" : 1080\n"
                                "            }\n"
                                "         ],\n"
                                "         \"place_id\" : \"ChIJ1\",\n"
                                "         \"plus_code\" : \n"
                                "         {\n"
                                "            \"compound_code\" : \"46R6+G2 The Rocks\",\n"
                                "            \"global_code\" : \"4RRH46R6+G2\"\n"
                                "         },\n"
                                "         \"price_level\" : 2,\n"
                                "         \"rating\" : 4.8,\n"
                                "         \"reference\" : \"ChIJ1\",\n"
                                "         \"scope\" : \"GOOGLE\",\n"
                                "         \"types\" : \n"
                                "         [\n"
                                "            \"bar\",\n"
                                "            \"establishment\",\n"
                                "            \"point_of_interest\"\n"
                                "         ],\n"
                                "         \"user_ratings_total\" : 1269,\n"
                                "         \"vicinity\" : \"1 Circular Quay\"\n"
                                "      }";

static void every_field_becomes_its_legacy_one(void **state)
{
    struct provider_answer *const answer = *state;
    char body[8192];
    char wanted[8192];
    snprintf(body, sizeof body, "{\"places\":[%s]}", full_place);
    snprintf(wanted,
        sizeof wanted,
        "{\n   \"html_attributions\" : [],\n   \"results\" : \n   [\n%s\n   ],\n   \"status\" : "
        "\"OK\"\n}",
        full_text);
    read_reply(answer, 200, body, 20);
    assert_int_equal(answer->status, PLACES_OK);
    expect_bytes(buffer_slice(&answer->text), wanted);
}

static void what_is_not_there_is_not_made_up(void **state)
{
    struct provider_answer *const answer = *state;
    read_reply(answer,
        200,
        "{\"places\":[{\"id\":\"x\",\"location\":{\"latitude\":0,\"longitude\":-0.25},"
        "\"rating\":\"five\",\"photos\":{},\"priceLevel\":\"PRICE_LEVEL_UNSPECIFIED\","
        "\"viewport\":{\"low\":{\"latitude\":1}},\"currentOpeningHours\":{\"openNow\":1}}]}",
        20);
    expect_bytes(buffer_slice(&answer->text),
        "{\n   \"html_attributions\" : [],\n   \"results\" : \n   [\n      {\n"
        "         \"geometry\" : \n         {\n            \"location\" : \n            {\n"
        "               \"lat\" : 0,\n               \"lng\" : -0.25\n            }\n         },\n"
        "         \"place_id\" : \"x\",\n         \"reference\" : \"x\",\n"
        "         \"scope\" : \"GOOGLE\",\n         \"types\" : \n         [\n"
        "            \"point_of_interest\",\n            \"establishment\"\n         ]\n"
        "      }\n   ],\n   \"status\" : \"OK\"\n}");
}

static void price_levels_are_numbers(void **state)
{
    struct provider_answer *const answer = *state;
    static const char *const levels[] = {
        "FREE", "INEXPENSIVE", "MODERATE", "EXPENSIVE", "VERY_EXPENSIVE"};
    for (unsigned i = 0; i < 5; i++) {
        char body[256];
        char wanted[64];
        snprintf(body,
            sizeof body,
            "{\"places\":[{\"id\":\"x\",\"location\":{\"latitude\":0,\"longitude\":0},"
            "\"priceLevel\":\"PRICE_LEVEL_%s\"}]}",
            levels[i]);
        snprintf(wanted, sizeof wanted, "\"price_level\" : %u,", i);
        read_reply(answer, 200, body, 20);
        assert_int_equal(buffer_append(&answer->text, slice_of_bytes("", 1)), STATUS_OK);
        assert_non_null(strstr(answer->text.data, wanted));
    }
}

static const char three_places[] =
    "{\"places\":[{\"id\":\"a\",\"location\":{\"latitude\":0,\"longitude\":0}},"
    "{\"id\":\"no position\"},17,"
    "{\"id\":\"b\",\"location\":{\"latitude\":0,\"longitude\":0}},"
    "{\"id\":\"c\",\"location\":{\"latitude\":0,\"longitude\":0}}]}";

static unsigned count_of(struct provider_answer *answer, const char *text)
{
    unsigned count = 0;
    assert_int_equal(buffer_append(&answer->text, slice_of_bytes("", 1)), STATUS_OK);
    for (const char *at = strstr(answer->text.data, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }
    return count;
}

static void results_are_cut_to_the_bound_and_need_an_id_and_a_position(void **state)
{
    struct provider_answer *const answer = *state;
    for (unsigned bound = 0; bound <= 5; bound++) {
        read_reply(answer, 200, three_places, bound);
        assert_int_equal(answer->status, PLACES_OK);
        assert_int_equal(count_of(answer, "\"place_id\""), bound < 3 ? bound : 3);
    }
}

static void an_empty_object_is_zero_results(void **state)
{
    struct provider_answer *const answer = *state;
    static const char *const bodies[] = {"{}", " {\n} ", "{\"places\":[]}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        read_reply(answer, 200, bodies[i], 5);
        assert_int_equal(answer->status, PLACES_ZERO_RESULTS);
        expect_bytes(buffer_slice(&answer->text),
            "{\n   \"html_attributions\" : [],\n   \"results\" : [],\n   \"status\" : "
            "\"ZERO_RESULTS\"\n}");
    }
}

static void what_is_no_nearby_search_is_an_unknown_error(void **state)
{
    struct provider_answer *const answer = *state;
    static const char *const bodies[] = {"",
        "<html>",
        "[]",
        "7",
        "{\"places\":",
        "{\"places\":{}}",
        "{\"places\":[{}]}",
        "{\"other\":1}",
        "{\"error\":{\"code\":500}}",
        "{\"places\":[],\"places\":[]}",
        "{\"places\":[]} and more",
        "{\"places\":[{\"id\":\"\xFF\"}]}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        read_reply(answer, 200, bodies[i], 5);
        assert_int_equal(answer->status, PLACES_UNKNOWN_ERROR);
        assert_true(answer->message.length > 0);
        assert_int_equal(answer->text.length, 0);
    }
}

static void depth_is_an_error_and_no_crash(void **state)
{
    struct provider_answer *const answer = *state;
    enum { LEVELS = 100000 };
    char *const body = malloc(2 * LEVELS + 32);
    assert_non_null(body);
    size_t length = (size_t)snprintf(body, 32, "{\"places\":");
    memset(body + length, '[', LEVELS);
    memset(body + length + LEVELS, ']', LEVELS);
    length += (size_t)2 * LEVELS;
    body[length] = '}';
    body[length + 1] = '\0';
    read_reply(answer, 200, body, 5);
    assert_int_equal(answer->status, PLACES_UNKNOWN_ERROR);
    free(body);
}

static void http_errors_have_googles_status_and_words(void **state)
{
    struct provider_answer *const answer = *state;
    static const struct {
        unsigned http_status;
        const char *body;
        enum places_status status;
        const char *message;
    } cases[] = {
        {400,
            "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"details\":[{},"
            "{\"reason\":\"API_KEY_INVALID\"}]}}",
            PLACES_REQUEST_DENIED,
            "API key not valid."},
        {400,
            "{\"error\":{\"code\":400,\"message\":\"FieldMask is a required parameter.\"}}",
            PLACES_INVALID_REQUEST,
            "FieldMask is a required parameter."},
        {403,
            "{\"error\":{\"code\":403,\"message\":\"Places API (New) is disabled.\"}}",
            PLACES_REQUEST_DENIED,
            "Places API (New) is disabled."},
        {429,
            "{\"error\":{\"code\":429,\"message\":\"Quota exceeded.\"}}",
            PLACES_OVER_QUERY_LIMIT,
            "Quota exceeded."},
        {500,
            "{\"error\":{\"code\":500,\"message\":\"Internal.\"}}",
            PLACES_UNKNOWN_ERROR,
            "Internal."},
        {401,
            "",
            PLACES_REQUEST_DENIED,
            "Google answered HTTP 401: the key is not allowed to ask for places"},
        {400,
            "<html>",
            PLACES_INVALID_REQUEST,
            "Google answered HTTP 400: it does not understand the request"},
        {429,
            "{}",
            PLACES_OVER_QUERY_LIMIT,
            "Google answered HTTP 429: more was asked than the key's quota allows"},
        {503,
            "<html>busy</html>",
            PLACES_UNKNOWN_ERROR,
            "Google answered HTTP 503: its service has a fault"},
        {404,
            "<html>",
            PLACES_UNKNOWN_ERROR,
            "Google answered HTTP 404: google_url may not be the address of its service"},
        {403,
            "{\"error\":{\"message\":\"The key AIzaSecret is bad.\"}}",
            PLACES_REQUEST_DENIED,
            "Google answered HTTP 403: the key is not allowed to ask for places"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_reply(answer, cases[i].http_status, cases[i].body, 5);
        assert_int_equal(answer->status, cases[i].status);
        expect_bytes(buffer_slice(&answer->message), cases[i].message);
        assert_int_equal(answer->text.length, 0);
    }
}

static void a_reply_that_repeats_the_key_is_not_passed_on(void **state)
{
    struct provider_answer *const answer = *state;
    read_reply(answer,
        200,
        "{\"places\":[{\"id\":\"AIzaSecret\",\"location\":{\"latitude\":0,\"longitude\":0}}]}",
        5);
    assert_int_equal(answer->status, PLACES_UNKNOWN_ERROR);
    assert_int_equal(answer->text.length, 0);
    assert_false(provider_answer_repeats(buffer_slice(&answer->message), key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_has_the_circle_and_the_bound),
        cmocka_unit_test(what_google_would_refuse_is_not_asked),
        cmocka_unit_test(the_fields_that_cost_more_can_be_left_out),
        cmocka_unit_test(a_request_that_does_not_fit_is_told),
        WITH_ANSWER(every_field_becomes_its_legacy_one),
        WITH_ANSWER(what_is_not_there_is_not_made_up),
        WITH_ANSWER(price_levels_are_numbers),
        WITH_ANSWER(results_are_cut_to_the_bound_and_need_an_id_and_a_position),
        WITH_ANSWER(an_empty_object_is_zero_results),
        WITH_ANSWER(what_is_no_nearby_search_is_an_unknown_error),
        WITH_ANSWER(depth_is_an_error_and_no_crash),
        WITH_ANSWER(http_errors_have_googles_status_and_words),
        WITH_ANSWER(a_reply_that_repeats_the_key_is_not_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
