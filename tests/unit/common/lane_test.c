/* lane: real sockets on loopback; every promise of the header about mails, losses and closing. */
#include "common/lane.h"
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

/*
 * NNG 1.5.2 can wedge when a peer hangs up on a message that the kernel has not taken whole, so
 * what is too large is so by little, and only there is the limit low.
 */
enum { MESSAGE_MAX = 4 * 1024 * 1024, LOW_MESSAGE_MAX = 64 * 1024, SLOTS = 2 };

/* One asker and one answerer, with a mailbox each. */
struct fixture {
    char url[LOOPBACK_URL_SIZE];
    size_t message_max;
    struct mailbox *asker;
    struct mailbox *answerer;
    struct lane *lane;
    struct lane_server *server;
    bool is_echoing; /* a thread answers every request with itself */
    pthread_t echoing;
};

static void open_server(struct fixture *f)
{
    assert_int_equal(
        lane_server_open(f->url, f->message_max, SLOTS, f->answerer, &f->server), STATUS_OK);
}

static void close_server(struct fixture *f)
{
    lane_server_close(f->server);
    f->server = NULL;
}

static struct fixture *set_up_lane(size_t message_max)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->message_max = message_max;
    loopback_free_url(f->url);
    assert_int_equal(mailbox_create(4, &f->asker), STATUS_OK);
    assert_int_equal(mailbox_create(4, &f->answerer), STATUS_OK);
    assert_int_equal(lane_open(f->url, message_max, f->asker, f, 7, &f->lane), STATUS_OK);
    return f;
}

static int set_up_unconnected(void **state)
{
    *state = set_up_lane(MESSAGE_MAX);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *f = set_up_lane(MESSAGE_MAX);
    open_server(f);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    *state = f;
    return 0;
}

static int set_up_with_low_limit(void **state)
{
    struct fixture *f = set_up_lane(LOW_MESSAGE_MAX);
    open_server(f);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    *state = f;
    return 0;
}

static void *echo(void *context)
{
    struct fixture *f = context;
    struct mail *asked = NULL;
    while ((asked = mailbox_wait_one(f->answerer, INSTANT_NEVER)) != NULL) {
        lane_server_respond(f->server, asked->token, asked->bytes);
        mail_release(asked);
    }
    return NULL;
}

static void start_echo(struct fixture *f)
{
    assert_int_equal(pthread_create(&f->echoing, NULL, echo, f), 0);
    f->is_echoing = true;
}

static void stop_echo(struct fixture *f)
{
    if (f->is_echoing) {
        mailbox_close(f->answerer);
        (void)pthread_join(f->echoing, NULL);
    }
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop_echo(f);
    lane_close(f->lane);
    lane_server_close(f->server);
    mailbox_destroy(f->asker);
    mailbox_destroy(f->answerer);
    free(f);
    return 0;
}

static void expect_failure(struct fixture *f, enum status status)
{
    struct mail *mail = loopback_expect(f->asker, MAIL_LANE_FAILED);
    assert_int_equal(mail->status, status);
    assert_ptr_equal(mail->source, f);
    assert_int_equal(mail->token, 7);
    mail_release(mail);
}

static void assert_bytes(const struct mail *mail, struct slice wanted)
{
    assert_int_equal(mail->bytes.length, wanted.length);
    assert_true(slice_equals(mail->bytes, wanted));
}

/* Sends `request`, which the server must get, and answers it with `response`, which the lane must
 * get. */
static void converse(struct fixture *f, struct slice request, struct slice response)
{
    lane_send(f->lane, request);
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);
    assert_ptr_equal(asked->source, f->server);
    assert_bytes(asked, request);
    lane_server_respond(f->server, asked->token, response);
    mail_release(asked);
    struct mail *answered = loopback_expect(f->asker, MAIL_LANE_RESPONSE);
    assert_ptr_equal(answered->source, f);
    assert_int_equal(answered->token, 7);
    assert_bytes(answered, response);
    mail_release(answered);
}

static void converse_briefly(struct fixture *f)
{
    converse(f, slice_of("still there?"), slice_of("yes"));
}

