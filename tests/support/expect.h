/* Comparisons whose failure shows what was wanted and what was got. */
#ifndef TESTS_SUPPORT_EXPECT_H
#define TESTS_SUPPORT_EXPECT_H

#include "common/slice.h"

void expect_bytes(struct slice got, const char *wanted);

#endif
