/* Asks by turns, and keeps a note of every failure until one answers. */
#include "places-worker/provider_chain.h"

#include "places-worker/embedded.h"
#include "places-worker/google.h"
#include "places-worker/google_legacy.h"
#include "places-worker/http_fetch.h"
#include "places-worker/overpass.h"
#include "places-worker/place_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_MAX = 2048,
    REQUEST_MAX = 8192,           /* what is posted, or a header */
    OVERPASS_REST_MS = 30 * 1000, /* after it had too much: what its operators ask for */
    EMBEDDED_RESERVE_MS =
        250, /* for the embedded places after others failed: a hundred times what they need */
    EMBEDDED_RESERVE_SHARE = 4, /* but never more than a quarter of what is left */
};

_Static_assert((int)GOOGLE_REPLY_MAX == (int)OVERPASS_REPLY_MAX, "one buffer is for both");

struct provider_chain {
    const struct topology_places *places;
    const char *google_key;
    struct place_store *store;
    struct http_fetch *fetch;
    struct provider_gate *const *gates;
    struct place_results *results; /* scratch, likewise */
    struct overpass_places *found;
    char *key_header;                          /* for Google */
    char *public_urls[TOPOLOGY_PROVIDERS_MAX]; /* by enum places_provider; NULL: it has none */
    struct buffer field_mask_header;
    struct buffer url;
    struct buffer request;
    struct buffer body;
    struct buffer translated; /* a body that is to be parsed, and therefore is shorter */
    struct buffer failures;
    struct slice refusal; /* of a new database, in this look-up: concerns no client */
};

static bool has_provider(const struct topology_places *places, enum places_provider provider)
{
    for (size_t i = 0; i < places->provider_count; i++) {
        if (places->providers[i] == provider) {
            return true;
        }
    }
    return false;
}

bool provider_chain_needs_google_key(const struct topology_places *places)
{
    return has_provider(places, PROVIDER_GOOGLE_LEGACY) || has_provider(places, PROVIDER_GOOGLE);
}

/* ---- Opening ---- */

static bool needs_network(const struct topology_places *places)
{
    return places->provider_count > 1 || places->providers[0] != PROVIDER_EMBEDDED;
}

/* The headers that are the same with every request. */
static enum status make_google_headers(struct provider_chain *chain)
{
    static const char name[] = "X-Goog-Api-Key: ";
    const struct google_fields fields = {.rating = chain->places->google_rating,
        .hours = chain->places->google_hours,
        .photos = chain->places->google_photos};
    const size_t size = sizeof name + strlen(chain->google_key);
    chain->key_header = malloc(size);
    if (chain->key_header == NULL) {
        return STATUS_NO_MEMORY;
    }
    snprintf(chain->key_header, size, "%s%s", name, chain->google_key);
    enum status status = buffer_append_text(&chain->field_mask_header, "X-Goog-FieldMask: ");
    if (status == STATUS_OK) {
        status = google_append_field_mask(&chain->field_mask_header, &fields);
    }
    return status == STATUS_OK ? buffer_append(&chain->field_mask_header, slice_of_bytes("", 1))
                               : status;
}

/* A base URL as everybody may read it: without the name and password that may stand before the
 * host. NULL: no memory. */
static char *public_url(const char *url)
{
    const char *const colon = strchr(url, ':');
    const char *host = colon + strlen("://");
    for (const char *byte = host; *byte != '\0' && *byte != '/'; byte++) {
        host = *byte == '@' ? byte + 1 : host;
    }
    const size_t scheme_length = (size_t)(colon - url) + strlen("://");
    const size_t size = scheme_length + strlen(host) + 1;
    char *const text = malloc(size);
    if (text != NULL) {
        snprintf(text, size, "%.*s%s", (int)scheme_length, url, host);
    }
    return text;
}

static enum status make_public_urls(struct provider_chain *chain)
{
    const char *const urls[TOPOLOGY_PROVIDERS_MAX] = {
        [PROVIDER_GOOGLE_LEGACY] = chain->places->google_legacy_url,
        [PROVIDER_GOOGLE] = chain->places->google_url,
        [PROVIDER_OVERPASS] = chain->places->overpass_url,
    };
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX; i++) {
        if (urls[i] != NULL) {
            chain->public_urls[i] = public_url(urls[i]);
            if (chain->public_urls[i] == NULL) {
                return STATUS_NO_MEMORY;
            }
        }
    }
    return STATUS_OK;
}

