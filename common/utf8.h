/* Which bytes are UTF-8. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

/* The length of the well-formed UTF-8 sequence at the start of `bytes`, which are at least one; 0:
 * there is none. */
size_t utf8_sequence_length(struct slice bytes);

/* Whether all of it is well-formed, and none of it a control character of ASCII. */
bool utf8_is_clean(struct slice text);

#endif
