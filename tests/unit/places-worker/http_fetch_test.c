/* Is every request bounded and every failure called by its name? Asks a server within the test. */
#include "common/instant.h"
#include "places-worker/http_fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, BODY_MAX = 4096 };

/* What a server does with the first request of each connection. */
enum manner {
    ANSWER_AND_KEEP, /* then waits for the next request */
    ANSWER_AND_END,
    ANSWER_AND_WAIT, /* says nothing more, and does not end */
    RESET,
};

struct server {
    int listener;
    uint16_t port;
    enum manner manner;
    const char *answer;
    pthread_t thread;
    char request[1024];
    unsigned requests;
    unsigned connections;
    struct http_fetch *fetch;
    struct buffer body;
};

/* Reads until the empty line that ends a request, or some of a TLS greeting; false: the client has
 * gone. */
static bool read_request(struct server *server, int peer)
{
    size_t length = 0;
    while (length < sizeof server->request - 1) {
        const ssize_t count =
            read(peer, server->request + length, sizeof server->request - 1 - length);
        if (count <= 0) {
            return false;
        }
        length += (size_t)count;
        server->request[length] = '\0';
        const bool is_tls = server->request[0] == 0x16;
        if (is_tls || strstr(server->request, "\r\n\r\n") != NULL) {
            server->requests++;
            return true;
        }
    }
    return false;
}

static void serve_peer(struct server *server, int peer)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    while (read_request(server, peer)) {
        const size_t length = strlen(server->answer);
        if (send(peer, server->answer, length, MSG_NOSIGNAL) != (ssize_t)length) {
            return;
        }
        if (server->manner == RESET) {
            setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        if (server->manner == ANSWER_AND_END || server->manner == RESET) {
            return;
        }
    }
}

/* Until the listener is shut down. */
static void *serve(void *context)
{
    struct server *const server = context;
    int peer = accept(server->listener, NULL, NULL);
    while (peer >= 0) {
        server->connections++;
        serve_peer(server, peer);
        close(peer);
        peer = accept(server->listener, NULL, NULL);
    }
    return NULL;
}

