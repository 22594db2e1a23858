/* Does graph find every node and link whose loss would split it, and no other? */
#include "common/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A graph of nodes A, B, C, ... with the links of a text like "AB BC". */
static struct graph graph_of(size_t node_count, const char *links)
{
    static const char *const names[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J"};
    struct graph graph = {.node_count = node_count};
    for (size_t i = 0; i < node_count; i++) {
        graph.nodes[i].name = names[i];
    }
    for (const char *link = links; *link != '\0'; link += link[2] == ' ' ? 3 : 2) {
        size_t a = (size_t)(link[0] - 'A');
        size_t b = (size_t)(link[1] - 'A');
        graph.nodes[a].neighbours[graph.nodes[a].neighbour_count++] = b;
        graph.nodes[b].neighbours[graph.nodes[b].neighbour_count++] = a;
    }
    return graph;
}

static void assert_weak_points(size_t node_count, const char *links, const char *wanted)
{
    struct graph graph = graph_of(node_count, links);
    struct buffer text = buffer_with_max(4096);
    assert_int_equal(graph_describe_weak_points(&graph, &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(text.data, wanted);
    buffer_clear(&text);
}

static void parts_are_what_reaches_each_other(void **state)
{
    (void)state;
    struct graph graph = graph_of(5, "AC BD");
    struct graph_parts parts;

    graph_parts(&graph, &parts);

    const size_t wanted[] = {0, 1, 0, 1, 2};
    assert_int_equal(parts.count, 3);
    assert_memory_equal(parts.part_of, wanted, sizeof wanted);
}

static void a_lost_node_is_in_no_part(void **state)
{
    (void)state;
    struct graph graph = graph_of(3, "AB BC");
    struct graph_parts parts;

    graph_parts_without_node(&graph, 1, &parts);

    assert_int_equal(parts.count, 2);
    assert_int_equal(parts.part_of[1], GRAPH_NODES_MAX);
}

static void a_ring_and_a_lone_node_have_no_weak_points(void **state)
{
    (void)state;
    assert_weak_points(1, "", "");
    assert_weak_points(3, "AB BC CA", "");
    assert_weak_points(6, "AB BC CD DE EF FA AD", "");
}

static void two_nodes_hang_on_their_link(void **state)
{
    (void)state;
    assert_weak_points(2, "AB", "losing the link A-B would split the herd into [A] and [B]\n");
}

static void a_chain_is_weak_everywhere_but_at_its_ends(void **state)
{
    (void)state;
    assert_weak_points(3,
        "AB BC",
        "losing B would split the herd into [A] and [C]\n"
        "losing the link A-B would split the herd into [A] and [B C]\n"
        "losing the link B-C would split the herd into [A B] and [C]\n");
}

static void two_rings_that_share_a_node_hang_on_the_node_alone(void **state)
{
    (void)state;
    assert_weak_points(
        5, "AB BC CA CD DE EC", "losing C would split the herd into [A B] and [D E]\n");
}

static void a_star_falls_into_as_many_parts_as_it_has_points(void **state)
{
    (void)state;
    struct graph graph = graph_of(4, "AB AC AD");
    struct graph_parts parts;

    graph_parts_without_node(&graph, 0, &parts);

    struct buffer text = buffer_with_max(100);
    assert_int_equal(graph_append_parts(&graph, &parts, &text), STATUS_OK);
    assert_memory_equal(text.data, "[B] and [C] and [D]", text.length);
    buffer_clear(&text);
}

static void of_a_large_part_the_first_names_are_told(void **state)
{
    (void)state;
    struct graph graph = graph_of(10, "AB BC CD DE EF FG GH HI");
    struct graph_parts parts;
    graph_parts(&graph, &parts);

    struct buffer text = buffer_with_max(100);
    assert_int_equal(graph_append_parts(&graph, &parts, &text), STATUS_OK);
    assert_int_equal(text.length, strlen("[A B C D E F and 3 more] and [J]"));
    assert_memory_equal(text.data, "[A B C D E F and 3 more] and [J]", text.length);
    buffer_clear(&text);
}

static void a_text_without_room_is_refused(void **state)
{
    (void)state;
    struct graph graph = graph_of(3, "AB BC");
    struct buffer text = buffer_with_max(60);

    assert_int_equal(graph_describe_weak_points(&graph, &text), STATUS_FULL);
    buffer_clear(&text);
}

/* Every node of the largest graph is visited; a chain of 255 has 253 weak nodes and 254 weak links.
 */
static void the_largest_graph_fits(void **state)
{
    (void)state;
    static struct graph graph;
    graph.node_count = GRAPH_NODES_MAX;
    for (size_t i = 0; i < GRAPH_NODES_MAX; i++) {
        graph.nodes[i].name = "N";
        if (i > 0) {
            graph.nodes[i].neighbours[graph.nodes[i].neighbour_count++] = i - 1;
        }
        if (i + 1 < GRAPH_NODES_MAX) {
            graph.nodes[i].neighbours[graph.nodes[i].neighbour_count++] = i + 1;
        }
    }
    struct buffer text = buffer_with_max((size_t)1024 * 1024);

    assert_int_equal(graph_describe_weak_points(&graph, &text), STATUS_OK);

    size_t lines = 0;
    for (size_t i = 0; i < text.length; i++) {
        lines += text.data[i] == '\n';
    }
    assert_int_equal(lines, 253 + 254);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_what_reaches_each_other),
        cmocka_unit_test(a_lost_node_is_in_no_part),
        cmocka_unit_test(a_ring_and_a_lone_node_have_no_weak_points),
        cmocka_unit_test(two_nodes_hang_on_their_link),
        cmocka_unit_test(a_chain_is_weak_everywhere_but_at_its_ends),
        cmocka_unit_test(two_rings_that_share_a_node_hang_on_the_node_alone),
        cmocka_unit_test(a_star_falls_into_as_many_parts_as_it_has_points),
        cmocka_unit_test(of_a_large_part_the_first_names_are_told),
        cmocka_unit_test(a_text_without_room_is_refused),
        cmocka_unit_test(the_largest_graph_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
