/* Reads the file into plain structs: first each part for itself, then what concerns the herd as a
 * whole. */
#include "common/topology.h"

#include "common/address.h"
#include "common/graph.h"
#include "common/json_reader.h"

#include <jansson.h>
#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* An address that some process of the herd will listen on. */
struct endpoint {
    struct address address;
    char *path;                             /* where the file says so */
    const struct topology_gateway *gateway; /* of a listener; else NULL */
    struct topology_listener *listener;
};

_Static_assert((int)TOPOLOGY_NODES_MAX <= (int)GRAPH_NODES_MAX, "a herd fits a graph");
_Static_assert((int)TOPOLOGY_NEIGHBOURS_MAX == (int)GRAPH_NEIGHBOURS_MAX, "a node's links fit it");

/* What goes along with the walk through the document. */
struct walk {
    struct json_reader reader;
    struct topology *topology;
    struct endpoint *endpoints;
    size_t endpoint_count;
};

#define COMPLAIN(walk, place, ...) json_reader_complain(&(walk)->reader, place, __VA_ARGS__)
#define COMPLAIN_OF_KEY(walk, object, key, ...)                                                    \
    json_reader_complain_of_key(&(walk)->reader, object, key, __VA_ARGS__)

static bool out_of_memory(struct walk *walk)
{
    return json_reader_fail_memory(&walk->reader);
}

static bool copy_text(struct walk *walk, const char *text, char **ret_copy)
{
    *ret_copy = strdup(text);
    return *ret_copy != NULL || out_of_memory(walk);
}

/* ---- Names ---- */

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool is_name(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= TOPOLOGY_NAME_MAX && strspn(text, LETTERS_AND_DIGITS) > 0 &&
           strspn(text, LETTERS_AND_DIGITS "._-") == length;
}

#define NO_NAME "%s is no name: 1 to %d letters, digits, '.', '_' or '-', a letter or digit first"

/* The key of a member of `object`. */
static bool check_key_name(struct walk *walk, const struct json_place *object, const char *name)
{
    return is_name(name) ||
           COMPLAIN_OF_KEY(
               walk, object, name, NO_NAME, json_quote_text(name).text, TOPOLOGY_NAME_MAX);
}

/* A name belongs to one process, because its files are named after it. */
static bool check_new_name(struct walk *walk, const struct json_place *object, const char *name)
{
    size_t index = 0;
    const char *owner = NULL;
    if (topology_find_node(walk->topology, name, &index)) {
        owner = "nodes";
    } else if (topology_find_gateway(walk->topology, name, &index)) {
        owner = "gateways";
    }
    if (owner == NULL) {
        return check_key_name(walk, object, name);
    }
    return COMPLAIN_OF_KEY(
        walk, object, name, "the name \"%s\" is taken by %s.%s", name, owner, name);
}

/* ---- Addresses ---- */

/* Two gateways may share the work of one address, if it stands for the same server in both. */
static bool is_for_sharing(const struct endpoint *a, const struct endpoint *b)
{
    return a->gateway != NULL && b->gateway != NULL && a->gateway != b->gateway &&
           strcmp(a->address.host, b->address.host) == 0;
}

static bool share(struct walk *walk,
    const struct json_place *place,
    const struct endpoint *old,
    const struct endpoint *new)
{
    if (old->listener->is_any != new->listener->is_any ||
        old->listener->node != new->listener->node) {
        return COMPLAIN(walk,
            place,
            "%s:%u stands for another server in %s",
            new->address.host,
            (unsigned)new->address.port,
            old->path);
    }
    old->listener->is_shared = true;
    new->listener->is_shared = true;
    return true;
}

static bool check_collisions(
    struct walk *walk, const struct json_place *place, const struct endpoint *new)
{
    for (size_t i = 0; i < walk->endpoint_count; i++) {
        const struct endpoint *old = &walk->endpoints[i];
        if (!address_collides(&old->address, &new->address)) {
            continue;
        }
        if (!is_for_sharing(old, new)) {
            return COMPLAIN(walk,
                place,
                "%s:%u is used twice: %s has %s:%u",
                new->address.host,
                (unsigned)new->address.port,
                old->path,
                old->address.host,
                (unsigned)old->address.port);
        }
        if (!share(walk, place, old, new)) {
            return false;
        }
    }
    return true;
}

/* The path of a place as a new text; NULL: out of memory. */
static char *path_of(const struct json_place *place)
{
    enum { PATH_MAX_BYTES = 256 }; /* two names and the keys between them */
    struct buffer path = buffer_with_max(PATH_MAX_BYTES);
    size_t length = 0;
    if (json_place_append_path(place, &path) != STATUS_OK ||
        buffer_append(&path, slice_of_bytes("", 1)) != STATUS_OK) {
        buffer_clear(&path);
        return NULL;
    }
    return buffer_take(&path, &length);
}

