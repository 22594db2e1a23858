/* Lines and sequences are cut at one byte; elements by counting brackets outside of texts. */
#include "places-worker/record_splitter.h"

enum { WORD_MAX = 1023, DEPTH_MAX = 1000000 };

static const char record_separator = '\x1E';

void record_splitter_init(struct record_splitter *splitter, enum record_form form)
{
    *splitter = (struct record_splitter){
        .form = form,
        .record = buffer_with_max(RECORD_MAX),
        .word = buffer_with_max(WORD_MAX),
        .key = buffer_with_max(WORD_MAX),
        .remark = buffer_with_max(WORD_MAX),
    };
}

void record_splitter_clear(struct record_splitter *splitter)
{
    buffer_clear(&splitter->record);
    buffer_clear(&splitter->word);
    buffer_clear(&splitter->key);
    buffer_clear(&splitter->remark);
}

static void begin(struct record_splitter *splitter)
{
    buffer_reset(&splitter->record);
    splitter->is_too_long = false;
    splitter->is_begun = true;
    splitter->number++;
}

static void keep(struct record_splitter *splitter, struct slice bytes)
{
    if (!splitter->is_too_long && buffer_append(&splitter->record, bytes) != STATUS_OK) {
        splitter->is_too_long = true;
        buffer_reset(&splitter->record);
    }
}

static void end(struct record_splitter *splitter, struct record *ret_record)
{
    *ret_record = (struct record){buffer_slice(&splitter->record), splitter->is_too_long};
    splitter->is_begun = false;
}

/* How far it is to the first `byte`; the whole length if there is none. */
static size_t distance_to(struct slice bytes, char byte)
{
    const char *const at = bytes.length == 0 ? NULL : memchr(bytes.data, byte, bytes.length);
    return at == NULL ? bytes.length : (size_t)(at - bytes.data);
}

/* ---- Lines ---- */

static bool end_line(struct record_splitter *splitter, struct record *ret_record)
{
    struct buffer *const line = &splitter->record;
    if (line->length > 0 && line->data[line->length - 1] == '\r') {
        buffer_truncate(line, line->length - 1);
    }
    end(splitter, ret_record);
    return ret_record->bytes.length > 0 || ret_record->is_too_long;
}

static bool next_line(
    struct record_splitter *splitter, struct slice *chunk, struct record *ret_record)
{
    while (chunk->length > 0) {
        if (!splitter->is_begun) {
            begin(splitter);
        }
        const size_t length = distance_to(*chunk, '\n');
        keep(splitter, slice_of_bytes(chunk->data, length));
        *chunk = slice_from(*chunk, length);
        if (slice_take_byte(chunk, '\n') && end_line(splitter, ret_record)) {
            return true;
        }
    }
    return false;
}

/* ---- Sequences ---- */

/* What stands before the first separator is a record of its own: one that is wrong. */
static bool next_in_sequence(
    struct record_splitter *splitter, struct slice *chunk, struct record *ret_record)
{
    while (chunk->length > 0) {
        if (chunk->data[0] == record_separator) {
            const bool has_ended = splitter->is_begun && splitter->record.length > 0;
            if (has_ended || (splitter->is_begun && splitter->is_too_long)) {
                end(splitter, ret_record);
                return true;
            }
            if (!splitter->is_begun) {
                begin(splitter);
            }
            *chunk = slice_from(*chunk, 1);
            continue;
        }
        if (!splitter->is_begun) {
            begin(splitter);
        }
        const size_t length = distance_to(*chunk, record_separator);
        keep(splitter, slice_of_bytes(chunk->data, length));
        *chunk = slice_from(*chunk, length);
    }
    return false;
}

/* ---- Elements ---- */

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Follows a text from quote to quote; whether the byte is part of one, its closing quote included.
 */
static bool is_within_text(struct record_splitter *splitter, char byte)
{
    if (!splitter->is_in_text) {
        splitter->is_in_text = byte == '"';
        return splitter->is_in_text;
    }
    if (splitter->is_escaped) {
        splitter->is_escaped = false;
    } else if (byte == '\\') {
        splitter->is_escaped = true;
    } else if (byte == '"') {
        splitter->is_in_text = false;
    }
    return true;
}

static void copy(struct buffer *to, const struct buffer *from)
{
    buffer_reset(to);
    if (buffer_append(to, buffer_slice(from)) != STATUS_OK) {
        buffer_reset(to); /* only where memory is out; then it is no word that is known */
    }
}

static bool is_word(const struct buffer *word, const char *text)
{
    return slice_equals(buffer_slice(word), slice_of(text));
}

