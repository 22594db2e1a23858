/* Each call looks at the bytes that are left and moves on only over what is right. */
#include "places-worker/json_cursor.h"

#include "common/utf8.h"

#include <stdint.h>

enum { EXPONENT_MAX = 400 };

struct json_cursor json_cursor_over(struct slice text)
{
    return (struct json_cursor){.rest = text, .is_first = true, .status = STATUS_OK};
}

bool json_cursor_fail(struct json_cursor *cursor, enum status status)
{
    if (cursor->status == STATUS_OK) {
        cursor->status = status;
    }
    cursor->rest.length = 0;
    return false;
}

/* The first byte that is left; 0: there is none. */
static char first_byte(const struct json_cursor *cursor)
{
    if (cursor->rest.length == 0) {
        return '\0';
    }
    return cursor->rest.data[0];
}

static void skip_space(struct json_cursor *cursor)
{
    size_t length = 0;
    while (length < cursor->rest.length) {
        const char byte = cursor->rest.data[length];
        if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r') {
            break;
        }
        length++;
    }
    cursor->rest = slice_from(cursor->rest, length);
}

static bool take(struct json_cursor *cursor, char byte)
{
    return slice_take_byte(&cursor->rest, byte) || json_cursor_fail(cursor, STATUS_MALFORMED);
}

char json_cursor_peek(struct json_cursor *cursor)
{
    skip_space(cursor);
    return first_byte(cursor);
}

bool json_cursor_open(struct json_cursor *cursor, char bracket)
{
    skip_space(cursor);
    if (!take(cursor, bracket)) {
        return false;
    }
    cursor->is_first = true;
    return true;
}

/* Whether something stands before the closing bracket, which is taken if not. */
static bool has_next(struct json_cursor *cursor, char bracket)
{
    skip_space(cursor);
    if (slice_take_byte(&cursor->rest, bracket)) {
        cursor->is_first = false;
        return false;
    }
    if (!cursor->is_first && !take(cursor, ',')) {
        return false;
    }
    if (cursor->rest.length == 0) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    return cursor->status == STATUS_OK;
}

bool json_cursor_member(struct json_cursor *cursor, struct buffer *key)
{
    buffer_reset(key);
    if (!has_next(cursor, '}') || !json_cursor_text(cursor, key)) {
        return false;
    }
    skip_space(cursor);
    return take(cursor, ':');
}

bool json_cursor_element(struct json_cursor *cursor)
{
    return has_next(cursor, ']');
}

/* ---- Texts ---- */

static bool append(struct json_cursor *cursor, struct buffer *text, struct slice bytes)
{
    const enum status status = text == NULL ? STATUS_OK : buffer_append(text, bytes);
    return status == STATUS_OK || json_cursor_fail(cursor, status);
}

static bool take_hexadecimal(struct json_cursor *cursor, uint32_t *ret_unit)
{
    uint32_t unit = 0;
    for (unsigned i = 0; i < 4; i++) {
        const char byte = first_byte(cursor);
        uint32_t digit;
        if (slice_is_digit(byte)) {
            digit = (uint32_t)(byte - '0');
        } else if (byte >= 'a' && byte <= 'f') {
            digit = (uint32_t)(byte - 'a') + 10;
        } else if (byte >= 'A' && byte <= 'F') {
            digit = (uint32_t)(byte - 'A') + 10;
        } else {
            return json_cursor_fail(cursor, STATUS_MALFORMED);
        }
        unit = unit << 4 | digit;
        cursor->rest = slice_from(cursor->rest, 1);
    }
    *ret_unit = unit;
    return true;
}

