/* Told as cmocka's failures. */
#include "tests/support/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void expect_bytes(struct slice got, const char *wanted)
{
    if (!slice_equals(got, slice_of(wanted))) {
        fail_msg("wanted\n%s\ngot\n%.*s", wanted, (int)got.length, got.length > 0 ? got.data : "");
    }
}
