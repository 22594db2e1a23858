/* Google answers 200 to almost everything and says in `status` what it was. */
#include "places-worker/google_legacy.h"

#include "places-worker/degrees.h"
#include "places-worker/nearby_text.h"
#include "places-worker/url_escape.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

/* ---- Asking ---- */

enum { REASON_MAX = 1024 }; /* of Google's own error_message; several failures share one message */

static const char path[] = "/maps/api/place/nearbysearch/json";

/* Whole metres, and at least one: a circle of no size is an invalid request there, and a fair
 * question here. */
static int64_t whole_metres(double radius_m)
{
    return radius_m < 1 ? 1 : llround(radius_m);
}

enum status google_legacy_append_url(
    struct buffer *url, const char *base_url, const struct nearby *nearby, const char *key)
{
    char latitude[DEGREES_TEXT_SIZE];
    char longitude[DEGREES_TEXT_SIZE];
    degrees_format(nearby->location.latitude, latitude);
    degrees_format(nearby->location.longitude, longitude);
    enum status status = buffer_append_format(url,
        "%s%s?location=%s,%s&radius=%" PRId64 "&key=",
        base_url,
        path,
        latitude,
        longitude,
        whole_metres(nearby->radius_m));
    if (status == STATUS_OK) {
        status = url_escape_append(url, slice_of(key));
    }
    return status == STATUS_OK ? buffer_append(url, slice_of_bytes("", 1)) : status;
}

/* ---- Reading ---- */

static void fail_by_http_status(unsigned http_status, struct provider_answer *answer)
{
    if (http_status == 401 || http_status == 403) {
        provider_answer_fail(answer,
            PLACES_REQUEST_DENIED,
            "Google answered HTTP %u: the key is not allowed to ask for places",
            http_status);
    } else if (http_status == 429) {
        provider_answer_fail(answer,
            PLACES_OVER_QUERY_LIMIT,
            "Google answered HTTP 429: more was asked than the key's quota allows");
    } else if (http_status == 400) {
        provider_answer_fail(answer,
            PLACES_INVALID_REQUEST,
            "Google answered HTTP 400: it does not understand the request");
    } else if (http_status >= 500) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "Google answered HTTP %u: its service has a fault",
            http_status);
    } else {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "Google answered HTTP %u: google_legacy_url may not be the address of its service",
            http_status);
    }
}

/* Google's word for it; one that is not known is a failure like any other, and none at all counts
 * as OK. */
static enum places_status status_of(struct slice word)
{
    for (size_t i = 0; i < PLACES_STATUSES; i++) {
        const enum places_status status = (enum places_status)i;
        if (slice_equals(word, slice_of(places_status_text(status)))) {
            return status;
        }
    }
    return word.length == 0 ? PLACES_OK : PLACES_UNKNOWN_ERROR;
}

/* Why Google refused, in its own words where it has some. */
static void fail_by_status(
    const struct nearby_text *text, enum places_status status, struct provider_answer *answer)
{
    struct buffer reason = buffer_with_max(REASON_MAX);
    if (nearby_text_append_plain(text->error_message, &reason) != STATUS_OK || reason.length == 0) {
        provider_answer_fail(
            answer, status, "Google answered %.*s", (int)text->status.length, text->status.data);
    } else {
        provider_answer_fail(answer, status, "%.*s", (int)reason.length, reason.data);
    }
    buffer_clear(&reason);
}

void google_legacy_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    const char *key,
    struct provider_answer *answer)
{
    provider_answer_reset(answer);
    if (http_status != 200) {
        fail_by_http_status(http_status, answer);
        return;
    }
    struct nearby_text text;
    if (nearby_text_read(body, &text) != STATUS_OK) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "Google's answer is not a Nearby Search: it was cut off, or something else answers at "
            "google_legacy_url");
        return;
    }
    if (provider_answer_repeats(body, key)) {
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "Google's answer repeats the key and is therefore not passed on");
        return;
    }
    const enum places_status status = status_of(text.status);
    answer->status = status;
    if (!provider_answer_is_answered(answer)) {
        fail_by_status(&text, status, answer);
    }
    if (nearby_text_append(&text, nearby->results_max, &answer->text) != STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "the places worker is out of memory");
    }
}
