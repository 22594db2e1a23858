/* Copies in heap blocks of exactly their size: the sanitizer sees every read beyond the last byte.
 */
#ifndef TESTS_SUPPORT_EXACT_H
#define TESTS_SUPPORT_EXACT_H

#include "common/slice.h"

#include <stdlib.h>

/* A new block, even for no bytes. */
static inline char *exact_copy(const char *bytes, size_t length)
{
    char *block = malloc(length);
    assert(block != NULL || length == 0);
    if (length > 0) {
        memcpy(block, bytes, length);
    }
    return block;
}

#endif
