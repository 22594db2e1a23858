/* herd-topology: checks a topology file and tells scripts and people what is in it. */
#include "common/graph.h"
#include "common/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024 }; /* more than the longest text about the largest herd */

/* `check`: the size on standard output, the weak points as warnings on standard error. */
static enum status check(const struct topology *topology, struct buffer *text)
{
    enum status status = topology_describe_weak_points(topology, text);
    if (status != STATUS_OK) {
        return status;
    }
    struct slice rest = buffer_slice(text);
    while (rest.length > 0) {
        size_t length = (size_t)((const char *)memchr(rest.data, '\n', rest.length) - rest.data);
        (void)fprintf(stderr, "warning: %.*s\n", (int)length, rest.data);
        rest = slice_from(rest, length + 1);
    }
    buffer_reset(text);
    return buffer_append_format(text,
        "%s: %zu nodes, %zu gateways, %zu places workers\n",
        topology->herd,
        topology->node_count,
        topology->gateway_count,
        topology->places.worker_count);
}

static enum status append_nodes(const struct topology *topology, struct buffer *text)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < topology->node_count && status == STATUS_OK; i++) {
        const struct topology_node *node = &topology->nodes[i];
        status = buffer_append_format(text,
            "node\t%s\t%s\t%s\t%s\n",
            node->name,
            node->admin == NULL ? "-" : node->admin,
            node->requests_url,
            node->gossip_url);
    }
    return status;
}

static enum status append_workers(const struct topology *topology, struct buffer *text)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < topology->places.worker_count && status == STATUS_OK; i++) {
        const struct topology_worker *worker = &topology->places.workers[i];
        status = buffer_append_format(text,
            "worker\t%s\t%s\t%s\n",
            worker->name,
            worker->admin == NULL ? "-" : worker->admin,
            worker->requests_url);
    }
    return status;
}

static enum status append_listener(
    const struct topology *topology, const struct topology_listener *listener, struct buffer *text)
{
    return buffer_append_format(text,
        "\t%s=%s",
        listener->is_any ? "*" : topology->nodes[listener->node].name,
        listener->address);
}

static enum status append_gateways(const struct topology *topology, struct buffer *text)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < topology->gateway_count && status == STATUS_OK; i++) {
        const struct topology_gateway *gateway = &topology->gateways[i];
        status = buffer_append_format(
            text, "gateway\t%s\t%s", gateway->name, gateway->admin == NULL ? "-" : gateway->admin);
        for (size_t k = 0; k < gateway->listener_count && status == STATUS_OK; k++) {
            status = append_listener(topology, &gateway->listeners[k], text);
        }
        status = status == STATUS_OK ? buffer_append_text(text, "\n") : status;
    }
    return status;
}

/* `processes`: one line per process, `KIND TAB NAME TAB ADMIN TAB ADDRESS...`, in the order of
 * starting. */
static enum status processes(const struct topology *topology, struct buffer *text)
{
    enum status status = append_nodes(topology, text);
    status = status == STATUS_OK ? append_workers(topology, text) : status;
    return status == STATUS_OK ? append_gateways(topology, text) : status;
}

/* `digest`: as processes show it in their status, to be compared with what they have read. */
static enum status digest(const struct topology *topology, struct buffer *text)
{
    return buffer_append_format(text, "%016" PRIx64 "\n", topology_digest(topology));
}

static bool splits_without_node(const struct graph *graph, size_t node)
{
    struct graph_parts parts;
    graph_parts_without_node(graph, node, &parts);
    return parts.count > 1;
}

static bool splits_without_link(const struct graph *graph, size_t a, size_t b)
{
    struct graph_parts parts;
    graph_parts_without_link(graph, a, b, &parts);
    return parts.count > 1;
}

/* One node and its links: `Holiday* ─┬─ Goloman`, with the further neighbours below each other. */
static enum status draw_node(const struct graph *graph, size_t node, int width, struct buffer *text)
{
    const struct graph_node *from = &graph->nodes[node];
    const char *mark = splits_without_node(graph, node) ? "*" : "";
    int padding = width - (int)strlen(from->name) - (int)strlen(mark);
    if (from->neighbour_count == 0) {
        return buffer_append_format(text, "%s\n", from->name);
    }
    enum status status = buffer_append_format(text, "%s%s%*s", from->name, mark, padding, "");
    for (size_t k = 0; k < from->neighbour_count && status == STATUS_OK; k++) {
        bool is_first = k == 0;
        bool is_last = k + 1 == from->neighbour_count;
        const char *branch = is_first && is_last ? " ─── "
                             : is_first          ? " ─┬─ "
                             : is_last           ? "  └─ "
                                                 : "  ├─ ";
        size_t to = from->neighbours[k];
        status = buffer_append_format(text,
            "%*s%s%s%s\n",
            is_first ? 0 : width,
            "",
            branch,
            graph->nodes[to].name,
            splits_without_link(graph, node, to) ? " !" : "");
    }
    return status;
}

static int widest_name(const struct topology *topology)
{
    size_t width = 0;
    for (size_t i = 0; i < topology->node_count; i++) {
        size_t length = strlen(topology->nodes[i].name) + strlen("*");
        width = length > width ? length : width;
    }
    return (int)width;
}

/* `graph`: who talks to whom, with the weak points marked and then told. */
static enum status draw(const struct topology *topology, struct buffer *text)
{
    struct graph graph;
    topology_graph(topology, &graph);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < graph.node_count && status == STATUS_OK; i++) {
        status = draw_node(&graph, i, widest_name(topology), text);
    }
    size_t length = text->length;
    status = status == STATUS_OK ? buffer_append_text(text, "\n") : status;
    status = status == STATUS_OK ? graph_describe_weak_points(&graph, text) : status;
    if (status == STATUS_OK && text->length == length + 1) {
        return buffer_append_text(text, "no single loss would split the herd\n");
    }
    return status;
}

struct command {
    const char *name;
    const char *help;
    enum status (*run)(const struct topology *topology, struct buffer *text);
};

static const struct command commands[] = {
    {"check", "checks the whole file and warns of weak points", check},
    {"processes", "one line per process: kind, name, admin address or -, addresses", processes},
    {"digest", "16 digits that change with what is written, as processes show them", digest},
    {"graph", "who talks to whom; * marks nodes and ! links whose loss would split it", draw},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *stream)
{
    (void)fprintf(stream, "usage: herd-topology COMMAND FILE\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].help);
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int run(const struct command *command, const char *path)
{
    struct topology *topology = NULL;
    struct buffer text = buffer_with_max(TEXT_MAX);
    enum status status = topology_read(path, &topology, &text);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "herd-topology: %.*s\n", (int)text.length, text.data);
        goto out;
    }
    status = command->run(topology, &text);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "herd-topology: %s\n", status_text(status));
        goto out;
    }
    if (fwrite(text.data, 1, text.length, stdout) != text.length || fflush(stdout) != 0) {
        status = STATUS_IO;
    }
out:
    topology_destroy(topology);
    buffer_clear(&text);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    const struct command *command = argc == 3 ? find_command(argv[1]) : NULL;
    if (command == NULL) {
        print_usage(stderr);
        return 2;
    }
    return run(command, argv[2]);
}