static enum status open_fetch(struct provider_chain *chain, struct buffer *complaint)
{
    const enum status status = http_fetch_create(chain->places->ca_file, &chain->fetch);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    return buffer_append_format(
               complaint, "places.ca_file %s: cannot be read", chain->places->ca_file) == STATUS_OK
               ? status
               : STATUS_NO_MEMORY;
}

enum status provider_chain_create(const struct provider_chain_settings *settings,
    struct provider_chain **ret_chain,
    struct buffer *complaint)
{
    struct provider_chain *chain = calloc(1, sizeof *chain);
    if (chain == NULL) {
        return STATUS_NO_MEMORY;
    }
    chain->places = settings->places;
    chain->google_key = settings->google_key;
    chain->url = buffer_with_max(URL_MAX);
    chain->request = buffer_with_max(REQUEST_MAX);
    chain->field_mask_header = buffer_with_max(REQUEST_MAX);
    chain->body = buffer_with_max(MESSAGE_PLACES_MAX);
    chain->translated = buffer_with_max(GOOGLE_REPLY_MAX);
    chain->failures = buffer_with_max(PROVIDER_MESSAGE_MAX);
    chain->gates = settings->gates;
    chain->results = malloc(sizeof *chain->results);
    chain->found = malloc(sizeof *chain->found);
    enum status status =
        chain->results == NULL || chain->found == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK && has_provider(chain->places, PROVIDER_EMBEDDED)) {
        status = place_store_open(settings->database, &chain->store, complaint);
    }
    if (status == STATUS_OK && needs_network(chain->places)) {
        status = make_public_urls(chain);
    }
    if (status == STATUS_OK && needs_network(chain->places)) {
        status = open_fetch(chain, complaint);
    }
    assert(chain->google_key != NULL || !provider_chain_needs_google_key(chain->places));
    if (status == STATUS_OK && has_provider(chain->places, PROVIDER_GOOGLE)) {
        status = make_google_headers(chain);
    }
    if (status != STATUS_OK) {
        provider_chain_destroy(chain);
        return status;
    }
    *ret_chain = chain;
    return STATUS_OK;
}

void provider_chain_destroy(struct provider_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    place_store_close(chain->store);
    http_fetch_destroy(chain->fetch);
    free(chain->results);
    free(chain->found);
    free(chain->key_header);
    for (size_t i = 0; i < TOPOLOGY_PROVIDERS_MAX; i++) {
        free(chain->public_urls[i]);
    }
    buffer_clear(&chain->field_mask_header);
    buffer_clear(&chain->url);
    buffer_clear(&chain->request);
    buffer_clear(&chain->body);
    buffer_clear(&chain->translated);
    buffer_clear(&chain->failures);
    free(chain);
}

/* ---- Time ---- */

static uint32_t left_ms(struct instant deadline)
{
    const int64_t left_ns = instant_ns_between(instant_now(), deadline);
    return left_ns <= 0 ? 0 : (uint32_t)(left_ns / NS_PER_MS);
}

/* What provider `index`, one on the network, may take: an even part of what is left after a little
 * for the embedded. */
static uint32_t budget_ms(
    const struct topology_places *places, size_t index, struct instant deadline)
{
    uint32_t left = left_ms(deadline);
    uint32_t on_network = 1;
    for (size_t i = index + 1; i < places->provider_count; i++) {
        if (places->providers[i] != PROVIDER_EMBEDDED) {
            on_network++;
            continue;
        }
        const uint32_t share = left / EMBEDDED_RESERVE_SHARE;
        left -= share < EMBEDDED_RESERVE_MS ? share : EMBEDDED_RESERVE_MS;
    }
    return left / on_network;
}

/* ---- Asking ---- */

static void fail_by_outcome(const struct http_reply *reply,
    const char *url,
    uint32_t timeout_ms,
    size_t body_max,
    struct provider_answer *answer)
{
    const char *cause = "";
    switch (reply->outcome) {
    case HTTP_ANSWERED:
        assert(!"an answer is no failure");
        break;
    case HTTP_TIMED_OUT:
        provider_answer_fail(answer,
            PLACES_UNKNOWN_ERROR,
            "%s did not answer within %u ms",
            url,
            (unsigned)timeout_ms);
        return;
    case HTTP_TOO_LARGE:
        provider_answer_fail(
            answer, PLACES_UNKNOWN_ERROR, "%s answered more than %zu bytes", url, body_max);
        return;
    case HTTP_BAD_URL:
        cause = "cannot be asked";
        break;
    case HTTP_NOT_RESOLVED:
        cause = "has no address";
        break;
    case HTTP_NOT_CONNECTED:
        cause = "cannot be reached";
        break;
    case HTTP_NOT_TRUSTED:
        cause = "is not trusted";
        break;
    case HTTP_CUT_OFF:
        cause = "broke off its answer";
        break;
    case HTTP_FAILED:
        cause = "cannot be asked";
        break;
    }
    provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "%s %s: %s", url, cause, reply->detail);
}

