/* admin: real HTTP over loopback, with a loop that answers, is unwell, or stands still. */
#include "common/admin.h"
#include "tests/support/loopback.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

enum { RESPONSE_MAX = 2 * 1024 * 1024, LARGE_BODY = 1024 * 1024 };

/* What the loop says to every question. */
struct loop {
    struct mailbox *mailbox;
    bool is_healthy;
    struct slice body;
    enum admin_page asked; /* the last page */
    pthread_t thread;
};

struct fixture {
    uint16_t port;
    char address[LOOPBACK_URL_SIZE];
    struct mailbox *mailbox;
    struct admin *admin;
    char response[RESPONSE_MAX + 1];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->port = loopback_free_port();
    (void)snprintf(f->address, sizeof f->address, "127.0.0.1:%u", (unsigned)f->port);
    assert_int_equal(mailbox_create(1, &f->mailbox), STATUS_OK);
    assert_int_equal(admin_open(f->address, f->mailbox, &f->admin), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    admin_close(f->admin);
    mailbox_destroy(f->mailbox);
    free(f);
    return 0;
}

static void *run_loop(void *context)
{
    struct loop *loop = context;
    struct mail *mail = NULL;
    while ((mail = mailbox_wait_one(loop->mailbox, INSTANT_NEVER)) != NULL) {
        loop->asked = admin_question_page(mail->source);
        admin_answer(mail->source, loop->is_healthy, loop->body);
        mail_release(mail);
    }
    return NULL;
}

static void start_loop(struct fixture *f, struct loop *loop)
{
    loop->mailbox = f->mailbox;
    assert_int_equal(pthread_create(&loop->thread, NULL, run_loop, loop), 0);
}

static void stop_loop(struct loop *loop)
{
    mailbox_close(loop->mailbox);
    assert_int_equal(pthread_join(loop->thread, NULL), 0);
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the other side closes. */
static void receive_response(struct fixture *f, int fd)
{
    size_t length = 0;
    ssize_t count = 0;
    while ((count = recv(fd, f->response + length, RESPONSE_MAX - length, 0)) > 0) {
        length += (size_t)count;
    }
    f->response[length] = '\0';
    close(fd);
}

static int start_request(struct fixture *f, const char *method, const char *path)
{
    char request[256];
    (void)snprintf(request,
        sizeof request,
        "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        method,
        path);
    const int fd = loopback_connect(f->port);
    send_text(fd, request);
    return fd;
}

static void request(struct fixture *f, const char *method, const char *path)
{
    receive_response(f, start_request(f, method, path));
}

static void assert_code(struct fixture *f, const char *code)
{
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "HTTP/1.1 %s ", code);
    if (strncmp(f->response, wanted, strlen(wanted)) != 0) {
        fail_msg("wanted %s, got: %.100s", code, f->response);
    }
}

static void assert_contains(struct fixture *f, const char *text)
{
    if (strstr(f->response, text) == NULL) {
        fail_msg("wanted \"%s\" in: %.500s", text, f->response);
    }
}

static void assert_body(struct fixture *f, const char *body)
{
    const char *end_of_head = strstr(f->response, "\r\n\r\n");
    assert_non_null(end_of_head);
    assert_string_equal(end_of_head + 4, body);
}

static void each_page_is_answered_by_the_loop_with_its_content_type(void **state)
{
    struct fixture *f = *state;
    struct loop loop = {.is_healthy = true, .body = slice_of("said the loop\n")};
    static const struct {
        const char *path;
        enum admin_page page;
        const char *type;
    } cases[] = {
        {"/livez", ADMIN_LIVEZ, "Content-Type: text/plain; charset=utf-8\r\n"},
        {"/readyz", ADMIN_READYZ, "Content-Type: text/plain; charset=utf-8\r\n"},
        {"/metrics", ADMIN_METRICS, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"},
        {"/status", ADMIN_STATUS, "Content-Type: application/json\r\n"},
    };
    start_loop(f, &loop);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        request(f, "GET", cases[i].path);

        assert_code(f, "200");
        assert_contains(f, cases[i].type);
        assert_body(f, "said the loop\n");
    }
    stop_loop(&loop);
    assert_int_equal(loop.asked, ADMIN_STATUS);
}

static void each_page_that_is_not_healthy_is_a_503_that_says_why(void **state)
{
    struct fixture *f = *state;
    struct loop loop = {.is_healthy = false, .body = slice_of("a look-up does not end\n")};
    static const char *const pages[] = {"/livez", "/readyz", "/metrics", "/status"};
    start_loop(f, &loop);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        request(f, "GET", pages[i]);
        assert_code(f, "503");
        assert_body(f, "a look-up does not end\n");
    }
    stop_loop(&loop);
}