static bool add_endpoint(
    struct walk *walk, const struct json_place *place, const struct endpoint *endpoint)
{
    if (!check_collisions(walk, place, endpoint)) {
        return false;
    }
    size_t count = walk->endpoint_count;
    struct endpoint *endpoints = realloc(walk->endpoints, (count + 1) * sizeof *endpoints);
    if (endpoints == NULL) {
        return out_of_memory(walk);
    }
    walk->endpoints = endpoints;
    endpoints[count] = *endpoint;
    endpoints[count].path = path_of(place);
    if (endpoints[count].path == NULL) {
        return out_of_memory(walk);
    }
    walk->endpoint_count = count + 1;
    return true;
}

static bool read_url(
    struct walk *walk, const struct json_place *object, const char *key, char **ret_url)
{
    struct json_place place = json_member(object, key);
    struct endpoint endpoint = {.gateway = NULL};
    if (!json_read_text(&walk->reader, &place, ret_url)) {
        return false;
    }
    const char *cause = address_parse_url(slice_of(*ret_url), &endpoint.address);
    if (cause != NULL) {
        return COMPLAIN(walk, &place, "%s is no url: %s", json_quote(place.value).text, cause);
    }
    return add_endpoint(walk, &place, &endpoint);
}

static bool read_admin(struct walk *walk, const struct json_place *object, char **ret_admin)
{
    struct json_place place = json_member(object, "admin");
    struct endpoint endpoint = {.gateway = NULL};
    if (place.value == NULL || !json_read_text(&walk->reader, &place, ret_admin)) {
        return place.value == NULL;
    }
    const char *cause = address_parse(slice_of(*ret_admin), &endpoint.address);
    if (cause == NULL && endpoint.address.kind != ADDRESS_IPV4) {
        cause = "it must be an IPv4 address, like 127.0.0.1:17870";
    }
    if (cause != NULL) {
        return COMPLAIN(walk, &place, "%s is no address: %s", json_quote(place.value).text, cause);
    }
    return add_endpoint(walk, &place, &endpoint);
}

/* ---- Nodes ---- */

static bool read_server(struct walk *walk, const struct json_place *place, size_t *ret_index)
{
    const struct topology *topology = walk->topology;
    const char *name = json_string_value(place->value);
    if (name == NULL) {
        return COMPLAIN(
            walk, place, "must be the name of a node, not %s", json_quote(place->value).text);
    }
    if (topology_find_node(topology, name, ret_index)) {
        return true;
    }
    struct json_guess guess = json_guess(name);
    for (size_t i = 0; i < topology->node_count; i++) {
        json_guess_consider(&guess, topology->nodes[i].name);
    }
    return COMPLAIN(walk, place, "%s is not a node%s", json_quote(place->value).text, guess.hint);
}

static bool has_neighbour(const struct topology_node *node, size_t index)
{
    for (size_t i = 0; i < node->neighbour_count; i++) {
        if (node->neighbours[i] == index) {
            return true;
        }
    }
    return false;
}

static void insert_neighbour(struct topology_node *node, size_t index)
{
    size_t i = node->neighbour_count;
    while (i > 0 && node->neighbours[i - 1] > index) {
        node->neighbours[i] = node->neighbours[i - 1];
        i -= 1;
    }
    node->neighbours[i] = index;
    node->neighbour_count += 1;
}

static bool read_neighbour(
    struct walk *walk, const struct json_place *place, struct topology_node *node)
{
    size_t index = 0;
    if (!read_server(walk, place, &index)) {
        return false;
    }
    const char *name = walk->topology->nodes[index].name;
    if (strcmp(name, node->name) == 0) {
        return COMPLAIN(walk, place, "%s is its own neighbour", name);
    }
    if (has_neighbour(node, index)) {
        return COMPLAIN(walk, place, "\"%s\" is named twice", name);
    }
    insert_neighbour(node, index);
    return true;
}

static bool read_neighbours(
    struct walk *walk, const struct json_place *object, struct topology_node *node)
{
    struct json_place place = json_member(object, "neighbours");
    if (json_is_array(place.value) && json_array_size(place.value) == 0) {
        return true; /* the only node, or one that the check of the graph will name */
    }
    if (!json_check_array(&walk->reader, &place, TOPOLOGY_NEIGHBOURS_MAX, "neighbour")) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(place.value); i++) {
        struct json_place element = json_element(&place, i);
        if (!read_neighbour(walk, &element, node)) {
            return false;
        }
    }
    return true;
}

static bool read_node(struct walk *walk, const struct json_place *place, struct topology_node *node)
{
    static const struct json_key keys[] = {
        {"requests", true}, {"gossip", true}, {"admin", false}, {"neighbours", true}};
    return json_check_keys(&walk->reader, place, keys, COUNT_OF(keys)) &&
           read_url(walk, place, "requests", &node->requests_url) &&
           read_url(walk, place, "gossip", &node->gossip_url) &&
           read_admin(walk, place, &node->admin) && read_neighbours(walk, place, node);
}

