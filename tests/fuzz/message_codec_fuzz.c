/* Can any bytes break a decoder of messages, or make it promise what is not so? */
#include "common/message_codec.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct request request;
static struct response response;
static struct gossip_message gossip;

/* Reads every byte, so that the sanitizer sees those that are not of the message. */
static void touch(struct slice slice)
{
    for (size_t i = 0; i < slice.length; i++) {
        (void)*(const volatile char *)&slice.data[i];
    }
}

static void touch_report(const struct report *report)
{
    assert(report->time_ns >= 0 && report->received_ns >= 0);
    touch(report->id);
    touch(report->location);
    touch(report->time);
    touch(report->server);
}

static bool is_request(struct slice message)
{
    if (request_decode(message, &request) != STATUS_OK) {
        return false;
    }
    assert(request.count <= MESSAGE_OPERATIONS_MAX);
    touch(request.herd);
    touch(request.server);
    for (size_t i = 0; i < request.count; i++) {
        touch(request.operations[i].id);
        touch(request.operations[i].location);
        touch(request.operations[i].time);
    }
    return true;
}

static bool is_response(struct slice message)
{
    if (response_decode(message, &response) != STATUS_OK) {
        return false;
    }
    assert(response.count <= MESSAGE_OPERATIONS_MAX);
    for (size_t i = 0; i < response.count; i++) {
        touch_report(&response.outcomes[i].report);
    }
    return true;
}

static bool is_nearby(struct slice message)
{
    struct nearby nearby;
    if (nearby_decode(message, &nearby) != STATUS_OK) {
        return false;
    }
    assert(nearby.radius_m >= 0 && nearby.radius_m <= 50000 && nearby.results_max <= 20);
    return true;
}

static bool is_places(struct slice message)
{
    struct places places;
    if (places_decode(message, &places) != STATUS_OK) {
        return false;
    }
    assert(places.provider <= PROVIDER_NONE && (size_t)places.status < PLACES_STATUSES);
    assert(places.provider < PROVIDER_NONE || places.keep_ms == 0);
    touch(places.json);
    return true;
}

/* What was read is written, and read again as the same. */
static void write_again(void)
{
    static struct gossip_message again;
    struct buffer message = buffer_with_max(SIZE_MAX - 1);
    struct gossip_writer writer;
    enum status status = gossip_writer_begin(&writer, &message, &gossip.header);
    assert(status == STATUS_OK);
    for (size_t i = 0; i < gossip.count; i++) {
        status = gossip_writer_add(&writer, &gossip.reports[i]);
        assert(status == STATUS_OK);
    }
    status = gossip_decode(buffer_slice(&message), &again);
    assert(status == STATUS_OK && again.count == gossip.count);
    for (size_t i = 0; i < again.count; i++) {
        assert(report_compare(&again.reports[i], &gossip.reports[i]) == 0);
        assert(slice_equals(again.reports[i].id, gossip.reports[i].id));
    }
    buffer_clear(&message);
}

static bool is_gossip(struct slice message)
{
    if (gossip_decode(message, &gossip) != STATUS_OK) {
        return false;
    }
    assert(gossip.count <= MESSAGE_REPORTS_MAX && gossip.header.from <= gossip.header.to);
    for (size_t i = 0; i < gossip.count; i++) {
        touch_report(&gossip.reports[i]);
    }
    write_again();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice message = slice_of_bytes((const char *)data, size);
    int kinds = is_request(message) + is_response(message) + is_nearby(message) +
                is_places(message) + is_gossip(message);
    assert(kinds <= 1);
    return 0;
}
