/* Does a listener take connections again after there was no memory or no descriptor for one? */
#include "gateway/client_listener.h"
#include "gateway/clients.h"
#include "tests/support/faults.h"
#include "tests/support/loopback.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    uv_loop_t loop;
    char host[10];
    struct topology_listener where;
    struct client_listener_events listener_events;
    struct client_listener *listener;
    struct clients_events events;
    struct clients *clients;
    bool is_memory_out; /* for the next connection */
    unsigned failures;
} scene;

static void on_arrived(void *context, size_t index, int fd)
{
    (void)context;
    if (!scene.is_memory_out) {
        clients_arrived(scene.clients, index, fd);
        return;
    }
    scene.is_memory_out = false;
    faults_begin(1);
    clients_arrived(scene.clients, index, fd);
    assert_true(faults_end());
}

static void on_failed(void *context, size_t index, const char *cause)
{
    (void)context;
    (void)index;
    assert_string_equal(cause, "too many open files");
    scene.failures++;
}

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

static void on_issued(void *context)
{
    (void)context;
}

static int set_up(void **state)
{
    (void)state;
    scene.where = (struct topology_listener){.host = scene.host, .is_any = true};
    memcpy(scene.host, "127.0.0.1", sizeof scene.host);
    scene.where.port = loopback_free_port();
    scene.listener_events =
        (struct client_listener_events){.arrived = on_arrived, .failed = on_failed};
    scene.events =
        (struct clients_events){.opened = on_opened, .closed = on_closed, .issued = on_issued};
    scene.failures = 0;
    const struct clients_settings settings = {
        .connections_max = 1,
        .limits = {.line_max = 100, .input_max = 1000, .output_max = 1000},
    };
    return uv_loop_init(&scene.loop) == 0 &&
                   client_listener_create(
                       &scene.loop, &scene.where, 0, &scene.listener_events, &scene.listener) ==
                       STATUS_OK &&
                   client_listener_open(scene.listener) == STATUS_OK &&
                   clients_create(&scene.loop, &settings, &scene.events, &scene.clients) ==
                       STATUS_OK
               ? 0
               : -1;
}

static struct clients_view view(void)
{
    return clients_view(scene.clients);
}

/* Turns the loop until `is_so`. */
static void run_until(bool (*is_so)(void))
{
    const struct instant end = instant_after_ms(instant_now(), LOOPBACK_PATIENCE_MS);
    while (!is_so()) {
        assert_true(instant_is_before(instant_now(), end));
        (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
        clients_turn(scene.clients, instant_now());
        const struct timespec pause = {.tv_nsec = NS_PER_MS};
        (void)nanosleep(&pause, NULL);
    }
}

static bool nobody_is_here(void)
{
    return view().open == 0;
}

static bool somebody_is_here(void)
{
    return view().open == 1;
}

static bool one_was_refused(void)
{
    return view().refused == 1;
}

static bool it_failed(void)
{
    return scene.failures == 1;
}

static int tear_down(void **state)
{
    (void)state;
    client_listener_destroy(scene.listener);
    run_until(nobody_is_here);
    clients_destroy(scene.clients);
    (void)uv_run(&scene.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&scene.loop); /* fails while anything is left in it */
}

static void a_connection_without_memory_is_closed(void **state)
{
    (void)state;
    scene.is_memory_out = true;
    close(loopback_connect(scene.where.port));
    run_until(one_was_refused);

    const int fd = loopback_connect(scene.where.port);
    run_until(somebody_is_here);
    close(fd);
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
    run_until(it_failed);
    for (int i = 0; i < TURNS; i++) {
        (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(scene.failures, 1);
    assert_true(client_listener_is_open(scene.listener));

    client_listener_go_on(scene.listener);
    (void)uv_run(&scene.loop, UV_RUN_NOWAIT);
    assert_int_equal(scene.failures, 2);

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    client_listener_go_on(scene.listener);
    run_until(somebody_is_here);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_connection_without_memory_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            one_for_which_there_is_no_descriptor_waits_until_the_listener_goes_on,
            set_up,
            tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
