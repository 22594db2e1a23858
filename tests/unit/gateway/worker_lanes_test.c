/* Are lanes opened, dialled anew and closed where the loop goes on meanwhile? */
#include "common/lane.h"
#include "gateway/lookups.h"
#include "gateway/worker_lanes.h"
#include "tests/support/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLACE = 3, REQUEST_MAX = 1024 };

/* Two lanes that have the same place, one after the other. */
static const uint64_t first = PLACE;
static const uint64_t second = UINT64_C(1) << LOOKUPS_PLACE_BITS | PLACE;

struct fixture {
    char url[LOOPBACK_URL_SIZE];
    struct mailbox *asker;
    struct mailbox *answerer;
    struct lane_server *server;
    struct worker_lanes *lanes;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    loopback_free_url(f->url);
    assert_int_equal(mailbox_create(4, &f->asker), STATUS_OK);
    assert_int_equal(mailbox_create(4, &f->answerer), STATUS_OK);
    assert_int_equal(lane_server_open(f->url, REQUEST_MAX, 4, f->answerer, &f->server), STATUS_OK);
    assert_int_equal(worker_lanes_create(f->asker, &f->lanes), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    worker_lanes_destroy(f->lanes);
    lane_server_close(f->server);
    mailbox_destroy(f->asker);
    mailbox_destroy(f->answerer);
    free(f);
    return 0;
}

static void expect_and_release(struct fixture *f, enum mail_kind kind, uint64_t lane)
{
    struct mail *mail = loopback_expect(f->asker, kind);
    assert_ptr_equal(mail->source, f->lanes);
    assert_int_equal(mail->token, lane);
    mail_release(mail);
}

static void dial(struct fixture *f, uint64_t lane)
{
    assert_int_equal(worker_lanes_dial(f->lanes, lane, f->url), STATUS_OK);
    expect_and_release(f, MAIL_LANE_CONNECTED, lane);
}

/* A connection of the lane that is only a connection, so that its end can be seen. */
static int dial_plainly(struct fixture *f, uint64_t lane)
{
    const uint16_t port = loopback_free_port();
    const int listener = loopback_listen(port);
    char url[LOOPBACK_URL_SIZE];
    (void)snprintf(url, sizeof url, "tcp://127.0.0.1:%u", port);
    assert_int_equal(worker_lanes_dial(f->lanes, lane, url), STATUS_OK);
    const int connection = accept(listener, NULL, NULL);
    assert_true(connection >= 0);
    assert_int_equal(close(listener), 0);
    return connection;
}

static void expect_end(int connection)
{
    char byte;
    while (recv(connection, &byte, 1, 0) > 0) {
    }
    assert_int_equal(close(connection), 0);
}

static void the_first_dial_opens_a_lane_and_the_next_dials_it_anew(void **state)
{
    struct fixture *f = *state;
    dial(f, first);

    assert_int_equal(worker_lanes_dial(f->lanes, first, f->url), STATUS_OK);

    expect_and_release(f, MAIL_LANE_LOST, first);
    expect_and_release(f, MAIL_LANE_CONNECTED, first);
}

static void a_lane_carries_a_request_there_and_back(void **state)
{
    struct fixture *f = *state;
    dial(f, first);

    worker_lanes_send(f->lanes, first, slice_of("what is near?"));
    struct mail *request = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_server_respond(f->server, request->token, slice_of("much"));
    mail_release(request);
    expect_and_release(f, MAIL_LANE_RESPONSE, first);

    worker_lanes_send(f->lanes, first, slice_of("and there?"));
    loopback_expect_and_release(f->answerer, MAIL_REQUEST);
    worker_lanes_cancel(f->lanes, first);
    expect_and_release(f, MAIL_LANE_LOST, first);
    expect_and_release(f, MAIL_LANE_FAILED, first);
}

static void lanes_that_are_let_go_end(void **state)
{
    struct fixture *f = *state;
    const int one = dial_plainly(f, 0);
    const int another = dial_plainly(f, 1);

    worker_lanes_close(f->lanes, 0);
    worker_lanes_close(f->lanes, 1);
    worker_lanes_let_go(f->lanes);

    expect_end(one);
    expect_end(another);
    worker_lanes_let_go(f->lanes); /* none is left */
}

static void the_place_of_a_closed_lane_can_be_taken_at_once(void **state)
{
    struct fixture *f = *state;
    const int connection = dial_plainly(f, first);
    worker_lanes_close(f->lanes, first);

    dial(f, second);
    worker_lanes_let_go(f->lanes);
    expect_end(connection);

    worker_lanes_send(f->lanes, second, slice_of("what is near?"));
    struct mail *request = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_server_respond(f->server, request->token, slice_of("much"));
    mail_release(request);
    expect_and_release(f, MAIL_LANE_RESPONSE, second);
}

static void what_still_lies_there_of_a_closed_lane_has_its_number(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(worker_lanes_dial(f->lanes, first, f->url), STATUS_OK);
    struct mail *news = loopback_expect(f->asker, MAIL_LANE_CONNECTED);
    worker_lanes_send(f->lanes, first, slice_of("what is near?"));
    struct mail *request = loopback_expect(f->answerer, MAIL_REQUEST);
    lane_server_respond(f->server, request->token, slice_of("much"));
    mail_release(request);
    struct mail *response = loopback_expect(f->asker, MAIL_LANE_RESPONSE);

    worker_lanes_close(f->lanes, first);
    worker_lanes_let_go(f->lanes);
    assert_int_equal(worker_lanes_dial(f->lanes, second, f->url), STATUS_OK);

    assert_int_equal(news->token, first);
    assert_int_equal(response->token, first);
    mail_release(news);
    mail_release(response);
    expect_and_release(f, MAIL_LANE_CONNECTED, second);
}

static void a_lane_that_could_not_be_opened_can_be_dialled_again_or_closed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(worker_lanes_dial(f->lanes, first, "nonsense"), STATUS_MALFORMED);
    dial(f, first);

    assert_int_equal(worker_lanes_dial(f->lanes, 0, "nonsense"), STATUS_MALFORMED);
    worker_lanes_close(f->lanes, 0);
    worker_lanes_let_go(f->lanes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_dial_opens_a_lane_and_the_next_dials_it_anew),
        TEST(a_lane_carries_a_request_there_and_back),
        TEST(lanes_that_are_let_go_end),
        TEST(the_place_of_a_closed_lane_can_be_taken_at_once),
        TEST(what_still_lies_there_of_a_closed_lane_has_its_number),
        TEST(a_lane_that_could_not_be_opened_can_be_dialled_again_or_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
