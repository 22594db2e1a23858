/* Is what a client gets of any provider's text never broken, and never more than was there? */
#include "common/message.h"
#include "places-worker/google_legacy.h"
#include "places-worker/nearby_text.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether a newline stands at either end or beside another. */
static bool has_loose_newline(struct slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        const bool is_at_end = i == 0 || i + 1 == text.length;
        if (text.data[i] == '\n' && (is_at_end || text.data[i + 1] == '\n')) {
            return true;
        }
    }
    return false;
}

/* Cuts the text; the result is a text of the same kind with as many results as are allowed. */
static void cut(const struct nearby_text *text, size_t results_max)
{
    struct buffer output = buffer_with_max(MESSAGE_PLACES_MAX);
    struct nearby_text again;
    assert(nearby_text_append(text, results_max, &output) == STATUS_OK);
    assert(output.length <= text->body.length + 1);
    assert(!has_loose_newline(buffer_slice(&output)));
    assert(nearby_text_read(buffer_slice(&output), &again) == STATUS_OK);
    assert(again.result_count ==
           (text->result_count < results_max ? text->result_count : results_max));
    assert(slice_equals(again.status, text->status));
    buffer_clear(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const exact = malloc(size > 0 ? size : 1); /* the sanitizer sees a step beyond the end */
    assert(exact != NULL);
    memcpy(exact, data, size);
    const struct slice body = slice_of_bytes(exact, size);

    struct nearby_text text;
    if (nearby_text_read(body, &text) == STATUS_OK) {
        cut(&text, 0);
        cut(&text, 1);
        cut(&text, NEARBY_TEXT_RESULTS_MAX);
    }

    const struct nearby nearby = {.results_max = 5};
    struct provider_answer answer = provider_answer_none();
    google_legacy_read(200, body, &nearby, "secret", &answer);
    assert(!provider_answer_is_answered(&answer) || answer.text.length > 0);
    provider_answer_clear(&answer);
    free(exact);
    return 0;
}
