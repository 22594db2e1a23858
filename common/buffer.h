/* Owned bytes that grow up to a maximum given at birth. */
#ifndef COMMON_BUFFER_H
#define COMMON_BUFFER_H

#include "common/slice.h"
#include "common/status.h"

/*
 * data[0 .. length) is valid. Appending moves data: no slice into it survives an append.
 * An appending call either does all of it or nothing, and then says STATUS_FULL (length would pass
 * max) or STATUS_NO_MEMORY.
 */
struct buffer {
    char *data;
    size_t length;
    size_t capacity;
    size_t max;
};

/* Empty, without memory until the first append. max < SIZE_MAX. */
struct buffer buffer_with_max(size_t max);

/* Frees the memory; the buffer is empty afterwards and may be used again. */
void buffer_clear(struct buffer *buffer);

/* Empties it and keeps the memory. */
void buffer_reset(struct buffer *buffer);

enum status buffer_append(struct buffer *buffer, struct slice bytes) MUST_USE;
enum status buffer_append_text(struct buffer *buffer, const char *text) MUST_USE;

/* Formats as printf does; for text that is built rarely. */
enum status buffer_append_format(struct buffer *buffer, const char *format, ...) MUST_USE
    __attribute__((format(printf, 2, 3)));

/*
 * Makes room for `count` more bytes and shows it; buffer_grow() then makes what was written part of
 * the buffer. *ret_room may be NULL where `count` is 0.
 */
enum status buffer_reserve(struct buffer *buffer, size_t count, char **ret_room) MUST_USE;
void buffer_grow(struct buffer *buffer, size_t count);

/* Cuts back to `length`, which is at most the present one. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Drops the first `count` bytes by moving the rest to the front. */
void buffer_drop_front(struct buffer *buffer, size_t count);

/* The content, borrowed until the buffer changes. */
struct slice buffer_slice(const struct buffer *buffer);

/* The ownership of the bytes moves to the caller (free()); the buffer is empty afterwards. */
char *buffer_take(struct buffer *buffer, size_t *ret_length);

#endif