/* "Talks to" goes both ways: a link that only one side knows is a slip of the pen. */
static bool check_both_ways(struct walk *walk, const struct json_place *nodes)
{
    const struct topology *topology = walk->topology;
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        struct json_place node_place = json_member(nodes, node->name);
        struct json_place place = json_member(&node_place, "neighbours");
        for (size_t k = 0; k < node->neighbour_count; k++) {
            const struct topology_node *other = &topology->nodes[node->neighbours[k]];
            if (!has_neighbour(other, i)) {
                return COMPLAIN(walk,
                    &place,
                    "%s names %s as a neighbour, but %s does not name %s",
                    node->name,
                    other->name,
                    other->name,
                    node->name);
            }
        }
    }
    return true;
}

void topology_graph(const struct topology *topology, struct graph *ret_graph)
{
    ret_graph->node_count = topology->node_count;
    for (size_t i = 0; i < topology->node_count; i++) {
        const struct topology_node *node = &topology->nodes[i];
        ret_graph->nodes[i] =
            (struct graph_node){.name = node->name, .neighbour_count = node->neighbour_count};
        memcpy(ret_graph->nodes[i].neighbours, node->neighbours, sizeof node->neighbours);
    }
}

static bool check_connected(struct walk *walk, const struct json_place *nodes)
{
    struct graph graph;
    struct graph_parts parts;
    topology_graph(walk->topology, &graph);
    graph_parts(&graph, &parts);
    if (parts.count == 1) {
        return true;
    }
    enum { TEXT_MAX = 768 };
    struct buffer text = buffer_with_max(TEXT_MAX);
    if (graph_append_parts(&graph, &parts, &text) == STATUS_NO_MEMORY) {
        buffer_clear(&text);
        return out_of_memory(walk);
    }
    (void)COMPLAIN(walk,
        nodes,
        "the graph is not connected: no neighbours join %.*s",
        (int)text.length,
        text.data);
    buffer_clear(&text);
    return false;
}

static bool read_node_names(struct walk *walk, const struct json_place *nodes)
{
    struct topology *topology = walk->topology;
    const char *name = NULL;
    json_t *member = NULL;
    json_object_foreach(nodes->value, name, member)
    {
        char **copy = &topology->nodes[topology->node_count].name;
        if (!check_key_name(walk, nodes, name) || !copy_text(walk, name, copy)) {
            return false;
        }
        topology->node_count += 1;
    }
    return true;
}

static bool read_nodes(struct walk *walk, const struct json_place *document)
{
    struct topology *topology = walk->topology;
    struct json_place place = json_member(document, "nodes");
    if (!json_check_object(&walk->reader, &place, TOPOLOGY_NODES_MAX, "node")) {
        return false;
    }
    topology->nodes = calloc(json_object_size(place.value), sizeof *topology->nodes);
    if (topology->nodes == NULL) {
        return out_of_memory(walk);
    }
    if (!read_node_names(walk, &place)) { /* all of them first, because neighbours name them */
        return false;
    }
    for (size_t i = 0; i < topology->node_count; i++) {
        struct json_place member = json_member(&place, topology->nodes[i].name);
        if (!read_node(walk, &member, &topology->nodes[i])) {
            return false;
        }
    }
    return check_both_ways(walk, &place) && check_connected(walk, &place);
}

/* ---- Gateways ---- */

static bool read_listener_server(
    struct walk *walk, const struct json_place *object, struct topology_listener *listener)
{
    struct json_place place = json_member(object, "server");
    const char *name = json_string_value(place.value);
    listener->is_any = name != NULL && strcmp(name, "*") == 0;
    return listener->is_any || read_server(walk, &place, &listener->node);
}

static bool read_when_down(
    struct walk *walk, const struct json_place *object, struct topology_listener *listener)
{
    static const char *const choices[] = {"pass", "refuse"};
    struct json_place place = json_member(object, "when_down");
    size_t choice = 0; /* a dead node must not take its clients with it */
    if (!json_read_choice(&walk->reader, &place, choices, COUNT_OF(choices), &choice)) {
        return false;
    }
    listener->refuse_when_down = choice == 1;
    if (listener->is_any && listener->refuse_when_down) {
        return COMPLAIN(
            walk, &place, "\"refuse\" is for one server; this listener stands for any (\"*\")");
    }
    return true;
}

