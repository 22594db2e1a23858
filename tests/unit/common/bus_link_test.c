/* bus_link: real sockets on loopback; links that come and go, and an inlet whose owner is slow. */
#include "common/bus_link.h"
#include "tests/support/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MESSAGE_MAX = 64 * 1024, UNACKNOWLEDGED_MAX = 8, REDIALS = 10 };

/* One node's inlet and one neighbour's link to it, with a mailbox each. */
struct fixture {
    char url[LOOPBACK_URL_SIZE];
    struct mailbox *sender;
    struct mailbox *receiver;
    struct bus_link *link;
    struct bus_inlet *inlet;
};

static void open_inlet(struct fixture *f)
{
    assert_int_equal(bus_inlet_open(f->url, MESSAGE_MAX, f->receiver, &f->inlet), STATUS_OK);
}

static void close_inlet(struct fixture *f)
{
    bus_inlet_close(f->inlet);
    f->inlet = NULL;
}

static struct fixture *set_up_link(size_t receiver_mails_max)
{
    struct fixture *f = calloc(1, sizeof *f);
    loopback_free_url(f->url);
    assert_int_equal(mailbox_create(4, &f->sender), STATUS_OK);
    assert_int_equal(mailbox_create(receiver_mails_max, &f->receiver), STATUS_OK);
    assert_int_equal(bus_link_open(f->url, f->sender, f, 5, &f->link), STATUS_OK);
    return f;
}

static int set_up_unconnected(void **state)
{
    *state = set_up_link(100);
    return 0;
}

static int set_up(void **state)
{
    struct fixture *f = set_up_link(100);
    open_inlet(f);
    loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    *state = f;
    return 0;
}

static int set_up_with_small_mailbox(void **state)
{
    struct fixture *f = set_up_link(2);
    open_inlet(f);
    loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bus_link_close(f->link);
    bus_inlet_close(f->inlet);
    mailbox_destroy(f->sender);
    mailbox_destroy(f->receiver);
    free(f);
    return 0;
}

static void expect_gossip(struct fixture *f, struct slice wanted)
{
    struct mail *mail = loopback_expect(f->receiver, MAIL_GOSSIP);
    assert_ptr_equal(mail->source, f->inlet);
    assert_int_equal(mail->bytes.length, wanted.length);
    assert_true(slice_equals(mail->bytes, wanted));
    mail_release(mail);
    bus_inlet_resume(f->inlet);
}

static void send_numbered(struct fixture *f, int number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "number %d", number);
    bus_link_send(f->link, slice_of(text));
}

static void expect_numbered(struct fixture *f, int number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "number %d", number);
    expect_gossip(f, slice_of(text));
}

static void messages_arrive_in_order_while_few_are_on_their_way(void **state)
{
    for (int i = 0; i < 400; i++) {
        for (int k = 0; k < UNACKNOWLEDGED_MAX; k++) {
            send_numbered(*state, i * UNACKNOWLEDGED_MAX + k);
        }
        for (int k = 0; k < UNACKNOWLEDGED_MAX; k++) {
            expect_numbered(*state, i * UNACKNOWLEDGED_MAX + k);
        }
    }
}

static void messages_of_every_size_up_to_the_limit_arrive_whole(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {0, 1, 1023, 1024, MESSAGE_MAX - 1, MESSAGE_MAX};
    char *bytes = malloc(MESSAGE_MAX);
    for (size_t i = 0; i < MESSAGE_MAX; i++) {
        bytes[i] = (char)(i * 31 + i / 251);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bus_link_send(f->link, slice_of_bytes(bytes, sizes[i]));
        expect_gossip(f, slice_of_bytes(bytes, sizes[i]));
    }
    free(bytes);
}

static void a_message_that_is_too_large_costs_the_connection_and_the_link_comes_back(void **state)
{
    struct fixture *f = *state;
    char *bytes = calloc(1, MESSAGE_MAX + 1);

    bus_link_send(f->link, slice_of_bytes(bytes, MESSAGE_MAX + 1));

    loopback_expect_and_release(f->sender, MAIL_LINK_LOST);
    loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    send_numbered(f, 1);
    expect_numbered(f, 1);
    free(bytes);
}

