/* Plain values. */
#include "tests/support/provider_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct nearby provider_case_nearby(
    double latitude, double longitude, double radius_m, unsigned results_max)
{
    return (struct nearby){
        .location = {latitude, longitude}, .radius_m = radius_m, .results_max = results_max};
}

int provider_case_make_answer(void **state)
{
    struct provider_answer *const answer = malloc(sizeof *answer);
    assert_non_null(answer);
    *answer = provider_answer_none();
    *state = answer;
    return 0;
}

int provider_case_drop_answer(void **state)
{
    provider_answer_clear(*state);
    free(*state);
    return 0;
}