static void a_head_request_has_the_length_and_no_body(void **state)
{
    struct fixture *f = *state;
    struct loop loop = {.is_healthy = true, .body = slice_of("fourteen bytes")};
    start_loop(f, &loop);

    request(f, "HEAD", "/status");

    assert_code(f, "200");
    assert_contains(f, "Content-Length: 14\r\n");
    assert_body(f, "");
    stop_loop(&loop);
}

static void assert_body_arrives(struct fixture *f, const char *body)
{
    const int waiting = start_request(f, "GET", "/metrics");
    struct mail *mail = loopback_expect(f->mailbox, MAIL_ADMIN_QUESTION);
    admin_answer(mail->source, true, slice_of(body));
    mail_release(mail);
    receive_response(f, waiting);
    assert_body(f, body);
}

static void bodies_may_be_empty_or_large(void **state)
{
    char *large = malloc(LARGE_BODY + 1);
    memset(large, 'x', LARGE_BODY);
    large[LARGE_BODY] = '\0';

    assert_body_arrives(*state, "");
    assert_body_arrives(*state, large);

    free(large);
}

static void other_paths_are_not_found(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {
        "/", "/livez/", "/Livez", "/metrics/x", "/../status", "/%2e"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        request(f, "GET", paths[i]);
        assert_code(f, "404");
        assert_body(f, "there are /livez, /readyz, /metrics and /status\n");
    }
}

static void other_methods_are_not_allowed(void **state)
{
    struct fixture *f = *state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        request(f, methods[i], "/livez");
        assert_code(f, "405");
        assert_contains(f, "Allow: GET, HEAD\r\n");
    }
    const int fd = loopback_connect(f->port);
    send_text(fd,
        "POST /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    receive_response(f, fd);
    assert_code(f, "405");
}

static void a_loop_that_stands_still_is_reported_and_delays_nobody_else(void **state)
{
    struct fixture *f = *state;
    const struct instant start = instant_now();
    const int waiting = start_request(f, "GET", "/livez");
    struct mail *mail =
        loopback_expect(f->mailbox, MAIL_ADMIN_QUESTION); /* the loop takes it and sticks */

    request(f, "GET", "/nowhere");
    assert_code(f, "404");
    assert_true(
        instant_ns_between(start, instant_now()) < (int64_t)ADMIN_ANSWER_WITHIN_MS * NS_PER_MS);

    receive_response(f, waiting);
    assert_code(f, "503");
    assert_body(f, "the loop does not answer\n");
    assert_true(
        instant_ns_between(start, instant_now()) >= (int64_t)ADMIN_ANSWER_WITHIN_MS * NS_PER_MS);

    admin_answer(mail->source, true, slice_of("too late")); /* harmless */
    mail_release(mail);
}

static void a_question_may_be_answered_after_its_mail_is_released(void **state)
{
    struct fixture *f = *state;
    const int waiting = start_request(f, "GET", "/status");
    struct mail *mail = loopback_expect(f->mailbox, MAIL_ADMIN_QUESTION);
    struct admin_question *question = mail->source;
    mail_release(mail);

    admin_answer(question, true, slice_of("{}"));

    receive_response(f, waiting);
    assert_body(f, "{}");
}

static void unanswered_questions_do_not_pile_up(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 2; round++) { /* nobody takes the mails */
        int fds[ADMIN_CONNECTIONS_MAX / 2 + 8];
        for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
            fds[i] = start_request(f, "GET", "/metrics");
        }
        for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
            receive_response(f, fds[i]);
            assert_code(f, "503");
        }
    }
    unsigned count = 0;
    struct mail *mail = NULL;
    while ((mail = mailbox_wait_one(f->mailbox, instant_now())) != NULL) {
        admin_answer(mail->source, true, slice_of("at last"));
        mail_release(mail);
        count++;
    }
    assert_int_equal(count, ADMIN_CONNECTIONS_MAX);

    const int waiting = start_request(f, "GET", "/livez"); /* and now all is well again */
    mail = loopback_expect(f->mailbox, MAIL_ADMIN_QUESTION);
    admin_answer(mail->source, true, slice_of("ok"));
    mail_release(mail);
    receive_response(f, waiting);
    assert_code(f, "200");
}