static bool read_listener_address(struct walk *walk,
    const struct json_place *object,
    const struct topology_gateway *gateway,
    struct topology_listener *listener)
{
    struct json_place place = json_member(object, "address");
    struct endpoint endpoint = {.gateway = gateway, .listener = listener};
    if (!json_read_text(&walk->reader, &place, &listener->address)) {
        return false;
    }
    const char *cause = address_parse(slice_of(listener->address), &endpoint.address);
    if (cause == NULL && endpoint.address.kind == ADDRESS_NAME) {
        cause = "it must be numeric, like 0.0.0.0:16670 or [::]:16670";
    }
    if (cause != NULL) {
        return COMPLAIN(walk, &place, "%s is no address: %s", json_quote(place.value).text, cause);
    }
    listener->port = endpoint.address.port;
    return copy_text(walk, endpoint.address.host, &listener->host) &&
           add_endpoint(walk, &place, &endpoint);
}

static bool read_listener(struct walk *walk,
    const struct json_place *place,
    const struct topology_gateway *gateway,
    struct topology_listener *listener)
{
    static const struct json_key keys[] = {
        {"address", true}, {"server", true}, {"when_down", false}};
    return json_check_keys(&walk->reader, place, keys, COUNT_OF(keys)) &&
           read_listener_server(walk, place, listener) && read_when_down(walk, place, listener) &&
           read_listener_address(walk, place, gateway, listener);
}

static bool read_listeners(
    struct walk *walk, const struct json_place *object, struct topology_gateway *gateway)
{
    struct json_place place = json_member(object, "listeners");
    if (!json_check_array(&walk->reader, &place, TOPOLOGY_LISTENERS_MAX, "listener")) {
        return false;
    }
    size_t count = json_array_size(place.value);
    gateway->listeners = calloc(count, sizeof *gateway->listeners);
    if (gateway->listeners == NULL) {
        return out_of_memory(walk);
    }
    gateway->listener_count = count;
    for (size_t i = 0; i < count; i++) {
        struct json_place element = json_element(&place, i);
        if (!read_listener(walk, &element, gateway, &gateway->listeners[i])) {
            return false;
        }
    }
    return true;
}

static bool read_gateway(
    struct walk *walk, const struct json_place *place, struct topology_gateway *gateway)
{
    static const struct json_key keys[] = {{"admin", false}, {"listeners", true}};
    return json_check_keys(&walk->reader, place, keys, COUNT_OF(keys)) &&
           read_admin(walk, place, &gateway->admin) && read_listeners(walk, place, gateway);
}

static bool read_gateways(struct walk *walk, const struct json_place *document)
{
    struct topology *topology = walk->topology;
    struct json_place place = json_member(document, "gateways");
    if (!json_check_object(&walk->reader, &place, TOPOLOGY_GATEWAYS_MAX, "gateway")) {
        return false;
    }
    topology->gateways = calloc(json_object_size(place.value), sizeof *topology->gateways);
    if (topology->gateways == NULL) {
        return out_of_memory(walk);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(place.value, name, value)
    {
        struct topology_gateway *gateway = &topology->gateways[topology->gateway_count];
        if (!check_new_name(walk, &place, name) || !copy_text(walk, name, &gateway->name)) {
            return false;
        }
        topology->gateway_count += 1;
        struct json_place member = json_member(&place, name);
        if (!read_gateway(walk, &member, gateway)) {
            return false;
        }
    }
    return true;
}

/* ---- Places ---- */

static bool has_provider(const struct topology_places *places, enum places_provider provider)
{
    for (size_t i = 0; i < places->provider_count; i++) {
        if (places->providers[i] == provider) {
            return true;
        }
    }
    return false;
}

static bool read_provider(
    struct walk *walk, const struct json_place *place, struct topology_places *places)
{
    const char *names[PLACES_PROVIDERS];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        names[i] = places_provider_name((enum places_provider)i);
    }
    size_t index = 0;
    if (!json_read_choice(&walk->reader, place, names, COUNT_OF(names), &index)) {
        return false;
    }
    enum places_provider provider = (enum places_provider)index;
    if (has_provider(places, provider)) {
        return COMPLAIN(walk, place, "\"%s\" is named twice", names[index]);
    }
    places->providers[places->provider_count++] = provider;
    return true;
}

static bool read_providers(struct walk *walk, const struct json_place *object)
{
    struct topology_places *places = &walk->topology->places;
    struct json_place place = json_member(object, "providers");
    if (place.value == NULL) {
        places->providers[places->provider_count++] = PROVIDER_EMBEDDED; /* needs no key or net */
        return true;
    }
    if (!json_check_array(&walk->reader, &place, TOPOLOGY_PROVIDERS_MAX, "provider")) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(place.value); i++) {
        struct json_place element = json_element(&place, i);
        if (!read_provider(walk, &element, places)) {
            return false;
        }
    }
    return true;
}

static bool read_worker(
    struct walk *walk, const struct json_place *place, struct topology_worker *worker)
{
    static const struct json_key keys[] = {
        {"requests", true}, {"admin", false}, {"threads", false}};
    uint64_t threads = 2; /* one waits for a provider or the disk while the other works */
    if (!json_check_keys(&walk->reader, place, keys, COUNT_OF(keys)) ||
        !read_url(walk, place, "requests", &worker->requests_url) ||
        !read_admin(walk, place, &worker->admin) ||
        !json_read_number(&walk->reader, place, "threads", 1, TOPOLOGY_THREADS_MAX, &threads)) {
        return false;
    }
    worker->threads = (unsigned)threads;
    return true;
}

