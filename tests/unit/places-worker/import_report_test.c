/* Is each reason told with how often and where it occurred first? */
#include "places-worker/import_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void reasons_have_a_count_and_a_first_example(void **state)
{
    (void)state;
    struct import_report report = {.counts = {0}};
    struct buffer text = buffer_with_max(1000);
    import_report_count(&report, IMPORT_TAKEN, 1, slice_of("Camp"));
    import_report_count(&report, IMPORT_NO_KIND, 2, slice_of("Bench\n\x1B[31m"));
    import_report_count(&report, IMPORT_NO_KIND, 3, slice_of("Tree"));
    import_report_count(&report, IMPORT_MALFORMED, 4, slice_of(""));

    assert_int_equal(import_report_append(&report, "line", &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, slice_of_bytes("", 1)), STATUS_OK);
    assert_string_equal(text.data,
        "  skipped 2 of no kind that people look for; the first: line 2, \"Bench\"\n"
        "  skipped 1 malformed; the first: line 4\n");
    assert_int_equal(import_report_total(&report), 4);
    buffer_clear(&text);
}

static void long_names_are_cut_between_characters(void **state)
{
    (void)state;
    struct import_report report = {.counts = {0}};
    char name[201];
    for (size_t i = 0; i < 200; i += 2) {
        memcpy(name + 1 + i, "\xC3\xA4", 2);
    }
    name[0] = 'x';
    import_report_count(&report, IMPORT_NO_KIND, 2, slice_of_bytes(name, sizeof name));

    assert_int_equal(strlen(report.examples[IMPORT_NO_KIND].name), IMPORT_EXAMPLE_MAX - 1);
}

static void a_report_without_room_says_so(void **state)
{
    (void)state;
    struct import_report report = {.counts = {0}};
    struct buffer text = buffer_with_max(10);
    import_report_count(&report, IMPORT_NO_NAME, 1, slice_of(""));

    assert_int_equal(import_report_append(&report, "line", &text), STATUS_FULL);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_a_count_and_a_first_example),
        cmocka_unit_test(long_names_are_cut_between_characters),
        cmocka_unit_test(a_report_without_room_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
