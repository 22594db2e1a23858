/* Exclusive or with each byte, and then times a prime. */
#include "places-worker/fnv_digest.h"

uint64_t fnv_digest(uint64_t digest, struct slice bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        digest = (digest ^ (unsigned char)bytes.data[i]) * UINT64_C(0x100000001B3);
    }
    return digest;
}
