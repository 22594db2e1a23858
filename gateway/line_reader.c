/* Looks at every byte once, even if they come one at a time. */
#include "gateway/line_reader.h"

#include <assert.h>

struct line_reader line_reader_with_max(size_t line_max)
{
    return (struct line_reader){.line_max = line_max, .scanned = 0, .is_discarding = false};
}

/* The offset of the first LF, or the length if there is none. */
static size_t find_line_feed(struct slice bytes, size_t from)
{
    if (from == bytes.length) {
        return bytes.length;
    }
    const char *found = memchr(bytes.data + from, '\n', bytes.length - from);
    return found == NULL ? bytes.length : (size_t)(found - bytes.data);
}

/* Skips the rest of a line that was too long; true when its end was found. */
static bool discard(struct line_reader *reader, struct slice *rest, bool is_end)
{
    const size_t end = find_line_feed(*rest, 0);
    const bool is_found = end < rest->length;
    *rest = slice_from(*rest, is_found ? end + 1 : end);
    reader->is_discarding = !is_found && !is_end;
    return is_found;
}

enum line_result line_reader_next(struct line_reader *reader,
    struct slice unread,
    bool is_end,
    struct slice *ret_line,
    size_t *ret_consumed)
{
    assert(reader->scanned <= unread.length);
    struct slice rest = unread;
    if (reader->is_discarding && !discard(reader, &rest, is_end)) {
        *ret_consumed = unread.length;
        return LINE_NEED_MORE;
    }

    const size_t skipped = unread.length - rest.length;
    const size_t end = find_line_feed(rest, reader->scanned);
    const bool is_found = end < rest.length;
    const bool ends_in_cr = end > 0 && rest.data[end - 1] == '\r';
    /* A last CR belongs to the line only if no LF can follow it any more. */
    const size_t length = ends_in_cr && !(is_end && !is_found) ? end - 1 : end;

    if (length > reader->line_max) {
        *ret_line = slice_of_bytes(rest.data, reader->line_max);
        *ret_consumed = skipped + reader->line_max;
        reader->scanned = 0;
        reader->is_discarding = true;
        return LINE_TOO_LONG;
    }
    if (!is_found && (!is_end || rest.length == 0)) {
        *ret_consumed = skipped;
        reader->scanned = rest.length;
        return LINE_NEED_MORE;
    }
    *ret_line = slice_of_bytes(rest.data, length);
    *ret_consumed = skipped + (is_found ? end + 1 : end);
    reader->scanned = 0;
    return LINE_READY;
}
