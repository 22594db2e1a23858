/* endpoint_url: what is a url, and what is wrong with what is none. */
#include "common/endpoint_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names_and_addresses_with_a_port_are_accepted(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "tcp://127.0.0.1:1",
        "tcp://localhost:65535",
        "tcp://node-1.example.org:17000",
        "tcp://[::1]:17000",
        "tcp://[fe80::1%eth0]:17000",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        assert_null(endpoint_url_problem(urls[i]));
    }
}

static void anything_else_is_refused_with_its_cause(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *cause;
    } cases[] = {
        {"", "must start with tcp://"},
        {"127.0.0.1:17000", "must start with tcp://"},
        {"TCP://127.0.0.1:17000", "must start with tcp://"},
        {"inproc://node", "must start with tcp://"},
        {"ws://127.0.0.1:17000", "must start with tcp://"},
        {"ipc:///tmp/node", "ipc:// is not supported"},
        {"tcp://", "no host"},
        {"tcp://:17000", "no host"},
        {"tcp://*:17000", "no host"},
        {"tcp://[]:17000", "no host"},
        {"tcp://[::1:17000", "closing bracket"},
        {"tcp://127.0.0.1", "no port"},
        {"tcp://user@127.0.0.1:17000", "no port"},
        {"tcp://a;b:17000", "no port"},
        {"tcp://127.0.0.1:", "1 to 65535"},
        {"tcp://127.0.0.1:0", "1 to 65535"},
        {"tcp://127.0.0.1:65536", "1 to 65535"},
        {"tcp://127.0.0.1:99999999999999999999", "1 to 65535"},
        {"tcp://127.0.0.1:-1", "1 to 65535"},
        {"tcp://127.0.0.1:17000/", "goes on after the port"},
        {"tcp://127.0.0.1:17000 ", "goes on after the port"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *problem = endpoint_url_problem(cases[i].url);
        if (problem == NULL || strstr(problem, cases[i].cause) == NULL) {
            fail_msg("%s: wanted \"%s\", got \"%s\"",
                cases[i].url,
                cases[i].cause,
                problem == NULL ? "no problem" : problem);
        }
    }
}

static void a_host_longer_than_dns_knows_is_refused(void **state)
{
    (void)state;
    char url[400] = "tcp://";
    memset(url + strlen(url), 'a', 254);
    strcat(url, ":1");
    assert_string_equal(endpoint_url_problem(url), "its host is too long");
}

static void tls_is_accepted_exactly_where_nng_can_do_it(void **state)
{
    (void)state;
    const char *problem = endpoint_url_problem("tls+tcp://localhost:17000");

    if (endpoint_nng_is_at_least(1, 9)) {
        assert_null(problem);
        assert_non_null(endpoint_url_problem("tls+tcp://localhost"));
    } else {
        assert_non_null(strstr(problem, "needs NNG 1.9"));
    }
}

static void versions_are_compared_by_number(void **state)
{
    (void)state;
    assert_true(endpoint_nng_is_at_least(0, 99));
    assert_true(endpoint_nng_is_at_least(1, 5));
    assert_false(endpoint_nng_is_at_least(99, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses_with_a_port_are_accepted),
        cmocka_unit_test(anything_else_is_refused_with_its_cause),
        cmocka_unit_test(a_host_longer_than_dns_knows_is_refused),
        cmocka_unit_test(tls_is_accepted_exactly_where_nng_can_do_it),
        cmocka_unit_test(versions_are_compared_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
