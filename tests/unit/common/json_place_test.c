/* Does json_place find the path and the line of any value? */
#include "common/json_place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char document[] = "{\n"
                               "  \"a\": [1, {\"}\": 2},\n"
                               "    \"x,]\\\"\", [ ]],\n"
                               "  \"b\\u0041\": 1,\n"
                               "  \"c\":\n"
                               "    {\"d\": true,\n"
                               "     \"e\" : null}\n"
                               "}\n";

static const struct json_place root = {.parent = NULL};
static const struct json_place member_a = {.parent = &root, .key = "a"};
static const struct json_place member_c = {.parent = &root, .key = "c"};

static void assert_path(const struct json_place *place, const char *wanted)
{
    struct buffer text = buffer_with_max(100);
    assert_int_equal(json_place_append_path(place, &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(text.data, wanted);
    buffer_clear(&text);
}

static void a_path_has_keys_and_indices(void **state)
{
    (void)state;
    struct json_place element = {.parent = &member_a, .index = 2};
    struct json_place inner = {.parent = &element, .key = "e"};

    assert_path(&member_a, "a");
    assert_path(&element, "a[2]");
    assert_path(&inner, "a[2].e");
    struct buffer nothing = buffer_with_max(1);
    assert_int_equal(json_place_append_path(&root, &nothing), STATUS_OK);
    assert_int_equal(nothing.length, 0);
}

static void a_path_longer_than_the_buffer_is_refused(void **state)
{
    (void)state;
    struct buffer text = buffer_with_max(2);
    struct json_place element = {.parent = &member_a, .index = 2};

    assert_int_equal(json_place_append_path(&element, &text), STATUS_FULL);
    buffer_clear(&text);
}

static size_t line_of(const struct json_place *place)
{
    return json_place_line(place, slice_of(document));
}

static void the_line_of_a_value_is_found_behind_brackets_and_quotes(void **state)
{
    (void)state;
    struct json_place object = {.parent = &member_a, .index = 1};
    struct json_place odd_key = {.parent = &object, .key = "}"};
    struct json_place text = {.parent = &member_a, .index = 2};
    struct json_place empty = {.parent = &member_a, .index = 3};
    struct json_place last = {.parent = &member_c, .key = "e"};

    assert_int_equal(line_of(&root), 1);
    assert_int_equal(line_of(&member_a), 2);
    assert_int_equal(line_of(&odd_key), 2);
    assert_int_equal(line_of(&text), 3);
    assert_int_equal(line_of(&empty), 3);
    assert_int_equal(line_of(&member_c), 5);
    assert_int_equal(line_of(&last), 7);
}

static void what_is_not_there_has_no_line(void **state)
{
    (void)state;
    struct json_place no_member = {.parent = &root, .key = "nowhere"};
    struct json_place escaped = {.parent = &root, .key = "bA"};
    struct json_place no_element = {.parent = &member_a, .index = 4};
    struct json_place empty = {.parent = &member_a, .index = 3};
    struct json_place in_empty = {.parent = &empty, .index = 0};
    struct json_place not_an_array = {.parent = &member_c, .index = 0};
    struct json_place not_an_object = {.parent = &member_a, .key = "d"};

    assert_int_equal(line_of(&no_member), 0);
    assert_int_equal(line_of(&escaped), 0);
    assert_int_equal(line_of(&no_element), 0);
    assert_int_equal(line_of(&in_empty), 0);
    assert_int_equal(line_of(&not_an_array), 0);
    assert_int_equal(line_of(&not_an_object), 0);
}

/* The last member's line is known only once everything before it is there. */
static void every_prefix_of_a_document_is_safe(void **state)
{
    (void)state;
    struct json_place last = {.parent = &member_c, .key = "e"};
    size_t found = 0;
    for (size_t length = 0; length < sizeof document; length++) {
        found += json_place_line(&last, slice_of_bytes(document, length)) == 7;
    }

    assert_in_range(found, 1, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_keys_and_indices),
        cmocka_unit_test(a_path_longer_than_the_buffer_is_refused),
        cmocka_unit_test(the_line_of_a_value_is_found_behind_brackets_and_quotes),
        cmocka_unit_test(what_is_not_there_has_no_line),
        cmocka_unit_test(every_prefix_of_a_document_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