static bool append_code_point(struct json_cursor *cursor, struct buffer *text, uint32_t point)
{
    char bytes[4];
    size_t length = 0;
    if (point < 0x80) {
        bytes[length++] = (char)point;
    } else if (point < 0x800) {
        bytes[length++] = (char)(0xC0 | point >> 6);
        bytes[length++] = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        bytes[length++] = (char)(0xE0 | point >> 12);
        bytes[length++] = (char)(0x80 | (point >> 6 & 0x3F));
        bytes[length++] = (char)(0x80 | (point & 0x3F));
    } else {
        bytes[length++] = (char)(0xF0 | point >> 18);
        bytes[length++] = (char)(0x80 | (point >> 12 & 0x3F));
        bytes[length++] = (char)(0x80 | (point >> 6 & 0x3F));
        bytes[length++] = (char)(0x80 | (point & 0x3F));
    }
    return append(cursor, text, slice_of_bytes(bytes, length));
}

/* Behind `\u`: one unit of UTF-16, or a pair of two. */
static bool take_unicode(struct json_cursor *cursor, struct buffer *text)
{
    uint32_t point = 0;
    if (!take_hexadecimal(cursor, &point)) {
        return false;
    }
    if (point >= 0xDC00 && point <= 0xDFFF) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    if (point >= 0xD800 && point <= 0xDBFF) {
        uint32_t low = 0;
        if (!take(cursor, '\\') || !take(cursor, 'u') || !take_hexadecimal(cursor, &low)) {
            return false;
        }
        if (low < 0xDC00 || low > 0xDFFF) {
            return json_cursor_fail(cursor, STATUS_MALFORMED);
        }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    return append_code_point(cursor, text, point);
}

/* Behind a backslash. */
static bool take_escape(struct json_cursor *cursor, struct buffer *text)
{
    static const char names[] = "\"\\/bfnrtu";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char name = first_byte(cursor);
    const char *const at = name == '\0' ? NULL : strchr(names, name);
    if (at == NULL) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    cursor->rest = slice_from(cursor->rest, 1);
    return name == 'u' ? take_unicode(cursor, text)
                       : append(cursor, text, slice_of_bytes(&meanings[at - names], 1));
}

/* Behind the opening quote; the length of what needs no resolving, 0 if nothing does. */
static size_t plain_length(struct slice rest)
{
    size_t length = 0;
    while (length < rest.length) {
        const unsigned char byte = (unsigned char)rest.data[length];
        if (byte == '"' || byte == '\\' || byte < 0x20) {
            break;
        }
        const size_t sequence = byte < 0x80 ? 1 : utf8_sequence_length(slice_from(rest, length));
        if (sequence == 0) {
            break;
        }
        length += sequence;
    }
    return length;
}

/* text NULL: only passes over it. */
static bool take_text(struct json_cursor *cursor, struct buffer *text)
{
    skip_space(cursor);
    if (!take(cursor, '"')) {
        return false;
    }
    while (cursor->rest.length > 0) {
        const size_t length = plain_length(cursor->rest);
        if (!append(cursor, text, slice_of_bytes(cursor->rest.data, length))) {
            return false;
        }
        cursor->rest = slice_from(cursor->rest, length);
        if (slice_take_byte(&cursor->rest, '"')) {
            cursor->is_first = false;
            return true;
        }
        if (!take(cursor, '\\') || !take_escape(cursor, text)) {
            return false;
        }
    }
    return json_cursor_fail(cursor, STATUS_MALFORMED);
}

bool json_cursor_text(struct json_cursor *cursor, struct buffer *text)
{
    return take_text(cursor, text);
}

/* ---- Numbers ---- */

/* Decimal digits as a whole number, and where its point would be. */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* One or more digits; those that have no room any more only count. */
static bool take_digits(struct json_cursor *cursor, struct decimal *decimal, bool is_fraction)
{
    const struct slice digits = slice_take_digits(&cursor->rest);
    if (digits.length == 0) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    for (size_t i = 0; i < digits.length; i++) {
        const bool has_room = decimal->digits < UINT64_C(1000000000000000000) / 10;
        if (has_room) {
            decimal->digits = decimal->digits * 10 + (uint64_t)(digits.data[i] - '0');
        }
        const int moved = is_fraction ? (has_room ? -1 : 0) : (has_room ? 0 : 1);
        if (decimal->exponent < EXPONENT_MAX && decimal->exponent > -EXPONENT_MAX) {
            decimal->exponent += moved;
        }
    }
    return true;
}

static bool take_exponent(struct json_cursor *cursor, struct decimal *decimal)
{
    const bool is_negative = slice_take_byte(&cursor->rest, '-');
    if (!is_negative) {
        slice_take_byte(&cursor->rest, '+');
    }
    const struct slice digits = slice_take_digits(&cursor->rest);
    if (digits.length == 0) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    uint64_t exponent = EXPONENT_MAX;
    if (!slice_parse_number(digits, EXPONENT_MAX, &exponent)) {
        exponent = EXPONENT_MAX;
    }
    decimal->exponent += is_negative ? -(int)exponent : (int)exponent;
    return true;
}

static double value_of(struct decimal decimal)
{
    double power = 1;
    const int distance = decimal.exponent < 0 ? -decimal.exponent : decimal.exponent;
    for (int i = 0; i < distance && power < 1e300; i++) {
        power *= 10;
    }
    const double digits = (double)decimal.digits;
    return decimal.exponent < 0 ? digits / power : digits * power;
}

bool json_cursor_number(struct json_cursor *cursor, double *ret_number)
{
    skip_space(cursor);
    const bool is_negative = slice_take_byte(&cursor->rest, '-');
    const bool starts_with_zero = cursor->rest.length > 0 && cursor->rest.data[0] == '0';
    struct decimal decimal = {0, 0};
    const size_t before = cursor->rest.length;
    if (!take_digits(cursor, &decimal, false)) {
        return false;
    }
    if (starts_with_zero && before - cursor->rest.length > 1) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    if (slice_take_byte(&cursor->rest, '.') && !take_digits(cursor, &decimal, true)) {
        return false;
    }
    if ((slice_take_byte(&cursor->rest, 'e') || slice_take_byte(&cursor->rest, 'E')) &&
        !take_exponent(cursor, &decimal)) {
        return false;
    }
    cursor->is_first = false;
    const double value = value_of(decimal);
    *ret_number = is_negative ? -value : value;
    return true;
}

/* ---- What is not wanted ---- */

static bool skip_word(struct json_cursor *cursor, const char *word)
{
    for (; *word != '\0'; word++) {
        if (!take(cursor, *word)) {
            return false;
        }
    }
    cursor->is_first = false;
    return true;
}

static bool skip_scalar(struct json_cursor *cursor)
{
    double number;
    switch (json_cursor_peek(cursor)) {
    case '"':
        return take_text(cursor, NULL);
    case 't':
        return skip_word(cursor, "true");
    case 'f':
        return skip_word(cursor, "false");
    case 'n':
        return skip_word(cursor, "null");
    default:
        return json_cursor_number(cursor, &number);
    }
}

bool json_cursor_skip(struct json_cursor *cursor)
{
    char closing[JSON_CURSOR_DEPTH_MAX]; /* of what is open, outermost first */
    size_t depth = 0;
    do {
        const char first = json_cursor_peek(cursor);
        if (first == '{' || first == '[') {
            if (depth == JSON_CURSOR_DEPTH_MAX) {
                return json_cursor_fail(cursor, STATUS_MALFORMED);
            }
            closing[depth++] = first == '{' ? '}' : ']';
            json_cursor_open(cursor, first);
        } else if (!skip_scalar(cursor)) {
            return false;
        }
        while (depth > 0 && !has_next(cursor, closing[depth - 1])) {
            if (cursor->status != STATUS_OK) {
                return false;
            }
            depth--;
        }
        if (depth > 0 && closing[depth - 1] == '}') {
            if (!take_text(cursor, NULL)) {
                return false;
            }
            skip_space(cursor);
            if (!take(cursor, ':')) {
                return false;
            }
        }
    } while (depth > 0);
    return true;
}

enum status json_cursor_finish(struct json_cursor *cursor)
{
    skip_space(cursor);
    if (cursor->rest.length > 0) {
        json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    return cursor->status;
}
