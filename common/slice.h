/* Borrowed bytes, and the small steps that parse them. Independent of any locale: bytes are bytes. */
#ifndef COMMON_SLICE_H
#define COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. data may be NULL only where length is 0. */
struct slice {
    const char *data;
    size_t length;
};

/* The bytes of a C string without its terminator; borrowed from it. */
struct slice slice_of(const char *text);
struct slice slice_of_bytes(const char *data, size_t length);

/* The part of `slice` that starts at `offset` (at most length). */
struct slice slice_from(struct slice slice, size_t offset);

bool slice_equals(struct slice a, struct slice b);

/* Below 0, 0 or above 0: order of unsigned bytes; a prefix comes first. */
int slice_compare(struct slice a, struct slice b);

/* White space of the line protocol: space, tab, CR, LF, form feed, vertical tab. */
bool slice_is_space(char byte);
bool slice_is_digit(char byte);

/* The next run of bytes that are not white space, moving `*rest` behind it; length 0 when none is left. */
struct slice slice_next_word(struct slice *rest);

/* Moves `*rest` over one `byte`, if it starts with it. */
bool slice_take_byte(struct slice *rest, char byte);

/* The leading decimal digits of `*rest` (maybe none), moving `*rest` behind them. */
struct slice slice_take_digits(struct slice *rest);

/* The value of digits only (one or more), at most `max`; *ret_value is written on success only. */
bool slice_parse_number(struct slice digits, uint64_t max, uint64_t *ret_value);

#endif