static bool read_workers(struct walk *walk, const struct json_place *object)
{
    struct topology_places *places = &walk->topology->places;
    struct json_place place = json_member(object, "workers");
    if (!json_check_object(&walk->reader, &place, TOPOLOGY_WORKERS_MAX, "worker")) {
        return false;
    }
    places->workers = calloc(json_object_size(place.value), sizeof *places->workers);
    if (places->workers == NULL) {
        return out_of_memory(walk);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(place.value, name, value)
    {
        struct topology_worker *worker = &places->workers[places->worker_count];
        if (!check_new_name(walk, &place, name) || !copy_text(walk, name, &worker->name)) {
            return false;
        }
        places->worker_count += 1;
        struct json_place member = json_member(&place, name);
        if (!read_worker(walk, &member, worker)) {
            return false;
        }
    }
    return true;
}

/* The base address of a web service, or `otherwise`; a slash at its end goes. */
static bool read_web_url(struct walk *walk,
    const struct json_place *object,
    const char *key,
    const char *otherwise,
    char **ret_url)
{
    struct json_place place = json_member(object, key);
    if (!copy_text(walk, otherwise, ret_url) || !json_read_text(&walk->reader, &place, ret_url)) {
        return false;
    }
    char *url = *ret_url;
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    if (scheme == 0 || url[scheme + strcspn(url + scheme, " \t\r\n?#")] != '\0' ||
        strspn(url + scheme, LETTERS_AND_DIGITS "[") == 0) {
        return COMPLAIN(walk,
            &place,
            "%s is no base url: it must be https://HOST[:PORT][/PATH], or http://...",
            json_quote(place.value).text);
    }
    for (size_t length = strlen(url); url[length - 1] == '/'; length--) {
        url[length - 1] = '\0';
    }
    return true;
}

/* The name of a file, as seen from the topology file's own folder. */
static bool read_path(
    struct walk *walk, const struct json_place *object, const char *key, char **ret_path)
{
    struct json_place place = json_member(object, key);
    if (!json_read_text(&walk->reader, &place, ret_path)) {
        return false;
    }
    const char *slash = strrchr(walk->reader.name, '/');
    if (*ret_path == NULL || **ret_path == '/' || slash == NULL) {
        return true;
    }
    size_t folder_length = (size_t)(slash + 1 - walk->reader.name);
    size_t path_size = strlen(*ret_path) + 1;
    char *path = malloc(folder_length + path_size);
    if (path == NULL) {
        return out_of_memory(walk);
    }
    memcpy(path, walk->reader.name, folder_length);
    memcpy(path + folder_length, *ret_path, path_size);
    free(*ret_path);
    *ret_path = path;
    return true;
}

static bool read_places_times(struct walk *walk, const struct json_place *object)
{
    struct json_reader *reader = &walk->reader;
    uint64_t total = 5000; /* as long as a person waits for a map */
    if (!json_read_number(reader, object, "timeout_ms", 100, 60000, &total)) {
        return false;
    }
    /* One lost packet may be sent again, and there is still time for the next provider. */
    uint64_t connect = total < 2000 ? total : 2000;
    if (!json_read_number(reader, object, "connect_timeout_ms", 10, total, &connect)) {
        return false;
    }
    walk->topology->places.timeout_ms = (unsigned)total;
    walk->topology->places.connect_timeout_ms = (unsigned)connect;
    return true;
}

/* So that a flood of questions does not run up a bill. */
static bool read_request_limits(struct walk *walk, const struct json_place *object)
{
    struct json_reader *reader = &walk->reader;
    uint64_t per_second = 50; /* half of what Google allows a project by itself */
    uint64_t per_day = 10000; /* what public Overpass servers bear; some 300 dollars with Google */
    if (!json_read_number(reader, object, "requests_per_second", 1, 100000, &per_second) ||
        !json_read_number(reader,
            object,
            "requests_per_day",
            walk->topology->places.worker_count, /* or some would never ask */
            UINT32_MAX,
            &per_day)) {
        return false;
    }
    walk->topology->places.requests_per_second = (unsigned)per_second;
    walk->topology->places.requests_per_day = (unsigned)per_day;
    return true;
}

static bool read_cache(struct walk *walk, const struct json_place *object)
{
    struct json_reader *reader = &walk->reader;
    uint64_t bytes = 32 * MIB; /* some 4000 answers of the usual size */
    uint64_t seconds = 300;    /* what Google has been seen to allow */
    uint64_t grid_m = 0;       /* off: it changes answers, if little */
    if (!json_read_number(reader, object, "cache_bytes_max", 0, 16 * GIB, &bytes) ||
        !json_read_number(reader, object, "cache_seconds", 0, 86400, &seconds) ||
        !json_read_number(reader, object, "grid_m", 0, 10000, &grid_m)) {
        return false;
    }
    walk->topology->places.cache_bytes_max = bytes;
    walk->topology->places.cache_seconds = (unsigned)seconds;
    walk->topology->places.grid_m = (unsigned)grid_m;
    return true;
}

static bool read_rank(struct walk *walk, const struct json_place *object)
{
    static const char *const choices[] = {"prominence", "distance"};
    struct json_place place = json_member(object, "rank");
    size_t choice = 0; /* as Google ranks when it is not told otherwise */
    if (!json_read_choice(&walk->reader, &place, choices, COUNT_OF(choices), &choice)) {
        return false;
    }
    walk->topology->places.rank_by_distance = choice == 1;
    return true;
}

/* The fields that raise Google's price; an empty array asks for none of them. */
static bool read_google_fields(struct walk *walk, const struct json_place *object)
{
    static const char *const names[] = {"rating", "hours", "photos"};
    struct topology_places *places = &walk->topology->places;
    bool *const fields[] = {&places->google_rating, &places->google_hours, &places->google_photos};
    struct json_place place = json_member(object, "google_fields");
    const bool is_absent = place.value == NULL; /* then all, as the legacy service has them */
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        *fields[i] = is_absent;
    }
    if (is_absent || (json_is_array(place.value) && json_array_size(place.value) == 0)) {
        return true;
    }
    if (!json_check_array(&walk->reader, &place, COUNT_OF(names), "field")) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(place.value); i++) {
        struct json_place element = json_element(&place, i);
        size_t index = 0;
        if (!json_read_choice(&walk->reader, &element, names, COUNT_OF(names), &index)) {
            return false;
        }
        *fields[index] = true;
    }
    return true;
}