/* Why the gate is closed. */
static void fail_by_pass(
    const struct topology_places *places, enum provider_pass pass, struct provider_answer *answer)
{
    switch (pass) {
    case PROVIDER_PASSES:
        assert(!"the gate is open");
        break;
    case PROVIDER_IS_BUSY:
        provider_answer_fail(answer,
            PLACES_OVER_QUERY_LIMIT,
            "it is asked one thing at a time, and the turn did not come");
        break;
    case PROVIDER_RESTS:
        provider_answer_fail(answer,
            PLACES_OVER_QUERY_LIMIT,
            "it has had too much to do, and is left alone for %d s",
            OVERPASS_REST_MS / 1000);
        break;
    case PROVIDER_OVER_SECONDS:
        provider_answer_fail(answer,
            PLACES_OVER_QUERY_LIMIT,
            "this herd asks it at most %u times a second (places.requests_per_second)",
            places->requests_per_second);
        break;
    case PROVIDER_OVER_DAYS:
        provider_answer_fail(answer,
            PLACES_OVER_QUERY_LIMIT,
            "this herd asks it at most %u times a day (places.requests_per_day), and the part of "
            "this worker is used up for now",
            places->requests_per_day);
        break;
    }
}

/* Enters, counts and leaves: for a provider that may be asked many things at once. False: it must
 * not be asked, and `answer` says why. */
static bool pass_gate(struct provider_chain *chain,
    enum places_provider provider,
    uint32_t timeout_ms,
    struct provider_answer *answer)
{
    struct provider_gate *const gate = chain->gates[provider];
    const struct instant now = instant_now();
    enum provider_pass pass = provider_gate_enter(gate, instant_after_ms(now, timeout_ms));
    if (pass == PROVIDER_PASSES) {
        pass = provider_gate_count(gate, now);
        provider_gate_leave(gate);
    }
    if (pass != PROVIDER_PASSES) {
        fail_by_pass(chain->places, pass, answer);
        return false;
    }
    return true;
}

static void fail_without_time(const struct provider_chain *chain,
    enum places_provider provider,
    struct provider_answer *answer)
{
    provider_answer_fail(
        answer, PLACES_UNKNOWN_ERROR, "no time was left to ask %s", chain->public_urls[provider]);
}

/* False: there is no answer, and `answer` says why. */
static bool fetch(struct provider_chain *chain,
    const struct http_request *request,
    enum places_provider provider,
    struct buffer *body,
    struct http_reply *ret_reply,
    struct provider_answer *answer)
{
    *ret_reply = http_fetch_ask(chain->fetch, request, body);
    if (ret_reply->outcome != HTTP_ANSWERED) {
        fail_by_outcome(
            ret_reply, chain->public_urls[provider], request->timeout_ms, body->max, answer);
        return false;
    }
    return true;
}

static void ask_google_legacy(struct provider_chain *chain,
    const struct nearby *nearby,
    uint32_t timeout_ms,
    struct provider_answer *answer)
{
    if (timeout_ms == 0) {
        fail_without_time(chain, PROVIDER_GOOGLE_LEGACY, answer);
        return;
    }
    buffer_reset(&chain->url);
    if (google_legacy_append_url(
            &chain->url, chain->places->google_legacy_url, nearby, chain->google_key) !=
        STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "google_legacy_url is too long");
        return;
    }
    if (!pass_gate(chain, PROVIDER_GOOGLE_LEGACY, timeout_ms, answer)) {
        return;
    }
    const struct http_request request = {
        .url = chain->url.data,
        .timeout_ms = timeout_ms,
        .connect_timeout_ms = chain->places->connect_timeout_ms,
    };
    struct http_reply reply;
    if (fetch(chain, &request, PROVIDER_GOOGLE_LEGACY, &chain->body, &reply, answer)) {
        google_legacy_read(
            reply.status, buffer_slice(&chain->body), nearby, chain->google_key, answer);
        answer->keep_s = reply.max_age_s;
    }
}

