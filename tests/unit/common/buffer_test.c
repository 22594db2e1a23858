/* Does a buffer do all of an append or nothing, within its maximum? */
#include "common/buffer.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_content(const struct buffer *buffer, const char *wanted)
{
    assert_int_equal(buffer->length, strlen(wanted));
    assert_true(slice_equals(buffer_slice(buffer), slice_of(wanted)));
}

static void a_new_buffer_has_no_memory_and_nothing_in_it(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(10);

    assert_null(buffer.data);
    assert_content(&buffer, "");
    assert_int_equal(buffer_append(&buffer, slice_of("")), STATUS_OK);
    assert_null(buffer.data);
}

static void appends_follow_each_other(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(100);

    assert_int_equal(buffer_append(&buffer, slice_of_bytes("AT Goloman", 3)), STATUS_OK);
    assert_int_equal(buffer_append_text(&buffer, "Hands"), STATUS_OK);
    assert_int_equal(buffer_append_format(&buffer, " %+d%s", 12, ".5"), STATUS_OK);
    assert_int_equal(buffer_append_format(&buffer, "%s", ""), STATUS_OK);

    assert_content(&buffer, "AT Hands +12.5");
    buffer_clear(&buffer);
}

static void every_length_up_to_the_maximum_fits_and_no_more(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max++) {
        struct buffer buffer = buffer_with_max(max);
        for (size_t i = 0; i < max; i++) {
            assert_int_equal(buffer_append(&buffer, slice_of_bytes("x", 1)), STATUS_OK);
            assert_true(buffer.capacity <= max);
        }
        assert_int_equal(buffer_append(&buffer, slice_of_bytes("x", 1)), STATUS_FULL);
        assert_int_equal(buffer.length, max);
        buffer_clear(&buffer);
    }
}

static void what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(8);
    assert_int_equal(buffer_append_text(&buffer, "12345"), STATUS_OK);

    char *room = NULL;
    assert_int_equal(buffer_append_text(&buffer, "6789"), STATUS_FULL);
    assert_int_equal(buffer_append_format(&buffer, "%d", 6789), STATUS_FULL);
    assert_int_equal(buffer_reserve(&buffer, 4, &room), STATUS_FULL);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX, &room), STATUS_FULL);

    assert_null(room);
    assert_content(&buffer, "12345");
    assert_int_equal(buffer_append_format(&buffer, "%d", 678), STATUS_OK);
    assert_content(&buffer, "12345678");
    buffer_clear(&buffer);
}

static void when_memory_runs_out_nothing_changes(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(1000);
    assert_int_equal(buffer_append_text(&buffer, "12345"), STATUS_OK);
    const size_t capacity = buffer.capacity;
    char *room = NULL;

    faults_begin(1);
    const enum status reserved = buffer_reserve(&buffer, capacity, &room);
    assert_true(faults_end());
    faults_begin(1);
    const enum status formatted = buffer_append_format(&buffer, "%*d", (int)capacity, 1);
    assert_true(faults_end());

    assert_int_equal(reserved, STATUS_NO_MEMORY);
    assert_int_equal(formatted, STATUS_NO_MEMORY);
    assert_null(room);
    assert_int_equal(buffer.capacity, capacity);
    assert_content(&buffer, "12345");
    buffer_clear(&buffer);
}

static void reserved_room_becomes_content_by_growing(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(1000);
    assert_int_equal(buffer_append_text(&buffer, "ab"), STATUS_OK);
    char *room;

    assert_int_equal(buffer_reserve(&buffer, 500, &room), STATUS_OK);
    memset(room, 'c', 500);
    assert_content(&buffer, "ab");
    buffer_grow(&buffer, 3);

    assert_content(&buffer, "abccc");
    buffer_clear(&buffer);
}

static void growing_is_rare(void **state)
{
    (void)state;
    enum { APPENDS = 1000 * 1000 };
    struct buffer buffer = buffer_with_max(APPENDS);
    unsigned growths = 0;
    for (int i = 0; i < APPENDS; i++) {
        const size_t before = buffer.capacity;
        assert_int_equal(buffer_append(&buffer, slice_of_bytes("x", 1)), STATUS_OK);
        growths += buffer.capacity != before;
    }
    assert_true(growths <= 15);
    buffer_clear(&buffer);
}

static void a_reset_keeps_the_memory_and_a_clear_frees_it(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(100);
    assert_int_equal(buffer_append_text(&buffer, "abc"), STATUS_OK);
    const char *memory = buffer.data;

    buffer_reset(&buffer);
    assert_content(&buffer, "");
    assert_ptr_equal(buffer.data, memory);

    buffer_clear(&buffer);
    assert_null(buffer.data);
    assert_int_equal(buffer.max, 100);
    assert_int_equal(buffer_append_text(&buffer, "again"), STATUS_OK);
    assert_content(&buffer, "again");
    buffer_clear(&buffer);
}

static void a_buffer_can_lose_its_end_and_its_front(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(100);
    assert_int_equal(buffer_append_text(&buffer, "one two three"), STATUS_OK);

    buffer_truncate(&buffer, 7);
    assert_content(&buffer, "one two");
    buffer_drop_front(&buffer, 4);
    assert_content(&buffer, "two");
    buffer_drop_front(&buffer, 0);
    buffer_truncate(&buffer, 3);
    assert_content(&buffer, "two");
    buffer_drop_front(&buffer, 3);
    assert_content(&buffer, "");
    buffer_clear(&buffer);
}

static void an_empty_buffer_may_drop_nothing(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(100);

    buffer_drop_front(&buffer, 0);
    buffer_truncate(&buffer, 0);

    assert_content(&buffer, "");
}

static void taken_bytes_belong_to_the_taker(void **state)
{
    (void)state;
    struct buffer buffer = buffer_with_max(100);
    assert_int_equal(buffer_append_text(&buffer, "abc"), STATUS_OK);
    size_t length = 0;

    char *bytes = buffer_take(&buffer, &length);

    assert_int_equal(length, 3);
    assert_memory_equal(bytes, "abc", 3);
    assert_content(&buffer, "");
    assert_null(buffer.data);
    assert_int_equal(buffer_append_text(&buffer, "d"), STATUS_OK);
    free(bytes);
    buffer_clear(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_buffer_has_no_memory_and_nothing_in_it),
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(every_length_up_to_the_maximum_fits_and_no_more),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(when_memory_runs_out_nothing_changes),
        cmocka_unit_test(reserved_room_becomes_content_by_growing),
        cmocka_unit_test(growing_is_rare),
        cmocka_unit_test(a_reset_keeps_the_memory_and_a_clear_frees_it),
        cmocka_unit_test(a_buffer_can_lose_its_end_and_its_front),
        cmocka_unit_test(an_empty_buffer_may_drop_nothing),
        cmocka_unit_test(taken_bytes_belong_to_the_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