static bool read_places(struct walk *walk, const struct json_place *document)
{
    static const struct json_key keys[] = {{"providers", false},
        {"workers", true},
        {"timeout_ms", false},
        {"connect_timeout_ms", false},
        {"cache_bytes_max", false},
        {"cache_seconds", false},
        {"grid_m", false},
        {"requests_per_second", false},
        {"requests_per_day", false},
        {"rank", false},
        {"database", false},
        {"google_legacy_url", false},
        {"google_url", false},
        {"overpass_url", false},
        {"google_fields", false},
        {"google_key_file", false},
        {"ca_file", false}};
    struct topology_places *places = &walk->topology->places;
    struct json_place place = json_member(document, "places");
    return json_check_keys(&walk->reader, &place, keys, COUNT_OF(keys)) &&
           read_providers(walk, &place) && read_workers(walk, &place) &&
           read_places_times(walk, &place) && read_cache(walk, &place) &&
           read_request_limits(walk, &place) && read_rank(walk, &place) &&
           read_path(walk, &place, "database", &places->database) &&
           read_web_url(walk,
               &place,
               "google_legacy_url",
               "https://maps.googleapis.com",
               &places->google_legacy_url) &&
           read_web_url(
               walk, &place, "google_url", "https://places.googleapis.com", &places->google_url) &&
           read_web_url(walk,
               &place,
               "overpass_url",
               "https://overpass-api.de/api/interpreter",
               &places->overpass_url) &&
           read_google_fields(walk, &place) &&
           read_path(walk, &place, "google_key_file", &places->google_key_file) &&
           read_path(walk, &place, "ca_file", &places->ca_file);
}

/* ---- Limits and logs ---- */

static bool read_limits(struct walk *walk, const struct json_place *document)
{
    static const struct json_key keys[] = {{"line_bytes_max", false},
        {"answer_within_ms", false},
        {"connections_max", false},
        {"client_input_bytes_max", false},
        {"client_output_bytes_max", false},
        {"reports_max", false},
        {"lanes_per_node", false},
        {"drain_ms", false}};
    uint64_t line = 8 * KIB; /* real ones have 80 bytes; no field of a message has 32 KiB */
    uint64_t answer_within_ms = 3000; /* a node restarts in less, and people still wait that long */
    uint64_t connections = 15000;     /* below the 20 000 descriptors that systems usually allow */
    uint64_t input = 256 * KIB;       /* 3000 commands in flight: more make nothing faster */
    uint64_t output = 256 * KIB;      /* four full WHATSAT answers or more */
    uint64_t reports = 20000000;      /* 2.5 GB at 128 bytes each */
    uint64_t lanes = 1;               /* more carry smaller batches, and nothing faster */
    uint64_t drain_ms = 1500;         /* SIGTERM to exit within two seconds */
    struct json_reader *reader = &walk->reader;
    struct json_place place = json_member(document, "limits");
    if (!json_check_keys(reader, &place, keys, COUNT_OF(keys)) ||
        !json_read_number(reader, &place, "line_bytes_max", 64, 32 * KIB, &line) ||
        !json_read_number(reader, &place, "answer_within_ms", 10, 60000, &answer_within_ms) ||
        !json_read_number(reader, &place, "connections_max", 1, 1000000, &connections) ||
        /* at least the longest line, whole, and the beginning of the next */
        !json_read_number(reader, &place, "client_input_bytes_max", 2 * line, GIB, &input) ||
        !json_read_number(reader, &place, "client_output_bytes_max", 2 * line, GIB, &output) ||
        !json_read_number(reader, &place, "reports_max", 1, UINT32_MAX, &reports) ||
        !json_read_number(reader, &place, "lanes_per_node", 1, 16, &lanes) ||
        !json_read_number(reader, &place, "drain_ms", 0, 60000, &drain_ms)) {
        return false;
    }
    walk->topology->limits = (struct topology_limits){
        .line_bytes_max = line,
        .answer_within_ms = (unsigned)answer_within_ms,
        .connections_max = connections,
        .client_input_bytes_max = input,
        .client_output_bytes_max = output,
        .reports_max = reports,
        .lanes_per_node = (unsigned)lanes,
        .drain_ms = (unsigned)drain_ms,
    };
    return true;
}

