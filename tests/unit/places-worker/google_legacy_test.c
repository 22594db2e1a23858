/* Does a look-up become the right URL, and every reply the right answer, without a word of the key?
 */
#include "places-worker/google_legacy.h"
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

static void assert_url(struct nearby nearby, const char *with_key, const char *wanted)
{
    struct buffer url = buffer_with_max(1024);
    assert_int_equal(
        google_legacy_append_url(&url, "https://maps.googleapis.com", &nearby, with_key),
        STATUS_OK);
    assert_string_equal(url.data, wanted);
    buffer_clear(&url);
}

static void the_url_has_location_without_plus_radius_and_key(void **state)
{
    (void)state;
    assert_url(provider_case_nearby(34.06893, -118.445127, 10000, 5),
        key,
        "https://maps.googleapis.com/maps/api/place/nearbysearch/"
        "json?location=34.06893,-118.445127&radius=10000"
        "&key=AIzaSecret");
    assert_url(provider_case_nearby(-33.8587323, 151.2100055, 50000, 5),
        key,
        "https://maps.googleapis.com/maps/api/place/nearbysearch/"
        "json?location=-33.8587323,151.2100055&radius=50000"
        "&key=AIzaSecret");
}

static void radii_are_whole_metres_and_at_least_one(void **state)
{
    (void)state;
    assert_url(provider_case_nearby(0, 0, 0, 5),
        "k",
        "https://maps.googleapis.com/maps/api/place/nearbysearch/json?location=0,0&radius=1&key=k");
    assert_url(provider_case_nearby(0, 0, 1234.56, 5),
        "k",
        "https://maps.googleapis.com/maps/api/place/nearbysearch/"
        "json?location=0,0&radius=1235&key=k");
}

static void a_key_cannot_add_to_the_url(void **state)
{
    (void)state;
    assert_url(provider_case_nearby(0, 0, 1, 5),
        "a&b=c/#\xC3\xA9-._~",
        "https://maps.googleapis.com/maps/api/place/nearbysearch/"
        "json?location=0,0&radius=1&key=a%26b%3Dc%2F%23%C3%A9-._~");
}

static void a_url_that_does_not_fit_is_told(void **state)
{
    (void)state;
    const struct nearby nearby = provider_case_nearby(0, 0, 1, 5);
    for (size_t max = 0; max < 90; max++) {
        struct buffer url = buffer_with_max(max);
        assert_int_equal(
            google_legacy_append_url(&url, "https://maps.googleapis.com", &nearby, key),
            STATUS_FULL);
        buffer_clear(&url);
    }
}

/* ---- Reading ---- */

static void read_reply(
    struct provider_answer *answer, unsigned http_status, const char *body, unsigned results_max)
{
    const struct nearby nearby = provider_case_nearby(0, 0, 1000, results_max);
    google_legacy_read(http_status, slice_of(body), &nearby, key, answer);
}

static void an_answer_passes_through_cut_to_the_bound(void **state)
{
    struct provider_answer *const answer = *state;
    read_reply(answer, 200, "{\n\"results\" : [ 1, 2, 3 ],\n\"status\" : \"OK\"\n}\n", 2);
    assert_true(provider_answer_is_answered(answer));
    assert_int_equal(answer->status, PLACES_OK);
    expect_bytes(buffer_slice(&answer->text), "{\n\"results\" : [ 1, 2 ],\n\"status\" : \"OK\"\n}");
    assert_int_equal(answer->message.length, 0);
}

static void nothing_nearby_is_an_answer(void **state)
{
    struct provider_answer *const answer = *state;
    read_reply(answer, 200, "{\"results\":[],\"status\":\"ZERO_RESULTS\"}", 5);
    assert_true(provider_answer_is_answered(answer));
    assert_int_equal(answer->status, PLACES_ZERO_RESULTS);
}

static void a_refusal_is_a_failure_in_googles_own_words(void **state)
{
    struct provider_answer *const answer = *state;
    const char *const body = "{\n   \"error_message\" : \"The provided API key is "
                             "\\\"expired\\\".\",\n   \"html_attributions\" : [],\n"
                             "   \"results\" : [],\n   \"status\" : \"REQUEST_DENIED\"\n}";
    read_reply(answer, 200, body, 5);
    assert_false(provider_answer_is_answered(answer));
    assert_int_equal(answer->status, PLACES_REQUEST_DENIED);
    expect_bytes(buffer_slice(&answer->message), "The provided API key is \"expired\".");
    expect_bytes(buffer_slice(&answer->text), body);
}