static void a_request_is_answered_again_and_again(void **state)
{
    for (int i = 0; i < 1000; i++) {
        char request[16];
        char response[16];
        (void)snprintf(request, sizeof request, "ask %d", i);
        (void)snprintf(response, sizeof response, "answer %d", i);
        converse(*state, slice_of(request), slice_of(response));
    }
}

static void messages_of_every_size_up_to_the_limit_arrive_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 1023, 1024, 65536, MESSAGE_MAX - 1, MESSAGE_MAX};
    char *bytes = malloc(MESSAGE_MAX);
    for (size_t i = 0; i < MESSAGE_MAX; i++) {
        bytes[i] = (char)(i * 31 + i / 251);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        converse(*state, slice_of_bytes(bytes, sizes[i]), slice_of("ok"));
        converse(*state, slice_of("give"), slice_of_bytes(bytes, sizes[i]));
    }
    free(bytes);
}

static void a_request_can_be_sent_before_the_mail_of_the_last_one_is_released(void **state)
{
    struct fixture *f = *state;
    struct mail *last = NULL;
    for (int i = 0; i < 10; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "number %d", i);
        lane_send(f->lane, slice_of(text));
        if (last != NULL) {
            mail_release(last);
        }
        struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);
        lane_server_respond(f->server, asked->token, asked->bytes);
        mail_release(asked);
        last = loopback_expect(f->asker, MAIL_LANE_RESPONSE);
        assert_bytes(last, slice_of(text));
    }
    mail_release(last);
}

static void a_request_may_be_answered_after_its_mail_is_released(void **state)
{
    struct fixture *f = *state;
    lane_send(f->lane, slice_of("slow"));
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);
    const uint64_t token = asked->token;
    mail_release(asked);

    lane_server_respond(f->server, token, slice_of("done"));

    loopback_expect_and_release(f->asker, MAIL_LANE_RESPONSE);
    converse_briefly(f);
}

static void a_request_that_is_too_large_fails_and_the_lane_comes_back(void **state)
{
    struct fixture *f = *state;
    char *bytes = calloc(1, LOW_MESSAGE_MAX + 1);

    lane_send(f->lane, slice_of_bytes(bytes, LOW_MESSAGE_MAX + 1));

    expect_failure(f, STATUS_DISCONNECTED);
    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    converse_briefly(f);
    free(bytes);
}

static void a_response_that_is_too_large_fails_and_the_lane_comes_back(void **state)
{
    struct fixture *f = *state;
    char *bytes = calloc(1, LOW_MESSAGE_MAX + 1);
    lane_send(f->lane, slice_of("give me too much"));
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);

    lane_server_respond(f->server, asked->token, slice_of_bytes(bytes, LOW_MESSAGE_MAX + 1));
    mail_release(asked);

    expect_failure(f, STATUS_DISCONNECTED);
    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    converse_briefly(f);
    free(bytes);
}

static void a_lost_peer_fails_the_outstanding_request_and_then_the_lane(void **state)
{
    struct fixture *f = *state;
    lane_send(f->lane, slice_of("last words"));
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);

    close_server(f);

    expect_failure(f, STATUS_DISCONNECTED);
    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    mail_release(asked);
}

static void a_peer_that_comes_back_on_the_same_port_is_found_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        converse_briefly(f);
        close_server(f);
        loopback_expect_and_release(f->asker, MAIL_LANE_LOST);

        open_server(f);

        loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    }
    converse_briefly(f);
}

static void a_request_without_a_connection_fails_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        lane_send(f->lane, slice_of("anybody?"));
        expect_failure(f, STATUS_DISCONNECTED);
    }
    open_server(f);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    converse_briefly(f);
}

static void an_owner_who_looks_late_is_told_where_the_lane_stands_now(void **state)
{
    struct fixture *f = *state;
    struct lane *witness = NULL; /* sees what the late owner does not */
    struct mailbox *seen = NULL;
    assert_int_equal(mailbox_create(4, &seen), STATUS_OK);
    assert_int_equal(lane_open(f->url, MESSAGE_MAX, seen, NULL, 0, &witness), STATUS_OK);
    loopback_expect_and_release(seen, MAIL_LANE_CONNECTED);
    for (int i = 0; i < 5; i++) {
        close_server(f);
        loopback_expect_and_release(seen, MAIL_LANE_LOST);
        open_server(f);
        loopback_expect_and_release(seen, MAIL_LANE_CONNECTED);
    }

    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    loopback_expect_silence(f->asker);

    close_server(f);
    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    lane_close(witness);
    mailbox_destroy(seen);
}