static bool read_logs(struct walk *walk, const struct json_place *document)
{
    static const struct json_key keys[] = {
        {"traffic", false}, {"file_size_max", false}, {"files_max", false}};
    bool traffic = true;               /* every server logs its input and output */
    uint64_t file_size_max = 64 * MIB; /* with four old files: 320 MiB of disk per process */
    uint64_t files_max = 4;
    struct json_reader *reader = &walk->reader;
    struct json_place place = json_member(document, "logs");
    if (!json_check_keys(reader, &place, keys, COUNT_OF(keys)) ||
        !json_read_flag(reader, &place, "traffic", &traffic) ||
        !json_read_number(reader, &place, "file_size_max", 64 * KIB, 64 * GIB, &file_size_max) ||
        !json_read_number(reader, &place, "files_max", 0, 1000, &files_max)) {
        return false;
    }
    walk->topology->logs = (struct topology_logs){
        .traffic = traffic, .file_size_max = file_size_max, .files_max = (unsigned)files_max};
    return true;
}

/* ---- The whole ---- */

static bool read_herd(struct walk *walk, const struct json_place *document)
{
    struct json_place place = json_member(document, "herd");
    char **herd = &walk->topology->herd;
    return json_read_text(&walk->reader, &place, herd) &&
           (is_name(*herd) ||
               COMPLAIN(walk, &place, NO_NAME, json_quote_text(*herd).text, TOPOLOGY_NAME_MAX));
}

static bool read_document(struct walk *walk, const struct json_place *document)
{
    static const struct json_key keys[] = {{"herd", true},
        {"nodes", true},
        {"gateways", true},
        {"places", true},
        {"limits", false},
        {"logs", false}};
    return json_check_keys(&walk->reader, document, keys, COUNT_OF(keys)) &&
           read_herd(walk, document) && read_nodes(walk, document) &&
           read_gateways(walk, document) && read_places(walk, document) &&
           read_limits(walk, document) && read_logs(walk, document);
}

static const char *const part_names[TOPOLOGY_PARTS] = {
    [TOPOLOGY_HERD] = "herd",
    [TOPOLOGY_NODES] = "nodes",
    [TOPOLOGY_GATEWAYS] = "gateways",
    [TOPOLOGY_PLACES] = "places",
    [TOPOLOGY_WORKERS] = "places.workers",
    [TOPOLOGY_LIMITS] = "limits",
    [TOPOLOGY_LOGS] = "logs",
};

