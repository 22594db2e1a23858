/*
 * A turn that the processes of a machine share, whosever they are: one at a time has it, and may
 * say until when nobody is to use it.
 *
 * It is a lock on a piece of shared memory, so it is free as soon as its owner ends, however that
 * ends; what was said about a rest stays. If somebody deletes it, it is made again. Processes that
 * see different /dev/shm, as in containers, do not share it. Nothing in here waits.
 *
 * Owns:   a descriptor; and 8 bytes in /dev/shm, which stay until the machine restarts.
 * Thread: one at a time.
 */
#ifndef PLACES_WORKER_MACHINE_TURN_H
#define PLACES_WORKER_MACHINE_TURN_H

#include "common/buffer.h"
#include "common/instant.h"
#include "common/status.h"

#include <stdbool.h>

struct machine_turn;

enum {
    MACHINE_TURN_REST_MAX_MS = 60 * 1000, /* whatever else is found there is not believed */
    MACHINE_TURN_PATH_SIZE = 64,
};

/* Where the turn with this subject lies, with terminator: everyone may read the path, but nobody
 * reads the subject from it. */
void machine_turn_path(const char *subject, char ret_path[MACHINE_TURN_PATH_SIZE]);

/*
 * Who opens the same subject shares the turn. On failure *complaint gets one line:
 * STATUS_NOT_PERMITTED, STATUS_IO, STATUS_NO_MEMORY.
 */
enum status machine_turn_open(
    const char *subject, struct machine_turn **ret_turn, struct buffer *complaint) MUST_USE;

/* Leaves it; NULL is allowed. */
void machine_turn_close(struct machine_turn *turn);

/*
 * True: it is ours until machine_turn_leave. False: it is another's; try again soon, or leave. Of
 * those who try, one is the next after its owner, so that nobody who leaves and tries again at once
 * keeps the others out.
 */
bool machine_turn_try(struct machine_turn *turn) MUST_USE;

/* Ends having it, or trying to. */
void machine_turn_leave(struct machine_turn *turn);

/* For who has it: nobody is to use it before then, who may have ended since. The past: no rest. */
struct instant machine_turn_rests_until(const struct machine_turn *turn);
void machine_turn_rest(struct machine_turn *turn, struct instant until);

#endif
