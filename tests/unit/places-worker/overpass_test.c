/* Do replies of an Overpass server become the nearest places, and its failures never "no places"?
 */
#include "places-worker/overpass.h"
#include "tests/support/expect.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct overpass_places places;
    struct provider_answer answer;
};

static int set_up(void **state)
{
    struct fixture *const f = malloc(sizeof *f);
    assert_non_null(f);
    f->answer = provider_answer_none();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const f = *state;
    provider_answer_clear(&f->answer);
    free(f);
    return 0;
}

static struct nearby near(double radius_m, unsigned results_max)
{
    return (struct nearby){
        .location = {47.1, 9.5}, .radius_m = radius_m, .results_max = results_max};
}

/* ---- Asking ---- */

/* What is asked when nothing is ever found, in metres; 0 behind the last. */
static void assert_circles(double radius_m, const long *wanted)
{
    const struct nearby nearby = near(radius_m, 5);
    struct overpass_places places;
    struct provider_answer answer = provider_answer_none();
    double circle_m;
    overpass_begin(&places, &nearby);
    while (overpass_next(&places, &nearby, &circle_m)) {
        assert_int_equal(lround(circle_m), *wanted++);
        assert_true(
            overpass_read(200, slice_of("{\"elements\":[]}"), &nearby, circle_m, &places, &answer));
    }
    assert_int_equal(*wanted, 0);
    provider_answer_clear(&answer);
}

static void circles_grow_to_the_whole_radius(void **state)
{
    (void)state;
    assert_circles(50000, (const long[]){300, 1000, 3000, 10000, 30000, 50000, 0});
    assert_circles(1000, (const long[]){300, 1000, 0});
    assert_circles(300, (const long[]){300, 0});
    assert_circles(12.5, (const long[]){13, 0});
    assert_circles(0, (const long[]){1, 0});
}

