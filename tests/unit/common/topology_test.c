/* Does topology read a herd whole, and refuse every mistake in one line that says what is right? */
#include "common/topology.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Three nodes in a ring, two gateways, two workers. Line numbers matter below. */
static const char ring[] =
    "{\n"
    "\"herd\": \"ring\",\n"
    "\"nodes\": {\n"
    " \"Ada\": {\"requests\": \"tcp://127.0.0.1:1001\", \"gossip\": \"tcp://127.0.0.1:1101\",\n"
    "  \"neighbours\": [\"Cleo\", \"Bert\"]},\n"
    " \"Bert\": {\"requests\": \"tcp://127.0.0.1:1002\", \"gossip\": \"tcp://127.0.0.1:1102\",\n"
    "  \"neighbours\": [\"Ada\", \"Cleo\"], \"admin\": \"127.0.0.1:1202\"},\n"
    " \"Cleo\": {\"requests\": \"tcp://127.0.0.1:1003\", \"gossip\": \"tcp://127.0.0.1:1103\",\n"
    "  \"neighbours\": [\"Ada\", \"Bert\"]}},\n"
    "\"gateways\": {\n"
    " \"east\": {\"admin\": \"127.0.0.1:1301\", \"listeners\": [\n"
    "  {\"address\": \"0.0.0.0:2001\", \"server\": \"Ada\"},\n"
    "  {\"address\": \"[::1]:2002\", \"server\": \"Bert\", \"when_down\": \"refuse\"}]},\n"
    " \"west\": {\"listeners\": [\n"
    "  {\"address\": \"127.0.0.1:2003\", \"server\": \"*\", \"when_down\": \"pass\"}]}},\n"
    "\"places\": {\"workers\": {\n"
    " \"w1\": {\"requests\": \"tcp://127.0.0.1:1401\", \"admin\": \"127.0.0.1:1501\"},\n"
    " \"w2\": {\"requests\": \"tcp://127.0.0.1:1402\", \"threads\": 7}}\n"
    "}\n"
    "}\n";