static void ask_google(struct provider_chain *chain,
    const struct nearby *nearby,
    uint32_t timeout_ms,
    struct provider_answer *answer)
{
    if (timeout_ms == 0) {
        fail_without_time(chain, PROVIDER_GOOGLE, answer);
        return;
    }
    buffer_reset(&chain->url);
    buffer_reset(&chain->request);
    enum status status =
        buffer_append_format(&chain->url, "%s%s", chain->places->google_url, GOOGLE_PATH);
    if (status == STATUS_OK) {
        status = google_append_request(&chain->request, nearby, chain->places->rank_by_distance);
    }
    if (status != STATUS_OK || buffer_append(&chain->url, slice_of_bytes("", 1)) != STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "google_url is too long");
        return;
    }
    if (!pass_gate(chain, PROVIDER_GOOGLE, timeout_ms, answer)) {
        return;
    }
    const char *const headers[] = {
        "Content-Type: application/json", chain->key_header, chain->field_mask_header.data, NULL};
    const struct http_request request = {
        .url = chain->url.data,
        .headers = headers,
        .body = buffer_slice(&chain->request),
        .timeout_ms = timeout_ms,
        .connect_timeout_ms = chain->places->connect_timeout_ms,
    };
    struct http_reply reply;
    if (fetch(chain, &request, PROVIDER_GOOGLE, &chain->translated, &reply, answer)) {
        google_read(
            reply.status, buffer_slice(&chain->translated), nearby, chain->google_key, answer);
        answer->keep_s = reply.max_age_s;
    }
}

/* One circle; false: `answer` says what went wrong. For who is in the gate. */
static bool ask_overpass_circle(struct provider_chain *chain,
    const struct nearby *nearby,
    double radius_m,
    struct instant deadline,
    struct provider_answer *answer)
{
    struct provider_gate *const gate = chain->gates[PROVIDER_OVERPASS];
    const uint32_t timeout_ms = left_ms(deadline);
    if (timeout_ms == 0) {
        fail_without_time(chain, PROVIDER_OVERPASS, answer);
        return false;
    }
    const enum provider_pass pass = provider_gate_count(gate, instant_now());
    if (pass != PROVIDER_PASSES) {
        fail_by_pass(chain->places, pass, answer);
        return false;
    }
    buffer_reset(&chain->request);
    const unsigned within_s = (timeout_ms + 999) / 1000;
    if (overpass_append_form(&chain->request, nearby, radius_m, within_s) != STATUS_OK) {
        provider_answer_fail(answer, PLACES_UNKNOWN_ERROR, "the places worker is out of memory");
        return false;
    }
    const struct http_request request = {
        .url = chain->places->overpass_url,
        .body = buffer_slice(&chain->request),
        .timeout_ms = timeout_ms,
        .connect_timeout_ms = chain->places->connect_timeout_ms,
    };
    struct http_reply reply;
    if (!fetch(chain, &request, PROVIDER_OVERPASS, &chain->translated, &reply, answer)) {
        return false;
    }
    if (reply.status == 429 || reply.status == 504) {
        provider_gate_rest(gate, instant_after_ms(instant_now(), OVERPASS_REST_MS));
    }
    return overpass_read(
        reply.status, buffer_slice(&chain->translated), nearby, radius_m, chain->found, answer);
}

/* One circle after the other. What was found counts even if another one then fails. */
static void ask_overpass_circles(struct provider_chain *chain,
    const struct nearby *nearby,
    struct instant deadline,
    struct provider_answer *answer)
{
    double radius_m = 0;
    bool is_failed = false;
    overpass_begin(chain->found, nearby);
    while (!is_failed && overpass_next(chain->found, nearby, &radius_m)) {
        is_failed = !ask_overpass_circle(chain, nearby, radius_m, deadline, answer);
    }
    if (!is_failed || chain->found->count > 0) {
        overpass_answer(chain->found, nearby, answer);
        answer->keep_s = is_failed ? 0 : PROVIDER_KEEP_ANY;
    }
}

static void ask_overpass(struct provider_chain *chain,
    const struct nearby *nearby,
    uint32_t timeout_ms,
    struct provider_answer *answer)
{
    struct provider_gate *const gate = chain->gates[PROVIDER_OVERPASS];
    const struct instant deadline = instant_after_ms(instant_now(), timeout_ms);
    const enum provider_pass pass = provider_gate_enter(gate, deadline);
    if (pass != PROVIDER_PASSES) {
        fail_by_pass(chain->places, pass, answer);
        return;
    }
    ask_overpass_circles(chain, nearby, deadline, answer);
    provider_gate_leave(gate);
}

