/* Does room go to clients in their order, is one that takes nothing for a minute closed, and not
 * before, and is one refused for whom there is no memory? */
#include "gateway/clients.h"
#include "tests/support/faults.h"
#include "tests/support/loopback.h"

#include <uv.h>

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LINE_MAX_BYTES = 8 * 1024,
    INPUT_MAX = 64 * 1024,
    LITTLE = 256 * 1024, /* the socket of the gateway does not ask for more then, but for a third */
    QUIET_TURNS = 100,
    CROWD = 5, /* clients that wait for room */
};

static struct {
    uv_loop_t loop;
    uint16_t port;
    int server;
    struct clients *clients;
    int socket; /* the client's end */
    struct instant now;
    size_t room; /* for so many commands */
    uint32_t served[CROWD];
    size_t served_count;
} scene;

static uint32_t on_opened(void *context, uint32_t client, size_t listener)
{
    (void)context;
    (void)client;
    (void)listener;
    return 1;
}

static void on_closed(void *context, uint32_t client)
{
    (void)context;
    (void)client;
}

static enum clients_issue on_issue(
    void *context, struct client *client, const struct session_command *command)
{
    (void)context;
    if (scene.room == 0) {
        return CLIENTS_NO_ROOM;
    }
    assert_true(scene.served_count < CROWD);
    scene.room--;
    scene.served[scene.served_count++] = client_index(client);
    session_issue(client_session(client));
    session_answer_rejected(client_session(client), command->ticket);
    return CLIENTS_ISSUED;
}

static void on_issued(void *context)
{
    (void)context;
}