/* The text with its one occurrence of `old` replaced; new (free). */
static char *replaced(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    if (at == NULL || strstr(at + 1, old) != NULL) {
        fail_msg("the text has not exactly one \"%s\"", old);
    }
    size_t size = strlen(text) - strlen(old) + strlen(new) + 1;
    char *result = malloc(size);
    assert_non_null(result);
    (void)snprintf(result, size, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return result;
}

static struct topology *parsed(const char *text)
{
    struct topology *topology = NULL;
    struct buffer complaint = buffer_with_max(4096);
    enum status status = topology_parse("folder/ring.json", slice_of(text), &topology, &complaint);
    if (status != STATUS_OK) {
        fail_msg("%s: %.*s", status_text(status), (int)complaint.length, complaint.data);
    }
    assert_int_equal(complaint.length, 0);
    buffer_clear(&complaint);
    return topology;
}

static void assert_refused_as(const char *name, const char *text, const char *wanted)
{
    struct topology *topology = NULL;
    struct buffer complaint = buffer_with_max(4096);
    enum status status = topology_parse(name, slice_of(text), &topology, &complaint);
    assert_null(topology);
    assert_int_equal(buffer_append(&complaint, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(complaint.data, wanted);
    assert_int_equal(status, STATUS_MALFORMED);
    buffer_clear(&complaint);
}

static void assert_change_refused(const char *old, const char *new, const char *wanted)
{
    char *text = replaced(ring, old, new);
    assert_refused_as("r.json", text, wanted);
    free(text);
}

static void everything_that_is_written_is_read(void **state)
{
    (void)state;
    struct topology *topology = parsed(ring);

    assert_string_equal(topology->herd, "ring");
    assert_int_equal(topology->node_count, 3);
    const struct topology_node *ada = &topology->nodes[0];
    const struct topology_node *bert = &topology->nodes[1];
    assert_string_equal(ada->name, "Ada");
    assert_string_equal(ada->requests_url, "tcp://127.0.0.1:1001");
    assert_string_equal(ada->gossip_url, "tcp://127.0.0.1:1101");
    assert_null(ada->admin);
    assert_string_equal(bert->admin, "127.0.0.1:1202");

    assert_int_equal(topology->gateway_count, 2);
    const struct topology_gateway *east = &topology->gateways[0];
    const struct topology_gateway *west = &topology->gateways[1];
    assert_string_equal(east->name, "east");
    assert_string_equal(east->admin, "127.0.0.1:1301");
    assert_int_equal(east->listener_count, 2);
    assert_string_equal(east->listeners[0].host, "0.0.0.0");
    assert_int_equal(east->listeners[0].port, 2001);
    assert_false(east->listeners[0].is_any);
    assert_int_equal(east->listeners[0].node, 0);
    assert_false(east->listeners[0].refuse_when_down);
    assert_string_equal(east->listeners[1].host, "::1");
    assert_string_equal(east->listeners[1].address, "[::1]:2002");
    assert_int_equal(east->listeners[1].node, 1);
    assert_true(east->listeners[1].refuse_when_down);
    assert_null(west->admin);
    assert_true(west->listeners[0].is_any);
    assert_false(west->listeners[0].refuse_when_down);
    assert_false(west->listeners[0].is_shared);

    assert_int_equal(topology->places.worker_count, 2);
    assert_string_equal(topology->places.workers[0].name, "w1");
    assert_string_equal(topology->places.workers[0].requests_url, "tcp://127.0.0.1:1401");
    assert_string_equal(topology->places.workers[0].admin, "127.0.0.1:1501");
    assert_null(topology->places.workers[1].admin);
    assert_int_equal(topology->places.workers[1].threads, 7);
    topology_destroy(topology);
}

static void neighbours_are_in_ascending_order(void **state)
{
    (void)state;
    struct topology *topology = parsed(ring);

    assert_int_equal(topology->nodes[0].neighbour_count, 2);
    assert_int_equal(topology->nodes[0].neighbours[0], 1);
    assert_int_equal(topology->nodes[0].neighbours[1], 2);
    topology_destroy(topology);
}

static void what_is_not_written_has_its_default(void **state)
{
    (void)state;
    struct topology *topology = parsed(ring);

    assert_int_equal(topology->limits.line_bytes_max, 8192);
    assert_int_equal(topology->limits.answer_within_ms, 3000);
    assert_int_equal(topology->limits.connections_max, 15000);
    assert_int_equal(topology->limits.client_input_bytes_max, 262144);
    assert_int_equal(topology->limits.client_output_bytes_max, 262144);
    assert_int_equal(topology->limits.reports_max, 20000000);
    assert_int_equal(topology->limits.lanes_per_node, 1);
    assert_int_equal(topology->limits.drain_ms, 1500);
    assert_true(topology->logs.traffic);
    assert_int_equal(topology->logs.file_size_max, 67108864);
    assert_int_equal(topology->logs.files_max, 4);
    const struct topology_places *places = &topology->places;
    assert_int_equal(places->provider_count, 1);
    assert_int_equal(places->providers[0], PROVIDER_EMBEDDED);
    assert_int_equal(places->timeout_ms, 5000);
    assert_int_equal(places->connect_timeout_ms, 2000);
    assert_false(places->rank_by_distance);
    assert_int_equal(places->workers[0].threads, 2);
    assert_null(places->database);
    assert_string_equal(places->google_legacy_url, "https://maps.googleapis.com");
    assert_string_equal(places->google_url, "https://places.googleapis.com");
    assert_string_equal(places->overpass_url, "https://overpass-api.de/api/interpreter");
    assert_int_equal(places->cache_bytes_max, 33554432);
    assert_int_equal(places->cache_seconds, 300);
    assert_int_equal(places->grid_m, 0);
    assert_int_equal(places->requests_per_second, 50);
    assert_int_equal(places->requests_per_day, 10000);
    assert_true(places->google_rating && places->google_hours && places->google_photos);
    assert_null(places->google_key_file);
    assert_null(places->ca_file);
    topology_destroy(topology);
}

static void the_limits_of_providers_and_the_cache_are_read(void **state)
{
    (void)state;
    char *text = replaced(ring,
        "\"places\": {",
        "\"places\": {\"cache_bytes_max\": 0, \"cache_seconds\": 7, \"grid_m\": 250,"
        " \"requests_per_second\": 3, \"requests_per_day\": 9, ");
    struct topology *topology = parsed(text);
    assert_int_equal(topology->places.cache_bytes_max, 0);
    assert_int_equal(topology->places.cache_seconds, 7);
    assert_int_equal(topology->places.grid_m, 250);
    assert_int_equal(topology->places.requests_per_second, 3);
    assert_int_equal(topology->places.requests_per_day, 9);
    topology_destroy(topology);
    free(text);

    assert_change_refused("\"places\": {",
        "\"places\": {\"requests_per_day\": 0, ",
        "r.json:16: places.requests_per_day: must be a whole number from 2 to 4294967295, not 0");
    assert_change_refused("\"places\": {", /* there are two workers, and each must have a part */
        "\"places\": {\"requests_per_day\": 1, ",
        "r.json:16: places.requests_per_day: must be a whole number from 2 to 4294967295, not 1");
    assert_change_refused("\"places\": {",
        "\"places\": {\"grid_m\": 10001, ",
        "r.json:16: places.grid_m: must be a whole number from 0 to 10000, not 10001");
}

static void the_fields_that_google_charges_for_are_chosen_one_by_one(void **state)
{
    (void)state;
    char *text = replaced(ring, "\"places\": {", "\"places\": {\"google_fields\": [\"hours\"], ");
    struct topology *topology = parsed(text);
    assert_true(topology->places.google_hours);
    assert_false(topology->places.google_rating || topology->places.google_photos);
    topology_destroy(topology);
    free(text);

    text = replaced(ring, "\"places\": {", "\"places\": {\"google_fields\": [], ");
    topology = parsed(text);
    assert_false(topology->places.google_hours);
    assert_false(topology->places.google_rating || topology->places.google_photos);
    topology_destroy(topology);
    free(text);

    assert_change_refused("\"places\": {",
        "\"places\": {\"google_fields\": [\"photos\", \"price\"], ",
        "r.json:16: places.google_fields[1]: must be \"rating\", \"hours\" or \"photos\", not "
        "\"price\"");
}

static void limits_and_logs_are_read(void **state)
{
    (void)state;
    char *text = replaced(ring,
        "\"places\"",
        "\"limits\": {\"line_bytes_max\": 64, \"answer_within_ms\": 10, \"connections_max\": 1,\n"
        " \"client_input_bytes_max\": 128, \"client_output_bytes_max\": 129, \"reports_max\": 2,\n"
        " \"lanes_per_node\": 16, \"drain_ms\": 0},\n"
        "\"logs\": {\"traffic\": false, \"file_size_max\": 65536, \"files_max\": 0},\n"
        "\"places\"");
    struct topology *topology = parsed(text);

    assert_int_equal(topology->limits.line_bytes_max, 64);
    assert_int_equal(topology->limits.answer_within_ms, 10);
    assert_int_equal(topology->limits.connections_max, 1);
    assert_int_equal(topology->limits.client_input_bytes_max, 128);
    assert_int_equal(topology->limits.client_output_bytes_max, 129);
    assert_int_equal(topology->limits.reports_max, 2);
    assert_int_equal(topology->limits.lanes_per_node, 16);
    assert_int_equal(topology->limits.drain_ms, 0);
    assert_false(topology->logs.traffic);
    assert_int_equal(topology->logs.file_size_max, 65536);
    assert_int_equal(topology->logs.files_max, 0);
    topology_destroy(topology);
    free(text);
}

static void places_are_read_and_their_paths_are_relative_to_the_file(void **state)
{
    (void)state;
    char *text = replaced(ring,
        "\"places\": {",
        "\"places\": {\"providers\": [\"google\", \"overpass\", \"google-legacy\", \"embedded\"],\n"
        " \"timeout_ms\": 700, \"rank\": \"distance\", \"database\": \"/data/p.sqlite\",\n"
        " \"google_legacy_url\": \"http://[::1]:99/x/\", \"google_url\": \"https://a\",\n"
        " \"overpass_url\": \"https://own.example//\",\n"
        " \"google_key_file\": \"keys/google\", \"ca_file\": \"../ca.pem\",");
    struct topology *topology = parsed(text);

    const struct topology_places *places = &topology->places;
    assert_int_equal(places->provider_count, 4);
    assert_int_equal(places->providers[0], PROVIDER_GOOGLE);
    assert_int_equal(places->providers[1], PROVIDER_OVERPASS);
    assert_int_equal(places->providers[2], PROVIDER_GOOGLE_LEGACY);
    assert_int_equal(places->providers[3], PROVIDER_EMBEDDED);
    assert_int_equal(places->timeout_ms, 700);
    assert_int_equal(places->connect_timeout_ms, 700);
    assert_true(places->rank_by_distance);
    assert_string_equal(places->database, "/data/p.sqlite");
    assert_string_equal(places->google_legacy_url, "http://[::1]:99/x");
    assert_string_equal(places->google_url, "https://a");
    assert_string_equal(places->overpass_url, "https://own.example");
    assert_string_equal(places->google_key_file, "folder/keys/google");
    assert_string_equal(places->ca_file, "folder/../ca.pem");
    topology_destroy(topology);
    free(text);
}

static void processes_are_found_by_name(void **state)
{
    (void)state;
    struct topology *topology = parsed(ring);
    size_t index = 99;

    assert_true(topology_find_node(topology, "Cleo", &index));
    assert_int_equal(index, 2);
    assert_true(topology_find_gateway(topology, "west", &index));
    assert_int_equal(index, 1);
    assert_true(topology_find_worker(topology, "w1", &index));
    assert_int_equal(index, 0);
    assert_false(topology_find_node(topology, "west", &index));
    assert_false(topology_find_gateway(topology, "w1", &index));
    assert_false(topology_find_worker(topology, "cleo", &index));
    assert_int_equal(index, 0);
    topology_destroy(topology);
}

static void two_gateways_may_share_an_address_of_the_same_server(void **state)
{
    (void)state;
    char *text = replaced(ring,
        "\"127.0.0.1:2003\", \"server\": \"*\", \"when_down\": \"pass\"",
        "\"0.0.0.0:2001\", \"server\": \"Ada\"");
    struct topology *topology = parsed(text);

    assert_true(topology->gateways[0].listeners[0].is_shared);
    assert_false(topology->gateways[0].listeners[1].is_shared);
    assert_true(topology->gateways[1].listeners[0].is_shared);
    topology_destroy(topology);
    free(text);
}

static void text_that_is_no_json_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused_as("r.json", "", "r.json: the file is empty");
    assert_refused_as(
        "r.json", "{\n\"herd\" \"x\"}", "r.json:2: not JSON: ':' expected near '\"x\"'");
    assert_refused_as("r.json",
        "{\"herd\": \"x\",\n \"herd\": \"y\"}",
        "r.json:2: not JSON: duplicate object key near '\"herd\"'");
    assert_refused_as("r.json", "[]", "r.json:1: must be an object {...}, not []");
    assert_refused_as("r.json", "{} {}", "r.json:1: not JSON: end of file expected near '{'");
}

static void unknown_and_missing_keys_are_refused(void **state)
{
    (void)state;
    assert_change_refused("\"herd\": \"ring\",",
        "\"hird\": \"ring\",",
        "r.json:2: unknown key \"hird\" (did you mean \"herd\"?)");
    assert_change_refused("\"herd\": \"ring\",", "", "r.json:1: the key \"herd\" is missing");
    assert_change_refused("\"places\"",
        "\"colour\": 1, \"places\"",
        "r.json:16: unknown key \"colour\" (known here: herd, nodes, gateways, places, limits, "
        "logs)");
    assert_change_refused("\"neighbours\": [\"Cleo\", \"Bert\"]",
        "\"neighbors\": []",
        "r.json:5: nodes.Ada: unknown key \"neighbors\" (did you mean \"neighbours\"?)");
    assert_change_refused(", \"gossip\": \"tcp://127.0.0.1:1103\"",
        "",
        "r.json:8: nodes.Cleo: the key \"gossip\" is missing");
    assert_change_refused("\"admin\": \"127.0.0.1:1301\", ",
        "\"adminn\": \"127.0.0.1:1301\", ",
        "r.json:11: gateways.east: unknown key \"adminn\" (did you mean \"admin\"?)");
    assert_change_refused("\"server\": \"*\"",
        "\"x\": \"*\"",
        "r.json:15: gateways.west.listeners[0]: unknown key \"x\" (known here: address, server, "
        "when_down)");
    assert_change_refused("\"address\": \"0.0.0.0:2001\", ",
        "",
        "r.json:12: gateways.east.listeners[0]: the key \"address\" is missing");
    assert_change_refused("\"threads\"",
        "\"thread\"",
        "r.json:18: places.workers.w2: unknown key \"thread\" (did you mean \"threads\"?)");
    assert_change_refused("\"places\"",
        "\"limits\": {\"line_max\": 1}, \"places\"",
        "r.json:16: limits: unknown key \"line_max\" (known here: line_bytes_max, "
        "answer_within_ms, connections_max, client_input_bytes_max, client_output_bytes_max, "
        "reports_max, lanes_per_node, drain_ms)");
    assert_change_refused("\"places\"",
        "\"logs\": {\"trafic\": true}, \"places\"",
        "r.json:16: logs: unknown key \"trafic\" (did you mean \"traffic\"?)");
    assert_change_refused("\"places\": {",
        "\"places\": {\"provider\": [], ",
        "r.json:16: places: unknown key \"provider\" (did you mean \"providers\"?)");
}

static void values_of_a_wrong_type_are_refused(void **state)
{
    (void)state;
    assert_change_refused("\"ring\"", "7", "r.json:2: herd: must be a text, not 7");
    assert_change_refused("\"ring\"", "null", "r.json:2: herd: must be a text, not null");
    assert_change_refused("\"tcp://127.0.0.1:1001\"",
        "[\"a\",1]",
        "r.json:4: nodes.Ada.requests: must be a text, not [\"a\",1]");
    assert_change_refused(
        "\"127.0.0.1:1202\"", "1202", "r.json:7: nodes.Bert.admin: must be a text, not 1202");
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "\"Cleo\"",
        "r.json:5: nodes.Ada.neighbours: must be an array [...], not \"Cleo\"");
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "[\"Cleo\", 2]",
        "r.json:5: nodes.Ada.neighbours[1]: must be the name of a node, not 2");
    assert_change_refused("\"server\": \"*\"",
        "\"server\": null",
        "r.json:15: gateways.west.listeners[0].server: must be the name of a node, not null");
    assert_change_refused("7}",
        "true}",
        "r.json:18: places.workers.w2.threads: must be a whole number from 1 to 256, not true");
    assert_change_refused("\"places\"",
        "\"logs\": {\"traffic\": \"on\"}, \"places\"",
        "r.json:16: logs.traffic: must be true or false, not \"on\"");
    assert_change_refused("\"places\"",
        "\"logs\": [], \"places\"",
        "r.json:16: logs: must be an object {...}, not []");
    assert_refused_as("r.json",
        "{\"herd\":\"h\",\"nodes\":[],\"gateways\":{},\"places\":{}}",
        "r.json:1: nodes: must be an object {...}, not []");
}

