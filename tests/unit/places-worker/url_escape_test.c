/* Can any text stand in a URL without adding to it? */
#include "places-worker/url_escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void only_unreserved_bytes_stay(void **state)
{
    (void)state;
    static const char wanted[] = "aZ09-._~%20%26%3D%23%2B%25%0A%C3%A9";
    struct buffer output = buffer_with_max(100);
    assert_int_equal(url_escape_append(&output, slice_of("aZ09-._~ &=#+%\n\xC3\xA9")), STATUS_OK);
    assert_int_equal(output.length, strlen(wanted));
    assert_memory_equal(output.data, wanted, output.length);
    buffer_clear(&output);
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    struct buffer output = buffer_with_max(2);
    assert_int_equal(url_escape_append(&output, slice_of(" ")), STATUS_FULL);
    buffer_clear(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_unreserved_bytes_stay),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
