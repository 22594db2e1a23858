/* Is it the digest that ids in databases and the names of shared files are made of? */
#include "places-worker/fnv_digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t digest_of(const char *text)
{
    return fnv_digest(FNV_DIGEST_START, slice_of(text));
}

static void digests_are_those_of_fnv_1a(void **state)
{
    (void)state;
    assert_int_equal(digest_of(""), UINT64_C(0xCBF29CE484222325));
    assert_int_equal(digest_of("a"), UINT64_C(0xAF63DC4C8601EC8C));
    assert_int_equal(digest_of("foobar"), UINT64_C(0x85944171F73967E8));
}

static void bytes_count_whatever_their_value(void **state)
{
    (void)state;
    const uint64_t of_zero = fnv_digest(FNV_DIGEST_START, slice_of_bytes("\0", 1));

    assert_int_not_equal(of_zero, FNV_DIGEST_START);
    assert_int_equal(fnv_digest(of_zero, slice_of_bytes("\xFF", 1)),
        fnv_digest(FNV_DIGEST_START, slice_of_bytes("\0\xFF", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_fnv_1a),
        cmocka_unit_test(bytes_count_whatever_their_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
