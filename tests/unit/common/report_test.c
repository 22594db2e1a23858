/* Is report_compare a total order, and does a report from a wire keep its rules? */
#include "common/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct report report_of(
    const char *location, const char *time, const char *server, int64_t received_ns)
{
    struct report report;
    assert_int_equal(report_from_parts(slice_of("kiwi"),
                         slice_of(location),
                         slice_of(time),
                         slice_of(server),
                         received_ns,
                         &report),
        STATUS_OK);
    return report;
}

/* From the least to the greatest. */
enum { ORDERED = 9 };

static void in_order(struct report ret_reports[ORDERED])
{
    ret_reports[0] = report_of("+34-118", "9.999999999", "Wilkes", 900);
    ret_reports[1] = report_of("+34-118", "10", "Hands", 5);
    ret_reports[2] = report_of("+34-118", "10", "Handsome", 4);
    ret_reports[3] = report_of("+34-118", "10", "Welsh", 1);
    ret_reports[4] = report_of("+34-118", "10", "Welsh", 2);
    ret_reports[5] = report_of("+34-118", "10.0", "Welsh", 2);
    ret_reports[6] = report_of("+34-119", "10", "Welsh", 2);
    ret_reports[7] = report_of("+34-118", "10.000000001", "Alford", 0);
    ret_reports[8] = report_of("+34-118", "9000000000", "Alford", 0);
}

static void time_then_server_then_the_rest_decide(void **state)
{
    (void)state;
    struct report reports[ORDERED];
    in_order(reports);
    for (size_t a = 0; a < ORDERED; a++) {
        for (size_t b = 0; b < ORDERED; b++) {
            int order = report_compare(&reports[a], &reports[b]);
            assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
        }
    }
}

static void digits_after_the_ninth_do_not_order_but_tell_reports_apart(void **state)
{
    (void)state;
    struct report shorter = report_of("+34-118", "10.123456789", "Hands", 1);
    struct report longer = report_of("+34-118", "10.1234567899", "Hands", 1);
    struct report later_server = report_of("+34-118", "10.123456789", "Welsh", 1);

    assert_true(report_compare(&longer, &shorter) > 0);
    assert_true(report_compare(&later_server, &longer) > 0); /* their times are the same */
}

static void names_are_compared_as_bytes(void **state)
{
    (void)state;
    struct report ascii = report_of("+34-118", "10", "z", 1);
    struct report high = report_of("+34-118", "10", "\xc3\xa4", 1);

    assert_true(report_compare(&high, &ascii) > 0);
}

static enum status status_of(
    const char *id, const char *location, const char *time, const char *server, int64_t received_ns)
{
    struct report report;
    return report_from_parts(
        slice_of(id), slice_of(location), slice_of(time), slice_of(server), received_ns, &report);
}

static void every_part_is_checked(void **state)
{
    (void)state;
    assert_int_equal(status_of("k", "+34-118", "10", "H", 0), STATUS_OK);
    assert_int_equal(status_of("", "+34-118", "10", "H", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k i", "+34-118", "10", "H", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k\n", "+34-118", "10", "H", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k", "34-118", "10", "H", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k", "+91-118", "10", "H", 0), STATUS_OUT_OF_RANGE);
    assert_int_equal(status_of("k", "+34-118", "x", "H", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k", "+34-118", "9999999999999", "H", 0), STATUS_OUT_OF_RANGE);
    assert_int_equal(status_of("k", "+34-118", "10", "", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k", "+34-118", "10", "H H", 0), STATUS_MALFORMED);
    assert_int_equal(status_of("k", "+34-118", "10", "H", -1), STATUS_MALFORMED);
}

static void a_report_longer_than_the_limit_is_out_of_range(void **state)
{
    (void)state;
    static char id[REPORT_BYTES_MAX + 1];
    memset(id, 'k', sizeof id);
    size_t rest = strlen("+34-118") + strlen("10");
    struct report report;

    assert_int_equal(report_from_parts(slice_of_bytes(id, REPORT_BYTES_MAX - rest),
                         slice_of("+34-118"),
                         slice_of("10"),
                         slice_of("H"),
                         0,
                         &report),
        STATUS_OK);
    assert_int_equal(report_from_parts(slice_of_bytes(id, REPORT_BYTES_MAX - rest + 1),
                         slice_of("+34-118"),
                         slice_of("10"),
                         slice_of("H"),
                         0,
                         &report),
        STATUS_OUT_OF_RANGE);
}

static void assert_line(const char *time, int64_t received_ns, const char *wanted)
{
    struct report report = report_of("+34.068930-118.445127", time, "Goloman", received_ns);
    struct buffer line = buffer_with_max(200);
    assert_int_equal(report_append_at_line(&report, &line), STATUS_OK);
    assert_int_equal(line.length, strlen(wanted));
    assert_memory_equal(line.data, wanted, line.length);
    buffer_clear(&line);
}

static void the_at_line_repeats_the_client_and_says_the_difference(void **state)
{
    (void)state;
    assert_line("1520023934.918963997",
        INT64_C(1520023935182837383),
        "AT Goloman +0.263873386 kiwi +34.068930-118.445127 1520023934.918963997");
    assert_line("1520023934.9189639",
        INT64_C(1520023934918963899),
        "AT Goloman -0.000000001 kiwi +34.068930-118.445127 1520023934.9189639");
    assert_line(
        "9000000000", 0, "AT Goloman -9000000000.000000000 kiwi +34.068930-118.445127 9000000000");
}

static void an_at_line_that_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    struct report report = report_of("+34-118", "10", "Goloman", 1);
    struct buffer line = buffer_with_max(10);

    assert_int_equal(report_append_at_line(&report, &line), STATUS_FULL);

    assert_int_equal(line.length, 0);
    buffer_clear(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_then_server_then_the_rest_decide),
        cmocka_unit_test(digits_after_the_ninth_do_not_order_but_tell_reports_apart),
        cmocka_unit_test(names_are_compared_as_bytes),
        cmocka_unit_test(every_part_is_checked),
        cmocka_unit_test(a_report_longer_than_the_limit_is_out_of_range),
        cmocka_unit_test(the_at_line_repeats_the_client_and_says_the_difference),
        cmocka_unit_test(an_at_line_that_does_not_fit_is_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
