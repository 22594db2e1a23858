/* Does a worker answer gateways over real lanes, whatever they send, and finish what it has begun?
 */
#include "common/lane.h"
#include "common/message_codec.h"
#include "places-worker/place_writer.h"
#include "places-worker/worker.h"
#include "tests/support/http_stub.h"
#include "tests/support/loopback.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LANES = 4, RESPONSE_MAX = MESSAGE_PLACES_MAX + 4096 };

/* A worker whose loop runs in a thread, and lanes to it like a gateway's. */
struct fixture {
    char folder[64];
    char database[96];
    char url[LOOPBACK_URL_SIZE];
    struct http_stub google;
    struct topology *topology;
    struct buffer complaint;
    struct mailbox *mailbox; /* of the worker */
    struct mail stop;
    struct worker *worker;
    pthread_t loop;
    bool is_running;
    enum status ended_with;
    struct mailbox *asker;
    struct lane *lanes[LANES];
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

static void read_topology(struct fixture *f, const char *provider)
{
    char text[2048];
    const int length = snprintf(text,
        sizeof text,
        "{\"herd\": \"test\","
        " \"nodes\": {\"A\": {\"requests\": \"tcp://127.0.0.1:1001\", \"gossip\": "
        "\"tcp://127.0.0.1:1002\","
        "   \"neighbours\": []}},"
        " \"gateways\": {\"g\": {\"listeners\": [{\"address\": \"127.0.0.1:1003\", \"server\": "
        "\"A\"}]}},"
        " \"limits\": {\"drain_ms\": 500},"
        " \"places\": {\"providers\": [\"%s\"], \"google_legacy_url\": \"http://127.0.0.1:%u\","
        "   \"timeout_ms\": 5000,"
        "   \"workers\": {\"w\": {\"requests\": \"%s\", \"threads\": %d}}}}",
        provider,
        f->google.port,
        f->url,
        LANES);
    assert_in_range(length, 1, sizeof text - 1);
    if (topology_parse("test", slice_of_bytes(text, (size_t)length), &f->topology, &f->complaint) !=
        STATUS_OK) {
        fail_msg("%.*s", (int)f->complaint.length, f->complaint.data);
    }
}

static int set_up(void **state)
{
    struct fixture *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->complaint = buffer_with_max(1024);
    snprintf(f->folder, sizeof f->folder, "/tmp/worker_test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->database, sizeof f->database, "%s/places.sqlite", f->folder);
    loopback_free_url(f->url);
    http_stub_open(&f->google);
    assert_int_equal(mailbox_create(16, &f->mailbox), STATUS_OK);
    assert_int_equal(mailbox_create(16, &f->asker), STATUS_OK);
    write_database(f);
    *state = f;
    return 0;
}

static void *run(void *context)
{
    struct fixture *const f = context;
    f->ended_with = worker_run(f->worker);
    return NULL;
}

static enum status open_worker(struct fixture *f)
{
    const struct worker_settings settings = {
        .topology = f->topology, .index = 0, .database = f->database, .mailbox = f->mailbox};
    return worker_open(&settings, &f->worker, &f->complaint);
}

static void start(struct fixture *f, const char *provider)
{
    read_topology(f, provider);
    if (open_worker(f) != STATUS_OK) {
        fail_msg("%.*s", (int)f->complaint.length, f->complaint.data);
    }
    assert_int_equal(pthread_create(&f->loop, NULL, run, f), 0);
    f->is_running = true;
    for (uint64_t i = 0; i < LANES; i++) {
        assert_int_equal(lane_open(f->url, RESPONSE_MAX, f->asker, f, i, &f->lanes[i]), STATUS_OK);
        loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    }
}

static void ask_to_stop(struct fixture *f)
{
    f->stop = (struct mail){.kind = MAIL_STOP};
    mailbox_post_urgent(f->mailbox, &f->stop);
}

static void join(struct fixture *f)
{
    assert_int_equal(pthread_join(f->loop, NULL), 0);
    f->is_running = false;
}

static int tear_down(void **state)
{
    struct fixture *const f = *state;
    if (f->is_running) {
        ask_to_stop(f);
        join(f);
    }
    for (size_t i = 0; i < LANES; i++) {
        lane_close(f->lanes[i]);
    }
    worker_close(f->worker);
    http_stub_close(&f->google);
    mailbox_destroy(f->asker);
    mailbox_destroy(f->mailbox);
    topology_destroy(f->topology);
    buffer_clear(&f->complaint);
    unlink(f->database);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void send_nearby(struct fixture *f, size_t lane, unsigned results_max, uint32_t timeout_ms)
{
    const struct nearby nearby = {.location = {0, 0},
        .radius_m = 10000,
        .results_max = results_max,
        .timeout_ms = timeout_ms};
    struct buffer message = buffer_with_max(1024);
    assert_int_equal(nearby_encode(&message, &nearby), STATUS_OK);
    lane_send(f->lanes[lane], buffer_slice(&message));
    buffer_clear(&message);
}

/* The next response; its text must have this in it. */
static void expect_text(struct fixture *f, const char *wanted)
{
    struct mail *const mail = loopback_expect(f->asker, MAIL_LANE_RESPONSE);
    struct places places;
    struct buffer text = buffer_with_max(MESSAGE_PLACES_MAX);
    assert_int_equal(places_decode(mail->bytes, &places), STATUS_OK);
    assert_int_equal(buffer_append(&text, places.json), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    if (strstr(text.data, wanted) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", text.data, wanted);
    }
    buffer_clear(&text);
    mail_release(mail);
}

static void a_look_up_is_answered(void **state)
{
    start(*state, "embedded");
    send_nearby(*state, 0, 5, 5000);
    expect_text(*state, "\"name\" : \"Here\"");
}

static void many_look_ups_at_once_are_all_answered(void **state)
{
    start(*state, "embedded");
    for (unsigned round = 0; round < 50; round++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            send_nearby(*state, lane, 5, 5000);
        }
        for (size_t lane = 0; lane < LANES; lane++) {
            expect_text(*state, "\"name\" : \"Here\"");
        }
    }
}

static void what_is_no_look_up_is_answered_too(void **state)
{
    struct fixture *const f = *state;
    start(f, "embedded");
    static const char *const requests[] = {"", "x", "\x02\xFF", "\x01\x03", "\x63\x03"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        lane_send(f->lanes[0], slice_of(requests[i]));
        expect_text(f, "do not understand each other");
    }
    send_nearby(f, 0, 5, 5000);
    expect_text(f, "\"name\" : \"Here\"");
}

static void a_silent_provider_ends_within_what_the_gateway_waits(void **state)
{
    assert_int_equal(setenv("HERD_GOOGLE_KEY", "secret", 1), 0);
    start(*state, "google-legacy"); /* the stub never answers */
    for (size_t lane = 0; lane < LANES; lane++) {
        send_nearby(*state, lane, 5, 200);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        expect_text(*state, "did not answer within");
    }
}

/* The stub's count is read when nobody can ask any more. */
static void expect_requests_by_the_end(struct fixture *f, unsigned count)
{
    ask_to_stop(f);
    join(f);
    worker_close(f->worker);
    f->worker = NULL;
    http_stub_close(&f->google);
    assert_int_equal(f->google.requests, count);
    http_stub_open(&f->google);
}

static void look_ups_that_are_the_same_are_one_request(void **state)
{
    struct fixture *const f = *state;
    assert_int_equal(setenv("HERD_GOOGLE_KEY", "secret", 1), 0);
    http_stub_answer(&f->google,
        HTTP_STUB_HOLD,
        "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=300\r\nContent-Length: "
        "35\r\n\r\n{\"results\":[\"Cafe\"],\"status\":\"OK\"}\n");
    start(f, "google-legacy");
    for (size_t lane = 0; lane < LANES; lane++) {
        send_nearby(f, lane, 5, 5000);
    }
    http_stub_await_request(&f->google);
    http_stub_let_go(&f->google); /* those that come after this find the answer kept */
    for (size_t lane = 0; lane < LANES; lane++) {
        expect_text(f, "Cafe");
    }
    send_nearby(f, 0, 5, 5000);
    expect_text(f, "Cafe");

    expect_requests_by_the_end(f, 1);
}

static void what_may_not_be_kept_is_asked_again(void **state)
{
    struct fixture *const f = *state;
    assert_int_equal(setenv("HERD_GOOGLE_KEY", "secret", 1), 0);
    http_stub_answer(&f->google,
        HTTP_STUB_END,
        "HTTP/1.1 200 OK\r\nCache-Control: private, max-age=300\r\nContent-Length: "
        "35\r\n\r\n{\"results\":[\"Cafe\"],\"status\":\"OK\"}\n");
    start(f, "google-legacy");
    for (unsigned i = 0; i < 3; i++) {
        send_nearby(f, 0, 5, 5000);
        expect_text(f, "Cafe");
    }
    expect_requests_by_the_end(f, 3);
}

static void what_is_in_hand_is_finished_before_the_end(void **state)
{
    struct fixture *const f = *state;
    assert_int_equal(setenv("HERD_GOOGLE_KEY", "secret", 1), 0);
    http_stub_answer(&f->google,
        HTTP_STUB_HOLD,
        "HTTP/1.1 200 OK\r\nContent-Length: "
        "35\r\n\r\n{\"results\":[\"Cafe\"],\"status\":\"OK\"}\n");
    start(f, "google-legacy");
    send_nearby(f, 0, 5, 5000);
    http_stub_await_request(&f->google);
    ask_to_stop(f);
    http_stub_let_go(&f->google);
    expect_text(f, "Cafe");
    join(f);
    assert_int_equal(f->ended_with, STATUS_OK);
}

static void a_drain_has_an_end(void **state)
{
    struct fixture *const f = *state;
    assert_int_equal(setenv("HERD_GOOGLE_KEY", "secret", 1), 0);
    start(f, "google-legacy");
    send_nearby(f, 0, 5, 2000); /* longer than drain_ms */
    const struct instant begin = instant_now();
    ask_to_stop(f);
    join(f);
    assert_int_equal(f->ended_with, STATUS_OK);
    assert_true(instant_ns_between(begin, instant_now()) / NS_PER_MS < 1500);
}

/* ---- Opening ---- */

static void assert_refused(
    struct fixture *f, const char *provider, enum status wanted, const char *cause)
{
    read_topology(f, provider);
    assert_int_equal(open_worker(f), wanted);
    assert_int_equal(buffer_append(&f->complaint, slice_of_bytes("", 1)), STATUS_OK);
    if (strstr(f->complaint.data, cause) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", f->complaint.data, cause);
    }
}

static void a_missing_key_is_refused(void **state)
{
    assert_int_equal(unsetenv("HERD_GOOGLE_KEY"), 0);
    assert_refused(*state, "google-legacy", STATUS_NOT_FOUND, "HERD_GOOGLE_KEY");
}

static void a_missing_database_is_refused(void **state)
{
    struct fixture *const f = *state;
    unlink(f->database);
    assert_refused(f, "embedded", STATUS_NOT_FOUND, f->database);
}

static void a_port_in_use_is_refused(void **state)
{
    struct fixture *const f = *state;
    snprintf(f->url, sizeof f->url, "tcp://127.0.0.1:%u", f->google.port);
    assert_refused(f, "embedded", STATUS_ADDRESS_IN_USE, f->url);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_look_up_is_answered),
        WITH_FIXTURE(many_look_ups_at_once_are_all_answered),
        WITH_FIXTURE(what_is_no_look_up_is_answered_too),
        WITH_FIXTURE(a_silent_provider_ends_within_what_the_gateway_waits),
        WITH_FIXTURE(look_ups_that_are_the_same_are_one_request),
        WITH_FIXTURE(what_may_not_be_kept_is_asked_again),
        WITH_FIXTURE(what_is_in_hand_is_finished_before_the_end),
        WITH_FIXTURE(a_drain_has_an_end),
        WITH_FIXTURE(a_missing_key_is_refused),
        WITH_FIXTURE(a_missing_database_is_refused),
        WITH_FIXTURE(a_port_in_use_is_refused),
    };
    unsetenv("http_proxy"); /* the stub is on this machine */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