static int start_server(void **state)
{
    struct server *const server = calloc(1, sizeof *server);
    assert_non_null(server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    server->body = buffer_with_max(BODY_MAX);
    assert_int_equal(http_fetch_create(NULL, &server->fetch), STATUS_OK);
    *state = server;
    return 0;
}

static int stop_server(void **state)
{
    struct server *const server = *state;
    http_fetch_destroy(server->fetch); /* ends the connection the server may be waiting on */
    if (server->answer != NULL) {
        shutdown(server->listener, SHUT_RDWR);
        pthread_join(server->thread, NULL);
    }
    close(server->listener);
    buffer_clear(&server->body);
    free(server);
    return 0;
}

static void answer_with(struct server *server, enum manner manner, const char *answer)
{
    server->manner = manner;
    server->answer = answer;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static struct http_reply get(struct server *server, const char *form, uint32_t timeout_ms)
{
    char url[128];
    snprintf(url, sizeof url, form, server->port);
    const struct http_request request = {
        .url = url, .timeout_ms = timeout_ms, .connect_timeout_ms = timeout_ms};
    return http_fetch_get(server->fetch, &request, &server->body);
}
static const char here[] = "http://127.0.0.1:%u/json?key=secret";

static void assert_outcome(struct server *server, enum http_outcome wanted)
{
    const struct http_reply reply = get(server, here, PATIENCE_MS);
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
    struct server *const server = *state;
    answer_with(
        server, ANSWER_AND_KEEP, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");

    const struct http_reply reply = get(server, here, PATIENCE_MS);
    assert_int_equal(reply.outcome, HTTP_ANSWERED);
    assert_int_equal(reply.status, 404);
    assert_int_equal(server->body.length, 5);
    assert_memory_equal(server->body.data, "hello", 5);
}

static void a_connection_is_used_again(void **state)
{
    struct server *const server = *state;
    answer_with(server, ANSWER_AND_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    for (unsigned i = 0; i < 3; i++) {
        assert_outcome(server, HTTP_ANSWERED);
        assert_int_equal(server->body.length, 2);
    }
    http_fetch_destroy(server->fetch);
    server->fetch = NULL;

    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    server->answer = NULL;
    assert_int_equal(server->requests, 3);
    assert_int_equal(server->connections, 1);
    assert_non_null(strstr(server->request, "GET /json?key=secret HTTP/1.1\r\n"));
}

static void an_ended_connection_does_not_hurt_the_next_request(void **state)
{
    struct server *const server = *state;
    answer_with(server, ANSWER_AND_END, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    for (unsigned i = 0; i < 3; i++) {
        assert_outcome(server, HTTP_ANSWERED);
    }
}

static void redirects_are_not_followed(void **state)
{
    struct server *const server = *state;
    answer_with(server,
        ANSWER_AND_KEEP,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    const struct http_reply reply = get(server, here, PATIENCE_MS);
    assert_int_equal(reply.outcome, HTTP_ANSWERED);
    assert_int_equal(reply.status, 302);
}

static void a_server_that_waits_is_given_up_in_time(void **state)
{
    struct server *const server = *state;
    answer_with(server, ANSWER_AND_WAIT, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    const struct instant start = instant_now();
    const struct http_reply reply = get(server, here, 200);
    const int64_t waited_ms = instant_ns_between(start, instant_now()) / NS_PER_MS;

    assert_int_equal(reply.outcome, HTTP_TIMED_OUT);
    assert_in_range((uint64_t)waited_ms, 150, 5000);
}

static void a_listener_that_never_accepts_is_given_up_in_time(void **state)
{
    struct server *const server = *state; /* no thread: the kernel connects, nobody answers */
    const struct http_reply reply = get(server, here, 200);
    assert_int_equal(reply.outcome, HTTP_TIMED_OUT);
}

static void an_answer_that_is_cut_off_is_no_answer(void **state)
{
    answer_with(*state, ANSWER_AND_END, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void chunks_that_are_cut_off_are_no_answer(void **state)
{
    answer_with(*state,
        ANSWER_AND_END,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void a_reset_connection_is_no_answer(void **state)
{
    answer_with(*state, RESET, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void silence_is_no_answer(void **state)
{
    answer_with(*state, ANSWER_AND_END, "");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void what_is_no_http_is_no_answer(void **state)
{
    answer_with(*state, ANSWER_AND_END, "SSH-2.0-OpenSSH\r\n");
    assert_outcome(*state, HTTP_CUT_OFF);
}

static void a_body_beyond_the_limit_is_refused(void **state)
{
    static char answer[BODY_MAX + 256];
    const int head = snprintf(
        answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_MAX + 1);
    memset(answer + head, ' ', BODY_MAX + 1);
    answer_with(*state, ANSWER_AND_END, answer);
    assert_outcome(*state, HTTP_TOO_LARGE);
}

static void headers_beyond_the_limit_are_refused(void **state)
{
    static char answer[128 * 1024];
    size_t length = (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n");
    while (length < 100u * 1024) {
        length += (size_t)snprintf(
            answer + length, sizeof answer - length, "X-Filler: 0123456789012345678901234567\r\n");
    }
    snprintf(answer + length, sizeof answer - length, "Content-Length: 0\r\n\r\n");
    answer_with(*state, ANSWER_AND_END, answer);
    assert_outcome(*state, HTTP_TOO_LARGE);
}

static void a_refused_connection_is_told(void **state)
{
    struct server *const server = *state;
    shutdown(server->listener, SHUT_RDWR);
    assert_outcome(server, HTTP_NOT_CONNECTED);
}

static void a_server_without_tls_is_not_trusted(void **state)
{
    struct server *const server = *state;
    answer_with(server, ANSWER_AND_END, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_int_equal(get(server, "https://127.0.0.1:%u/", PATIENCE_MS).outcome, HTTP_NOT_TRUSTED);
}

static void other_protocols_are_bad_urls(void **state)
{
    static const char *const urls[] = {
        "ftp://127.0.0.1:%u/", "file:///etc/passwd", "", "http://", "nonsense://x"};
    struct server *const server = *state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_int_equal(get(server, urls[i], PATIENCE_MS).outcome, HTTP_BAD_URL);
    }
}

static void a_host_without_address_is_told(void **state)
{
    /* A name that needs no asking: a label has 63 bytes at most. */
    const char *const url =
        "http://a123456789b123456789c123456789d123456789e123456789f123456789.invalid:%u/";
    assert_int_equal(get(*state, url, PATIENCE_MS).outcome, HTTP_NOT_RESOLVED);
}

static void a_missing_ca_file_is_told_at_once(void **state)
{
    (void)state;
    struct http_fetch *fetch;
    assert_int_equal(http_fetch_create("/nonexistent/ca.pem", &fetch), STATUS_NOT_FOUND);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start_server, stop_server)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(status_and_body_come_back),
        WITH_SERVER(a_connection_is_used_again),
        WITH_SERVER(an_ended_connection_does_not_hurt_the_next_request),
        WITH_SERVER(redirects_are_not_followed),
        WITH_SERVER(a_server_that_waits_is_given_up_in_time),
        WITH_SERVER(a_listener_that_never_accepts_is_given_up_in_time),
        WITH_SERVER(an_answer_that_is_cut_off_is_no_answer),
        WITH_SERVER(chunks_that_are_cut_off_are_no_answer),
        WITH_SERVER(a_reset_connection_is_no_answer),
        WITH_SERVER(silence_is_no_answer),
        WITH_SERVER(what_is_no_http_is_no_answer),
        WITH_SERVER(a_body_beyond_the_limit_is_refused),
        WITH_SERVER(headers_beyond_the_limit_are_refused),
        WITH_SERVER(a_refused_connection_is_told),
        WITH_SERVER(a_server_without_tls_is_not_trusted),
        WITH_SERVER(other_protocols_are_bad_urls),
        WITH_SERVER(a_host_without_address_is_told),
        cmocka_unit_test(a_missing_ca_file_is_told_at_once),
    };
    unsetenv("http_proxy"); /* the server is on this machine */
    return http_fetch_begin_process() == STATUS_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