static void a_cancelled_request_times_out_and_its_late_response_reaches_nobody(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++) {
        lane_send(f->lane, slice_of("slow"));
        struct mail *slow = loopback_expect(f->answerer, MAIL_REQUEST);

        lane_cancel(f->lane);

        loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
        expect_failure(f, STATUS_TIMED_OUT);
        lane_send(f->lane, slice_of("not now"));
        expect_failure(f, STATUS_DISCONNECTED);

        lane_server_respond(f->server, slow->token, slice_of("late"));
        mail_release(slow);

        loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
        converse_briefly(f);
    }
}

static void a_cancelled_request_to_a_peer_that_dies_is_over(void **state)
{
    struct fixture *f = *state;
    lane_send(f->lane, slice_of("slow"));
    struct mail *slow = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_cancel(f->lane);
    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    expect_failure(f, STATUS_TIMED_OUT);

    close_server(f);
    mail_release(slow);
    open_server(f);

    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    converse_briefly(f);
}

static void a_response_that_is_cancelled_unseen_has_failed(void **state)
{
    struct fixture *f = *state;
    lane_send(f->lane, slice_of("quick"));
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_server_respond(f->server, asked->token, slice_of("here"));
    mail_release(asked);
    struct mail *unseen =
        loopback_expect(f->asker, MAIL_LANE_RESPONSE); /* in the owner's queue, so to say */

    lane_cancel(f->lane);

    assert_int_equal(unseen->kind, MAIL_LANE_FAILED);
    assert_int_equal(unseen->status, STATUS_TIMED_OUT);
    mail_release(unseen);
    loopback_expect_silence(f->asker);
    converse_briefly(f);
}

/* Takes mails until the one of the outstanding request comes; whatever else comes is news. */
static struct mail *wait_for_answer(struct fixture *f)
{
    for (;;) {
        struct mail *mail =
            mailbox_wait_one(f->asker, instant_after_ms(instant_now(), LOOPBACK_PATIENCE_MS));
        assert_non_null(mail);
        if (mail->kind == MAIL_LANE_RESPONSE || mail->kind == MAIL_LANE_FAILED) {
            return mail;
        }
        mail_release(mail);
    }
}

static void a_request_cancelled_at_any_moment_has_one_mail_and_the_next_its_own_response(
    void **state)
{
    struct fixture *f = *state;
    start_echo(f);
    for (int i = 0; i < 2000; i++) {
        char probe[32];
        (void)snprintf(probe, sizeof probe, "probe %d", i);
        const struct instant end = {instant_now().ns + (int64_t)(i % 150) * NS_PER_US};
        lane_send(f->lane, slice_of("race"));
        while (instant_is_before(instant_now(), end)) {
        }
        lane_cancel(f->lane);
        struct mail *mail = wait_for_answer(f);
        assert_int_equal(mail->kind, MAIL_LANE_FAILED);
        assert_true(mail->status == STATUS_TIMED_OUT || mail->status == STATUS_DISCONNECTED);

        do { /* fails while the lane waits for the late response */
            mail_release(mail);
            lane_send(f->lane, slice_of(probe));
            mail = wait_for_answer(f);
        } while (mail->kind == MAIL_LANE_FAILED);
        assert_bytes(mail, slice_of(probe));
        mail_release(mail);
    }
}

static void a_loss_is_told_even_if_the_lane_is_back_before_the_news_are_released(void **state)
{
    struct fixture *f = *state; /* not yet connected */
    open_server(f);
    struct mail *connected = loopback_expect(f->asker, MAIL_LANE_CONNECTED);
    close_server(f);
    open_server(f);
    start_echo(f);
    bool is_back = false;
    while (!is_back) { /* only a response can tell */
        lane_send(f->lane, slice_of("back?"));
        struct mail *mail = wait_for_answer(f);
        is_back = mail->kind == MAIL_LANE_RESPONSE;
        mail_release(mail);
    }

    mail_release(connected);

    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    loopback_expect_silence(f->asker);
}

