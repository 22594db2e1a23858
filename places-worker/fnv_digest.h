/* A short name for bytes that have no other, or that nobody is to read (FNV-1a, 64 bits; pure). It
 * is no proof of anything: whoever wants two texts with the same digest finds them. */
#ifndef PLACES_WORKER_FNV_DIGEST_H
#define PLACES_WORKER_FNV_DIGEST_H

#include "common/slice.h"

#include <stdint.h>

/* Of no bytes. */
#define FNV_DIGEST_START UINT64_C(0xCBF29CE484222325)

/* Of all that `digest` is of, and then of these. */
uint64_t fnv_digest(uint64_t digest, struct slice bytes);

#endif
