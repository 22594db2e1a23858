/* One text of all names. */
#include "tests/support/found_places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { NAMES_MAX = 256 };

void found_places_expect(const struct place_results *found, const char *wanted)
{
    char names[NAMES_MAX] = "";
    size_t length = 0;
    for (size_t i = 0; i < found->count; i++) {
        const struct slice name = found->places[i].name;
        length += (size_t)snprintf(names + length,
            sizeof names - length,
            "%s%.*s",
            i > 0 ? " " : "",
            (int)name.length,
            name.data);
        assert_in_range(length, 1, sizeof names - 1);
    }
    assert_string_equal(names, wanted);
}
