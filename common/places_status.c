/* The statuses of a Nearby Search in words, in numbers, and as an answer without results. */
#include "common/places_status.h"

#include <assert.h>

const char *places_status_text(enum places_status status)
{
    static const char *const texts[] = {
#define PLACES_STATUS_TEXT(name) [PLACES_##name] = #name,
        PLACES_STATUS_TABLE(PLACES_STATUS_TEXT)
#undef PLACES_STATUS_TEXT
    };
    assert((size_t)status < sizeof texts / sizeof texts[0]);
    return texts[status];
}

void places_status_write_counts(struct json_writer *json, const uint64_t by_status[PLACES_STATUSES])
{
    json_writer_begin_object(json, "by_status");
    for (size_t i = 0; i < PLACES_STATUSES; i++) {
        if (by_status[i] > 0) {
            json_writer_number(
                json, places_status_text((enum places_status)i), (int64_t)by_status[i]);
        }
    }
    json_writer_end_object(json);
}

static enum status append_error_message(struct buffer *text, struct slice error_message)
{
    if (error_message.length == 0) {
        return STATUS_OK;
    }
    enum status status = buffer_append_text(text, "   \"error_message\" : ");
    if (status == STATUS_OK) {
        status = json_append_string(text, error_message);
    }
    return status == STATUS_OK ? buffer_append_text(text, ",\n") : status;
}

enum status places_failure_append(
    struct buffer *text, enum places_status status, struct slice error_message)
{
    size_t start = text->length;
    enum status result = buffer_append_text(text, "{\n");
    if (result == STATUS_OK) {
        result = append_error_message(text, error_message);
    }
    if (result == STATUS_OK) {
        result = buffer_append_format(text,
            "   \"html_attributions\" : [],\n   \"results\" : [],\n   \"status\" : \"%s\"\n}",
            places_status_text(status));
    }
    if (result != STATUS_OK) {
        buffer_truncate(text, start);
    }
    return result;
}
