/* Does the next provider step in, and does a client learn what happened only if none did? */
#include "places-worker/http_fetch.h"
#include "places-worker/place_writer.h"
#include "places-worker/provider_chain.h"
#include "tests/support/http_stub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

/* A chain over a small database and a stub in the place of Google. */
struct fixture {
    char folder[64];
    char database[96];
    char google_url[64];
    struct http_stub google;
    struct topology_places places;
    struct provider_gate *gates[TOPOLOGY_PROVIDERS_MAX];
    struct provider_chain *chain;
    struct provider_answer answer;
    struct provider_attempts attempts;
    struct buffer complaint;
};

static void write_database(struct fixture *f)
{
    static const char line[] = "locality\tgeonames:1\tHere\t0.01\t0.01\t1000\t\t";
    struct place_line place;
    struct place_writer *writer;
    assert_int_equal(place_line_parse(slice_of(line), &place), STATUS_OK);
    assert_int_equal(place_writer_open(f->database, &writer, &f->complaint), STATUS_OK);
    assert_int_equal(place_writer_add(writer, &place, &f->complaint), STATUS_OK);
    assert_int_equal(place_writer_commit(writer, &f->complaint), STATUS_OK);
    place_writer_close(writer);
}

static int set_up(void **state)
{
    struct fixture *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/provider_chain_test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->database, sizeof f->database, "%s/places.sqlite", f->folder);
    f->complaint = buffer_with_max(1024);
    f->answer = provider_answer_none();
    http_stub_open(&f->google);
    snprintf(f->google_url, sizeof f->google_url, "http://127.0.0.1:%u", f->google.port);
    f->places = (struct topology_places){.timeout_ms = PATIENCE_MS,
        .connect_timeout_ms = PATIENCE_MS,
        .google_legacy_url = f->google_url,
        .google_url = f->google_url,
        .overpass_url = f->google_url,
        .requests_per_second = 3,
        .requests_per_day = 4};
    const struct provider_limits limits = {.per_second = 3, .per_day = 4, .workers = 1};
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX; i++) {
        assert_int_equal(provider_gate_create(&limits, NULL, &f->gates[i]), STATUS_OK);
    }
    write_database(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const f = *state;
    provider_chain_destroy(f->chain);
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX; i++) {
        provider_gate_destroy(f->gates[i]);
    }
    http_stub_close(&f->google);
    provider_answer_clear(&f->answer);
    buffer_clear(&f->complaint);
    unlink(f->database);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static enum status create(struct fixture *f)
{
    const struct provider_chain_settings settings = {
        .places = &f->places, .database = f->database, .google_key = "secret", .gates = f->gates};
    return provider_chain_create(&settings, &f->chain, &f->complaint);
}

static void use_one(struct fixture *f, enum places_provider only)
{
    f->places.provider_count = 1;
    f->places.providers[0] = only;
    assert_int_equal(create(f), STATUS_OK);
}

static void use_two(struct fixture *f, enum places_provider first, enum places_provider second)
{
    f->places.provider_count = 2;
    f->places.providers[0] = first;
    f->places.providers[1] = second;
    assert_int_equal(create(f), STATUS_OK);
}

static void ask(struct fixture *f, uint32_t timeout_ms)
{
    const struct nearby nearby = {.location = {0, 0}, .radius_m = 10000, .results_max = 5};
    const struct instant deadline = instant_after_ms(instant_now(), timeout_ms);
    provider_chain_answer(f->chain, &nearby, deadline, &f->answer, &f->attempts);
    assert_int_equal(
        buffer_append(&f->answer.text, slice_of_bytes("", 1)), STATUS_OK); /* to be searched */
    assert_int_equal(buffer_append(&f->answer.message, slice_of_bytes("", 1)), STATUS_OK);
    assert_null(strstr(f->answer.text.data, "secret"));
    assert_null(strstr(f->answer.message.data, "secret"));
}

