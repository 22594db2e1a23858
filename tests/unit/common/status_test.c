/* Does every status have its words? */
#include "common/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_status_has_words_of_its_own(void **state)
{
    (void)state;
    static const enum status all[] = {
#define STATUS_CODE(code, text) code,
        STATUS_TABLE(STATUS_CODE)
#undef STATUS_CODE
    };
    const size_t count = sizeof all / sizeof all[0];

    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(status_text(all[i])) > 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(status_text(all[i]), status_text(all[j]));
        }
    }
}

static void ok_is_zero_and_ok_in_words(void **state)
{
    (void)state;
    assert_int_equal(STATUS_OK, 0);
    assert_string_equal(status_text(STATUS_OK), "ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_words_of_its_own),
        cmocka_unit_test(ok_is_zero_and_ok_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
