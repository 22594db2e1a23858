/* Do the pages of a gateway say what the cores know, in text that their readers can read? */
#include "common/message_codec.h"
#include "common/reload.h"
#include "gateway/gateway_pages.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char topology_text[] =
    "{\"herd\": \"pair\", \"nodes\": {"
    "\"Left\": {\"requests\": \"tcp://127.0.0.1:1001\", \"gossip\": \"tcp://127.0.0.1:1002\","
    " \"neighbours\": [\"Right\"]},"
    "\"Right\": {\"requests\": \"tcp://127.0.0.1:1003\", \"gossip\": \"tcp://127.0.0.1:1004\","
    " \"neighbours\": [\"Left\"]}},"
    "\"gateways\": {\"gate\": {\"listeners\": ["
    "{\"address\": \"127.0.0.1:1005\", \"server\": \"Right\"},"
    "{\"address\": \"[::1]:1006\", \"server\": \"*\"}]}},"
    "\"places\": {\"providers\": [\"embedded\"], \"workers\": {"
    "\"places-1\": {\"requests\": \"tcp://127.0.0.1:1007\"}}}}";

static const struct instant now = {.ns = 5 * (int64_t)NS_PER_SECOND};

static struct {
    struct topology *topology;
    struct dispatch *dispatch;
    struct lookups *lookups;
    struct reload reload;
    struct gateway_view view;
    struct buffer text;
} scene;

static void take_effects(void)
{
    while (lookups_next_effect(scene.lookups) != NULL) {
    }
}

