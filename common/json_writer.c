/* JSON text, written value by value. */
#include "common/json_writer.h"

#include "common/utf8.h"

static bool is_plain(char byte)
{
    return (unsigned char)byte >= 0x20 && (unsigned char)byte < 0x7F && byte != '"' &&
           byte != '\\' && byte != '<' && byte != '>';
}

static enum status append_escaped(struct buffer *text, char byte)
{
    switch (byte) {
    case '"':
        return buffer_append_text(text, "\\\"");
    case '\\':
        return buffer_append_text(text, "\\\\");
    case '\n':
        return buffer_append_text(text, "\\n");
    case '\r':
        return buffer_append_text(text, "\\r");
    case '\t':
        return buffer_append_text(text, "\\t");
    default:
        return buffer_append_format(text, "\\u%04x", (unsigned)(unsigned char)byte);
    }
}

enum status json_append_string(struct buffer *text, struct slice value)
{
    enum status status = buffer_append_text(text, "\"");
    while (status == STATUS_OK && value.length > 0) {
        size_t plain = 0;
        while (plain < value.length && is_plain(value.data[plain])) {
            plain++;
        }
        if (plain > 0) {
            status = buffer_append(text, slice_of_bytes(value.data, plain));
            value = slice_from(value, plain);
            continue;
        }
        size_t length = utf8_sequence_length(value);
        if (length == 0) {
            status = buffer_append_text(text, "\\ufffd");
            length = 1;
        } else if (length == 1) {
            status = append_escaped(text, value.data[0]);
        } else {
            status = buffer_append(text, slice_of_bytes(value.data, length));
        }
        value = slice_from(value, length);
    }
    return status == STATUS_OK ? buffer_append_text(text, "\"") : status;
}

struct json_writer json_writer_into(struct buffer *text)
{
    return (struct json_writer){.text = text, .has_sibling = false, .status = STATUS_OK};
}

static void put(struct json_writer *writer, const char *text)
{
    if (writer->status == STATUS_OK) {
        writer->status = buffer_append_text(writer->text, text);
    }
}

static void put_string(struct json_writer *writer, struct slice value)
{
    if (writer->status == STATUS_OK) {
        writer->status = json_append_string(writer->text, value);
    }
}

static void begin_value(struct json_writer *writer, const char *key)
{
    if (writer->has_sibling) {
        put(writer, ",");
    }
    if (key != NULL) {
        put_string(writer, slice_of(key));
        put(writer, ":");
    }
    writer->has_sibling = true;
}

void json_writer_begin_object(struct json_writer *writer, const char *key)
{
    begin_value(writer, key);
    put(writer, "{");
    writer->has_sibling = false;
}

void json_writer_end_object(struct json_writer *writer)
{
    put(writer, "}");
    writer->has_sibling = true;
}

void json_writer_begin_array(struct json_writer *writer, const char *key)
{
    begin_value(writer, key);
    put(writer, "[");
    writer->has_sibling = false;
}

void json_writer_end_array(struct json_writer *writer)
{
    put(writer, "]");
    writer->has_sibling = true;
}

void json_writer_text(struct json_writer *writer, const char *key, struct slice value)
{
    begin_value(writer, key);
    put_string(writer, value);
}

void json_writer_number(struct json_writer *writer, const char *key, int64_t value)
{
    begin_value(writer, key);
    if (writer->status == STATUS_OK) {
        writer->status = buffer_append_format(writer->text, "%lld", (long long)value);
    }
}

void json_writer_bool(struct json_writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    put(writer, value ? "true" : "false");
}