static void empty_things_are_refused(void **state)
{
    (void)state;
    assert_change_refused("\"ring\"", "\"\"", "r.json:2: herd: is empty");
    assert_refused_as("r.json",
        "{\"herd\":\"h\",\"nodes\":{},\"gateways\":{},\"places\":{}}",
        "r.json:1: nodes: is empty; at least one node is needed");
    assert_change_refused("\"places\": {",
        "\"places\": {\"providers\": [], ",
        "r.json:16: places.providers: is empty; at least one provider is needed");

    static const char lone[] =
        "{\"herd\":\"h\",\"nodes\":{\"A\":{\"requests\":\"tcp://a:1\",\"gossip\":\"tcp://a:2\","
        "\"neighbours\":[]}},\"gateways\":%s,\"places\":{\"workers\":%s}}";
    char text[512];
    (void)snprintf(text, sizeof text, lone, "{}", "{}");
    assert_refused_as(
        "r.json", text, "r.json:1: gateways: is empty; at least one gateway is needed");
    (void)snprintf(text, sizeof text, lone, "{\"g\":{\"listeners\":[]}}", "{}");
    assert_refused_as("r.json",
        text,
        "r.json:1: gateways.g.listeners: is empty; at least one listener is needed");
    (void)snprintf(text,
        sizeof text,
        lone,
        "{\"g\":{\"listeners\":[{\"address\":\"0.0.0.0:3\",\"server\":\"A\"}]}}",
        "{}");
    assert_refused_as(
        "r.json", text, "r.json:1: places.workers: is empty; at least one worker is needed");
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        const char *complaint;
    } bad[] = {
        {"\"line_bytes_max\": 63",
            "line_bytes_max: must be a whole number from 64 to 32768, not 63"},
        {"\"line_bytes_max\": 32769",
            "line_bytes_max: must be a whole number from 64 to 32768, not 32769"},
        {"\"line_bytes_max\": 100.0",
            "line_bytes_max: must be a whole number from 64 to 32768, not 100.0"},
        {"\"answer_within_ms\": -1",
            "answer_within_ms: must be a whole number from 10 to 60000, not -1"},
        {"\"connections_max\": 0",
            "connections_max: must be a whole number from 1 to 1000000, not 0"},
        {"\"client_input_bytes_max\": 16383",
            "client_input_bytes_max: must be a whole number from 16384 to 1073741824, not 16383"},
        {"\"line_bytes_max\": 1000, \"client_output_bytes_max\": 1999",
            "client_output_bytes_max: must be a whole number from 2000 to 1073741824, not 1999"},
        {"\"reports_max\": 4294967296",
            "reports_max: must be a whole number from 1 to 4294967295, not 4294967296"},
        {"\"lanes_per_node\": 17", "lanes_per_node: must be a whole number from 1 to 16, not 17"},
        {"\"drain_ms\": 60001", "drain_ms: must be a whole number from 0 to 60000, not 60001"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char new[200];
        char wanted[200];
        (void)snprintf(new, sizeof new, "\"limits\": {%s}, \"places\"", bad[i].member);
        (void)snprintf(wanted, sizeof wanted, "r.json:16: limits.%s", bad[i].complaint);
        assert_change_refused("\"places\"", new, wanted);
    }
    static const struct {
        const char *members;
        const char *complaint;
    } bad_places[] = {
        {"\"timeout_ms\": 99", "timeout_ms: must be a whole number from 100 to 60000, not 99"},
        {"\"timeout_ms\": 500, \"connect_timeout_ms\": 501",
            "connect_timeout_ms: must be a whole number from 10 to 500, not 501"},
        {"\"requests_per_second\": 0",
            "requests_per_second: must be a whole number from 1 to 100000, not 0"},
        {"\"requests_per_day\": 1",
            "requests_per_day: must be a whole number from 2 to 4294967295, not 1"},
        {"\"cache_bytes_max\": -1",
            "cache_bytes_max: must be a whole number from 0 to 17179869184, not -1"},
        {"\"cache_seconds\": 86401",
            "cache_seconds: must be a whole number from 0 to 86400, not 86401"},
        {"\"grid_m\": 10001", "grid_m: must be a whole number from 0 to 10000, not 10001"},
    };
    for (size_t i = 0; i < sizeof bad_places / sizeof bad_places[0]; i++) {
        char new[200];
        char wanted[200];
        (void)snprintf(new, sizeof new, "\"places\": {%s, ", bad_places[i].members);
        (void)snprintf(wanted, sizeof wanted, "r.json:16: places.%s", bad_places[i].complaint);
        assert_change_refused("\"places\": {", new, wanted);
    }
    assert_change_refused("\"threads\": 7",
        "\"threads\": 0",
        "r.json:18: places.workers.w2.threads: must be a whole number from 1 to 256, not 0");
    assert_change_refused("\"places\"",
        "\"logs\": {\"files_max\": 1001}, \"places\"",
        "r.json:16: logs.files_max: must be a whole number from 0 to 1000, not 1001");
    assert_change_refused("\"places\"",
        "\"logs\": {\"file_size_max\": 1}, \"places\"",
        "r.json:16: logs.file_size_max: must be a whole number from 65536 to 68719476736, not 1");
}