static void the_form_has_the_query_escaped(void **state)
{
    (void)state;
    const struct nearby nearby = near(50000, 5);
    struct buffer text = buffer_with_max(8192);
    assert_int_equal(overpass_append_form(&text, &nearby, 1000, 7), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_memory_equal(text.data, "data=%5Bout%3Ajson%5D%5Btimeout%3A7%5D", 38);
    assert_non_null(strstr(text.data, "nwr%28around%3A1000%2C47.1%2C9.5%29%5B%22name%22%5D"));
    assert_non_null(strstr(text.data, "%3Bout%20tags%20center%20qt%20400%3B"));
    assert_null(strchr(text.data, '+'));
    buffer_clear(&text);

    struct buffer small = buffer_with_max(100);
    assert_int_equal(overpass_append_form(&small, &nearby, 1000, 7), STATUS_FULL);
    buffer_clear(&small);
}

/* ---- Reading ---- */

static bool read_reply(struct fixture *f, const struct nearby *nearby, const char *body)
{
    return overpass_read(200, slice_of(body), nearby, nearby->radius_m, &f->places, &f->answer);
}

static void elements_become_places_by_distance(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(10000, 20);
    overpass_begin(&f->places, &nearby);
    assert_true(read_reply(f,
        &nearby,
        "{\"version\":0.6,\"elements\":["
        "{\"type\":\"way\",\"id\":22,\"center\":{\"lat\":47.101,\"lon\":9.5},\"tags\":"
        "{\"name\":\"Gasthof <Adler>\",\"amenity\":\"restaurant\",\"addr:street\":\"Dorfstrasse\","
        "\"addr:housenumber\":\"24\",\"addr:city\":\"Vaduz\"}},"
        "{\"type\":\"node\",\"id\":1,\"lat\":47.1,\"lon\":9.5,\"tags\":"
        "{\"name\":\"Spar\",\"shop\":\"supermarket\"}}]}"));
    overpass_answer(&f->places, &nearby, &f->answer);
    assert_int_equal(f->answer.status, PLACES_OK);
    expect_bytes(buffer_slice(&f->answer.text),
        "{\n   \"html_attributions\" : \n   [\n"
        "      \"\xC2\xA9 \\u003ca href=\\\"https://www.openstreetmap.org/copyright\\\"\\u003e"
        "OpenStreetMap contributors\\u003c/a\\u003e (ODbL)\"\n   ],\n"
        "   \"results\" : \n   [\n      {\n         \"geometry\" : \n         {\n"
        "            \"location\" : \n            {\n               \"lat\" : 47.1,\n"
        "               \"lng\" : 9.5\n            }\n         },\n"
        "         \"name\" : \"Spar\",\n         \"place_id\" : \"osm:node/1\",\n"
        "         \"plus_code\" : \n         {\n"
        "            \"global_code\" : \"8FVF4G22+22\"\n         },\n"
        "         \"reference\" : \"osm:node/1\",\n         \"types\" : \n         [\n"
        "            \"supermarket\",\n            \"grocery_or_supermarket\",\n"
        "            \"food\",\n            \"store\",\n            \"point_of_interest\",\n"
        "            \"establishment\"\n         ]\n      },\n"
        "      {\n         \"geometry\" : \n         {\n"
        "            \"location\" : \n            {\n               \"lat\" : 47.101,\n"
        "               \"lng\" : 9.5\n            }\n         },\n"
        "         \"name\" : \"Gasthof \\u003cAdler\\u003e\",\n"
        "         \"place_id\" : \"osm:way/22\",\n"
        "         \"plus_code\" : \n         {\n"
        "            \"global_code\" : \"8FVF4G22+C2\"\n         },\n"
        "         \"reference\" : \"osm:way/22\",\n         \"types\" : \n         [\n"
        "            \"restaurant\",\n            \"food\",\n            \"point_of_interest\",\n"
        "            \"establishment\"\n         ],\n"
        "         \"vicinity\" : \"Dorfstrasse 24, Vaduz\"\n      }\n   ],\n"
        "   \"status\" : \"OK\"\n}");
}

static void what_is_no_place_is_left_out(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(10000, 20);
    overpass_begin(&f->places, &nearby);
    assert_true(read_reply(f,
        &nearby,
        "{\"elements\":[7,null,{},"
        "{\"type\":\"node\",\"id\":1,\"lat\":47.1,\"lon\":9.5},"
        "{\"type\":\"node\",\"id\":2,\"lat\":47.1,\"lon\":9.5,\"tags\":{\"amenity\":\"cafe\"}},"
        "{\"type\":\"node\",\"id\":3,\"lat\":47.1,\"lon\":9.5,\"tags\":{\"name\":\"x\"}},"
        "{\"type\":\"area\",\"id\":4,\"lat\":47.1,\"lon\":9.5,\"tags\":"
        "{\"name\":\"x\",\"amenity\":\"cafe\"}},"
        "{\"type\":\"node\",\"id\":\"5\",\"lat\":47.1,\"lon\":9.5,\"tags\":"
        "{\"name\":\"x\",\"amenity\":\"cafe\"}},"
        "{\"type\":\"node\",\"id\":6,\"lat\":97.1,\"lon\":9.5,\"tags\":"
        "{\"name\":\"x\",\"amenity\":\"cafe\"}},"
        "{\"type\":\"node\",\"id\":7,\"lat\":48.1,\"lon\":9.5,\"tags\":"
        "{\"name\":\"too far\",\"amenity\":\"cafe\"}},"
        "{\"type\":\"relation\",\"id\":8,\"center\":{\"lat\":47.1},\"tags\":"
        "{\"name\":\"x\",\"amenity\":\"cafe\"}}]}"));
    assert_int_equal(f->places.count, 0);
    overpass_answer(&f->places, &nearby, &f->answer);
    assert_int_equal(f->answer.status, PLACES_ZERO_RESULTS);
}

/* Cafes to the north, `from` to `to`; one of number n is n ten-thousandths of a degree away. */
static char *cafes(unsigned from, unsigned to)
{
    const size_t size = 64 + (size_t)(to - from) * 128;
    char *const body = malloc(size);
    assert_non_null(body);
    size_t length = (size_t)snprintf(body, size, "{\"elements\":[");
    for (unsigned i = to; i-- > from;) {
        length += (size_t)snprintf(body + length,
            size - length,
            "{\"type\":\"node\",\"id\":%u,\"lat\":47.%04u,\"lon\":9.5,\"tags\":"
            "{\"name\":\"c\",\"amenity\":\"cafe\"}}%s",
            i,
            1000 + i,
            i > from ? "," : "]}");
    }
    return body;
}

static void the_nearest_of_all_replies_are_kept_once(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(10000, 3);
    overpass_begin(&f->places, &nearby);
    char *const first = cafes(3, 5);
    char *const second = cafes(1, 8);
    double next_m;
    assert_true(read_reply(f, &nearby, first));
    assert_true(read_reply(f, &nearby, second));
    assert_false(overpass_next(&f->places, &nearby, &next_m));
    assert_int_equal(f->places.count, 3);
    for (size_t i = 0; i < 3; i++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "osm:node/%zu", i + 1);
        expect_bytes(slice_of_bytes(f->places.places[i].id, f->places.places[i].id_length), wanted);
    }
    free(first);
    free(second);
}