static void redialling_gives_up_a_peer_that_does_not_answer(void **state)
{
    struct fixture *f = *state;
    lane_send(f->lane, slice_of("never answered"));
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);

    lane_redial(f->lane);

    expect_failure(f, STATUS_DISCONNECTED);
    loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
    loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    converse_briefly(f);
    lane_server_respond(f->server, asked->token, slice_of("to nobody"));
    mail_release(asked);
    converse_briefly(f);
    converse_briefly(f); /* both slots work */
}

static void a_socket_that_was_replaced_is_closed(void **state)
{
    enum { REDIALS = 10 };
    struct fixture *f = *state;
    const unsigned before = loopback_descriptors();
    for (int i = 0; i < REDIALS; i++) {
        lane_redial(f->lane);
        loopback_expect_and_release(f->asker, MAIL_LANE_LOST);
        loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
    }
    loopback_expect_descriptors(before + REDIALS / 2);
}

static void a_server_takes_no_more_requests_than_it_has_slots(void **state)
{
    struct fixture *f = *state;
    struct lane *others[SLOTS] = {NULL};
    lane_send(f->lane, slice_of("one"));
    for (size_t i = 0; i < SLOTS; i++) {
        assert_int_equal(lane_open(f->url, MESSAGE_MAX, f->asker, f, 8 + i, &others[i]), STATUS_OK);
        loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
        lane_send(others[i], slice_of("more"));
    }
    struct mail *taken[SLOTS] = {NULL};
    for (size_t i = 0; i < SLOTS; i++) {
        taken[i] = loopback_expect(f->answerer, MAIL_REQUEST);
    }
    loopback_expect_silence(f->answerer);

    lane_server_respond(f->server, taken[0]->token, slice_of("answered, but not yet released"));
    loopback_expect_and_release(f->asker, MAIL_LANE_RESPONSE);
    loopback_expect_silence(f->answerer);
    mail_release(taken[0]);

    struct mail *third = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_server_respond(f->server, third->token, slice_of("ok"));
    mail_release(third);
    lane_server_respond(f->server, taken[1]->token, slice_of("ok"));
    mail_release(taken[1]);
    loopback_expect_and_release(f->asker, MAIL_LANE_RESPONSE);
    loopback_expect_and_release(f->asker, MAIL_LANE_RESPONSE);
    for (size_t i = 0; i < SLOTS; i++) {
        lane_close(others[i]);
    }
}

static void a_response_to_an_asker_that_has_gone_is_harmless(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        lane_send(f->lane, slice_of("bye"));
        struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);
        lane_close(f->lane);
        lane_server_respond(f->server, asked->token, slice_of("too late"));
        mail_release(asked);
        assert_int_equal(lane_open(f->url, MESSAGE_MAX, f->asker, f, 7, &f->lane), STATUS_OK);
        loopback_expect_and_release(f->asker, MAIL_LANE_CONNECTED);
        converse_briefly(f);
    }
}

static void mails_outlive_their_lane_and_server(void **state)
{
    struct fixture *f = *state;
    lane_send(f->lane, slice_of("question"));
    struct mail *asked = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_server_respond(f->server, asked->token, slice_of("answer"));
    struct mail *answered = loopback_expect(f->asker, MAIL_LANE_RESPONSE);

    lane_close(f->lane);
    close_server(f);
    f->lane = NULL;

    assert_bytes(asked, slice_of("question"));
    assert_bytes(answered, slice_of("answer"));
    mail_release(asked);
    mail_release(answered);
    loopback_expect_silence(f->asker);
}

static void strangers_and_garbage_do_not_disturb(void **state)
{
    struct fixture *f = *state;
    const uint16_t port = (uint16_t)strtoul(strrchr(f->url, ':') + 1, NULL, 10);
    for (int i = 0; i < 5; i++) {
        const int silent = loopback_connect(port);
        const int talker = loopback_connect(port);
        assert_int_equal(write(talker, "GET / HTTP/1.1\r\n\r\n", 18), 18);
        close(talker);
        converse_briefly(f);
        close(silent);
    }
    loopback_expect_silence(f->answerer);
}