static void assert_says(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", text, wanted);
    }
}

static const char google_ok[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n{\"results\":[\"Cafe\"],\"status\":\"OK\"}\n";
static const char google_denied[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 67\r\n\r\n"
    "{\"error_message\":\"Not you.\",\"results\":[],\"status\":\"REQUEST_DENIED\"}";
static const char google_fault[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

static void the_first_that_answers_ends_the_look_up(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, google_ok);
    use_two(f, PROVIDER_GOOGLE_LEGACY, PROVIDER_EMBEDDED);
    ask(f, PATIENCE_MS);

    assert_int_equal(f->answer.status, PLACES_OK);
    assert_string_equal(f->answer.text.data, "{\"results\":[\"Cafe\"],\"status\":\"OK\"}");
    assert_string_equal(f->answer.message.data, "");
    assert_int_equal(f->attempts.count, 1);
}

static void the_next_one_steps_in_and_the_client_learns_nothing_of_it(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, google_denied);
    use_two(f, PROVIDER_GOOGLE_LEGACY, PROVIDER_EMBEDDED);
    ask(f, PATIENCE_MS);

    assert_int_equal(f->answer.status, PLACES_OK);
    assert_says(f->answer.text.data, "\"name\" : \"Here\"");
    assert_null(strstr(f->answer.text.data, "error_message"));
    assert_string_equal(f->answer.message.data, "google-legacy: REQUEST_DENIED (Not you.)");
    assert_int_equal(f->attempts.count, 2);
    assert_int_equal(f->attempts.attempts[0].status, PLACES_REQUEST_DENIED);
    assert_int_equal(f->attempts.attempts[1].provider, PROVIDER_EMBEDDED);

    ask(f, PATIENCE_MS); /* of failures before it, the next look-up says nothing */
    assert_string_equal(f->answer.message.data, "google-legacy: REQUEST_DENIED (Not you.)");
}

static void the_new_google_is_asked_by_post_with_the_key_in_a_header(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google,
        HTTP_STUB_END,
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=300\r\nContent-Length: 2\r\n\r\n{}");
    f->places.google_rating = true;
    use_one(f, PROVIDER_GOOGLE);
    ask(f, PATIENCE_MS);
    assert_int_equal(f->answer.status, PLACES_ZERO_RESULTS);
    assert_int_equal(f->answer.keep_s, 300);
    provider_chain_destroy(f->chain);
    f->chain = NULL;
    http_stub_close(&f->google);

    assert_says(f->google.request, "POST /v1/places:searchNearby HTTP/1.1\r\n");
    assert_says(f->google.request, "\r\nX-Goog-Api-Key: secret\r\n");
    assert_says(f->google.request, "\r\nX-Goog-FieldMask: places.id,");
    assert_says(f->google.request, "places.rating");
    assert_null(strstr(f->google.request, "places.photos"));
    assert_says(f->google.request, "\r\nContent-Type: application/json\r\n");
    http_stub_open(&f->google);
}

static void a_silent_provider_leaves_time_for_the_next(void **state)
{
    struct fixture *const f = *state;
    use_two(f, PROVIDER_GOOGLE_LEGACY, PROVIDER_EMBEDDED); /* the stub never answers */
    const struct instant start = instant_now();
    ask(f, 400);

    assert_says(f->answer.text.data, "\"name\" : \"Here\"");
    assert_says(f->answer.message.data, "did not answer within");
    assert_true(instant_ns_between(start, instant_now()) / NS_PER_MS >= 290);
    unsigned within_ms = 0;
    const char *said = strstr(f->answer.message.data, "within ");
    assert_non_null(said);
    assert_int_equal(sscanf(said, "within %u ms", &within_ms), 1);
    assert_in_range(within_ms, 1, 300); /* the embedded places have the last quarter */
}

static void silent_providers_share_the_time(void **state)
{
    struct fixture *const f = *state;
    use_two(f, PROVIDER_GOOGLE_LEGACY, PROVIDER_GOOGLE); /* the stub never answers */
    ask(f, 400);

    assert_says(f->answer.message.data, "google-legacy: UNKNOWN_ERROR (http://127.0.0.1:");
    assert_null(strstr(f->answer.message.data, "no time was left"));
}

static void a_lone_refusal_passes_through_as_google_wrote_it(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, google_denied);
    use_one(f, PROVIDER_GOOGLE_LEGACY);
    ask(f, PATIENCE_MS);

    assert_int_equal(f->answer.status, PLACES_REQUEST_DENIED);
    assert_string_equal(f->answer.text.data,
        "{\"error_message\":\"Not you.\",\"results\":[],\"status\":\"REQUEST_DENIED\"}");
}

static void a_lone_failure_is_said_in_googles_form(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, google_fault);
    use_one(f, PROVIDER_GOOGLE_LEGACY);
    ask(f, PATIENCE_MS);

    assert_int_equal(f->answer.status, PLACES_UNKNOWN_ERROR);
    assert_string_equal(f->answer.text.data,
        "{\n   \"error_message\" : \"Google answered HTTP 503: its service has a fault\",\n"
        "   \"html_attributions\" : [],\n   \"results\" : [],\n   \"status\" : "
        "\"UNKNOWN_ERROR\"\n}");
}