static int begin(void **state)
{
    (void)state;
    static const struct slice servers[] = {
        {.data = "Left", .length = 4}, {.data = "Right", .length = 5}};
    static const bool are_open[] = {true, false};
    struct buffer complaint = buffer_with_max(1024);
    assert_int_equal(
        topology_parse("test", slice_of(topology_text), &scene.topology, &complaint), STATUS_OK);
    const struct dispatch_settings dispatch = {
        .herd = slice_of("pair"),
        .servers = servers,
        .node_count = 2,
        .lanes_per_node = 1,
        .clients_max = 1,
        .answer_within_ms = 1000,
        .now = now,
    };
    assert_int_equal(dispatch_create(&dispatch, &scene.dispatch), STATUS_OK);
    const struct lookups_settings lookups = {.timeout_ms = 1000, .cache_bytes_max = 1000};
    const struct topology_places *places = &scene.topology->places;
    assert_int_equal(lookups_create(&lookups, &scene.lookups), STATUS_OK);
    assert_int_equal(
        lookups_set_workers(scene.lookups, now, places->workers, places->worker_count), STATUS_OK);
    take_effects();
    lookups_lane_connected(scene.lookups, now, 1);
    take_effects();
    scene.reload = reload_of(scene.topology, 0);
    scene.view = (struct gateway_view){
        .topology = scene.topology,
        .self = &scene.topology->gateways[0],
        .started = {.ns = 2 * (int64_t)NS_PER_SECOND},
        .is_ready = true,
        .reload = &scene.reload,
        .are_open = are_open,
        .dispatch = scene.dispatch,
        .lookups = scene.lookups,
        .clients = {.open = 3, .accepted = 17, .replies_invalid = 5},
        .accept_failures = 2,
        .log_lines_dropped = 9,
    };
    scene.text = buffer_with_max((size_t)64 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    dispatch_destroy(scene.dispatch);
    lookups_destroy(scene.lookups);
    topology_destroy(scene.topology);
    buffer_clear(&scene.text);
    return 0;
}

static void assert_page_has(const char *line)
{
    const size_t length = strlen(line);
    for (size_t at = 0; at + length <= scene.text.length; at++) {
        if (memcmp(scene.text.data + at, line, length) == 0) {
            return;
        }
    }
    fail_msg("not on the page: %s", line);
}

/* Asks the same thrice; the answer to the first is kept. */
static void ask_thrice(void)
{
    const struct lookups_question question = {.at_line = slice_of("AT"), .results_max = 1};
    const struct places places = {
        .provider = PROVIDER_GOOGLE_LEGACY, .status = PLACES_ZERO_RESULTS, .keep_ms = 1000};
    struct buffer message = buffer_with_max(1024);
    assert_int_equal(places_encode(&message, &places), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        lookups_ask(scene.lookups, now, &question);
        take_effects();
        lookups_lane_response(scene.lookups, now, 1, buffer_slice(&message)); /* once wanted */
        take_effects();
    }
    buffer_clear(&message);
}

static void the_status_is_json_that_names_everybody(void **state)
{
    (void)state;
    assert_int_equal(gateway_status_append(&scene.text, &scene.view, now), STATUS_OK);

    json_t *status = json_loadb(scene.text.data, scene.text.length, 0, NULL);
    assert_non_null(status);
    const char *name;
    const char *left;
    const char *right;
    const char *worker;
    const char *first_server;
    const char *second_address;
    int is_ready;
    int is_up;
    int is_worker_up;
    int is_first_open;
    int is_second_open;
    int uptime_ms;
    int open;
    int dropped;
    assert_int_equal(json_unpack(status,
                         "{s:s, s:b, s:i, s:[{s:s, s:b}, {s:s}], s:[{s:s, s:b}],"
                         " s:[{s:s, s:b}, {s:s, s:b}], s:{s:i}, s:i}",
                         "name",
                         &name,
                         "ready",
                         &is_ready,
                         "uptime_ms",
                         &uptime_ms,
                         "nodes",
                         "server",
                         &left,
                         "up",
                         &is_up,
                         "server",
                         &right,
                         "workers",
                         "name",
                         &worker,
                         "up",
                         &is_worker_up,
                         "listeners",
                         "server",
                         &first_server,
                         "open",
                         &is_first_open,
                         "address",
                         &second_address,
                         "open",
                         &is_second_open,
                         "clients",
                         "open",
                         &open,
                         "log_lines_dropped",
                         &dropped),
        0);
    assert_string_equal(name, "gate");
    assert_true(is_ready);
    assert_int_equal(uptime_ms, 3000);
    assert_string_equal(left, "Left");
    assert_false(is_up);
    assert_string_equal(right, "Right");
    assert_string_equal(worker, "places-1");
    assert_true(is_worker_up);
    assert_string_equal(first_server, "Right");
    assert_true(is_first_open);
    assert_string_equal(second_address, "[::1]:1006");
    assert_false(is_second_open);
    assert_int_equal(open, 3);
    assert_int_equal(dropped, 9);
    json_decref(status);
}

static void the_status_counts_kept_answers_by_provider(void **state)
{
    (void)state;
    ask_thrice();
    assert_int_equal(gateway_status_append(&scene.text, &scene.view, now), STATUS_OK);

    assert_page_has("\"answered\":1,\"cached\":2,\"unanswered\":0,");
    assert_page_has("\"providers\":[{\"provider\":\"embedded\",\"cached\":0,\"by_status\":{}},"
                    "{\"provider\":\"google-legacy\",\"cached\":2,"
                    "\"by_status\":{\"ZERO_RESULTS\":2}},"
                    "{\"provider\":\"google\",\"cached\":0,\"by_status\":{}},"
                    "{\"provider\":\"overpass\",\"cached\":0,\"by_status\":{}}]");
}

static void the_metrics_count_by_server_and_worker(void **state)
{
    (void)state;
    ask_thrice();
    assert_int_equal(gateway_metrics_append(&scene.text, &scene.view, now), STATUS_OK);

    assert_page_has("\nherd_gateway_ready 1\n");
    assert_page_has("\nherd_gateway_node_up{server=\"Left\"} 0\n");
    assert_page_has("\nherd_gateway_node_up{server=\"Right\"} 0\n");
    assert_page_has("\nherd_gateway_worker_up{worker=\"places-1\"} 1\n");
    assert_page_has("\nherd_gateway_lookups_cached_total{provider=\"google-legacy\",status=\"ZERO_"
                    "RESULTS\"} 2\n");
    assert_page_has("\nherd_gateway_lookups_cached_total{provider=\"embedded\",status=\"OK\"} 0\n");
    assert_page_has("\nherd_gateway_commands_rejected_total{cause=\"expired\"} 0\n");
    assert_page_has("\nherd_gateway_clients_accepted_total 17\n");
    assert_page_has("\nherd_gateway_replies_invalid_total 5\n");
    assert_page_has("\nherd_gateway_accept_failures_total 2\n");
}

static void a_page_that_does_not_fit_says_so(void **state)
{
    (void)state;
    struct buffer small = buffer_with_max(100);
    assert_int_equal(gateway_status_append(&small, &scene.view, now), STATUS_FULL);
    buffer_reset(&small);
    assert_int_equal(gateway_metrics_append(&small, &scene.view, now), STATUS_FULL);
    buffer_clear(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_status_is_json_that_names_everybody),
        TEST(the_status_counts_kept_answers_by_provider),
        TEST(the_metrics_count_by_server_and_worker),
        TEST(a_page_that_does_not_fit_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
