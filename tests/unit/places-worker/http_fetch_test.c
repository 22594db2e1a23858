/* Is every request bounded and every failure called by its name? Asks a server within the test. */
#include "common/instant.h"
#include "places-worker/http_fetch.h"
#include "tests/support/http_stub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, BODY_MAX = 4096 };

struct fixture {
    struct http_stub server;
    struct http_fetch *fetch;
    struct buffer body;
};

static int set_up(void **state)
{
    struct fixture *const fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    http_stub_open(&fixture->server);
    fixture->body = buffer_with_max(BODY_MAX);
    assert_int_equal(http_fetch_create(NULL, &fixture->fetch), STATUS_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const fixture = *state;
    http_fetch_destroy(fixture->fetch); /* first, because it may keep a connection */
    http_stub_close(&fixture->server);
    buffer_clear(&fixture->body);
    free(fixture);
    return 0;
}

static void answer_with(struct fixture *fixture, enum http_stub_manner manner, const char *answer)
{
    http_stub_answer(&fixture->server, manner, answer);
}

static struct http_reply get(struct fixture *fixture, const char *form, uint32_t timeout_ms)
{
    char url[128];
    snprintf(url, sizeof url, form, fixture->server.port);
    const struct http_request request = {
        .url = url, .timeout_ms = timeout_ms, .connect_timeout_ms = timeout_ms};
    return http_fetch_ask(fixture->fetch, &request, &fixture->body);
}
static const char here[] = "http://127.0.0.1:%u/json?key=secret";

static void assert_outcome(struct fixture *fixture, enum http_outcome wanted)
{
    const struct http_reply reply = get(fixture, here, PATIENCE_MS);
    if (reply.outcome != wanted) {
        fail_msg("outcome %d (%s)", (int)reply.outcome, reply.detail);
    }
    if (wanted != HTTP_ANSWERED) {
        assert_true(reply.detail[0] != '\0');
        assert_null(strstr(reply.detail, "secret"));
    }
}

static void status_and_body_come_back(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(
        fixture, HTTP_STUB_KEEP, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");

    const struct http_reply reply = get(fixture, here, PATIENCE_MS);
    assert_int_equal(reply.outcome, HTTP_ANSWERED);
    assert_int_equal(reply.status, 404);
    assert_int_equal(fixture->body.length, 5);
    assert_memory_equal(fixture->body.data, "hello", 5);
}

static void a_connection_is_used_again(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture, HTTP_STUB_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    for (unsigned i = 0; i < 3; i++) {
        assert_outcome(fixture, HTTP_ANSWERED);
        assert_int_equal(fixture->body.length, 2);
    }
    http_fetch_destroy(fixture->fetch);
    fixture->fetch = NULL;
    http_stub_close(&fixture->server);

    assert_int_equal(fixture->server.requests, 3);
    assert_int_equal(fixture->server.connections, 1);
    assert_non_null(strstr(fixture->server.request, "GET /json?key=secret HTTP/1.1\r\n"));
    http_stub_open(&fixture->server);
}

static void the_proxy_of_the_environment_is_asked(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture, HTTP_STUB_END, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    char proxy[64];
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", fixture->server.port);
    setenv("http_proxy", proxy, 1);
    const struct http_reply reply = get(fixture, "http://places.invalid:%u/json", PATIENCE_MS);
    unsetenv("http_proxy");
    http_fetch_destroy(fixture->fetch);
    fixture->fetch = NULL;
    http_stub_close(&fixture->server);

    assert_int_equal(reply.outcome, HTTP_ANSWERED);
    assert_non_null(strstr(fixture->server.request, "GET http://places.invalid:"));
    http_stub_open(&fixture->server);
}

static void an_ended_connection_does_not_hurt_the_next_request(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture, HTTP_STUB_END, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    for (unsigned i = 0; i < 3; i++) {
        assert_outcome(fixture, HTTP_ANSWERED);
    }
}

static void redirects_are_not_followed(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture,
        HTTP_STUB_KEEP,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    const struct http_reply reply = get(fixture, here, PATIENCE_MS);
    assert_int_equal(reply.outcome, HTTP_ANSWERED);
    assert_int_equal(reply.status, 302);
}

static void a_server_that_waits_is_given_up_in_time(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture, HTTP_STUB_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    const struct instant start = instant_now();
    const struct http_reply reply = get(fixture, here, 200);
    const int64_t waited_ms = instant_ns_between(start, instant_now()) / NS_PER_MS;

    assert_int_equal(reply.outcome, HTTP_TIMED_OUT);
    assert_in_range((uint64_t)waited_ms, 150, 5000);
}

static void a_listener_that_never_accepts_is_given_up_in_time(void **state)
{
    struct fixture *const fixture = *state; /* no thread: the kernel connects, nobody answers */
    const struct http_reply reply = get(fixture, here, 200);
    assert_int_equal(reply.outcome, HTTP_TIMED_OUT);
}

static void an_answer_that_is_cut_off_is_no_answer(void **state)
{
    answer_with(*state, HTTP_STUB_END, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void chunks_that_are_cut_off_are_no_answer(void **state)
{
    answer_with(*state,
        HTTP_STUB_END,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void a_reset_connection_is_no_answer(void **state)
{
    answer_with(*state, HTTP_STUB_RESET, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void silence_is_no_answer(void **state)
{
    answer_with(*state, HTTP_STUB_END, "");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void what_is_no_http_is_no_answer(void **state)
{
    answer_with(*state, HTTP_STUB_END, "SSH-2.0-OpenSSH\r\n");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
    static char answer[BODY_MAX + 256];
    const int head = snprintf(
        answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_MAX + 1);
    memset(answer + head, ' ', BODY_MAX + 1);
    answer_with(*state, HTTP_STUB_END, answer);
    assert_outcome(*state, HTTP_TOO_LARGE);
}

static void headers_beyond_the_limit_are_refused(void **state)
{
    static char answer[128 * 1024];
    size_t length = (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n");
    while (length < 100000) {
        length += (size_t)snprintf(
            answer + length, sizeof answer - length, "X-Filler: 0123456789012345678901234567\r\n");
    }
    snprintf(answer + length, sizeof answer - length, "Content-Length: 0\r\n\r\n");
    answer_with(*state, HTTP_STUB_END, answer);
    assert_outcome(*state, HTTP_TOO_LARGE);
}

static void a_refused_connection_is_told(void **state)
{
    struct fixture *const fixture = *state;
    shutdown(fixture->server.listener, SHUT_RDWR);
    assert_outcome(fixture, HTTP_NOT_CONNECTED);
}

static void a_server_without_tls_is_not_trusted(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture, HTTP_STUB_END, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_int_equal(get(fixture, "https://127.0.0.1:%u/", PATIENCE_MS).outcome, HTTP_NOT_TRUSTED);
}

static void other_protocols_are_bad_urls(void **state)
{
    static const char *const urls[] = {
        "ftp://127.0.0.1:%u/", "file:///etc/passwd", "", "http://", "nonsense://x"};
    struct fixture *const fixture = *state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_int_equal(get(fixture, urls[i], PATIENCE_MS).outcome, HTTP_BAD_URL);
    }
}

static void a_host_without_address_is_told(void **state)
{
    /* A name that needs no asking: a label has 63 bytes at most. */
    const char *const url =
        "http://a123456789b123456789c123456789d123456789e123456789f123456789.invalid:%u/";
    assert_int_equal(get(*state, url, PATIENCE_MS).outcome, HTTP_NOT_RESOLVED);
}

static void a_body_is_posted_with_its_headers_and_the_next_request_has_neither(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture, HTTP_STUB_END, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    static const char *const headers[] = {"Content-Type: application/json", "X-Own: 1", NULL};
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/ask", fixture->server.port);
    const struct http_request request = {.url = url,
        .headers = headers,
        .body = slice_of("{\"a\":1}"),
        .timeout_ms = PATIENCE_MS,
        .connect_timeout_ms = PATIENCE_MS};
    const struct http_reply reply = http_fetch_ask(fixture->fetch, &request, &fixture->body);
    assert_int_equal(reply.outcome, HTTP_ANSWERED);
    char posted[sizeof fixture->server.request];
    memcpy(posted, fixture->server.request, sizeof posted); /* the answer came after it */
    assert_outcome(fixture, HTTP_ANSWERED);
    http_fetch_destroy(fixture->fetch);
    fixture->fetch = NULL;
    http_stub_close(&fixture->server);

    assert_non_null(strstr(posted, "POST /ask HTTP/1.1\r\n"));
    assert_non_null(strstr(posted, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(posted, "\r\nX-Own: 1\r\n"));
    assert_non_null(strstr(posted, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(posted, "\r\nUser-Agent: " HTTP_USER_AGENT "\r\n"));
    assert_non_null(strstr(fixture->server.request, "GET /json?key=secret HTTP/1.1\r\n"));
    assert_null(strstr(fixture->server.request, "X-Own"));
    assert_null(strstr(fixture->server.request, "Content-"));
    http_stub_open(&fixture->server);
}

static void it_is_told_how_long_an_answer_may_be_kept(void **state)
{
    struct fixture *const fixture = *state;
    static const struct {
        const char *header;
        uint32_t max_age_s;
    } cases[] = {
        {"X-None: 1", 0},
        {"Cache-Control: max-age=300", 300},
        {"CACHE-control:public,MAX-AGE=60", 60},
        {"Cache-Control: s-maxage=9, max-age=7, must-revalidate", 7},
        {"Cache-Control: max-age=300, no-store", 0},
        {"Cache-Control: no-cache, max-age=300", 0},
        {"Cache-Control: private, max-age=300", 0},
        {"Cache-Control: max-age=soon", 0},
        {"Cache-Control: max-age=99999999999", 0},
        {"Cache-Control: private\r\nCache-Control: max-age=300", 0},
        {"Cache-Control: max-age=300\r\nCache-Control: public", 300},
        {"Cache-Control: max-age=300\r\nCache-Control: max-age=7", 7},
        {"Cache-Control: ,,", 0},
        {"Cache-Control:", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char answer[256];
        snprintf(answer,
            sizeof answer,
            "HTTP/1.1 200 OK\r\n%s\r\nContent-Length: 2\r\n\r\n{}",
            cases[i].header);
        answer_with(fixture, HTTP_STUB_END, answer);
        const struct http_reply reply = get(fixture, here, PATIENCE_MS);
        assert_int_equal(reply.outcome, HTTP_ANSWERED);
        assert_int_equal(reply.max_age_s, cases[i].max_age_s);
        http_stub_close(&fixture->server);
        http_stub_open(&fixture->server);
    }
}

static void what_comes_before_the_answer_says_nothing_of_keeping_it(void **state)
{
    struct fixture *const fixture = *state;
    answer_with(fixture,
        HTTP_STUB_END,
        "HTTP/1.1 103 Early Hints\r\nCache-Control: max-age=300\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    const struct http_reply reply = get(fixture, here, PATIENCE_MS);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.max_age_s, 0);
}

static void a_missing_ca_file_is_told_at_once(void **state)
{
    (void)state;
    struct http_fetch *fetch;
    assert_int_equal(http_fetch_create("/nonexistent/ca.pem", &fetch), STATUS_NOT_FOUND);
}

#define WITH_STUB(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STUB(status_and_body_come_back),
        WITH_STUB(a_connection_is_used_again),
        WITH_STUB(the_proxy_of_the_environment_is_asked),
        WITH_STUB(an_ended_connection_does_not_hurt_the_next_request),
        WITH_STUB(redirects_are_not_followed),
        WITH_STUB(a_server_that_waits_is_given_up_in_time),
        WITH_STUB(a_listener_that_never_accepts_is_given_up_in_time),
        WITH_STUB(an_answer_that_is_cut_off_is_no_answer),
        WITH_STUB(chunks_that_are_cut_off_are_no_answer),
        WITH_STUB(a_reset_connection_is_no_answer),
        WITH_STUB(silence_is_no_answer),
        WITH_STUB(what_is_no_http_is_no_answer),
        WITH_STUB(a_body_beyond_the_limit_is_refused),
        WITH_STUB(headers_beyond_the_limit_are_refused),
        WITH_STUB(a_refused_connection_is_told),
        WITH_STUB(a_server_without_tls_is_not_trusted),
        WITH_STUB(other_protocols_are_bad_urls),
        WITH_STUB(a_host_without_address_is_told),
        WITH_STUB(a_body_is_posted_with_its_headers_and_the_next_request_has_neither),
        WITH_STUB(it_is_told_how_long_an_answer_may_be_kept),
        WITH_STUB(what_comes_before_the_answer_says_nothing_of_keeping_it),
        cmocka_unit_test(a_missing_ca_file_is_told_at_once),
    };
    unsetenv("http_proxy"); /* the server is on this machine */
    return http_fetch_begin_process() == STATUS_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
