/*
 * Tells whether NNG's own machinery still works: a connection inside the process, made and torn
 * down again and again, needs its task threads, its timer and the one thread that clears away,
 * which is where NNG is known to hang for good (README.md, "NNG"). A process whose canary is dead
 * does best to exit and be started afresh.
 *
 * Owns:   two sockets without a file descriptor of the network.
 * Thread: the owner's; NNG's threads only note the time.
 */
#ifndef COMMON_CANARY_H
#define COMMON_CANARY_H

#include "common/instant.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CANARY_PERIOD_MS = 1000,  /* at most, from one connection to the next */
    CANARY_SILENCE_MS = 5000, /* after which it is taken for dead */
    CANARY_ASK_WITHIN_MS =
        1000 /* if its owner did not ask for longer, the whole process stood still */
};

struct canary;

/* STATUS_NO_MEMORY, STATUS_IO. */
enum status canary_create(struct canary **ret_canary) MUST_USE;

/* NULL is allowed; never hangs. */
void canary_destroy(struct canary *canary);

/*
 * Never waits. To be asked at least every CANARY_ASK_WITHIN_MS; after a longer pause (a stopped
 * process, a busy machine) the silence counts from `now`, since NNG's threads may have had no
 * chance either.
 */
bool canary_is_alive(struct canary *canary, struct instant now);

/* How many connections it has made. */
uint64_t canary_beats(struct canary *canary);

#endif