static void a_neighbour_that_comes_back_on_the_same_port_is_found_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        send_numbered(f, i);
        expect_numbered(f, i);
        close_inlet(f);
        struct mail *lost = loopback_expect(f->sender, MAIL_LINK_LOST);
        assert_ptr_equal(lost->source, f);
        assert_int_equal(lost->token, 5);
        mail_release(lost);

        open_inlet(f);

        loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    }
}

static void what_is_sent_to_nobody_is_dropped(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++) {
        send_numbered(f, i);
    }

    open_inlet(f);
    loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    send_numbered(f, 100);

    expect_numbered(f, 100); /* and none of those before */
}

static void a_flood_never_blocks_the_sender(void **state)
{
    struct fixture *f = *state;
    const struct instant start = instant_now();
    for (int i = 0; i < 20000; i++) {
        send_numbered(f, i);
    }
    assert_true(instant_ns_between(start, instant_now()) < (int64_t)5 * NS_PER_SECOND);

    int last = -1; /* of those that came, each is newer than the one before */
    struct mail *mail = NULL;
    while ((mail = mailbox_wait_one(f->receiver, instant_after_ms(instant_now(), 200))) != NULL) {
        const int number = (int)strtol(mail->bytes.data + strlen("number "), NULL, 10);
        assert_true(number > last);
        last = number;
        mail_release(mail);
        bus_inlet_resume(f->inlet);
    }
    assert_true(last >= 0);
}

static void a_full_mailbox_stops_the_inlet_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < UNACKNOWLEDGED_MAX; i++) {
        send_numbered(f, i);
    }
    while (!mailbox_is_full(f->receiver)) { /* it holds 2 of the 8 */
    }

    for (int i = 0; i < UNACKNOWLEDGED_MAX; i++) {
        expect_numbered(f, i);
    }
    loopback_expect_silence(f->receiver);
}

static void a_mail_that_finds_the_mailbox_full_is_posted_when_there_is_room(void **state)
{
    struct fixture *f = *state;
    struct mail others[3] = {{.kind = MAIL_STOP}, {.kind = MAIL_STOP}, {.kind = MAIL_STOP}};
    for (size_t i = 0; i < 3; i++) { /* full after the inlet has begun to receive */
        mailbox_post_urgent(f->receiver, &others[i]);
    }
    send_numbered(f, 1);
    send_numbered(f, 2);

    for (size_t i = 0; i < 3; i++) {
        loopback_expect_and_release(f->receiver, MAIL_STOP);
        bus_inlet_resume(f->inlet);
    }

    struct mail *mail = NULL;
    do { /* the refused message may arrive after the last resume: the loop of a node turns again and
            again */
        bus_inlet_resume(f->inlet);
        mail = mailbox_wait_one(f->receiver, instant_after_ms(instant_now(), 1));
    } while (mail == NULL);
    assert_true(slice_equals(mail->bytes, slice_of("number 1")));
    mail_release(mail);
    bus_inlet_resume(f->inlet);
    expect_numbered(f, 2);
}

static void redialling_makes_a_new_connection(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++) {
        bus_link_redial(f->link);

        loopback_expect_and_release(f->sender, MAIL_LINK_LOST);
        loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
        send_numbered(f, i);
        expect_numbered(f, i);
    }
}

static void a_socket_that_was_replaced_is_closed(void **state)
{
    struct fixture *f = *state;
    const unsigned before = loopback_descriptors();
    for (int i = 0; i < REDIALS; i++) {
        bus_link_redial(f->link);
        loopback_expect_and_release(f->sender, MAIL_LINK_LOST);
        loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    }
    loopback_expect_descriptors(before + REDIALS / 2);
}

static void a_loss_is_told_even_if_the_link_is_back_before_the_news_are_released(void **state)
{
    struct fixture *f = *state; /* not yet connected */
    open_inlet(f);
    struct mail *connected = loopback_expect(f->sender, MAIL_LINK_CONNECTED);
    close_inlet(f);
    open_inlet(f);
    struct mail *heard = NULL;
    while (heard == NULL) { /* only what arrives can tell that it is back */
        bus_link_send(f->link, slice_of("back?"));
        heard = mailbox_wait_one(f->receiver, instant_after_ms(instant_now(), 5));
    }
    mail_release(heard);

    mail_release(connected);

    loopback_expect_and_release(f->sender, MAIL_LINK_LOST);
    loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    loopback_expect_silence(f->sender);
}