static void connections_are_limited_and_come_free_again(void **state)
{
    struct fixture *f = *state;
    int idle[ADMIN_CONNECTIONS_MAX];
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        idle[i] = loopback_connect(f->port);
        send_text(idle[i], "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"); /* answered, kept alive */
        char first = 0;
        assert_int_equal(recv(idle[i], &first, 1, 0), 1);
    }
    const int refused = loopback_connect(f->port);
    (void)send(refused, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL);
    const struct timeval patience = {.tv_usec = 200000};
    assert_int_equal(setsockopt(refused, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    char byte = 0;
    assert_true(recv(refused, &byte, 1, 0) <= 0); /* closed, or not served yet */

    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        close(idle[i]);
    }
    close(refused);
    const struct instant deadline = instant_after_ms(instant_now(), LOOPBACK_PATIENCE_MS);
    do { /* until it has noticed that they are gone */
        const int fd = loopback_connect(f->port);
        (void)send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL);
        receive_response(f, fd);
    } while (f->response[0] == '\0' && instant_is_before(instant_now(), deadline));
    assert_contains(f, " 404 ");
}

static void garbage_and_endless_heads_do_not_disturb(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        const int garbage = loopback_connect(f->port);
        (void)send(garbage, "\x16\x03\x01\x00\xff\r\n\r\n\0\0", 11, MSG_NOSIGNAL);
        const int half = loopback_connect(f->port);
        send_text(half, "GET /metr");
        const int endless = loopback_connect(f->port);
        static char head[256 * 1024];
        memset(head, 'a', sizeof head);
        head[3] = head[5] = ' ';
        (void)send(endless, head, sizeof head, MSG_NOSIGNAL | MSG_DONTWAIT);
        request(f, "GET", "/nowhere");
        assert_code(f, "404");
        close(garbage);
        close(half);
        close(endless);
    }
}

static void closing_ends_the_wait_of_those_who_ask(void **state)
{
    struct fixture *f = *state;
    const int waiting = start_request(f, "GET", "/livez");
    struct mail *taken = loopback_expect(f->mailbox, MAIL_ADMIN_QUESTION);
    const int also_waiting = start_request(f, "GET", "/status");
    while (!mailbox_is_full(f->mailbox)) { /* its question lies there */
    }
    const struct instant start = instant_now();

    admin_close(f->admin);
    f->admin = NULL;

    assert_true(instant_ns_between(start, instant_now()) < (int64_t)500 * NS_PER_MS);
    mail_release(taken);
    receive_response(f, waiting);
    receive_response(f, also_waiting);
}

static void an_address_in_use_is_refused_and_free_again_after_closing(void **state)
{
    struct fixture *f = *state;
    struct admin *second = NULL;
    request(f, "GET", "/nowhere"); /* leaves a connection in TIME_WAIT */
    assert_int_equal(admin_open(f->address, f->mailbox, &second), STATUS_ADDRESS_IN_USE);
    assert_null(second);

    admin_close(f->admin);

    assert_int_equal(admin_open(f->address, f->mailbox, &f->admin), STATUS_OK);
}

static void a_privileged_port_is_refused_to_ordinary_users(void **state)
{
    struct fixture *f = *state;
    struct admin *privileged = NULL;
    const enum status expected = loopback_drop_privileges();

    const enum status status = admin_open("127.0.0.1:1", f->mailbox, &privileged);

    loopback_regain_privileges();
    assert_int_equal(status, expected);
    admin_close(privileged);
}

static void a_malformed_address_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const addresses[] = {"",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "localhost:17870",
        "[::1]:17870",
        "tcp://127.0.0.1:17870",
        "127.0.0.256:1",
        "192.0.2.1:17870"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct admin *admin = NULL;
        assert_int_equal(admin_open(addresses[i], f->mailbox, &admin), STATUS_MALFORMED);
        assert_null(admin);
    }
}

int main(void)
{
#define OPEN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        OPEN(each_page_is_answered_by_the_loop_with_its_content_type),
        OPEN(each_page_that_is_not_healthy_is_a_503_that_says_why),
        OPEN(a_head_request_has_the_length_and_no_body),
        OPEN(bodies_may_be_empty_or_large),
        OPEN(other_paths_are_not_found),
        OPEN(other_methods_are_not_allowed),
        OPEN(a_loop_that_stands_still_is_reported_and_delays_nobody_else),
        OPEN(a_question_may_be_answered_after_its_mail_is_released),
        OPEN(unanswered_questions_do_not_pile_up),
        OPEN(connections_are_limited_and_come_free_again),
        OPEN(garbage_and_endless_heads_do_not_disturb),
        OPEN(closing_ends_the_wait_of_those_who_ask),
        OPEN(an_address_in_use_is_refused_and_free_again_after_closing),
        OPEN(a_privileged_port_is_refused_to_ordinary_users),
        OPEN(a_malformed_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