static void a_lane_to_a_peer_that_never_shakes_hands_closes_in_time(void **state)
{
    struct fixture *f = *state;
    const int mute = loopback_listen((uint16_t)strtoul(strrchr(f->url, ':') + 1, NULL, 10));
    loopback_expect_silence(f->asker);

    const struct instant start = instant_now();
    lane_close(f->lane);
    f->lane = NULL;

    assert_true(instant_ns_between(start, instant_now()) < NS_PER_SECOND);
    close(mute);
}

static void an_address_in_use_is_refused(void **state)
{
    struct fixture *f = *state;
    struct lane_server *second = NULL;

    const enum status status = lane_server_open(f->url, MESSAGE_MAX, SLOTS, f->answerer, &second);

    assert_int_equal(status, STATUS_ADDRESS_IN_USE);
    assert_null(second);
}

static void a_privileged_port_is_refused_to_ordinary_users(void **state)
{
    struct fixture *f = *state;
    const enum status expected = loopback_drop_privileges();

    const enum status status =
        lane_server_open("tcp://127.0.0.1:1", MESSAGE_MAX, SLOTS, f->answerer, &f->server);

    loopback_regain_privileges();
    assert_int_equal(status, expected);
}

static void a_malformed_url_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {"", "tcp://", "ipc:///tmp/lane", "tcp://127.0.0.1:0"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct lane *lane = NULL;
        struct lane_server *server = NULL;
        assert_int_equal(lane_open(urls[i], MESSAGE_MAX, f->asker, f, 0, &lane), STATUS_MALFORMED);
        assert_int_equal(
            lane_server_open(urls[i], MESSAGE_MAX, SLOTS, f->answerer, &server), STATUS_MALFORMED);
        assert_null(lane);
        assert_null(server);
    }
}

int main(void)
{
#define CONNECTED(test)   cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define LIMITED(test)     cmocka_unit_test_setup_teardown(test, set_up_with_low_limit, tear_down)
#define UNCONNECTED(test) cmocka_unit_test_setup_teardown(test, set_up_unconnected, tear_down)
    const struct CMUnitTest tests[] = {
        CONNECTED(a_request_is_answered_again_and_again),
        CONNECTED(messages_of_every_size_up_to_the_limit_arrive_whole),
        CONNECTED(a_request_can_be_sent_before_the_mail_of_the_last_one_is_released),
        CONNECTED(a_request_may_be_answered_after_its_mail_is_released),
        LIMITED(a_request_that_is_too_large_fails_and_the_lane_comes_back),
        LIMITED(a_response_that_is_too_large_fails_and_the_lane_comes_back),
        CONNECTED(a_lost_peer_fails_the_outstanding_request_and_then_the_lane),
        CONNECTED(a_peer_that_comes_back_on_the_same_port_is_found_at_once),
        UNCONNECTED(a_request_without_a_connection_fails_at_once),
        CONNECTED(an_owner_who_looks_late_is_told_where_the_lane_stands_now),
        UNCONNECTED(a_loss_is_told_even_if_the_lane_is_back_before_the_news_are_released),
        CONNECTED(a_cancelled_request_times_out_and_its_late_response_reaches_nobody),
        CONNECTED(a_cancelled_request_to_a_peer_that_dies_is_over),
        CONNECTED(a_response_that_is_cancelled_unseen_has_failed),
        CONNECTED(a_request_cancelled_at_any_moment_has_one_mail_and_the_next_its_own_response),
        CONNECTED(redialling_gives_up_a_peer_that_does_not_answer),
        CONNECTED(a_socket_that_was_replaced_is_closed),
        CONNECTED(a_server_takes_no_more_requests_than_it_has_slots),
        CONNECTED(a_response_to_an_asker_that_has_gone_is_harmless),
        CONNECTED(mails_outlive_their_lane_and_server),
        CONNECTED(strangers_and_garbage_do_not_disturb),
        UNCONNECTED(a_lane_to_a_peer_that_never_shakes_hands_closes_in_time),
        CONNECTED(an_address_in_use_is_refused),
        UNCONNECTED(a_privileged_port_is_refused_to_ordinary_users),
        UNCONNECTED(a_malformed_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