static void choices_are_refused_with_what_there_is(void **state)
{
    (void)state;
    assert_change_refused("\"refuse\"",
        "\"close\"",
        "r.json:13: gateways.east.listeners[1].when_down: must be \"pass\" or \"refuse\", not "
        "\"close\"");
    assert_change_refused("\"pass\"",
        "\"refuse\"",
        "r.json:15: gateways.west.listeners[0].when_down: \"refuse\" is for one server; this "
        "listener stands for any (\"*\")");
    assert_change_refused("\"places\": {",
        "\"places\": {\"providers\": [\"osm\"], ",
        "r.json:16: places.providers[0]: must be \"embedded\", \"google-legacy\", \"google\" or "
        "\"overpass\", not \"osm\"");
    assert_change_refused("\"places\": {",
        "\"places\": {\"providers\": [\"google\", \"google\"], ",
        "r.json:16: places.providers[1]: \"google\" is named twice");
    assert_change_refused("\"places\": {",
        "\"places\": {\"providers\": [\"google\", \"overpass\", \"embedded\", \"google\", 5], ",
        "r.json:16: places.providers: has 5 providers; at most 4 are possible");
    assert_change_refused("\"places\": {",
        "\"places\": {\"rank\": 1, ",
        "r.json:16: places.rank: must be \"prominence\" or \"distance\", not 1");
}

