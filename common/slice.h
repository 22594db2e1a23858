/* Borrowed bytes, and the small steps that parse them. No locale matters: bytes are bytes. */
#ifndef COMMON_SLICE_H
#define COMMON_SLICE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. data may be NULL only where length is 0. */
struct slice {
    const char *data;
    size_t length;
};

/* The bytes of a C string without its terminator; borrowed from it. */
struct slice slice_of(const char *text);

static inline struct slice slice_of_bytes(const char *data, size_t length)
{
    return (struct slice){.data = data, .length = length};
}

/* The part of `slice` that starts at `offset` (at most length). */
static inline struct slice slice_from(struct slice slice, size_t offset)
{
    assert(offset <= slice.length);
    if (offset == 0) { /* data may be NULL, to which not even 0 may be added */
        return slice;
    }
    return slice_of_bytes(slice.data + offset, slice.length - offset);
}

static inline bool slice_equals(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* Below 0, 0 or above 0: order of unsigned bytes; a prefix comes first. */
int slice_compare(struct slice a, struct slice b);

/* White space of the line protocol: space, tab, CR, LF, form feed, vertical tab. */
static inline bool slice_is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static inline bool slice_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The next run of bytes that are no white space, moving `*rest` behind it; length 0: none is left.
 */
struct slice slice_next_word(struct slice *rest);

/* Moves `*rest` over one `byte`, if it starts with it. */
static inline bool slice_take_byte(struct slice *rest, char byte)
{
    if (rest->length == 0 || rest->data[0] != byte) {
        return false;
    }
    *rest = slice_from(*rest, 1);
    return true;
}

/* The leading decimal digits of `*rest` (maybe none), moving `*rest` behind them. */
static inline struct slice slice_take_digits(struct slice *rest)
{
    size_t length = 0;
    while (length < rest->length && slice_is_digit(rest->data[length])) {
        length++;
    }
    const struct slice digits = slice_of_bytes(rest->data, length);
    *rest = slice_from(*rest, length);
    return digits;
}

/* The value of digits only (one or more), at most `max`; *ret_value is written on success only. */
bool slice_parse_number(struct slice digits, uint64_t max, uint64_t *ret_value);

#endif
