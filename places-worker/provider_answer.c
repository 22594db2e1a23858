/* Messages are cut off rather than lost. */
#include "places-worker/provider_answer.h"

#include "common/message.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct provider_answer provider_answer_none(void)
{
    return (struct provider_answer){
        .status = PLACES_UNKNOWN_ERROR,
        .text = buffer_with_max(MESSAGE_PLACES_MAX),
        .message = buffer_with_max(PROVIDER_MESSAGE_MAX),
    };
}

void provider_answer_reset(struct provider_answer *answer)
{
    answer->status = PLACES_UNKNOWN_ERROR;
    answer->keep_s = 0;
    buffer_reset(&answer->text);
    buffer_reset(&answer->message);
}

void provider_answer_clear(struct provider_answer *answer)
{
    buffer_clear(&answer->text);
    buffer_clear(&answer->message);
}

bool provider_answer_is_answered(const struct provider_answer *answer)
{
    return answer->status == PLACES_OK || answer->status == PLACES_ZERO_RESULTS;
}

void provider_answer_fail(
    struct provider_answer *answer, enum places_status status, const char *format, ...)
{
    assert(status != PLACES_OK && status != PLACES_ZERO_RESULTS);
    answer->status = status;
    buffer_reset(&answer->text);
    buffer_reset(&answer->message);

    char message[PROVIDER_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return;
    }
    length = length < (int)sizeof message ? length : (int)sizeof message - 1;
    if (buffer_append(&answer->message, slice_of_bytes(message, (size_t)length)) != STATUS_OK) {
        buffer_reset(&answer->message); /* without memory the status has to say it alone */
    }
}

bool provider_answer_repeats(struct slice text, const char *key)
{
    const struct slice wanted = slice_of(key);
    for (size_t i = 0; wanted.length > 0 && i + wanted.length <= text.length; i++) {
        if (slice_equals(slice_of_bytes(text.data + i, wanted.length), wanted)) {
            return true;
        }
    }
    return false;
}
