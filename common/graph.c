/* Walks the graph once per node and link that could be lost: it is small, and the plain way is
 * fast enough. */
#include "common/graph.h"

#include <assert.h>

enum { PART_NAMES_MAX = 6 }; /* of one part in a text: a warning is to be read */

/* Nothing lost: an index that no node has. */
enum { NONE = GRAPH_NODES_MAX };

struct loss {
    size_t node;
    size_t link_a;
    size_t link_b;
};

static bool is_lost(const struct loss *loss, size_t from, size_t to)
{
    return to == loss->node || (from == loss->link_a && to == loss->link_b) ||
           (from == loss->link_b && to == loss->link_a);
}

/* Gives `part` to everything that `start` reaches. */
static void fill_part(const struct graph *graph,
    const struct loss *loss,
    size_t start,
    size_t part,
    struct graph_parts *parts)
{
    size_t reached[GRAPH_NODES_MAX] = {start};
    size_t reached_count = 1;
    parts->part_of[start] = part;
    for (size_t i = 0; i < reached_count; i++) {
        size_t from = reached[i];
        const struct graph_node *node = &graph->nodes[from];
        for (size_t k = 0; k < node->neighbour_count; k++) {
            size_t to = node->neighbours[k];
            if (!is_lost(loss, from, to) && parts->part_of[to] == NONE) {
                parts->part_of[to] = part;
                reached[reached_count++] = to;
            }
        }
    }
}

static void find_parts(
    const struct graph *graph, const struct loss *loss, struct graph_parts *ret_parts)
{
    assert(graph->node_count <= GRAPH_NODES_MAX);
    ret_parts->count = 0;
    for (size_t i = 0; i < graph->node_count; i++) {
        ret_parts->part_of[i] = NONE;
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        if (i != loss->node && ret_parts->part_of[i] == NONE) {
            fill_part(graph, loss, i, ret_parts->count, ret_parts);
            ret_parts->count += 1;
        }
    }
}

void graph_parts(const struct graph *graph, struct graph_parts *ret_parts)
{
    struct loss loss = {.node = NONE, .link_a = NONE, .link_b = NONE};
    find_parts(graph, &loss, ret_parts);
}

void graph_parts_without_node(const struct graph *graph, size_t node, struct graph_parts *ret_parts)
{
    struct loss loss = {.node = node, .link_a = NONE, .link_b = NONE};
    find_parts(graph, &loss, ret_parts);
}

void graph_parts_without_link(
    const struct graph *graph, size_t a, size_t b, struct graph_parts *ret_parts)
{
    struct loss loss = {.node = NONE, .link_a = a, .link_b = b};
    find_parts(graph, &loss, ret_parts);
}

static enum status append_part(
    const struct graph *graph, const struct graph_parts *parts, size_t part, struct buffer *text)
{
    enum status status = buffer_append_text(text, "[");
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count && status == STATUS_OK; i++) {
        if (parts->part_of[i] != part) {
            continue;
        }
        if (count < PART_NAMES_MAX) {
            status =
                buffer_append_format(text, "%s%s", count == 0 ? "" : " ", graph->nodes[i].name);
        }
        count += 1;
    }
    if (status == STATUS_OK && count > PART_NAMES_MAX) {
        status = buffer_append_format(text, " and %zu more", count - PART_NAMES_MAX);
    }
    return status == STATUS_OK ? buffer_append_text(text, "]") : status;
}

enum status graph_append_parts(
    const struct graph *graph, const struct graph_parts *parts, struct buffer *text)
{
    enum status status = STATUS_OK;
    for (size_t part = 0; part < parts->count && status == STATUS_OK; part++) {
        status = buffer_append_text(text, part == 0 ? "" : " and ");
        if (status == STATUS_OK) {
            status = append_part(graph, parts, part, text);
        }
    }
    return status;
}

static enum status describe_node(const struct graph *graph, size_t node, struct buffer *text)
{
    struct graph_parts parts;
    graph_parts_without_node(graph, node, &parts);
    if (parts.count < 2) {
        return STATUS_OK;
    }
    enum status status =
        buffer_append_format(text, "losing %s would split the herd into ", graph->nodes[node].name);
    if (status == STATUS_OK) {
        status = graph_append_parts(graph, &parts, text);
    }
    return status == STATUS_OK ? buffer_append_text(text, "\n") : status;
}

static enum status describe_link(const struct graph *graph, size_t a, size_t b, struct buffer *text)
{
    struct graph_parts parts;
    graph_parts_without_link(graph, a, b, &parts);
    if (parts.count < 2) {
        return STATUS_OK;
    }
    enum status status = buffer_append_format(text,
        "losing the link %s-%s would split the herd into ",
        graph->nodes[a].name,
        graph->nodes[b].name);
    if (status == STATUS_OK) {
        status = graph_append_parts(graph, &parts, text);
    }
    return status == STATUS_OK ? buffer_append_text(text, "\n") : status;
}

enum status graph_describe_weak_points(const struct graph *graph, struct buffer *text)
{
    enum status status = STATUS_OK;
    for (size_t node = 0; node < graph->node_count && status == STATUS_OK; node++) {
        status = describe_node(graph, node, text);
    }
    for (size_t a = 0; a < graph->node_count; a++) {
        const struct graph_node *node = &graph->nodes[a];
        for (size_t k = 0; k < node->neighbour_count && status == STATUS_OK; k++) {
            if (a < node->neighbours[k]) {
                status = describe_link(graph, a, node->neighbours[k], text);
            }
        }
    }
    return status;
}