static void as_many_as_are_asked_for_are_kept(void **state)
{
    struct fixture *const f = *state;
    char *const body = cafes(0, 399);
    for (unsigned bound = 0; bound <= 20; bound++) {
        const struct nearby nearby = near(50000, bound);
        overpass_begin(&f->places, &nearby);
        assert_true(read_reply(f, &nearby, body));
        assert_int_equal(f->places.count, bound == 0 ? 1 : bound);
        assert_true(isinf(f->places.limited_m));
        overpass_answer(&f->places, &nearby, &f->answer);
        assert_int_equal(f->answer.status, PLACES_OK);
    }
    free(body);
}

/* ---- Dense places ---- */

/* What an Overpass server with `count` cafes, the n-th `n * apart_m` north of the centre, makes of
 * a circle: where it has too many, those that are farthest. */
static char *reply_of(unsigned count, double apart_m, double circle_m)
{
    static const double metres_per_degree = 111195;
    unsigned inside = 0;
    while (inside < count && inside * apart_m <= circle_m) {
        inside++;
    }
    const unsigned first = inside > OVERPASS_ELEMENTS_MAX ? inside - OVERPASS_ELEMENTS_MAX : 0;
    const size_t size = 64 + (size_t)(inside - first) * 128;
    char *const body = malloc(size);
    assert_non_null(body);
    size_t length = (size_t)snprintf(body, size, "{\"elements\":[");
    for (unsigned i = first; i < inside; i++) {
        length += (size_t)snprintf(body + length,
            size - length,
            "%s{\"type\":\"node\",\"id\":%u,\"lat\":%.9f,\"lon\":9.5,\"tags\":"
            "{\"name\":\"c\",\"amenity\":\"cafe\"}}",
            i > first ? "," : "",
            i,
            47.1 + i * apart_m / metres_per_degree);
    }
    snprintf(body + length, size - length, "]}");
    return body;
}

/* Searches to the end; how many requests it took. */
static unsigned search(
    struct fixture *f, const struct nearby *nearby, unsigned count, double apart_m)
{
    unsigned requests = 0;
    double circle_m;
    overpass_begin(&f->places, nearby);
    while (overpass_next(&f->places, nearby, &circle_m)) {
        char *const body = reply_of(count, apart_m, circle_m);
        assert_true(overpass_read(200, slice_of(body), nearby, circle_m, &f->places, &f->answer));
        free(body);
        requests++;
    }
    return requests;
}

static void the_nearest_are_found_however_dense_a_place_is(void **state)
{
    struct fixture *const f = *state;
    static const double apart_m[] = {0.05, 0.1, 0.3, 0.6, 0.74, 0.76, 1, 2, 2.4, 5, 7, 20, 70, 500};
    static const double radii_m[] = {50000, 10000, 800, 299, 5};
    for (size_t i = 0; i < sizeof apart_m / sizeof apart_m[0]; i++) {
        for (size_t k = 0; k < sizeof radii_m / sizeof radii_m[0]; k++) {
            const struct nearby nearby = near(radii_m[k], 20);
            const unsigned requests = search(f, &nearby, 20000, apart_m[i]);
            assert_in_range(requests, 1, 9);
            for (size_t n = 0; n < f->places.count; n++) {
                char wanted[32];
                snprintf(wanted, sizeof wanted, "osm:node/%zu", n);
                expect_bytes(
                    slice_of_bytes(f->places.places[n].id, f->places.places[n].id_length), wanted);
            }
            const double inside = floor(ceil(radii_m[k]) / apart_m[i]) + 1;
            assert_int_equal(f->places.count, inside < 20 ? lround(inside) : 20);
        }
    }
}