static void turn(void)
{
    (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    clients_turn(scene.clients, instant_now());
}

static int connect_client(void)
{
    const int fd = loopback_connect(scene.port);
    clients_arrived(scene.clients, 0, accept(scene.server, NULL, NULL));
    return fd;
}

static int set_up(void **state)
{
    (void)state;
    static const struct clients_events events = {
        .opened = on_opened, .closed = on_closed, .issue = on_issue, .issued = on_issued};
    static const struct clients_settings settings = {
        .connections_max = CROWD,
        .limits = {.line_max = LINE_MAX_BYTES, .input_max = INPUT_MAX, .output_max = INPUT_MAX},
    };
    memset(&scene, 0, sizeof scene);
    scene.port = loopback_free_port();
    scene.server = loopback_listen(scene.port);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    assert_int_equal(clients_create(&scene.loop, &settings, &events, &scene.clients), STATUS_OK);

    scene.socket = connect_client();
    const int window = INPUT_MAX;
    assert_int_equal(setsockopt(scene.socket, SOL_SOCKET, SO_RCVBUF, &window, sizeof window), 0);
    scene.now = instant_now();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(scene.socket);
    while (clients_view(scene.clients).open > 0) {
        turn();
    }
    close(scene.server);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    clients_destroy(scene.clients);
    return uv_loop_close(&scene.loop);
}

/* The client sends lines, each of which comes back, until it is read no more. */
static void send_until_it_is_not_read(void)
{
    static char lines[LINE_MAX_BYTES];
    memset(lines, 'x', sizeof lines);
    lines[sizeof lines - 1] = '\n';
    for (unsigned quiet = 0; quiet < QUIET_TURNS; quiet++) {
        while (send(scene.socket, lines, sizeof lines, MSG_DONTWAIT) > 0) {
            quiet = 0;
        }
        turn();
    }
}

static void take(size_t count)
{
    static char bytes[16 * 1024];
    while (count > 0) {
        const size_t wanted = count < sizeof bytes ? count : sizeof bytes;
        const ssize_t taken = recv(scene.socket, bytes, wanted, 0);
        assert_true(taken > 0);
        count -= (size_t)taken;
    }
    turn();
}

/* Whether the client is still there after another look, so many seconds later. */
static bool is_open_after(int64_t seconds)
{
    scene.now = instant_after_ms(scene.now, seconds * 1000);
    clients_check(scene.clients, scene.now);
    turn();
    return clients_view(scene.clients).open == 1;
}

static void who_takes_nothing_for_a_minute_is_closed(void **state)
{
    (void)state;
    send_until_it_is_not_read();

    assert_true(is_open_after(0));
    assert_true(is_open_after(59));
    assert_false(is_open_after(2));
    assert_int_equal(clients_view(scene.clients).stuck, 1);
}

static void who_takes_a_little_now_and_then_is_served(void **state)
{
    (void)state;
    send_until_it_is_not_read();

    assert_true(is_open_after(0));
    for (int i = 0; i < 10; i++) {
        assert_true(is_open_after(59));
        take(LITTLE);
    }
    assert_int_equal(clients_view(scene.clients).stuck, 0);
}

static void who_only_sends_nothing_may_stay(void **state)
{
    (void)state;
    assert_true(is_open_after(3600));
    assert_true(is_open_after(3600));
}

static void who_has_come_just_before_the_end_has_a_minute_to_close(void **state)
{
    (void)state;
    clients_stop(scene.clients);
    turn();
    assert_int_equal(clients_view(scene.clients).lingering, 1);

    assert_true(is_open_after(0));
    assert_true(is_open_after(59)); /* the client's system confirms the end in between */
    assert_false(is_open_after(60));
}

static void who_comes_while_there_is_no_memory_is_closed_and_the_next_is_served(void **state)
{
    (void)state;
    const int refused = loopback_connect(scene.port);
    const int fd = accept(scene.server, NULL, NULL);
    faults_begin(1);
    clients_arrived(scene.clients, 0, fd);
    assert_true(faults_end());
    assert_int_equal(clients_view(scene.clients).refused, 1);
    assert_int_equal(clients_view(scene.clients).open, 1);
    char byte;
    assert_int_equal(recv(refused, &byte, 1, 0), 0);
    close(refused);

    const int served = connect_client();
    assert_int_equal(clients_view(scene.clients).open, 2);
    close(served);
}

/* Clients 0 to CROWD-1 send a command each, one after the other, for which there is no room. */
static void let_a_crowd_wait(int *ret_fds)
{
    static const char line[] = "IAMAT kiwi +34-118 1\n";
    for (size_t i = 0; i < CROWD; i++) {
        ret_fds[i] = i == 0 ? dup(scene.socket) : connect_client();
        assert_int_equal(send(ret_fds[i], line, sizeof line - 1, 0), sizeof line - 1);
        while (clients_view(scene.clients).waiting == i) {
            turn();
        }
    }
}

static void close_all(const int *fds)
{
    for (size_t i = 0; i < CROWD; i++) {
        close(fds[i]);
    }
}

static void room_goes_to_who_has_waited_longest(void **state)
{
    (void)state;
    int fds[CROWD];
    let_a_crowd_wait(fds);

    for (uint32_t i = 0; i < CROWD; i++) {
        scene.room = 1;
        assert_int_equal(clients_wake(scene.clients, instant_now(), 3), 1);
        assert_int_equal(scene.served_count, i + 1);
        assert_int_equal(scene.served[i], i);
        turn();
        assert_int_equal(clients_view(scene.clients).waiting, CROWD - i - 1);
    }
    close_all(fds);
}

static void who_finds_no_room_keeps_its_place_unless_it_is_passed_over(void **state)
{
    (void)state;
    int fds[CROWD];
    let_a_crowd_wait(fds);

    assert_int_equal(clients_wake(scene.clients, instant_now(), 2), 0);
    clients_pass_over(scene.clients, 2);
    scene.room = CROWD;
    assert_int_equal(clients_wake(scene.clients, instant_now(), 10), CROWD);

    static const uint32_t wanted[CROWD] = {2, 3, 4, 0, 1};
    assert_memory_equal(scene.served, wanted, sizeof wanted);
    close_all(fds);
}

#define TEST(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(room_goes_to_who_has_waited_longest),
        TEST(who_finds_no_room_keeps_its_place_unless_it_is_passed_over),
        TEST(who_takes_nothing_for_a_minute_is_closed),
        TEST(who_takes_a_little_now_and_then_is_served),
        TEST(who_only_sends_nothing_may_stay),
        TEST(who_has_come_just_before_the_end_has_a_minute_to_close),
        TEST(who_comes_while_there_is_no_memory_is_closed_and_the_next_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
