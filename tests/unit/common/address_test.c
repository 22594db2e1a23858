/* Does address take exactly the addresses that can be used, and see which of them collide? */
#include "common/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct address parsed(const char *text)
{
    struct address address;
    const char *cause = address_parse(slice_of(text), &address);
    if (cause != NULL) {
        fail_msg("%s: %s", text, cause);
    }
    return address;
}

static void addresses_of_all_kinds_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int kind;
        const char *host;
        uint16_t port;
        bool is_wildcard;
    } good[] = {
        {"127.0.0.1:1", ADDRESS_IPV4, "127.0.0.1", 1, false},
        {"0.0.0.0:65535", ADDRESS_IPV4, "0.0.0.0", 65535, true},
        {"[::]:80", ADDRESS_IPV6, "::", 80, true},
        {"[0:0::0:1]:80", ADDRESS_IPV6, "::1", 80, false},
        {"localhost:80", ADDRESS_NAME, "localhost", 80, false},
        {"Node-1.Example:80", ADDRESS_NAME, "node-1.example", 80, false},
        {"7up.example:80", ADDRESS_NAME, "7up.example", 80, false},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct address address = parsed(good[i].text);
        assert_int_equal(address.kind, good[i].kind);
        assert_string_equal(address.host, good[i].host);
        assert_int_equal(address.port, good[i].port);
        assert_int_equal(address.is_wildcard, good[i].is_wildcard);
    }
}

static void every_mistake_has_its_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"", "it must be HOST:PORT"},
        {"80", "it must be HOST:PORT"},
        {":80", "it must be HOST:PORT"},
        {"127.0.0.1", "it must be HOST:PORT"},
        {"127.0.0.1:", "its port must be a number"},
        {"127.0.0.1:0", "its port must be a number"},
        {"127.0.0.1:65536", "its port must be a number"},
        {"127.0.0.1:80 ", "its port must be a number"},
        {"127.0.0.1:-1", "its port must be a number"},
        {"127.0.0.1:http", "its port must be a number"},
        {"127.0.0.256:80", "an IPv4 address has four numbers"},
        {"127.0.1:80", "an IPv4 address has four numbers"},
        {"::1:80", "an IPv6 address must stand in brackets"},
        {"[127.0.0.1]:80", "what stands in brackets must be an IPv6 address"},
        {"[::1%eth0]:80", "what stands in brackets must be an IPv6 address"},
        {"a b:80", "a host name has letters"},
        {"-a:80", "a host name has letters"},
        {".a:80", "a host name has letters"},
        {"*:80", "a host name has letters"},
        {"[]:80", "a host name has letters"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct address address = {.port = 7};
        const char *cause = address_parse(slice_of(bad[i].text), &address);
        if (cause == NULL || strncmp(cause, bad[i].words, strlen(bad[i].words)) != 0) {
            fail_msg("\"%s\": %s", bad[i].text, cause == NULL ? "taken" : cause);
        }
        assert_int_equal(address.port, 7);
    }
}

static void a_host_has_at_most_253_bytes(void **state)
{
    (void)state;
    char text[300];
    struct address address;
    (void)snprintf(text, sizeof text, "%0253d.:1", 0);
    assert_string_equal(address_parse(slice_of(text), &address), "its host is too long");

    memset(text, 'a', 253);
    memcpy(text + 253, ":1", 3);
    assert_null(address_parse(slice_of(text), &address));
    assert_int_equal(strlen(address.host), 253);
}

static void an_url_is_tcp_and_can_be_connected_to(void **state)
{
    (void)state;
    struct address address;
    assert_null(address_parse_url(slice_of("tcp://[::1]:17670"), &address));
    assert_string_equal(address.host, "::1");
    assert_int_equal(address.port, 17670);

    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"", "it must be tcp://HOST:PORT"},
        {"tcp:", "it must be tcp://HOST:PORT"},
        {"127.0.0.1:80", "it must be tcp://HOST:PORT"},
        {"tcp://", "it must be HOST:PORT"},
        {"tcp://127.0.0.1:80/path", "its port must be a number"},
        {"tcp://0.0.0.0:80", "a wildcard address cannot be connected to"},
        {"tcp://[::]:80", "a wildcard address cannot be connected to"},
        {"tls+tcp://127.0.0.1:80", "tls+tcp:// is refused, because"},
        {"ipc:///tmp/x", "ipc:// is refused, because"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *cause = address_parse_url(slice_of(bad[i].text), &address);
        if (cause == NULL || strncmp(cause, bad[i].words, strlen(bad[i].words)) != 0) {
            fail_msg("\"%s\": %s", bad[i].text, cause == NULL ? "taken" : cause);
        }
    }
}

static bool collide(const char *a_text, const char *b_text)
{
    struct address a = parsed(a_text);
    struct address b = parsed(b_text);
    assert_int_equal(address_collides(&a, &b), address_collides(&b, &a));
    return address_collides(&a, &b);
}

static void the_same_address_and_a_wildcard_for_it_collide(void **state)
{
    (void)state;
    assert_true(collide("127.0.0.1:80", "127.0.0.1:80"));
    assert_true(collide("127.0.0.1:80", "0.0.0.0:80"));
    assert_true(collide("127.0.0.1:80", "[::]:80"));
    assert_true(collide("0.0.0.0:80", "[::]:80"));
    assert_true(collide("[::1]:80", "[::]:80"));
    assert_true(collide("node:80", "0.0.0.0:80"));
    assert_true(collide("[::1]:80", "[0::1]:80"));
    assert_true(collide("Node:80", "node:80"));

    assert_false(collide("127.0.0.1:80", "127.0.0.1:81"));
    assert_false(collide("127.0.0.1:80", "0.0.0.0:81"));
    assert_false(collide("127.0.0.1:80", "127.0.0.2:80"));
    assert_false(collide("127.0.0.1:80", "[::1]:80"));
    assert_false(collide("0.0.0.0:80", "[::1]:80"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_all_kinds_are_taken),
        cmocka_unit_test(every_mistake_has_its_words),
        cmocka_unit_test(a_host_has_at_most_253_bytes),
        cmocka_unit_test(an_url_is_tcp_and_can_be_connected_to),
        cmocka_unit_test(the_same_address_and_a_wildcard_for_it_collide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
