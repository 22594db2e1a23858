/* Where a command came from, so that its answer finds back without any pointer. */
#ifndef GATEWAY_ORIGIN_H
#define GATEWAY_ORIGIN_H

#include <stdint.h>

struct origin {
    uint32_t client;     /* its place in the table of clients */
    uint32_t generation; /* which of the clients that had this place */
    uint64_t ticket;     /* which of its commands (session.h) */
};

#endif