/* A byte of the document's object that is in no text and in no element. */
static void take_structure(struct record_splitter *splitter, char byte)
{
    switch (byte) {
    case '{':
    case '[':
        if (splitter->depth == 1 && byte == '[' && is_word(&splitter->key, "elements")) {
            splitter->outside = OUTSIDE_ELEMENTS;
            splitter->is_broken = splitter->is_broken || splitter->has_elements;
            splitter->has_elements = true;
        }
        splitter->depth++;
        splitter->is_broken = splitter->is_broken || splitter->depth > DEPTH_MAX;
        break;
    case '}':
    case ']':
        splitter->depth--;
        if (splitter->depth == 0) {
            splitter->outside = OUTSIDE_ENDED;
        } else if (splitter->depth == 1) {
            splitter->outside = OUTSIDE_MEMBERS;
        }
        break;
    case ':':
        if (splitter->depth == 1) {
            copy(&splitter->key, &splitter->word);
        }
        break;
    case ',':
        if (splitter->depth == 1) {
            buffer_reset(&splitter->key);
        }
        break;
    default: /* numbers and such: nothing depends on them */
        break;
    }
}

/* A byte of the document that belongs to no element. */
static void take_outside(struct record_splitter *splitter, char byte)
{
    const bool was_in_text = splitter->is_in_text;
    if (splitter->outside == OUTSIDE_MEMBERS && is_within_text(splitter, byte)) {
        if (!was_in_text) {
            buffer_reset(&splitter->word);
        } else if (splitter->is_in_text) {
            const enum status status = buffer_append(&splitter->word, slice_of_bytes(&byte, 1));
            (void)status; /* a long word is none that is known */
        } else if (splitter->depth == 1 && is_word(&splitter->key, "remark")) {
            copy(&splitter->remark, &splitter->word);
        }
        return;
    }
    if (is_space(byte)) {
        return;
    }
    if (splitter->outside == OUTSIDE_DOCUMENT && byte == '{') {
        splitter->outside = OUTSIDE_MEMBERS;
        splitter->depth = 1;
    } else if (splitter->outside == OUTSIDE_MEMBERS ||
               (splitter->outside == OUTSIDE_ELEMENTS && byte == ']')) {
        take_structure(splitter, byte);
    } else if (splitter->outside != OUTSIDE_ELEMENTS || byte != ',') {
        splitter->is_broken = true;
    }
}

/* The length of what *chunk has of the element that has begun; whether it ends there. */
static bool find_end(struct record_splitter *splitter, struct slice chunk, size_t *ret_length)
{
    size_t length = 0;
    while (length < chunk.length) {
        const char byte = chunk.data[length++];
        if (is_within_text(splitter, byte)) {
            continue;
        }
        if (byte == '{' || byte == '[') {
            splitter->depth++;
        } else if ((byte == '}' || byte == ']') && --splitter->depth == 2) {
            *ret_length = length;
            return true;
        }
    }
    *ret_length = length;
    return false;
}

static bool next_element(
    struct record_splitter *splitter, struct slice *chunk, struct record *ret_record)
{
    while (chunk->length > 0 && !splitter->is_broken) {
        if (!splitter->is_begun) {
            if (splitter->outside == OUTSIDE_ELEMENTS && chunk->data[0] == '{') {
                begin(splitter);
                continue;
            }
            take_outside(splitter, chunk->data[0]);
            *chunk = slice_from(*chunk, 1);
            continue;
        }
        size_t length;
        const bool is_ended = find_end(splitter, *chunk, &length);
        keep(splitter, slice_of_bytes(chunk->data, length));
        *chunk = slice_from(*chunk, length);
        if (is_ended) {
            end(splitter, ret_record);
            return true;
        }
    }
    if (splitter->is_broken) {
        *chunk = slice_from(*chunk, chunk->length);
    }
    return false;
}

/* ---- All of them ---- */

bool record_splitter_next(
    struct record_splitter *splitter, struct slice *chunk, struct record *ret_record)
{
    switch (splitter->form) {
    case RECORD_LINES:
        return next_line(splitter, chunk, ret_record);
    case RECORD_SEQUENCE:
        return next_in_sequence(splitter, chunk, ret_record);
    case RECORD_ELEMENTS:
        return next_element(splitter, chunk, ret_record);
    }
    return false;
}

bool record_splitter_finish(struct record_splitter *splitter, struct record *ret_record)
{
    if (!splitter->is_begun || splitter->form == RECORD_ELEMENTS) {
        return false;
    }
    if (splitter->form == RECORD_LINES) {
        return end_line(splitter, ret_record);
    }
    end(splitter, ret_record);
    return ret_record->bytes.length > 0 || ret_record->is_too_long;
}

const char *record_splitter_complaint(const struct record_splitter *splitter)
{
    if (splitter->form != RECORD_ELEMENTS) {
        return NULL;
    }
    if (splitter->outside == OUTSIDE_DOCUMENT || splitter->is_broken) {
        return "is not the JSON of Overpass";
    }
    if (splitter->outside != OUTSIDE_ENDED) {
        return "ends in its middle";
    }
    return splitter->has_elements ? NULL : "has no elements";
}