static void too_many_at_one_spot_end_the_search_with_what_was_found(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(10000, 20);
    assert_in_range(search(f, &nearby, 5000, 1e-6), 2, OVERPASS_REQUESTS_MAX);
    assert_int_equal(f->places.count, 20);
}

static void no_server_keeps_a_search_going_for_ever(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(50000, 20);
    double circle_m;
    unsigned requests = 0;
    overpass_begin(&f->places, &nearby);
    while (overpass_next(&f->places, &nearby, &circle_m)) {
        /* nothing in each circle but every third, of which it says that there is too much */
        char *const body = requests % 3 == 2 ? cafes(8000, 8000 + OVERPASS_ELEMENTS_MAX) : NULL;
        const char *const text = body != NULL ? body : "{\"elements\":[]}";
        assert_true(overpass_read(200, slice_of(text), &nearby, circle_m, &f->places, &f->answer));
        free(body);
        requests++;
    }
    assert_in_range(requests, 1, OVERPASS_REQUESTS_MAX);
}

static void failures_are_never_no_places(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(1000, 5);
    static const struct {
        unsigned http_status;
        const char *body;
        enum places_status status;
        const char *says;
    } cases[] = {
        {429, "<html>", PLACES_OVER_QUERY_LIMIT, "HTTP 429: it was asked too often"},
        {504, "<html>", PLACES_UNKNOWN_ERROR, "HTTP 504: it is too busy"},
        {400, "<html>", PLACES_INVALID_REQUEST, "HTTP 400: it does not understand the query"},
        {406, "", PLACES_REQUEST_DENIED, "HTTP 406: it does not serve this program"},
        {403, "", PLACES_REQUEST_DENIED, "HTTP 403: it does not serve this program"},
        {500, "", PLACES_UNKNOWN_ERROR, "HTTP 500: it has a fault"},
        {404, "", PLACES_UNKNOWN_ERROR, "HTTP 404: overpass_url may not be its address"},
        {200, "<html>busy</html>", PLACES_UNKNOWN_ERROR, "is not data"},
        {200, "", PLACES_UNKNOWN_ERROR, "is not data"},
        {200, "{}", PLACES_UNKNOWN_ERROR, "is not data"},
        {200, "{\"elements\":[", PLACES_UNKNOWN_ERROR, "is not data"},
        {200, "{\"elements\":{}}", PLACES_UNKNOWN_ERROR, "is not data"},
        {200,
            "{\"elements\":[],\"remark\":\"runtime error: Query timed out in \\\"query\\\" at line "
            "3 after 26 seconds.\"}",
            PLACES_UNKNOWN_ERROR,
            "did not finish: runtime error: Query timed out in \"query\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        overpass_begin(&f->places, &nearby);
        assert_false(overpass_read(
            cases[i].http_status, slice_of(cases[i].body), &nearby, 300, &f->places, &f->answer));
        assert_int_equal(f->answer.status, cases[i].status);
        assert_int_equal(buffer_append(&f->answer.message, slice_of_bytes("", 1)), STATUS_OK);
        assert_non_null(strstr(f->answer.message.data, cases[i].says));
    }
}

static void a_harmless_remark_is_no_failure(void **state)
{
    struct fixture *const f = *state;
    const struct nearby nearby = near(1000, 5);
    overpass_begin(&f->places, &nearby);
    assert_true(read_reply(f, &nearby, "{\"elements\":[],\"remark\":\"data of yesterday\"}"));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circles_grow_to_the_whole_radius),
        cmocka_unit_test(the_form_has_the_query_escaped),
        WITH_FIXTURE(elements_become_places_by_distance),
        WITH_FIXTURE(what_is_no_place_is_left_out),
        WITH_FIXTURE(the_nearest_of_all_replies_are_kept_once),
        WITH_FIXTURE(as_many_as_are_asked_for_are_kept),
        WITH_FIXTURE(the_nearest_are_found_however_dense_a_place_is),
        WITH_FIXTURE(too_many_at_one_spot_end_the_search_with_what_was_found),
        WITH_FIXTURE(no_server_keeps_a_search_going_for_ever),
        WITH_FIXTURE(failures_are_never_no_places),
        WITH_FIXTURE(a_harmless_remark_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