static void ask_embedded(struct provider_chain *chain,
    const struct nearby *nearby,
    struct instant deadline,
    struct provider_answer *answer)
{
    const enum ranking_order order =
        chain->places->rank_by_distance ? RANKING_BY_DISTANCE : RANKING_BY_PROMINENCE;
    embedded_answer(chain->store, order, nearby, deadline, chain->results, answer);
    answer->keep_s = PROVIDER_KEEP_ANY;
    chain->refusal = place_store_refusal(chain->store);
}

static void ask(struct provider_chain *chain,
    size_t index,
    const struct nearby *nearby,
    struct instant deadline,
    struct provider_answer *answer)
{
    provider_answer_reset(answer);
    switch (chain->places->providers[index]) {
    case PROVIDER_EMBEDDED:
        ask_embedded(chain, nearby, deadline, answer);
        break;
    case PROVIDER_GOOGLE_LEGACY:
        ask_google_legacy(chain, nearby, budget_ms(chain->places, index, deadline), answer);
        break;
    case PROVIDER_GOOGLE:
        ask_google(chain, nearby, budget_ms(chain->places, index, deadline), answer);
        break;
    case PROVIDER_OVERPASS:
        ask_overpass(chain, nearby, budget_ms(chain->places, index, deadline), answer);
        break;
    case PROVIDER_NONE:
        assert(!"no topology names it");
        break;
    }
}

/* Notes why a provider failed, for the case that all do. */
static void note_failure(struct provider_chain *chain,
    enum places_provider provider,
    const struct provider_answer *answer)
{
    const enum status status = buffer_append_format(&chain->failures,
        "%s%s: %s (%.*s)",
        chain->failures.length > 0 ? "; " : "",
        places_provider_name(provider),
        places_status_text(answer->status),
        (int)answer->message.length,
        answer->message.length > 0 ? answer->message.data : "");
    (void)status; /* a note that finds no room is left out; the status says the most */
}

/* All have failed: a single one may speak for itself, of several each has its part in the message.
 */
static void tell_failure(
    struct provider_chain *chain, enum places_status first, struct provider_answer *answer)
{
    const bool is_alone = chain->places->provider_count == 1;
    if (is_alone && answer->text.length > 0) {
        return;
    }
    const struct slice message = buffer_slice(is_alone ? &answer->message : &chain->failures);
    answer->status = first;
    buffer_reset(&answer->text);
    if (places_failure_append(&answer->text, first, message) != STATUS_OK) {
        buffer_reset(&answer->text);
    }
}

/* True: somebody has answered. */
static bool ask_all(struct provider_chain *chain,
    const struct nearby *nearby,
    struct instant deadline,
    struct provider_answer *answer,
    struct provider_attempts *attempts)
{
    for (size_t i = 0; i < chain->places->provider_count; i++) {
        const struct instant start = instant_now();
        ask(chain, i, nearby, deadline, answer);
        attempts->attempts[attempts->count++] = (struct provider_attempt){
            .provider = chain->places->providers[i],
            .status = answer->status,
            .duration_us = (uint64_t)(instant_ns_between(start, instant_now()) / NS_PER_US),
        };
        if (provider_answer_is_answered(answer)) {
            return true;
        }
        note_failure(chain, chain->places->providers[i], answer);
    }
    return false;
}

/* The clients have been told. */
static void tell_operator(struct provider_chain *chain, struct provider_answer *answer)
{
    if (chain->refusal.length > 0) {
        const enum status status = buffer_append_format(&chain->failures,
            "%s%.*s; the one from before is still in use",
            chain->failures.length > 0 ? "; " : "",
            (int)chain->refusal.length,
            chain->refusal.data);
        (void)status; /* what finds no room is said at the next attempt */
    }
    buffer_reset(&answer->message);
    if (buffer_append(&answer->message, buffer_slice(&chain->failures)) != STATUS_OK) {
        buffer_reset(&answer->message);
    }
}

void provider_chain_answer(struct provider_chain *chain,
    const struct nearby *nearby,
    struct instant deadline,
    struct provider_answer *answer,
    struct provider_attempts *ret_attempts)
{
    ret_attempts->count = 0;
    buffer_reset(&chain->failures);
    chain->refusal = slice_of_bytes(NULL, 0);
    if (!ask_all(chain, nearby, deadline, answer, ret_attempts)) {
        tell_failure(chain, ret_attempts->attempts[0].status, answer);
    }
    tell_operator(chain, answer);
}
