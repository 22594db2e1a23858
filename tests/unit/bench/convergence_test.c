/* Is a node's view of its table found in what its /status answers? */
#include "tests/bench/convergence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void digest_and_reports_are_found_within_an_answer(void **state)
{
    (void)state;
    const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"reports\":12,\"digest\":\"0fe1\"}",
        "{\n  \"lseq\" : 3,\n  \"digest\" : \"0fe1\",\n  \"reports\" : 12\n}",
    };
    for (size_t i = 0; i < 2; i++) {
        struct convergence_view view;
        assert_int_equal(convergence_read(slice_of(answers[i]), &view), STATUS_OK);
        assert_string_equal(view.digest, "0fe1");
        assert_int_equal(view.reports, 12);
    }
}

static void an_answer_without_them_is_malformed(void **state)
{
    (void)state;
    const char *const answers[] = {
        "",
        "HTTP/1.1 404 Not Found\r\n\r\n",
        "{\"reports\":12}",
        "{\"digest\":\"0fe1\"}",
        "{\"reports\":\"many\",\"digest\":\"0fe1\"}",
        "{\"reports\":12,\"digest\":7}",
        "{\"reports\":12,\"digest\":\"0fe1",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct convergence_view view;
        assert_int_equal(convergence_read(slice_of(answers[i]), &view), STATUS_MALFORMED);
    }
}

static void a_node_that_is_busy_is_not_malformed(void **state)
{
    (void)state;
    struct convergence_view view;
    const struct slice busy =
        slice_of("HTTP/1.1 503 Service Unavailable\r\n\r\nthe loop does not answer\n");
    assert_int_equal(convergence_read(busy, &view), STATUS_TIMED_OUT);
}

static void a_digest_longer_than_any_is_malformed(void **state)
{
    (void)state;
    static const char start[] = "{\"reports\":1,\"digest\":\"";
    char answer[sizeof start + CONVERGENCE_DIGEST_BYTES_MAX + 2];
    memset(answer, '0', sizeof answer);
    memcpy(answer, start, sizeof start - 1);
    struct convergence_view view;
    const size_t longest = sizeof start - 1 + CONVERGENCE_DIGEST_BYTES_MAX;

    answer[longest] = '"';
    assert_int_equal(convergence_read(slice_of_bytes(answer, longest + 1), &view), STATUS_OK);

    answer[longest] = '0';
    answer[longest + 1] = '"';
    assert_int_equal(
        convergence_read(slice_of_bytes(answer, longest + 2), &view), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_and_reports_are_found_within_an_answer),
        cmocka_unit_test(an_answer_without_them_is_malformed),
        cmocka_unit_test(a_node_that_is_busy_is_not_malformed),
        cmocka_unit_test(a_digest_longer_than_any_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