static void names_that_cannot_be_file_names_or_words_are_refused(void **state)
{
    (void)state;
    assert_change_refused("\"ring\"",
        "\"a ring\"",
        "r.json:2: herd: \"a ring\" is no name: 1 to 64 letters, digits, '.', '_' or '-', a letter "
        "or digit first");
    assert_change_refused("\"west\"",
        "\"../west\"",
        "r.json:14: gateways: \"../west\" is no name: 1 to 64 letters, digits, '.', '_' or '-', a "
        "letter or digit first");
    assert_change_refused("\"west\"",
        "\".west\"",
        "r.json:14: gateways: \".west\" is no name: 1 to 64 letters, digits, '.', '_' or '-', a "
        "letter or digit first");
    assert_change_refused("\"w1\"",
        "\"-\\n\"",
        "r.json:16: places.workers: \"-\\n\" is no name: 1 to 64 letters, digits, '.', '_' or '-', "
        "a letter or digit first");
    assert_change_refused("\"ring\"",
        "\"0123456789012345678901234567890123456789012345678901234567890123z\"",
        "r.json:2: herd: \"01234567890123456789012345678901234567890123456789012345678... is no "
        "name: 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first");

    char *text = replaced(
        ring, "\"ring\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"");
    topology_destroy(parsed(text));
    free(text);
}

static void a_name_belongs_to_one_process(void **state)
{
    (void)state;
    assert_change_refused(
        "\"west\"", "\"Ada\"", "r.json:14: gateways: the name \"Ada\" is taken by nodes.Ada");
    assert_change_refused("\"w1\"",
        "\"east\"",
        "r.json:17: places.workers: the name \"east\" is taken by gateways.east");
}

static void bad_addresses_are_refused_with_their_cause(void **state)
{
    (void)state;
    assert_change_refused("\"tcp://127.0.0.1:1001\"",
        "\"127.0.0.1:1001\"",
        "r.json:4: nodes.Ada.requests: \"127.0.0.1:1001\" is no url: it must be tcp://HOST:PORT");
    assert_change_refused("\"tcp://127.0.0.1:1101\"",
        "\"tls+tcp://127.0.0.1:1101\"",
        "r.json:4: nodes.Ada.gossip: \"tls+tcp://127.0.0.1:1101\" is no url: tls+tcp:// is "
        "refused, because its connections hang for good when a peer dies; use tcp:// inside a "
        "trusted network");
    assert_change_refused("\"127.0.0.1:1202\"",
        "\"localhost:1202\"",
        "r.json:7: nodes.Bert.admin: \"localhost:1202\" is no address: it must be an IPv4 address, "
        "like 127.0.0.1:17870");
    assert_change_refused("\"0.0.0.0:2001\"",
        "\"localhost:2001\"",
        "r.json:12: gateways.east.listeners[0].address: \"localhost:2001\" is no address: it must "
        "be numeric, like 0.0.0.0:16670 or [::]:16670");
    assert_change_refused("\"0.0.0.0:2001\"",
        "\"0.0.0.0:70000\"",
        "r.json:12: gateways.east.listeners[0].address: \"0.0.0.0:70000\" is no address: its port "
        "must be a number from 1 to 65535");
    assert_change_refused("\"places\": {",
        "\"places\": {\"google_url\": \"ftp://a\", ",
        "r.json:16: places.google_url: \"ftp://a\" is no base url: it must be "
        "https://HOST[:PORT][/PATH], or http://...");
    assert_change_refused("\"places\": {",
        "\"places\": {\"overpass_url\": \"https:///x\", ",
        "r.json:16: places.overpass_url: \"https:///x\" is no base url: it must be "
        "https://HOST[:PORT][/PATH], or http://...");
    assert_change_refused("\"places\": {",
        "\"places\": {\"google_legacy_url\": \"http://a?b\", ",
        "r.json:16: places.google_legacy_url: \"http://a?b\" is no base url: it must be "
        "https://HOST[:PORT][/PATH], or http://...");
}

static void addresses_that_collide_are_refused(void **state)
{
    (void)state;
    assert_change_refused("tcp://127.0.0.1:1103",
        "tcp://127.0.0.1:1001",
        "r.json:8: nodes.Cleo.gossip: 127.0.0.1:1001 is used twice: nodes.Ada.requests has "
        "127.0.0.1:1001");
    assert_change_refused("\"127.0.0.1:1301\"",
        "\"127.0.0.1:1202\"",
        "r.json:11: gateways.east.admin: 127.0.0.1:1202 is used twice: nodes.Bert.admin has "
        "127.0.0.1:1202");
    assert_change_refused("[::1]:2002",
        "0.0.0.0:2001",
        "r.json:13: gateways.east.listeners[1].address: 0.0.0.0:2001 is used twice: "
        "gateways.east.listeners[0].address has 0.0.0.0:2001");
    assert_change_refused("127.0.0.1:2003",
        "127.0.0.1:2001",
        "r.json:15: gateways.west.listeners[0].address: 127.0.0.1:2001 is used twice: "
        "gateways.east.listeners[0].address has 0.0.0.0:2001");
    assert_change_refused("0.0.0.0:2001",
        "0.0.0.0:1102",
        "r.json:12: gateways.east.listeners[0].address: 0.0.0.0:1102 is used twice: "
        "nodes.Bert.gossip has 127.0.0.1:1102");
    assert_change_refused("tcp://127.0.0.1:1402",
        "tcp://127.0.0.1:2001",
        "r.json:18: places.workers.w2.requests: 127.0.0.1:2001 is used twice: "
        "gateways.east.listeners[0].address has 0.0.0.0:2001");
    assert_change_refused("127.0.0.1:2003",
        "0.0.0.0:2001",
        "r.json:15: gateways.west.listeners[0].address: 0.0.0.0:2001 stands for another server in "
        "gateways.east.listeners[0].address");
    assert_change_refused("\"127.0.0.1:2003\", \"server\": \"*\"",
        "\"0.0.0.0:2001\", \"server\": \"Bert\"",
        "r.json:15: gateways.west.listeners[0].address: 0.0.0.0:2001 stands for another server in "
        "gateways.east.listeners[0].address");
}

static void neighbours_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "[\"Cleo\", \"Berta\"]",
        "r.json:5: nodes.Ada.neighbours[1]: \"Berta\" is not a node (did you mean \"Bert\"?)");
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "[\"Nobody\"]",
        "r.json:5: nodes.Ada.neighbours[0]: \"Nobody\" is not a node");
    assert_change_refused("\"server\": \"*\"",
        "\"server\": \"cleo\"",
        "r.json:15: gateways.west.listeners[0].server: \"cleo\" is not a node (did you mean "
        "\"Cleo\"?)");
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "[\"Cleo\", \"Bert\", \"Ada\"]",
        "r.json:5: nodes.Ada.neighbours[2]: Ada is its own neighbour");
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "[\"Cleo\", \"Bert\", \"Cleo\"]",
        "r.json:5: nodes.Ada.neighbours[2]: \"Cleo\" is named twice");
    assert_change_refused("[\"Cleo\", \"Bert\"]",
        "[\"Cleo\"]",
        "r.json:7: nodes.Bert.neighbours: Bert names Ada as a neighbour, but Ada does not name "
        "Bert");
}

