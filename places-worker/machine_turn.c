/* Locks of open files, which the kernel takes back from who dies, on two bytes. */
#include "places-worker/machine_turn.h"

#include "common/slice.h"
#include "places-worker/fnv_digest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/dev/shm" /* where shm_open has its names */

enum {
    OWNED_BYTE, /* locked by who has the turn */
    NEXT_BYTE,  /* and by who is the next: only he may take the other */
    BYTE_COUNT,
    MODE_ALL = 0666,
    OPEN_ATTEMPTS = 3,
};

struct machine_turn {
    char path[MACHINE_TURN_PATH_SIZE];
    int file; /* has the end of the rest, an int64_t of the monotonic clock */
    bool is_ours;
    bool is_next;
};

/* The subject may have a password in it; nobody gains from two subjects that share a turn. */
void machine_turn_path(const char *subject, char ret_path[MACHINE_TURN_PATH_SIZE])
{
    const uint64_t digest = fnv_digest(FNV_DIGEST_START, slice_of(subject));
    snprintf(ret_path, MACHINE_TURN_PATH_SIZE, "%s/herd-turn-%016" PRIx64, FOLDER, digest);
}

/* One that is there is opened without O_CREAT: systems refuse that for files of others in folders
 * that all may write. */
static int open_or_make(const char *path)
{
    const char *const name = path + strlen(FOLDER);
    int file = shm_open(name, O_RDWR, 0);
    for (int i = 0; i < OPEN_ATTEMPTS && file < 0 && errno == ENOENT; i++) {
        file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, MODE_ALL);
        if (file >= 0) {
            (void)fchmod(file, MODE_ALL); /* whatever the umask is: other users share it */
        } else if (errno == EEXIST) {
            file = shm_open(name, O_RDWR, 0);
        }
    }
    return file;
}

static enum status complain(const char *path, int error, struct buffer *complaint)
{
    const enum status status = error == EACCES || error == EPERM ? STATUS_NOT_PERMITTED : STATUS_IO;
    return buffer_append_format(complaint, "%s: %s", path, strerror(error)) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

enum status machine_turn_open(
    const char *subject, struct machine_turn **ret_turn, struct buffer *complaint)
{
    struct machine_turn *turn = calloc(1, sizeof *turn);
    if (turn == NULL) {
        return STATUS_NO_MEMORY;
    }
    machine_turn_path(subject, turn->path);
    turn->file = open_or_make(turn->path);
    if (turn->file < 0) {
        const enum status status = complain(turn->path, errno, complaint);
        free(turn);
        return status;
    }
    *ret_turn = turn;
    return STATUS_OK;
}

void machine_turn_close(struct machine_turn *turn)
{
    if (turn == NULL) {
        return;
    }
    (void)close(turn->file); /* its locks go with it */
    free(turn);
}

static bool set_lock(const struct machine_turn *turn, short type, off_t first, off_t count)
{
    const struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    return fcntl(turn->file, F_OFD_SETLK, &lock) == 0;
}

static bool take(struct machine_turn *turn)
{
    turn->is_next = turn->is_next || set_lock(turn, F_WRLCK, NEXT_BYTE, 1);
    turn->is_ours = turn->is_next && set_lock(turn, F_WRLCK, OWNED_BYTE, 1);
    if (turn->is_ours) {
        turn->is_next = !set_lock(turn, F_UNLCK, NEXT_BYTE, 1);
    }
    return turn->is_ours;
}

/* Systems clear /dev/shm of a user's files when the user logs out. */
static bool is_still_named(const struct machine_turn *turn)
{
    struct stat ours;
    struct stat named;
    return fstat(turn->file, &ours) == 0 && stat(turn->path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* False: there is no other file, so that it is best to go on with this one. */
static bool open_anew(struct machine_turn *turn)
{
    const int file = open_or_make(turn->path);
    if (file < 0) {
        return false;
    }
    (void)close(turn->file);
    turn->file = file;
    turn->is_ours = false;
    turn->is_next = false;
    return true;
}

bool machine_turn_try(struct machine_turn *turn)
{
    assert(!turn->is_ours);
    if (!take(turn)) {
        return false;
    }
    return is_still_named(turn) || !open_anew(turn) || take(turn);
}

void machine_turn_leave(struct machine_turn *turn)
{
    (void)set_lock(turn, F_UNLCK, OWNED_BYTE, BYTE_COUNT);
    turn->is_ours = false;
    turn->is_next = false;
}

struct instant machine_turn_rests_until(const struct machine_turn *turn)
{
    const struct instant last = instant_after_ms(instant_now(), MACHINE_TURN_REST_MAX_MS);
    const struct instant none = {.ns = INT64_MIN};
    struct instant until;
    assert(turn->is_ours);
    if (pread(turn->file, &until.ns, sizeof until.ns, 0) != sizeof until.ns ||
        instant_is_before(last, until)) {
        return none;
    }
    return until;
}

void machine_turn_rest(struct machine_turn *turn, struct instant until)
{
    assert(turn->is_ours);
    /* Without memory for 8 bytes, the others do not hear of it. */
    const ssize_t written = pwrite(turn->file, &until.ns, sizeof until.ns, 0);
    (void)written;
}
