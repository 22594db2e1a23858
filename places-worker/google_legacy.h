/*
 * Google's legacy Nearby Search: a look-up as a URL, and what comes back as an answer. Knows no
 * network.
 *
 * The text of an answer passes through byte by byte but for newlines, cut to the bound
 * (nearby_text.h). The key is in the URL, because this service takes it nowhere else; it is in
 * nothing else that leaves this module.
 */
#ifndef PLACES_WORKER_GOOGLE_LEGACY_H
#define PLACES_WORKER_GOOGLE_LEGACY_H

#include "common/buffer.h"
#include "common/message.h"
#include "common/status.h"
#include "places-worker/provider_answer.h"

/* Appends the URL and a terminator. `base_url` is without a slash at the end. STATUS_FULL,
 * STATUS_NO_MEMORY. */
enum status google_legacy_append_url(struct buffer *url,
    const char *base_url,
    const struct nearby *nearby,
    const char *key) MUST_USE;

/*
 * Fills `answer` from a whole HTTP answer. Failed is: another HTTP status than 200, a body that is
 * no Nearby Search (UNKNOWN_ERROR), and every status of Google's but OK and ZERO_RESULTS.
 */
void google_legacy_read(unsigned http_status,
    struct slice body,
    const struct nearby *nearby,
    const char *key,
    struct provider_answer *answer);

#endif
