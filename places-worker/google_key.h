/* The key for Google, from a file or the environment: never from the command line, never into a
 * log. */
#ifndef PLACES_WORKER_GOOGLE_KEY_H
#define PLACES_WORKER_GOOGLE_KEY_H

#include "common/buffer.h"
#include "common/status.h"

#define GOOGLE_KEY_VARIABLE "HERD_GOOGLE_KEY"

enum { GOOGLE_KEY_MAX = 256 };

/*
 * Reads the key from `file`, or where that is NULL from the variable, with a terminator and without
 * the white space around it. On failure *complaint gets one line that says where the key was looked
 * for and what is wrong with it (not the key): STATUS_NOT_FOUND, STATUS_NOT_PERMITTED,
 * STATUS_MALFORMED (empty, too long, not one word), STATUS_IO.
 */
enum status google_key_read(
    const char *file, char ret_key[GOOGLE_KEY_MAX + 1], struct buffer *complaint) MUST_USE;

#endif