/* Appends nodes n0 .. n<count-1>, each a neighbour of the first. */
static void append_star(struct buffer *text, size_t count)
{
    assert_int_equal(buffer_append_text(text, "{\"herd\": \"star\", \"nodes\": {"), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(buffer_append_format(text,
                             "%s\n\"n%zu\": {\"requests\": \"tcp://10.0.0.%zu:1\", "
                             "\"gossip\": \"tcp://10.0.0.%zu:2\", \"neighbours\": [",
                             i == 0 ? "" : ",",
                             i,
                             i % 256,
                             i % 256),
            STATUS_OK);
        for (size_t k = 1; i == 0 && k < count; k++) {
            assert_int_equal(
                buffer_append_format(text, "%s\"n%zu\"", k == 1 ? "" : ",", k), STATUS_OK);
        }
        assert_int_equal(buffer_append_text(text, i == 0 ? "]}" : "\"n0\"]}"), STATUS_OK);
    }
    assert_int_equal(buffer_append(text,
                         slice_of("}, \"gateways\": {\"g\": {\"listeners\": [{\"address\": "
                                  "\"0.0.0.0:3\", \"server\": \"*\"}]}}, \"places\": {\"workers\": "
                                  "{\"w\": {\"requests\": \"tcp://10.0.0.1:4\"}}}}")),
        STATUS_OK);
    assert_int_equal(buffer_append(text, slice_of_bytes("", 1)), STATUS_OK);
}

static void a_node_has_at_most_32_neighbours(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max((size_t)64 * 1024);
    append_star(&text, 33);
    struct topology *topology = parsed(text.data);
    assert_int_equal(topology->nodes[0].neighbour_count, 32);
    topology_destroy(topology);

    buffer_reset(&text);
    append_star(&text, 34);
    assert_refused_as("r.json",
        text.data,
        "r.json:2: nodes.n0.neighbours: has 33 neighbours; at most 32 are possible");
    buffer_clear(&text);
}

static void a_herd_has_at_most_255_nodes(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max((size_t)64 * 1024);
    append_star(&text, 256);

    assert_refused_as(
        "r.json", text.data, "r.json:1: nodes: has 256 nodes; at most 255 are possible");
    buffer_clear(&text);
}

static void a_graph_in_two_parts_is_refused(void **state)
{
    (void)state;
    static const char node[] = "\"%s\": {\"requests\": \"tcp://%s:1\", \"gossip\": \"tcp://%s:2\", "
                               "\"neighbours\": [\"%s\"]}";
    char text[1024] = "{\"herd\": \"h\", \"gateways\": {}, \"places\": {},\n \"nodes\": {";
    static const char *const pairs[][2] = {{"A", "C"}, {"B", "D"}, {"C", "A"}, {"D", "B"}};
    size_t length = strlen(text);
    for (size_t i = 0; i < 4; i++) {
        const char *name = pairs[i][0];
        length += (size_t)snprintf(
            text + length, sizeof text - length, node, name, name, name, pairs[i][1]);
        length += (size_t)snprintf(text + length, sizeof text - length, i < 3 ? ",\n" : "}}");
    }

    assert_refused_as("r.json",
        text,
        "r.json:2: nodes: the graph is not connected: no neighbours join [A C] and [B D]");
}

static void a_long_value_is_cut_between_characters(void **state)
{
    (void)state;
    assert_change_refused("\"ring\"",
        "[\"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
        "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
        "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\"]",
        "r.json:2: herd: must be a text, not "
        "[\"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
        "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
        "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC...");
}

