/* Does a listener hand on each connection, also after there was no descriptor for one? */
#include "common/instant.h"
#include "gateway/client_listener.h"
#include "tests/support/loopback.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    uv_loop_t loop;
    char host[10];
    struct topology_listener where;
    struct client_listener_events events;
    struct client_listener *listener;
    unsigned arrivals;
    unsigned failures;
} scene;

static void on_arrived(void *context, size_t index, int fd)
{
    (void)context;
    (void)index;
    close(fd);
    scene.arrivals++;
}

static void on_failed(void *context, size_t index, const char *cause)
{
    (void)context;
    (void)index;
    assert_string_equal(cause, "too many open files");
    scene.failures++;
}

static int set_up(void **state)
{
    (void)state;
    memset(&scene, 0, sizeof scene);
    scene.where = (struct topology_listener){.host = scene.host, .is_any = true};
    memcpy(scene.host, "127.0.0.1", sizeof scene.host);
    scene.where.port = loopback_free_port();
    scene.events = (struct client_listener_events){.arrived = on_arrived, .failed = on_failed};
    return uv_loop_init(&scene.loop) == 0 &&
                   client_listener_create(
                       &scene.loop, &scene.where, 0, &scene.events, &scene.listener) == STATUS_OK &&
                   client_listener_open(scene.listener) == STATUS_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_listener_destroy(scene.listener);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&scene.loop); /* fails while anything is left in it */
}

/* Turns the loop until there are so many. */
static void run_until(const unsigned *count, unsigned wanted)
{
    const struct instant end = instant_after_ms(instant_now(), LOOPBACK_PATIENCE_MS);
    while (*count < wanted) {
        assert_true(instant_is_before(instant_now(), end));
        (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
        const struct timespec pause = {.tv_nsec = NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(*count, wanted);
}

static void each_connection_arrives(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        const int fd = loopback_connect(scene.where.port);
        run_until(&scene.arrivals, i);
        close(fd);
    }
}

/* Nothing can get a descriptor until the limit is given back. */
static struct rlimit take_descriptors(void)
{
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

/* It is told once, and not at each turn of the loop. */
static void one_for_which_there_is_no_descriptor_waits_until_the_listener_goes_on(void **state)
{
    (void)state;
    enum { TURNS = 20 };
    const int fd = loopback_connect(scene.where.port);
    const struct rlimit before = take_descriptors();
    run_until(&scene.failures, 1);
    for (int i = 0; i < TURNS; i++) {
        (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(scene.failures, 1);
    assert_int_equal(scene.arrivals, 0);
    assert_true(client_listener_is_open(scene.listener));

    client_listener_go_on(scene.listener);
    (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.failures, 2);

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    client_listener_go_on(scene.listener);
    run_until(&scene.arrivals, 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_connection_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            one_for_which_there_is_no_descriptor_waits_until_the_listener_goes_on,
            set_up,
            tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
