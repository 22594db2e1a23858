/* What tests of providers share: a look-up to ask for, and an answer to be filled. */
#ifndef TESTS_SUPPORT_PROVIDER_CASE_H
#define TESTS_SUPPORT_PROVIDER_CASE_H

#include "common/message.h"
#include "places-worker/provider_answer.h"

struct nearby provider_case_nearby(
    double latitude, double longitude, double radius_m, unsigned results_max);

/* Set-up and tear-down of a test whose state is a struct provider_answer. */
int provider_case_make_answer(void **state);
int provider_case_drop_answer(void **state);

#define WITH_ANSWER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, provider_case_make_answer, provider_case_drop_answer)

#endif