static void every_prefix_of_a_topology_is_refused(void **state)
{
    (void)state;
    for (size_t length = 0; length + 2 < sizeof ring; length++) {
        struct topology *topology = NULL;
        struct buffer complaint = buffer_with_max(4096);
        struct slice prefix = slice_of_bytes(ring, length);
        assert_int_equal(topology_parse("r.json", prefix, &topology, &complaint), STATUS_MALFORMED);
        assert_true(complaint.length > 0);
        assert_null(topology);
        buffer_clear(&complaint);
    }
}

static void weak_points_are_described(void **state)
{
    (void)state;
    struct topology *topology = NULL;
    struct buffer text = buffer_with_max(4096);
    assert_int_equal(topology_read(HERD_TOPOLOGIES "/goloman.json", &topology, &text), STATUS_OK);

    assert_int_equal(topology_describe_weak_points(topology, &text), STATUS_OK);

    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(text.data,
        "losing Holiday would split the herd into [Goloman Hands Wilkes] and [Welsh]\n"
        "losing the link Holiday-Welsh would split the herd into [Goloman Hands Holiday Wilkes] "
        "and [Welsh]\n");
    buffer_clear(&text);
    topology_destroy(topology);
}

/* ---- Files ---- */

static void assert_read_refused(const char *path, enum status wanted, const char *complaint_wanted)
{
    struct topology *topology = NULL;
    struct buffer complaint = buffer_with_max(4096);
    assert_int_equal(topology_read(path, &topology, &complaint), wanted);
    assert_null(topology);
    assert_int_equal(buffer_append(&complaint, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(complaint.data, complaint_wanted);
    buffer_clear(&complaint);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    assert_read_refused(
        "/nowhere/x.json", STATUS_NOT_FOUND, "/nowhere/x.json: No such file or directory");
    assert_read_refused("/dev/null/x.json", STATUS_NOT_FOUND, "/dev/null/x.json: Not a directory");
    assert_read_refused("/", STATUS_IO, "/: Is a directory");
    assert_read_refused("/dev/null", STATUS_MALFORMED, "/dev/null: the file is empty");
    assert_read_refused("/dev/zero", STATUS_MALFORMED, "/dev/zero: File too large");
    if (geteuid() != 0) { /* root may read everything */
        assert_read_refused("/etc/shadow", STATUS_NOT_PERMITTED, "/etc/shadow: Permission denied");
    }
}

/* The clients' ports of all herds, and everything else, so that the herds can run side by side. */
static void assert_ports_are_new(const struct topology *topology, bool *used)
{
    uint16_t ports[64];
    size_t count = 0;
    const char *texts[64];
    size_t text_count = 0;
    for (size_t i = 0; i < topology->node_count; i++) {
        texts[text_count++] = topology->nodes[i].requests_url;
        texts[text_count++] = topology->nodes[i].gossip_url;
        texts[text_count++] = topology->nodes[i].admin;
    }
    for (size_t i = 0; i < topology->places.worker_count; i++) {
        texts[text_count++] = topology->places.workers[i].requests_url;
        texts[text_count++] = topology->places.workers[i].admin;
    }
    for (size_t i = 0; i < topology->gateway_count; i++) {
        texts[text_count++] = topology->gateways[i].admin;
        for (size_t k = 0; k < topology->gateways[i].listener_count; k++) {
            ports[count++] = topology->gateways[i].listeners[k].port;
        }
    }
    for (size_t i = 0; i < text_count; i++) {
        uint64_t port = 0;
        assert_non_null(texts[i]);
        assert_true(slice_parse_number(slice_of(strrchr(texts[i], ':') + 1), 65535, &port));
        ports[count++] = (uint16_t)port;
    }
    for (size_t i = 0; i < count; i++) {
        if (used[ports[i]] || ports[i] >= 32768) {
            fail_msg("%s: port %u is used twice, or ephemeral", topology->herd, ports[i]);
        }
        used[ports[i]] = true;
    }
}

static void the_shipped_herds_are_sound_and_can_run_side_by_side(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *herd;
        uint16_t first_port;
        const char *nodes[5];
        const char *links; /* by initials of the nodes' places: "01" joins the first two */
    } herds[] = {
        {HERD_TOPOLOGIES "/goloman.json",
            "goloman",
            16670,
            {"Goloman", "Hands", "Holiday", "Welsh", "Wilkes"},
            "01 02 04 14 23 24"},
        {HERD_TOPOLOGIES "/hill.json",
            "hill",
            12200,
            {"Hill", "Jaquez", "Smith", "Campbell", "Singleton"},
            "01 02 14 23 24 34"},
        {HERD_TOPOLOGIES "/alford.json",
            "alford",
            8610,
            {"Alford", "Ball", "Hamilton", "Holiday", "Welsh"},
            "02 04 13 14 23"},
        {HERD_TOPOLOGIES "/single.json", "single", 16600, {"Solo"}, ""},
    };
    static bool used[65536];
    for (size_t i = 0; i < sizeof herds / sizeof herds[0]; i++) {
        struct topology *topology = NULL;
        struct buffer text = buffer_with_max(4096);
        assert_int_equal(topology_read(herds[i].path, &topology, &text), STATUS_OK);
        assert_string_equal(topology->herd, herds[i].herd);
        for (size_t node = 0; node < topology->node_count; node++) {
            const struct topology_listener *listener = &topology->gateways[0].listeners[node];
            assert_string_equal(topology->nodes[node].name, herds[i].nodes[node]);
            assert_int_equal(listener->node, node);
            assert_int_equal(listener->port, herds[i].first_port + node);
            for (size_t k = 0; k < topology->nodes[node].neighbour_count; k++) {
                size_t other = topology->nodes[node].neighbours[k];
                if (node < other) {
                    assert_int_equal(
                        buffer_append_format(
                            &text, "%s%zu%zu", text.length == 0 ? "" : " ", node, other),
                        STATUS_OK);
                }
            }
        }
        assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
        assert_string_equal(text.data, herds[i].links);
        assert_ports_are_new(topology, used);
        buffer_clear(&text);
        topology_destroy(topology);
    }
}

static uint64_t digest_of(const char *text)
{
    struct topology *topology = parsed(text);
    const uint64_t digest = topology_digest(topology);
    topology_destroy(topology);
    return digest;
}

static void a_digest_does_not_depend_on_order_and_spacing(void **state)
{
    (void)state;
    char *spaced = replaced(ring, "{\"workers\": {", "{\n\n   \"workers\" :{");
    char *turned = replaced(ring,
        "\"requests\": \"tcp://127.0.0.1:1401\", \"admin\": \"127.0.0.1:1501\"",
        "\"admin\": \"127.0.0.1:1501\", \"requests\": \"tcp://127.0.0.1:1401\"");

    assert_true(digest_of(spaced) == digest_of(ring));
    assert_true(digest_of(turned) == digest_of(ring));
    free(spaced);
    free(turned);
}

static void each_part_has_a_digest_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *old;
        const char *new;
        enum topology_part part;
    } changes[] = {
        {"\"herd\": \"ring\"", "\"herd\": \"rung\"", TOPOLOGY_HERD},
        {"tcp://127.0.0.1:1103", "tcp://127.0.0.1:1104", TOPOLOGY_NODES},
        {"127.0.0.1:2003", "127.0.0.1:2004", TOPOLOGY_GATEWAYS},
        {"\"threads\": 7", "\"threads\": 8", TOPOLOGY_WORKERS},
        {"\"w2\"", "\"w3\"", TOPOLOGY_WORKERS},
        {"{\"workers\"", "{\"timeout_ms\": 400, \"workers\"", TOPOLOGY_PLACES},
        {"\"herd\"", "\"limits\": {\"drain_ms\": 9}, \"herd\"", TOPOLOGY_LIMITS},
        {"\"herd\"", "\"logs\": {\"traffic\": false}, \"herd\"", TOPOLOGY_LOGS},
    };
    struct topology *before = parsed(ring);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char *text = replaced(ring, changes[i].old, changes[i].new);
        struct topology *after = parsed(text);
        for (enum topology_part part = 0; part < TOPOLOGY_PARTS; part++) {
            if ((before->digests[part] == after->digests[part]) != (part != changes[i].part)) {
                fail_msg("%s: %s", changes[i].new, topology_part_name(part));
            }
        }
        assert_true(topology_digest(before) != topology_digest(after));
        topology_destroy(after);
        free(text);
    }
    topology_destroy(before);
}

