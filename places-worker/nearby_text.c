/* A strict JSON scanner that builds nothing: it only finds out where values end. */
#include "places-worker/nearby_text.h"

#include "common/message.h"
#include "common/utf8.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- Scanning: each step moves `rest` behind what it found, and says false where it found
 * something else ---- */

static bool is_next(const struct slice *rest, char byte)
{
    return rest->length > 0 && rest->data[0] == byte;
}

static void skip_space(struct slice *rest)
{
    while (
        is_next(rest, ' ') || is_next(rest, '\n') || is_next(rest, '\t') || is_next(rest, '\r')) {
        *rest = slice_from(*rest, 1);
    }
}

static int hexadecimal_value(char byte)
{
    if (slice_is_digit(byte)) {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Four hexadecimal digits. */
static bool take_code_unit(struct slice *rest, uint32_t *ret_unit)
{
    if (rest->length < 4) {
        return false;
    }
    uint32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        const int value = hexadecimal_value(rest->data[i]);
        if (value < 0) {
            return false;
        }
        unit = unit * 16 + (uint32_t)value;
    }
    *rest = slice_from(*rest, 4);
    *ret_unit = unit;
    return true;
}

/* What a one-letter escape stands for; 0: there is no such escape. */
static char escaped_byte(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* What follows a backslash. */
static bool skip_escape(struct slice *rest)
{
    uint32_t unit;
    if (slice_take_byte(rest, 'u')) {
        return take_code_unit(rest, &unit);
    }
    if (rest->length == 0 || escaped_byte(rest->data[0]) == 0) {
        return false;
    }
    *rest = slice_from(*rest, 1);
    return true;
}

/* A string; *ret_content is what stands between its quotes. */
static bool take_string(struct slice *rest, struct slice *ret_content)
{
    if (!slice_take_byte(rest, '"')) {
        return false;
    }
    const struct slice content = *rest;
    while (rest->length > 0 && rest->data[0] != '"') {
        if (slice_take_byte(rest, '\\')) {
            if (!skip_escape(rest)) {
                return false;
            }
            continue;
        }
        const size_t length = (unsigned char)rest->data[0] < 0x20 ? 0 : utf8_sequence_length(*rest);
        if (length == 0) {
            return false;
        }
        *rest = slice_from(*rest, length);
    }
    *ret_content = slice_of_bytes(content.data, content.length - rest->length);
    return slice_take_byte(rest, '"');
}

static bool skip_number(struct slice *rest)
{
    slice_take_byte(rest, '-');
    const struct slice whole = slice_take_digits(rest);
    if (whole.length == 0 || (whole.length > 1 && whole.data[0] == '0')) {
        return false;
    }
    if (slice_take_byte(rest, '.') && slice_take_digits(rest).length == 0) {
        return false;
    }
    if (slice_take_byte(rest, 'e') || slice_take_byte(rest, 'E')) {
        if (!slice_take_byte(rest, '+')) {
            slice_take_byte(rest, '-');
        }
        return slice_take_digits(rest).length > 0;
    }
    return true;
}

static bool skip_word(struct slice *rest, const char *word)
{
    const struct slice wanted = slice_of(word);
    if (rest->length < wanted.length ||
        !slice_equals(slice_of_bytes(rest->data, wanted.length), wanted)) {
        return false;
    }
    *rest = slice_from(*rest, wanted.length);
    return true;
}

/* The key of a member with the colon, and the white space around both. */
static bool take_key(struct slice *rest, struct slice *ret_key)
{
    skip_space(rest);
    if (!take_string(rest, ret_key)) {
        return false;
    }
    skip_space(rest);
    return slice_take_byte(rest, ':');
}

/* Behind a value: a comma (*ret_is_last = false) or the closing bracket. */
static bool take_separator(struct slice *rest, char closing, bool *ret_is_last)
{
    skip_space(rest);
    *ret_is_last = is_next(rest, closing);
    return slice_take_byte(rest, closing) || slice_take_byte(rest, ',');
}

/* Behind an opening bracket: whether it is closed at once. */
static bool is_closed_at_once(struct slice *rest, char closing)
{
    skip_space(rest);
    return slice_take_byte(rest, closing);
}

static bool skip_value(struct slice *rest, unsigned depth);

/* Elements or members, behind the opening bracket; `depth` is that of what they stand in. */
static bool skip_content(struct slice *rest, char closing, unsigned depth)
{
    if (depth > NEARBY_TEXT_DEPTH_MAX) {
        return false;
    }
    if (is_closed_at_once(rest, closing)) {
        return true;
    }
    bool is_last;
    do {
        struct slice key;
        if (closing == '}' && !take_key(rest, &key)) {
            return false;
        }
        if (!skip_value(rest, depth) || !take_separator(rest, closing, &is_last)) {
            return false;
        }
    } while (!is_last);
    return true;
}

/* A value with the white space before it, in something of this depth. */
static bool skip_value(struct slice *rest, unsigned depth)
{
    struct slice content;
    skip_space(rest);
    if (slice_take_byte(rest, '{')) {
        return skip_content(rest, '}', depth + 1);
    }
    if (slice_take_byte(rest, '[')) {
        return skip_content(rest, ']', depth + 1);
    }
    if (is_next(rest, '"')) {
        return take_string(rest, &content);
    }
    return skip_number(rest) || skip_word(rest, "true") || skip_word(rest, "false") ||
           skip_word(rest, "null");
}

/* ---- Reading ---- */

/* How much of the body lies before `rest`. */
static size_t position(const struct nearby_text *text, struct slice rest)
{
    return text->body.length - rest.length;
}

/* The array behind the key "results". */
static bool read_results(struct slice *rest, struct nearby_text *text)
{
    const unsigned depth = 2; /* of the array */
    text->results_key_end = position(text, *rest);
    skip_space(rest);
    if (!slice_take_byte(rest, '[')) {
        return false;
    }
    bool is_last = is_closed_at_once(rest, ']');
    while (!is_last) {
        if (!skip_value(rest, depth)) {
            return false;
        }
        text->last_result_end = position(text, *rest);
        if (text->result_count < NEARBY_TEXT_RESULTS_MAX) {
            text->result_ends[text->result_count] = text->last_result_end;
        }
        text->result_count++;
        if (!take_separator(rest, ']', &is_last)) {
            return false;
        }
    }
    text->results_end = position(text, *rest);
    return true;
}

static bool read_text(struct slice *rest, struct slice *ret_content)
{
    skip_space(rest);
    return take_string(rest, ret_content);
}

/* A member of the whole object; `results` twice would leave open which of them counts. */
static bool read_member(struct slice *rest, struct nearby_text *text)
{
    struct slice key;
    if (!take_key(rest, &key)) {
        return false;
    }
    if (slice_equals(key, slice_of("results"))) {
        return text->results_end == 0 && read_results(rest, text);
    }
    if (slice_equals(key, slice_of("status"))) {
        return read_text(rest, &text->status);
    }
    if (slice_equals(key, slice_of("error_message"))) {
        return read_text(rest, &text->error_message);
    }
    return skip_value(rest, 1);
}

enum status nearby_text_read(struct slice body, struct nearby_text *ret_text)
{
    if (body.length > MESSAGE_PLACES_MAX) {
        return STATUS_FULL;
    }
    struct nearby_text text = {.body = body};
    struct slice rest = body;
    skip_space(&rest);
    if (!slice_take_byte(&rest, '{')) {
        return STATUS_MALFORMED;
    }
    bool is_last;
    do { /* an object without members has no results either */
        if (!read_member(&rest, &text) || !take_separator(&rest, '}', &is_last)) {
            return STATUS_MALFORMED;
        }
    } while (!is_last);
    skip_space(&rest);
    if (rest.length > 0 || text.results_end == 0) {
        return STATUS_MALFORMED;
    }
    *ret_text = text;
    return STATUS_OK;
}

/* ---- Writing ---- */

/* Appends `bytes` without the newlines that follow a newline or begin the text at `start`. */
static enum status append_part(struct buffer *output, size_t start, struct slice bytes)
{
    while (bytes.length > 0) {
        const bool follows_newline =
            output->length == start || output->data[output->length - 1] == '\n';
        if (follows_newline && slice_take_byte(&bytes, '\n')) {
            continue;
        }
        size_t length = 0;
        while (length < bytes.length && bytes.data[length] != '\n') {
            length++;
        }
        length += length < bytes.length ? 1 : 0;
        const enum status status = buffer_append(output, slice_of_bytes(bytes.data, length));
        if (status != STATUS_OK) {
            return status;
        }
        bytes = slice_from(bytes, length);
    }
    return STATUS_OK;
}

/* The text of an empty array as Google writes it, whatever stood between the key and the first
 * bracket. */
static const char empty_results[] = " []";

enum status nearby_text_append(
    const struct nearby_text *text, size_t results_max, struct buffer *output)
{
    const struct slice body = text->body;
    const size_t start = output->length;
    assert(results_max <= NEARBY_TEXT_RESULTS_MAX);

    size_t cut_from = body.length;
    size_t cut_to = body.length;
    const char *replacement = "";
    if (results_max < text->result_count && results_max > 0) {
        cut_from = text->result_ends[results_max - 1];
        cut_to = text->last_result_end;
    } else if (results_max < text->result_count) {
        cut_from = text->results_key_end;
        cut_to = text->results_end;
        replacement = empty_results;
    }

    enum status status = append_part(output, start, slice_of_bytes(body.data, cut_from));
    if (status == STATUS_OK) {
        status = append_part(output, start, slice_of(replacement));
    }
    if (status == STATUS_OK) {
        status = append_part(output, start, slice_from(body, cut_to));
    }
    if (status == STATUS_OK && output->length > start && output->data[output->length - 1] == '\n') {
        buffer_truncate(output, output->length - 1);
    }
    return status;
}

/* ---- Plain text ---- */

enum { REPLACEMENT = 0xFFFD };

static bool is_high_surrogate(uint32_t unit)
{
    return unit >= 0xD800 && unit < 0xDC00;
}

static bool is_low_surrogate(uint32_t unit)
{
    return unit >= 0xDC00 && unit < 0xE000;
}

/* The character of an escape `\uXXXX`, whose `u` has been taken, and of the other half where it
 * needs one. */
static uint32_t take_character(struct slice *rest)
{
    uint32_t high;
    uint32_t low;
    if (!take_code_unit(rest, &high)) {
        return REPLACEMENT;
    }
    if (!is_high_surrogate(high)) {
        return is_low_surrogate(high) ? REPLACEMENT : high;
    }
    struct slice ahead = *rest;
    if (!slice_take_byte(&ahead, '\\') || !slice_take_byte(&ahead, 'u') ||
        !take_code_unit(&ahead, &low) || !is_low_surrogate(low)) {
        return REPLACEMENT;
    }
    *rest = ahead;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* RFC 3629, section 3. */
static size_t encode_utf8(uint32_t character, char ret_bytes[4])
{
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    const size_t length = character < 0x80      ? 1
                          : character < 0x800   ? 2
                          : character < 0x10000 ? 3
                                                : 4;
    for (size_t i = length - 1; i > 0; i--) {
        ret_bytes[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    ret_bytes[0] = (char)(leads[length] | character);
    return length;
}

enum status nearby_text_append_plain(struct slice escaped, struct buffer *output)
{
    while (escaped.length > 0) {
        char bytes[4] = {escaped.data[0]};
        size_t length = 1;
        escaped = slice_from(escaped, 1);
        if (bytes[0] == '\\' && slice_take_byte(&escaped, 'u')) {
            length = encode_utf8(take_character(&escaped), bytes);
        } else if (bytes[0] == '\\' && escaped.length > 0) {
            bytes[0] = escaped_byte(escaped.data[0]);
            escaped = slice_from(escaped, 1);
        }
        const enum status status = buffer_append(output, slice_of_bytes(bytes, length));
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