static void every_status_of_googles_is_known(void **state)
{
    struct provider_answer *const answer = *state;
    static const struct {
        const char *body;
        enum places_status status;
    } cases[] = {
        {"{\"results\":[],\"status\":\"INVALID_REQUEST\"}", PLACES_INVALID_REQUEST},
        {"{\"results\":[],\"status\":\"OVER_QUERY_LIMIT\"}", PLACES_OVER_QUERY_LIMIT},
        {"{\"results\":[],\"status\":\"OVER_DAILY_LIMIT\"}", PLACES_OVER_DAILY_LIMIT},
        {"{\"results\":[],\"status\":\"REQUEST_DENIED\"}", PLACES_REQUEST_DENIED},
        {"{\"results\":[],\"status\":\"UNKNOWN_ERROR\"}", PLACES_UNKNOWN_ERROR},
        {"{\"results\":[],\"status\":\"NOT_FOUND\"}", PLACES_NOT_FOUND},
        {"{\"results\":[],\"status\":\"SOMETHING_NEW\"}", PLACES_UNKNOWN_ERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_reply(answer, 200, cases[i].body, 5);
        assert_false(provider_answer_is_answered(answer));
        assert_int_equal(answer->status, cases[i].status);
        assert_true(answer->message.length > 0);
    }
    read_reply(answer, 200, "{\"results\":[1]}", 5);
    assert_true(provider_answer_is_answered(answer));
}

static void http_errors_become_googles_statuses(void **state)
{
    struct provider_answer *const answer = *state;
    static const struct {
        unsigned http_status;
        enum places_status status;
    } cases[] = {
        {301, PLACES_UNKNOWN_ERROR},
        {400, PLACES_INVALID_REQUEST},
        {401, PLACES_REQUEST_DENIED},
        {403, PLACES_REQUEST_DENIED},
        {404, PLACES_UNKNOWN_ERROR},
        {429, PLACES_OVER_QUERY_LIMIT},
        {500, PLACES_UNKNOWN_ERROR},
        {503, PLACES_UNKNOWN_ERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char number[16];
        read_reply(answer, cases[i].http_status, "<html>{\"results\":[]}</html>", 5);
        assert_int_equal(answer->status, cases[i].status);
        assert_int_equal(answer->text.length, 0);
        snprintf(number, sizeof number, "HTTP %u", cases[i].http_status);
        assert_int_equal(buffer_append(&answer->message, slice_of_bytes("", 1)), STATUS_OK);
        assert_non_null(strstr(answer->message.data, number));
    }
}

static void what_is_no_nearby_search_is_a_failure(void **state)
{
    struct provider_answer *const answer = *state;
    static const char *const bodies[] = {
        "", "<html>welcome</html>", "{\"results\":[{", "{\"status\":\"OK\"}", "[]"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        read_reply(answer, 200, bodies[i], 5);
        assert_int_equal(answer->status, PLACES_UNKNOWN_ERROR);
        assert_int_equal(answer->text.length, 0);
        assert_true(answer->message.length > 0);
    }
}

static void the_key_is_never_passed_on(void **state)
{
    struct provider_answer *const answer = *state;
    static const char *const bodies[] = {
        "{\"results\":[\"AIzaSecret\"],\"status\":\"OK\"}",
        "{\"results\":[],\"status\":\"REQUEST_DENIED\",\"error_message\":\"AIzaSecret is no key\"}",
        "{\"results\":[],\"status\":\"AIzaSecret\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        read_reply(answer, 200, bodies[i], 5);
        assert_int_equal(answer->status, PLACES_UNKNOWN_ERROR);
        assert_int_equal(answer->text.length, 0);
        assert_int_equal(buffer_append(&answer->message, slice_of_bytes("", 1)), STATUS_OK);
        assert_null(strstr(answer->message.data, key));
    }
}

static void a_message_of_any_length_is_cut_off(void **state)
{
    struct provider_answer *const answer = *state;
    static char body[20000];
    snprintf(body, sizeof body, "{\"results\":[],\"status\":\"%0*d\"}", (int)sizeof body - 64, 0);
    read_reply(answer, 200, body, 5);
    assert_int_equal(answer->status, PLACES_UNKNOWN_ERROR);
    assert_in_range(answer->message.length, 1, PROVIDER_MESSAGE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_url_has_location_without_plus_radius_and_key),
        cmocka_unit_test(radii_are_whole_metres_and_at_least_one),
        cmocka_unit_test(a_key_cannot_add_to_the_url),
        cmocka_unit_test(a_url_that_does_not_fit_is_told),
        WITH_ANSWER(an_answer_passes_through_cut_to_the_bound),
        WITH_ANSWER(nothing_nearby_is_an_answer),
        WITH_ANSWER(a_refusal_is_a_failure_in_googles_own_words),
        WITH_ANSWER(every_status_of_googles_is_known),
        WITH_ANSWER(http_errors_become_googles_statuses),
        WITH_ANSWER(what_is_no_nearby_search_is_a_failure),
        WITH_ANSWER(the_key_is_never_passed_on),
        WITH_ANSWER(a_message_of_any_length_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