/* jansson's own requests are left alone: a failing one may cost it a byte and nothing is said. */
static void any_lack_of_memory_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct topology *topology = NULL;
        struct buffer complaint = buffer_with_max(4096);
        faults_begin(nth);
        enum status status = topology_parse("a/r.json", slice_of(ring), &topology, &complaint);
        bool is_over = !faults_end();
        assert_int_equal(status, is_over ? STATUS_OK : STATUS_NO_MEMORY);
        assert_int_equal(topology != NULL, is_over);
        topology_destroy(topology);
        buffer_clear(&complaint);
        if (is_over) {
            assert_in_range(nth, 50, 10000);
            return;
        }
    }
}

/* The parts of the graph are written into a buffer of their own; that it is given back is seen by
 * the address sanitizer. */
static void a_lack_of_memory_while_complaining_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    static const char herd[] =
        "{\"herd\": \"h\", \"gateways\": {}, \"places\": {}, \"nodes\": {"
        "\"a-name-that-is-longer-than-a-buffer-is-at-first\": {\"requests\": \"tcp://a:1\","
        " \"gossip\": \"tcp://a:2\", \"neighbours\": []},"
        "\"another-that-is-longer-than-a-buffer-is-at-first\": {\"requests\": \"tcp://b:1\","
        " \"gossip\": \"tcp://b:2\", \"neighbours\": []}}}";
    for (unsigned nth = 1;; nth++) {
        struct topology *topology = NULL;
        struct buffer complaint = buffer_with_max(4096);
        faults_begin(nth);
        enum status status = topology_parse("r.json", slice_of(herd), &topology, &complaint);
        bool is_over = !faults_end();
        assert_int_equal(status, is_over ? STATUS_MALFORMED : STATUS_NO_MEMORY);
        assert_null(topology);
        buffer_clear(&complaint);
        if (is_over) {
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_is_written_is_read),
        cmocka_unit_test(neighbours_are_in_ascending_order),
        cmocka_unit_test(what_is_not_written_has_its_default),
        cmocka_unit_test(the_limits_of_providers_and_the_cache_are_read),
        cmocka_unit_test(the_fields_that_google_charges_for_are_chosen_one_by_one),
        cmocka_unit_test(limits_and_logs_are_read),
        cmocka_unit_test(places_are_read_and_their_paths_are_relative_to_the_file),
        cmocka_unit_test(processes_are_found_by_name),
        cmocka_unit_test(two_gateways_may_share_an_address_of_the_same_server),
        cmocka_unit_test(text_that_is_no_json_is_refused_with_its_line),
        cmocka_unit_test(unknown_and_missing_keys_are_refused),
        cmocka_unit_test(values_of_a_wrong_type_are_refused),
        cmocka_unit_test(empty_things_are_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(choices_are_refused_with_what_there_is),
        cmocka_unit_test(names_that_cannot_be_file_names_or_words_are_refused),
        cmocka_unit_test(a_name_belongs_to_one_process),
        cmocka_unit_test(bad_addresses_are_refused_with_their_cause),
        cmocka_unit_test(addresses_that_collide_are_refused),
        cmocka_unit_test(neighbours_that_do_not_fit_are_refused),
        cmocka_unit_test(a_node_has_at_most_32_neighbours),
        cmocka_unit_test(a_herd_has_at_most_255_nodes),
        cmocka_unit_test(a_graph_in_two_parts_is_refused),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(every_prefix_of_a_topology_is_refused),
        cmocka_unit_test(weak_points_are_described),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told),
        cmocka_unit_test(the_shipped_herds_are_sound_and_can_run_side_by_side),
        cmocka_unit_test(a_digest_does_not_depend_on_order_and_spacing),
        cmocka_unit_test(each_part_has_a_digest_of_its_own),
        cmocka_unit_test(any_lack_of_memory_is_told_and_nothing_is_lost),
        cmocka_unit_test(a_lack_of_memory_while_complaining_is_told_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
