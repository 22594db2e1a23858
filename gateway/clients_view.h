/* What is counted of clients. */
#ifndef GATEWAY_CLIENTS_VIEW_H
#define GATEWAY_CLIENTS_VIEW_H

#include <stddef.h>
#include <stdint.h>

struct clients_view {
    size_t open;
    size_t waiting;   /* for room */
    size_t lingering; /* have all they are owed, and are to close */
    size_t held;      /* bytes */
    uint64_t accepted;
    uint64_t refused; /* because there were too many */
    uint64_t stuck;   /* closed for it */
    uint64_t lines_in;
    uint64_t replies;
    uint64_t replies_invalid; /* of them, those that begin with `?` */
    uint64_t bytes_in;
    uint64_t bytes_out;
};

#endif