static void a_lone_silence_ends_in_time(void **state)
{
    struct fixture *const f = *state;
    use_one(f, PROVIDER_GOOGLE_LEGACY);
    ask(f, 200);

    assert_int_equal(f->answer.status, PLACES_UNKNOWN_ERROR);
    assert_says(f->answer.text.data, f->google_url);
    assert_says(f->answer.text.data, "did not answer within 1"); /* 199 ms or less */
}

static void no_time_left_is_a_failure_and_no_request(void **state)
{
    struct fixture *const f = *state;
    use_one(f, PROVIDER_GOOGLE_LEGACY);
    ask(f, 0);
    assert_says(f->answer.text.data, "no time was left");
}

static void a_refused_connection_says_where_to_look(void **state)
{
    struct fixture *const f = *state;
    snprintf(f->google_url, sizeof f->google_url, "http://127.0.0.1:1");
    use_one(f, PROVIDER_GOOGLE_LEGACY);
    ask(f, PATIENCE_MS);
    assert_says(f->answer.text.data, "http://127.0.0.1:1 cannot be reached: ");
}

/* Messages go to clients: that none has "secret" in it is looked at by ask(). */
static void a_password_in_a_url_is_told_to_nobody(void **state)
{
    static const enum places_provider providers[] = {
        PROVIDER_GOOGLE_LEGACY, PROVIDER_GOOGLE, PROVIDER_OVERPASS};
    struct fixture *const f = *state;
    snprintf(f->google_url, sizeof f->google_url, "http://me:secret@127.0.0.1:1/api");
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        use_one(f, providers[i]);
        ask(f, PATIENCE_MS);
        assert_says(f->answer.text.data, "http://127.0.0.1:1/api cannot be reached: ");
        ask(f, 0);
        provider_chain_destroy(f->chain);
        f->chain = NULL;
    }
}

static void where_all_fail_each_one_is_heard(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, google_denied);
    use_two(f, PROVIDER_GOOGLE_LEGACY, PROVIDER_GOOGLE_LEGACY);
    ask(f, PATIENCE_MS);

    assert_int_equal(f->answer.status, PLACES_REQUEST_DENIED);
    assert_says(f->answer.text.data,
        "\"error_message\" : \"google-legacy: REQUEST_DENIED (Not you.); google-legacy: "
        "REQUEST_DENIED (Not you.)\"");
}

/* ---- Limits and politeness ---- */