static void an_inlet_hears_many_neighbours(void **state)
{
    struct fixture *f = *state;
    struct bus_link *others[10] = {NULL};
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(bus_link_open(f->url, f->sender, NULL, i, &others[i]), STATUS_OK);
        loopback_expect_and_release(f->sender, MAIL_LINK_CONNECTED);
    }
    for (size_t i = 0; i < 10; i++) {
        bus_link_send(others[i], slice_of("hello"));
    }
    for (size_t i = 0; i < 10; i++) {
        expect_gossip(f, slice_of("hello"));
    }
    for (size_t i = 0; i < 10; i++) {
        bus_link_close(others[i]);
    }
}

static void mails_outlive_their_link_and_inlet(void **state)
{
    struct fixture *f = *state;
    bus_link_send(f->link, slice_of("hello"));
    struct mail *mail = loopback_expect(f->receiver, MAIL_GOSSIP);
    bus_link_redial(f->link);
    struct mail *lost = loopback_expect(f->sender, MAIL_LINK_LOST);

    bus_link_close(f->link);
    f->link = NULL;
    close_inlet(f);

    assert_true(slice_equals(mail->bytes, slice_of("hello")));
    mail_release(mail);
    mail_release(lost);
    loopback_expect_silence(f->sender);
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
        send_numbered(f, i);
        expect_numbered(f, i);
        close(silent);
    }
}

static void an_address_in_use_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bus_inlet *second = NULL;
    assert_int_equal(
        bus_inlet_open(f->url, MESSAGE_MAX, f->receiver, &second), STATUS_ADDRESS_IN_USE);
    assert_null(second);
}

static void a_privileged_port_is_refused_to_ordinary_users(void **state)
{
    struct fixture *f = *state;
    const enum status expected = loopback_drop_privileges();

    const enum status status =
        bus_inlet_open("tcp://127.0.0.1:1", MESSAGE_MAX, f->receiver, &f->inlet);

    loopback_regain_privileges();
    assert_int_equal(status, expected);
}

static void a_malformed_url_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {"", "tcp://", "ipc:///tmp/link", "tcp://127.0.0.1:0"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct bus_link *link = NULL;
        struct bus_inlet *inlet = NULL;
        assert_int_equal(bus_link_open(urls[i], f->sender, f, 0, &link), STATUS_MALFORMED);
        assert_int_equal(
            bus_inlet_open(urls[i], MESSAGE_MAX, f->receiver, &inlet), STATUS_MALFORMED);
        assert_null(link);
        assert_null(inlet);
    }
}

int main(void)
{
#define CONNECTED(test)   cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define SMALL(test)       cmocka_unit_test_setup_teardown(test, set_up_with_small_mailbox, tear_down)
#define UNCONNECTED(test) cmocka_unit_test_setup_teardown(test, set_up_unconnected, tear_down)
    const struct CMUnitTest tests[] = {
        CONNECTED(messages_arrive_in_order_while_few_are_on_their_way),
        CONNECTED(messages_of_every_size_up_to_the_limit_arrive_whole),
        CONNECTED(a_message_that_is_too_large_costs_the_connection_and_the_link_comes_back),
        CONNECTED(a_neighbour_that_comes_back_on_the_same_port_is_found_at_once),
        UNCONNECTED(what_is_sent_to_nobody_is_dropped),
        CONNECTED(a_flood_never_blocks_the_sender),
        SMALL(a_full_mailbox_stops_the_inlet_and_loses_nothing),
        SMALL(a_mail_that_finds_the_mailbox_full_is_posted_when_there_is_room),
        CONNECTED(redialling_makes_a_new_connection),
        CONNECTED(a_socket_that_was_replaced_is_closed),
        UNCONNECTED(a_loss_is_told_even_if_the_link_is_back_before_the_news_are_released),
        CONNECTED(an_inlet_hears_many_neighbours),
        CONNECTED(mails_outlive_their_link_and_inlet),
        CONNECTED(strangers_and_garbage_do_not_disturb),
        CONNECTED(an_address_in_use_is_refused),
        UNCONNECTED(a_privileged_port_is_refused_to_ordinary_users),
        UNCONNECTED(a_malformed_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
