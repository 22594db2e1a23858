/* Is what a client gets of a translated reply always a Nearby Search of its own, within its bound?
 */
#include "common/message.h"
#include "places-worker/google.h"
#include "places-worker/nearby_text.h"
#include "places-worker/overpass.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure has words, an answer a well-formed text with at most so many results and its status. */
static void check(const struct provider_answer *answer, size_t results_max)
{
    struct nearby_text text;
    if (!provider_answer_is_answered(answer)) {
        assert(answer->message.length > 0);
        assert(answer->text.length == 0);
        return;
    }
    assert(nearby_text_read(buffer_slice(&answer->text), &text) == STATUS_OK);
    assert(text.result_count <= results_max);
    assert(slice_equals(text.status, slice_of(places_status_text(answer->status))));
    assert(answer->status != PLACES_ZERO_RESULTS || text.result_count == 0);
    for (size_t i = 1; i < answer->text.length; i++) {
        assert(answer->text.data[i - 1] != '\n' || answer->text.data[i] != '\n');
    }
}

static void read_google(unsigned http_status, struct slice body, const struct nearby *nearby)
{
    struct provider_answer answer = provider_answer_none();
    google_read(http_status, body, nearby, "secret", &answer);
    assert(!provider_answer_repeats(buffer_slice(&answer.text), "secret"));
    assert(!provider_answer_repeats(buffer_slice(&answer.message), "secret"));
    check(&answer, nearby->results_max);
    provider_answer_clear(&answer);
}

static void read_overpass(struct slice body, const struct nearby *nearby)
{
    static struct overpass_places places;
    struct provider_answer answer = provider_answer_none();
    overpass_begin(&places, nearby);
    double circle_m;
    while (overpass_next(&places, nearby, &circle_m)) { /* the same elements again are none */
        if (!overpass_read(200, body, nearby, circle_m, &places, &answer)) {
            check(&answer, 0);
            provider_answer_clear(&answer);
            return;
        }
        for (size_t i = 1; i < places.count; i++) {
            assert(places.places[i - 1].distance_m <= places.places[i].distance_m);
        }
    }
    assert(places.requests <= OVERPASS_REQUESTS_MAX);
    overpass_answer(&places, nearby, &answer);
    check(&answer, nearby->results_max);
    provider_answer_clear(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const exact = malloc(size > 0 ? size : 1); /* the sanitizer sees a step beyond the end */
    assert(exact != NULL);
    memcpy(exact, data, size);
    const struct slice body = slice_of_bytes(exact, size);
    for (unsigned results_max = 0; results_max <= 20; results_max += 10) {
        const struct nearby nearby = {
            .location = {47.1, 9.5}, .radius_m = 50000, .results_max = results_max};
        read_google(200, body, &nearby);
        read_overpass(body, &nearby);
    }
    const struct nearby nearby = {.radius_m = 1};
    read_google(400, body, &nearby);
    free(exact);
    return 0;
}