static const char overpass_none[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"elements\":[]}";

static const char overpass_one[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    "{\"elements\":[{\"type\":\"node\",\"id\":1,\"lat\":0.001,\"lon\":0.001,"
    "\"tags\":{\"name\":\"Found\",\"shop\":\"books\"}}]}";

static void over_a_limit_nobody_is_asked(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, google_ok);
    use_one(f, PROVIDER_GOOGLE_LEGACY);
    for (unsigned i = 0; i < 3; i++) {
        ask(f, PATIENCE_MS);
        assert_int_equal(f->answer.status, PLACES_OK);
    }
    ask(f, PATIENCE_MS);
    assert_int_equal(f->answer.status, PLACES_OVER_QUERY_LIMIT);
    assert_says(f->answer.text.data, "at most 3 times a second (places.requests_per_second)");
    provider_chain_destroy(f->chain);
    f->chain = NULL;
    http_stub_close(&f->google);
    assert_int_equal(f->google.requests, 3);
    http_stub_open(&f->google);
}

static void circles_grow_until_there_is_enough_and_each_is_a_request(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, overpass_none);
    provider_gate_destroy(f->gates[PROVIDER_OVERPASS]);
    const struct provider_limits limits = {.per_second = 10, .per_day = 10, .workers = 1};
    assert_int_equal(provider_gate_create(&limits, NULL, &f->gates[PROVIDER_OVERPASS]), STATUS_OK);
    use_one(f, PROVIDER_OVERPASS);
    ask(f, PATIENCE_MS);
    assert_int_equal(f->answer.status, PLACES_ZERO_RESULTS);
    assert_int_equal(f->answer.keep_s, PROVIDER_KEEP_ANY);
    provider_chain_destroy(f->chain);
    f->chain = NULL;
    http_stub_close(&f->google);

    assert_int_equal(f->google.requests, 4); /* 300 m, 1 km, 3 km, 10 km */
    assert_says(f->google.request, "POST / HTTP/1.1\r\n");
    assert_says(f->google.request, "\r\nUser-Agent: herd-places-worker/");
    http_stub_open(&f->google);
}

static void a_limit_that_ends_a_search_is_not_zero_results(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, overpass_none);
    use_one(f, PROVIDER_OVERPASS); /* the fourth request is over the limit */
    ask(f, PATIENCE_MS);
    assert_int_equal(f->answer.status, PLACES_OVER_QUERY_LIMIT);
}

static void what_a_search_found_before_it_failed_is_told_and_not_kept(void **state)
{
    struct fixture *const f = *state;
    http_stub_answer(&f->google, HTTP_STUB_END, overpass_one);
    use_one(f, PROVIDER_OVERPASS); /* the fourth request is over the limit */
    ask(f, PATIENCE_MS);
    assert_int_equal(f->answer.status, PLACES_OK);
    assert_says(f->answer.text.data, "\"name\" : \"Found\"");
    assert_int_equal(f->answer.keep_s, 0);
}

static void expect_rest_after(struct fixture *f, const char *reply)
{
    http_stub_answer(&f->google, HTTP_STUB_END, reply);
    use_two(f, PROVIDER_OVERPASS, PROVIDER_EMBEDDED);
    ask(f, PATIENCE_MS);
    assert_says(f->answer.message.data, "(the Overpass server answered");
    ask(f, PATIENCE_MS);
    assert_says(
        f->answer.message.data, "overpass: OVER_QUERY_LIMIT (it has had too much to do, and");
    assert_says(f->answer.text.data, "\"name\" : \"Here\"");
    provider_chain_destroy(f->chain);
    f->chain = NULL;
    http_stub_close(&f->google);
    assert_int_equal(f->google.requests, 1);
    http_stub_open(&f->google);
}

static void after_a_429_overpass_is_left_alone(void **state)
{
    expect_rest_after(*state, "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 6\r\n\r\n<html>");
}

static void after_a_504_overpass_is_left_alone(void **state)
{
    expect_rest_after(*state, "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 6\r\n\r\n<html>");
}

