/* Does the checker know every right answer, and only those, however the bytes arrive? */
#include "tests/bench/reply_checker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define REPORT  "kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997"
#define COMMAND "IAMAT " REPORT
#define AT      "AT Goloman +0.263873386 " REPORT "\n"

static struct reply check_iamat(const char *text)
{
    return reply_check_iamat(slice_of(text), slice_of(COMMAND), slice_of(REPORT));
}

static struct reply check_whatsat(const char *text)
{
    return reply_check_whatsat(
        slice_of(text), 0, slice_of("WHATSAT kiwi.cs.ucla.edu 10 5"), slice_of(REPORT));
}

static void the_at_line_of_the_report_is_right(void **state)
{
    (void)state;
    const char *const right[] = {
        AT,
        "AT W -9223372036.854775807 " REPORT "\n",
        "AT Goloman -0.000000001 " REPORT "\n",
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        const struct reply reply = check_iamat(right[i]);
        assert_int_equal(reply.verdict, REPLY_RIGHT);
        assert_int_equal(reply.length, strlen(right[i]));
    }
    assert_true(slice_equals(check_iamat(AT).server, slice_of("Goloman")));
}

static void a_reply_ends_where_its_line_ends(void **state)
{
    (void)state;
    const struct reply reply = check_iamat(AT "AT Goloman");
    assert_int_equal(reply.verdict, REPLY_RIGHT);
    assert_int_equal(reply.length, strlen(AT));
}

static void every_prefix_of_a_right_answer_is_incomplete(void **state)
{
    (void)state;
    for (size_t length = 0; length < strlen(AT); length++) {
        const struct reply reply =
            reply_check_iamat(slice_of_bytes(AT, length), slice_of(COMMAND), slice_of(REPORT));
        assert_int_equal(reply.verdict, REPLY_INCOMPLETE);
    }
}

static void the_command_after_a_question_mark_is_refused(void **state)
{
    (void)state;
    static const char refusal[] = "? " COMMAND "\n";
    const struct reply reply = check_iamat(refusal);
    assert_int_equal(reply.verdict, REPLY_REFUSED);
    assert_int_equal(reply.length, strlen(refusal));
    for (size_t length = 0; length < strlen(refusal); length++) {
        assert_int_equal(
            reply_check_iamat(slice_of_bytes(refusal, length), slice_of(COMMAND), slice_of(REPORT))
                .verdict,
            REPLY_INCOMPLETE);
    }
}

static void everything_else_is_wrong(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "\n",
        "A\n",
        "AT\n",
        "at Goloman +0.263873386 " REPORT "\n",
        "AT  +0.263873386 " REPORT "\n",
        "AT Goloman 0.263873386 " REPORT "\n",
        "AT Goloman +.263873386 " REPORT "\n",
        "AT Goloman +0.26387338 " REPORT "\n",
        "AT Goloman +0.2638733860 " REPORT "\n",
        "AT Goloman +0,263873386 " REPORT "\n",
        "AT Goloman +0.263873386  " REPORT "\n",
        "AT Goloman +0.263873386 " REPORT " \n",
        "AT Goloman +0.263873386 " REPORT "\r\n",
        "AT Goloman +0.263873386 " REPORT "0\n",
        "AT Goloman +0.263873386 qiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997\n",
        "AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445128 1520023934.918963997\n",
        "AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963998\n",
        "AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127\n",
        "? IAMAT\n",
        "? " COMMAND "0\n",
        "?" COMMAND "\n",
        "something else\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct reply reply = check_iamat(wrong[i]);
        assert_int_equal(reply.verdict, REPLY_WRONG);
        assert_int_equal(reply.length, strlen(wrong[i]));
    }
}

static void a_line_without_end_becomes_wrong_when_it_is_longer_than_any(void **state)
{
    (void)state;
    char endless[512];
    memset(endless, 'A', sizeof endless);
    endless[1] = 'T';
    endless[2] = ' ';
    const struct reply reply = reply_check_iamat(
        slice_of_bytes(endless, sizeof endless), slice_of(COMMAND), slice_of(REPORT));
    assert_int_equal(reply.verdict, REPLY_WRONG);
    assert_int_equal(reply.length, sizeof endless);
}

#define JSON "{\n   \"results\" : [],\n   \"status\" : \"ZERO_RESULTS\"\n}"

static void an_answer_to_whatsat_is_the_at_line_an_object_and_two_line_ends(void **state)
{
    (void)state;
    static const char answer[] = AT JSON "\n\n";
    const struct reply reply = check_whatsat(answer);
    assert_int_equal(reply.verdict, REPLY_RIGHT);
    assert_int_equal(reply.length, strlen(answer));
    assert_int_equal(check_whatsat(AT "{}\n\nAT").length, strlen(AT) + 4);
}

static void an_answer_to_whatsat_may_arrive_in_two_parts_cut_anywhere(void **state)
{
    (void)state;
    static const char answer[] = AT JSON "\n\n";
    const struct slice command = slice_of("WHATSAT kiwi.cs.ucla.edu 10 5");
    for (size_t length = 0; length < strlen(answer); length++) {
        assert_int_equal(
            reply_check_whatsat(slice_of_bytes(answer, length), 0, command, slice_of(REPORT))
                .verdict,
            REPLY_INCOMPLETE);
        const struct reply whole =
            reply_check_whatsat(slice_of(answer), length, command, slice_of(REPORT));
        assert_int_equal(whole.verdict, REPLY_RIGHT);
        assert_int_equal(whole.length, strlen(answer));
    }
}

static void an_answer_to_whatsat_that_is_otherwise_is_wrong(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1\n",
        AT "\n\n",
        AT "[]\n\n",
        AT "{\n\n}\n\n",
        AT "{} \n\n",
        "? WHATSAT kiwi.cs.ucla.edu 10\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(check_whatsat(wrong[i]).verdict, REPLY_WRONG);
    }
    assert_int_equal(check_whatsat("? WHATSAT kiwi.cs.ucla.edu 10 5\n").verdict, REPLY_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_at_line_of_the_report_is_right),
        cmocka_unit_test(a_reply_ends_where_its_line_ends),
        cmocka_unit_test(every_prefix_of_a_right_answer_is_incomplete),
        cmocka_unit_test(the_command_after_a_question_mark_is_refused),
        cmocka_unit_test(everything_else_is_wrong),
        cmocka_unit_test(a_line_without_end_becomes_wrong_when_it_is_longer_than_any),
        cmocka_unit_test(an_answer_to_whatsat_is_the_at_line_an_object_and_two_line_ends),
        cmocka_unit_test(an_answer_to_whatsat_may_arrive_in_two_parts_cut_anywhere),
        cmocka_unit_test(an_answer_to_whatsat_that_is_otherwise_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
