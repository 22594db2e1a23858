/* Whether the bytes a server sent are the answer that a command must get. */
#include "tests/bench/reply_checker.h"

#include <assert.h>
#include <string.h>

enum { FRACTION_DIGITS = 9, SECONDS_DIGITS_MAX = 10 };

static struct reply incomplete(void)
{
    return (struct reply){.verdict = REPLY_INCOMPLETE};
}

/* Wrong up to the line end; while there is none, it may only be called wrong when more bytes cannot
 * mend it. */
static struct reply wrong(struct slice bytes)
{
    const char *end = memchr(bytes.data, '\n', bytes.length);
    size_t length = end == NULL ? bytes.length : (size_t)(end - bytes.data) + 1;
    return (struct reply){.verdict = REPLY_WRONG, .length = length};
}

/* `expected` at the start of the bytes, or as much of it as there are bytes. */
static bool starts_like(struct slice bytes, struct slice expected)
{
    size_t length = bytes.length < expected.length ? bytes.length : expected.length;
    return length == 0 || memcmp(bytes.data, expected.data, length) == 0;
}

/* `? `, the command, a line end. */
static struct reply check_refusal(struct slice bytes, struct slice command)
{
    size_t length = 2 + command.length + 1;
    struct slice mark = slice_of_bytes("? ", 2);
    bool is_like = starts_like(bytes, mark) &&
                   (bytes.length <= 2 || starts_like(slice_from(bytes, 2), command)) &&
                   (bytes.length < length || bytes.data[length - 1] == '\n');
    if (!is_like) {
        return wrong(bytes);
    }
    if (bytes.length < length) {
        return incomplete();
    }
    return (struct reply){.verdict = REPLY_REFUSED, .length = length};
}

/* Moves *at over digits, at least one and at most `max`; false: others, or the bytes end. */
static bool skip_digits(const char **at, const char *end, size_t max)
{
    const char *start = *at;
    while (*at < end && slice_is_digit(**at)) {
        (*at)++;
    }
    return *at > start && (size_t)(*at - start) <= max && *at < end;
}

/*
 * Moves *at over ` NAME +S.NNNNNNNNN `, all of it before `end`; false: the form is broken, or the
 * bytes end in the middle of it.
 */
static bool skip_server_and_difference(const char **at, const char *end, struct slice *ret_server)
{
    const char *name = *at;
    size_t left = (size_t)(end - name);
    const char *space =
        memchr(name, ' ', left < REPLY_SERVER_NAME_MAX ? left : REPLY_SERVER_NAME_MAX);
    if (space == NULL || space == name) {
        return false;
    }
    const char *cursor = space + 1;
    if (cursor == end || (*cursor != '+' && *cursor != '-')) {
        return false;
    }
    cursor++;
    if (!skip_digits(&cursor, end, SECONDS_DIGITS_MAX) || *cursor != '.') {
        return false;
    }
    const char *fraction = ++cursor;
    if (!skip_digits(&cursor, end, FRACTION_DIGITS) || cursor - fraction != FRACTION_DIGITS ||
        *cursor != ' ') {
        return false;
    }
    *ret_server = slice_of_bytes(name, (size_t)(space - name));
    *at = cursor + 1;
    return true;
}

/* What is wrong only because the line is not all there yet is incomplete: more than this is no AT
 * line. */
static struct reply wrong_or_incomplete(struct slice bytes, struct slice report)
{
    size_t line_max = 3 + REPLY_SERVER_NAME_MAX + 1 + SECONDS_DIGITS_MAX + 1 + FRACTION_DIGITS + 1 +
                      report.length + 1;
    bool has_line = memchr(bytes.data, '\n', bytes.length) != NULL;
    return has_line || bytes.length > line_max ? wrong(bytes) : incomplete();
}

struct reply reply_check_iamat(struct slice bytes, struct slice command, struct slice report)
{
    static const char mark[] = "AT ";
    if (bytes.length < sizeof mark - 1) {
        return bytes.length > 0 && bytes.data[0] == '?' ? check_refusal(bytes, command)
                                                        : wrong_or_incomplete(bytes, report);
    }
    if (memcmp(bytes.data, mark, sizeof mark - 1) != 0) {
        return bytes.data[0] == '?' ? check_refusal(bytes, command) : wrong(bytes);
    }

    const char *at = bytes.data + sizeof mark - 1;
    const char *end = bytes.data + bytes.length;
    struct slice server;
    if (!skip_server_and_difference(&at, end, &server) || (size_t)(end - at) < report.length + 1) {
        return wrong_or_incomplete(bytes, report);
    }
    if (memcmp(at, report.data, report.length) != 0 || at[report.length] != '\n') {
        return wrong(bytes);
    }
    size_t length = (size_t)(at - bytes.data) + report.length + 1;
    return (struct reply){.verdict = REPLY_RIGHT, .length = length, .server = server};
}

/* Where the first two adjacent line ends start, searched from `from` on; the length of the bytes:
 * nowhere. */
static size_t find_empty_line(struct slice bytes, size_t from)
{
    const char *at = bytes.data + from;
    const char *end = bytes.data + bytes.length;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (at + 1 < end && at[1] == '\n') {
            return (size_t)(at - bytes.data);
        }
        at++;
    }
    return bytes.length;
}

struct reply reply_check_whatsat(
    struct slice bytes, size_t scanned_from, struct slice command, struct slice report)
{
    assert(scanned_from <= bytes.length);
    struct reply at_line = reply_check_iamat(bytes, command, report);
    if (at_line.verdict != REPLY_RIGHT) {
        return at_line;
    }

    /* One byte back: the first of the two line ends may have been the last byte that was seen. */
    size_t from = scanned_from > at_line.length ? scanned_from - 1 : at_line.length;
    size_t json_end = find_empty_line(bytes, from);
    if (json_end == bytes.length) {
        return incomplete();
    }
    size_t length = json_end + 2;
    struct slice json = slice_of_bytes(bytes.data + at_line.length, json_end - at_line.length);
    bool is_object = json.length >= 2 && json.data[0] == '{' && json.data[json.length - 1] == '}';
    if (!is_object) {
        return (struct reply){.verdict = REPLY_WRONG, .length = length};
    }
    return (struct reply){.verdict = REPLY_RIGHT, .length = length, .server = at_line.server};
}
