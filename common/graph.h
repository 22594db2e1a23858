/*
 * A small undirected graph of named nodes: whether it hangs together, and what a single loss would
 * make of it. Pure.
 */
#ifndef COMMON_GRAPH_H
#define COMMON_GRAPH_H

#include "common/buffer.h"
#include "common/status.h"

#include <stddef.h>

enum {
    GRAPH_NODES_MAX = 255,
    GRAPH_NEIGHBOURS_MAX = 32, /* per node */
};

struct graph_node {
    const char *name; /* borrowed */
    size_t neighbour_count;
    size_t neighbours[GRAPH_NEIGHBOURS_MAX]; /* indices; each link stands on both sides */
};

struct graph {
    size_t node_count;
    struct graph_node nodes[GRAPH_NODES_MAX];
};

/* The groups of nodes that reach each other. */
struct graph_parts {
    size_t count;
    size_t part_of[GRAPH_NODES_MAX]; /* 0..count-1; GRAPH_NODES_MAX for a node that is lost */
};

void graph_parts(const struct graph *graph, struct graph_parts *ret_parts);
void graph_parts_without_node(
    const struct graph *graph, size_t node, struct graph_parts *ret_parts);
void graph_parts_without_link(
    const struct graph *graph, size_t a, size_t b, struct graph_parts *ret_parts);

/* Appends the parts, `[Goloman Hands Wilkes] and [Welsh]`; of a large part only the first names. */
enum status graph_append_parts(
    const struct graph *graph, const struct graph_parts *parts, struct buffer *text) MUST_USE;

/*
 * Appends one line (with LF) for each node and each link whose loss alone would split the graph;
 * nothing where no single loss does.
 */
enum status graph_describe_weak_points(const struct graph *graph, struct buffer *text) MUST_USE;

#endif