static void overpass_is_asked_one_thing_at_a_time(void **state)
{
    struct fixture *const f = *state;
    use_one(f, PROVIDER_OVERPASS);
    assert_int_equal(
        provider_gate_enter(f->gates[PROVIDER_OVERPASS], INSTANT_NEVER), PROVIDER_PASSES);
    ask(f, 50);
    provider_gate_leave(f->gates[PROVIDER_OVERPASS]);
    assert_int_equal(f->answer.status, PLACES_OVER_QUERY_LIMIT);
    assert_says(f->answer.text.data, "the turn did not come");
}

/* ---- Opening ---- */

static void a_missing_database_matters_only_to_whom_it_serves(void **state)
{
    struct fixture *const f = *state;
    unlink(f->database);
    f->places.provider_count = 1;
    f->places.providers[0] = PROVIDER_EMBEDDED;
    assert_int_equal(create(f), STATUS_NOT_FOUND);
    assert_true(f->complaint.length > 0);
    use_one(f, PROVIDER_GOOGLE_LEGACY);
}

static void a_missing_ca_file_is_told(void **state)
{
    struct fixture *const f = *state;
    f->places.provider_count = 1;
    f->places.providers[0] = PROVIDER_GOOGLE_LEGACY;
    f->places.ca_file = "/nonexistent/ca.pem";
    assert_int_equal(create(f), STATUS_NOT_FOUND);
    assert_int_equal(buffer_append(&f->complaint, slice_of_bytes("", 1)), STATUS_OK);
    assert_says(f->complaint.data, "/nonexistent/ca.pem");
}

static void only_google_needs_googles_key(void **state)
{
    struct fixture *const f = *state;
    use_one(f, PROVIDER_EMBEDDED);
    assert_false(provider_chain_needs_google_key(&f->places));
    f->places.providers[0] = PROVIDER_GOOGLE_LEGACY;
    assert_true(provider_chain_needs_google_key(&f->places));
    f->places.providers[0] = PROVIDER_GOOGLE;
    assert_true(provider_chain_needs_google_key(&f->places));
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(the_first_that_answers_ends_the_look_up),
        WITH_FIXTURE(the_next_one_steps_in_and_the_client_learns_nothing_of_it),
        WITH_FIXTURE(the_new_google_is_asked_by_post_with_the_key_in_a_header),
        WITH_FIXTURE(a_silent_provider_leaves_time_for_the_next),
        WITH_FIXTURE(silent_providers_share_the_time),
        WITH_FIXTURE(a_lone_refusal_passes_through_as_google_wrote_it),
        WITH_FIXTURE(a_lone_failure_is_said_in_googles_form),
        WITH_FIXTURE(a_lone_silence_ends_in_time),
        WITH_FIXTURE(no_time_left_is_a_failure_and_no_request),
        WITH_FIXTURE(a_refused_connection_says_where_to_look),
        WITH_FIXTURE(a_password_in_a_url_is_told_to_nobody),
        WITH_FIXTURE(where_all_fail_each_one_is_heard),
        WITH_FIXTURE(over_a_limit_nobody_is_asked),
        WITH_FIXTURE(circles_grow_until_there_is_enough_and_each_is_a_request),
        WITH_FIXTURE(a_limit_that_ends_a_search_is_not_zero_results),
        WITH_FIXTURE(what_a_search_found_before_it_failed_is_told_and_not_kept),
        WITH_FIXTURE(after_a_429_overpass_is_left_alone),
        WITH_FIXTURE(after_a_504_overpass_is_left_alone),
        WITH_FIXTURE(overpass_is_asked_one_thing_at_a_time),
        WITH_FIXTURE(a_missing_database_matters_only_to_whom_it_serves),
        WITH_FIXTURE(a_missing_ca_file_is_told),
        WITH_FIXTURE(only_google_needs_googles_key),
    };
    unsetenv("http_proxy"); /* the stub is on this machine */
    return http_fetch_begin_process() == STATUS_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
