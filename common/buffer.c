/* Owned bytes: growth by doubling, so that appending costs the same per byte however long it gets.
 */
#include "common/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

struct buffer buffer_with_max(size_t max)
{
    assert(max < SIZE_MAX);
    return (struct buffer){.max = max};
}

void buffer_clear(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = buffer_with_max(buffer->max);
}

void buffer_reset(struct buffer *buffer)
{
    buffer->length = 0;
}

/* The capacity for at least `wanted` bytes, which is at most max. */
static size_t next_capacity(const struct buffer *buffer, size_t wanted)
{
    if (buffer->max / 2 < buffer->capacity || buffer->max < CAPACITY_MIN) {
        return buffer->max;
    }
    size_t capacity = buffer->capacity * 2;
    if (capacity < CAPACITY_MIN) {
        capacity = CAPACITY_MIN;
    }
    return capacity < wanted ? wanted : capacity;
}

enum status buffer_reserve(struct buffer *buffer, size_t count, char **ret_room)
{
    if (count > buffer->max - buffer->length) {
        return STATUS_FULL;
    }
    if (count > buffer->capacity - buffer->length) {
        const size_t capacity = next_capacity(buffer, buffer->length + count);
        char *data = realloc(buffer->data, capacity + 1); /* + 1: see buffer_append_format */
        if (data == NULL) {
            return STATUS_NO_MEMORY;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    *ret_room = buffer->data == NULL ? NULL : buffer->data + buffer->length;
    return STATUS_OK;
}

void buffer_grow(struct buffer *buffer, size_t count)
{
    assert(count <= buffer->capacity - buffer->length);
    buffer->length += count;
}

enum status buffer_append(struct buffer *buffer, struct slice bytes)
{
    char *room;
    const enum status status = buffer_reserve(buffer, bytes.length, &room);
    if (status != STATUS_OK || bytes.length == 0) {
        return status;
    }
    assert(room != NULL);
    memcpy(room, bytes.data, bytes.length);
    buffer_grow(buffer, bytes.length);
    return STATUS_OK;
}

enum status buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, slice_of(text));
}

enum status buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);

    char *room;
    const enum status status = buffer_reserve(buffer, (size_t)length, &room);
    if (status != STATUS_OK || length == 0) {
        return status;
    }
    /* vsnprintf ends what it writes with a 0, for which every block has a byte beyond its capacity.
     */
    va_start(arguments, format);
    const int written = vsnprintf(room, (size_t)length + 1, format, arguments);
    va_end(arguments);
    assert(written == length);
    buffer_grow(buffer, (size_t)length);
    return STATUS_OK;
}

void buffer_truncate(struct buffer *buffer, size_t length)
{
    assert(length <= buffer->length);
    buffer->length = length;
}

void buffer_drop_front(struct buffer *buffer, size_t count)
{
    assert(count <= buffer->length);
    if (count == 0) {
        return;
    }
    memmove(buffer->data, buffer->data + count, buffer->length - count);
    buffer->length -= count;
}

struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of_bytes(buffer->data, buffer->length);
}

char *buffer_take(struct buffer *buffer, size_t *ret_length)
{
    char *data = buffer->data;
    *ret_length = buffer->length;
    *buffer = buffer_with_max(buffer->max);
    return data;
}