static bool digest_part(struct walk *walk, enum topology_part part, const json_t *value)
{
    if (value == NULL) {
        return true; /* all of it has defaults */
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (text == NULL) {
        return out_of_memory(walk);
    }
    walk->topology->digests[part] = XXH3_64bits(text, strlen(text));
    free(text);
    return true;
}

/* Of a document that is good; its workers are taken out, so that the other places stand alone. */
static bool digest_parts(struct walk *walk, json_t *document)
{
    json_t *places = json_object_get(document, part_names[TOPOLOGY_PLACES]);
    if (!digest_part(walk, TOPOLOGY_WORKERS, json_object_get(places, "workers"))) {
        return false;
    }
    (void)json_object_del(places, "workers");
    for (enum topology_part part = 0; part < TOPOLOGY_PARTS; part++) {
        const json_t *value = json_object_get(document, part_names[part]);
        if (part != TOPOLOGY_WORKERS && !digest_part(walk, part, value)) {
            return false;
        }
    }
    return true;
}

const char *topology_part_name(enum topology_part part)
{
    return part_names[part];
}

uint64_t topology_digest(const struct topology *topology)
{
    return XXH3_64bits(topology->digests, sizeof topology->digests);
}

enum status topology_parse(
    const char *name, struct slice text, struct topology **ret_topology, struct buffer *complaint)
{
    struct walk walk = {.reader = {.name = name, .text = text, .complaint = complaint}};
    json_t *value = json_reader_parse(&walk.reader);
    if (value == NULL) {
        return walk.reader.status;
    }
    struct json_place document = json_document(value);
    walk.topology = calloc(1, sizeof *walk.topology);
    if (walk.topology == NULL) {
        (void)out_of_memory(&walk);
    } else if (copy_text(&walk, name, &walk.topology->path) && read_document(&walk, &document) &&
               digest_parts(&walk, value)) {
        *ret_topology = walk.topology;
        walk.topology = NULL;
    }
    for (size_t i = 0; i < walk.endpoint_count; i++) {
        free(walk.endpoints[i].path);
    }
    free(walk.endpoints);
    topology_destroy(walk.topology);
    json_decref(value);
    return walk.reader.status;
}

static enum status complain_of_file(const char *path, int error, struct buffer *complaint)
{
    enum status written = buffer_append_format(complaint, "%s: %s", path, strerror(error));
    if (written != STATUS_OK) {
        return written;
    }
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EACCES:
        return STATUS_NOT_PERMITTED;
    case EFBIG: /* no topology is that long */
        return STATUS_MALFORMED;
    default:
        return STATUS_IO;
    }
}

enum { READ_STEP = 64 * 1024 };

/* Reads all of an open file. */
static enum status read_all(
    const char *path, int file, struct buffer *text, struct buffer *complaint)
{
    for (;;) {
        char *room = NULL;
        enum status status = buffer_reserve(text, READ_STEP, &room);
        if (status == STATUS_FULL) {
            return complain_of_file(path, EFBIG, complaint);
        }
        if (status != STATUS_OK) {
            return status;
        }
        ssize_t count = read(file, room, READ_STEP);
        if (count == 0) {
            return STATUS_OK;
        }
        if (count > 0) {
            buffer_grow(text, (size_t)count);
        } else if (errno != EINTR) {
            return complain_of_file(path, errno, complaint);
        }
    }
}

enum status topology_read(
    const char *path, struct topology **ret_topology, struct buffer *complaint)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return complain_of_file(path, errno, complaint);
    }
    struct buffer text = buffer_with_max(TOPOLOGY_FILE_MAX + READ_STEP);
    enum status status = read_all(path, file, &text, complaint);
    (void)close(file);
    if (status == STATUS_OK) {
        status = topology_parse(path, buffer_slice(&text), ret_topology, complaint);
    }
    buffer_clear(&text);
    return status;
}

static void destroy_nodes(struct topology *topology)
{
    for (size_t i = 0; i < topology->node_count; i++) {
        free(topology->nodes[i].name);
        free(topology->nodes[i].requests_url);
        free(topology->nodes[i].gossip_url);
        free(topology->nodes[i].admin);
    }
    free(topology->nodes);
}

static void destroy_gateways(struct topology *topology)
{
    for (size_t i = 0; i < topology->gateway_count; i++) {
        struct topology_gateway *gateway = &topology->gateways[i];
        for (size_t k = 0; k < gateway->listener_count; k++) {
            free(gateway->listeners[k].address);
            free(gateway->listeners[k].host);
        }
        free(gateway->listeners);
        free(gateway->name);
        free(gateway->admin);
    }
    free(topology->gateways);
}

static void destroy_places(struct topology_places *places)
{
    for (size_t i = 0; i < places->worker_count; i++) {
        free(places->workers[i].name);
        free(places->workers[i].requests_url);
        free(places->workers[i].admin);
    }
    free(places->workers);
    free(places->database);
    free(places->google_legacy_url);
    free(places->google_url);
    free(places->overpass_url);
    free(places->google_key_file);
    free(places->ca_file);
}

void topology_destroy(struct topology *topology)
{
    if (topology == NULL) {
        return;
    }
    destroy_nodes(topology);
    destroy_gateways(topology);
    destroy_places(&topology->places);
    free(topology->herd);
    free(topology->path);
    free(topology);
}

bool topology_find_node(const struct topology *topology, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < topology->node_count; i++) {
        if (strcmp(topology->nodes[i].name, name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

bool topology_find_gateway(const struct topology *topology, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < topology->gateway_count; i++) {
        if (strcmp(topology->gateways[i].name, name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

bool topology_find_worker(const struct topology *topology, const char *name, size_t *ret_index)
{
    for (size_t i = 0; i < topology->places.worker_count; i++) {
        if (strcmp(topology->places.workers[i].name, name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

enum status topology_describe_weak_points(const struct topology *topology, struct buffer *text)
{
    struct graph graph;
    topology_graph(topology, &graph);
    return graph_describe_weak_points(&graph, text);
}
