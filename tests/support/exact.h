/* Copies in heap blocks of exactly their size: the sanitizer sees every read beyond the last byte.
 */
#ifndef TESTS_SUPPORT_EXACT_H
#define TESTS_SUPPORT_EXACT_H

#include "common/slice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A new block, to be freed; NULL for no bytes, where any read at all is one too many. */
static inline char *exact_copy(const char *bytes, size_t length)
{
    if (length == 0) {
        return NULL;
    }
    char *block = malloc(length);
    assert(block != NULL);
    memcpy(block, bytes, length);
    return block;
}

#endif
