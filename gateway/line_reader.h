/* Finds the lines in a stream of bytes, however they arrive. Pure; the bytes stay with the caller.
 */
#ifndef GATEWAY_LINE_READER_H
#define GATEWAY_LINE_READER_H

#include "common/slice.h"

#include <stdbool.h>
#include <stddef.h>

struct line_reader {
    size_t line_max;    /* bytes of a line without its end */
    size_t scanned;     /* bytes at the front of the unread ones that are known to hold no LF */
    bool is_discarding; /* within the rest of a line that was too long */
};

enum line_result {
    LINE_READY,     /* a line without its end: LF, CR LF, or the end of input */
    LINE_TOO_LONG,  /* the first line_max bytes of a line; its rest will be skipped */
    LINE_NEED_MORE, /* no line yet; at the end of input: none is left */
};

struct line_reader line_reader_with_max(size_t line_max);

/*
 * `unread`: every byte that is not consumed yet; `is_end`: none will follow them. The caller drops
 * the first *ret_consumed of them, whatever the result, before the next call. *ret_line is borrowed
 * from `unread`.
 */
enum line_result line_reader_next(struct line_reader *reader,
    struct slice unread,
    bool is_end,
    struct slice *ret_line,
    size_t *ret_consumed);

#endif
