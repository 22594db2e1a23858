/* Does every message come back as it was, and does no other byte get through a decoder? */
#include "common/message_codec.h"
#include "tests/support/exact.h"

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum kind { REQUEST, RESPONSE, NEARBY, PLACES, GOSSIP, KINDS };

/* Where the decoders write; static, because some are large. */
static struct request request;
static struct response response;
static struct nearby nearby;
static struct places places;
static struct gossip_message gossip;

static enum status decode(enum kind kind, struct slice message)
{
    switch (kind) {
    case REQUEST:
        return request_decode(message, &request);
    case RESPONSE:
        return response_decode(message, &response);
    case NEARBY:
        return nearby_decode(message, &nearby);
    case PLACES:
        return places_decode(message, &places);
    case GOSSIP:
        return gossip_decode(message, &gossip);
    case KINDS:
        break;
    }
    return STATUS_OK;
}

/* ---- Samples ---- */

static struct buffer new_message(void)
{
    return buffer_with_max(MESSAGE_BATCH_BYTES_MAX);
}

static struct report report_of(const char *id, const char *time, const char *server)
{
    struct report report;
    assert_int_equal(report_from_parts(slice_of(id),
                         slice_of("+34.068930-118.445127"),
                         slice_of(time),
                         slice_of(server),
                         INT64_C(1520023935182837383),
                         &report),
        STATUS_OK);
    return report;
}

static struct gossip_header sample_header(void)
{
    return (struct gossip_header){
        .herd = slice_of("goloman"),
        .sender = slice_of("Hands"),
        .receiver = slice_of("Wilkes"),
        .incarnation = UINT64_MAX,
        .number = 70000,
        .holding =
            {.incarnation = 5, .number = 300, .mark = 40, .island_from = 41, .island_to = 200},
        .head = UINT64_C(1) << 40,
        .count = 77,
        .digest = {.low = UINT64_MAX - 1, .high = 1},
        .wants_lazy = true,
        .from = 3,
        .to = 99,
    };
}

static struct buffer sample_gossip(void)
{
    struct buffer message = new_message();
    struct gossip_writer writer;
    struct gossip_header header = sample_header();
    struct report reports[] = {
        report_of("kiwi", "1520023934.918963997", "Hands"),
        report_of("lime", "0", "Welsh"),
        report_of("plum", "1520023934", "Hands"),
    };
    assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        assert_int_equal(gossip_writer_add(&writer, &reports[i]), STATUS_OK);
    }
    assert_int_equal(writer.report_count, 3);
    return message;
}

static struct buffer sample_request(void)
{
    struct buffer message = new_message();
    struct operation accept = {
        .kind = OPERATION_ACCEPT,
        .id = slice_of("kiwi"),
        .location = slice_of("+34-118"),
        .time = slice_of("10"),
    };
    struct operation locate = {.kind = OPERATION_LOCATE, .id = slice_of_bytes("\0\xff", 2)};
    assert_int_equal(request_begin(&message, slice_of("goloman"), slice_of("Hands")), STATUS_OK);
    assert_int_equal(request_add(&message, &accept), STATUS_OK);
    assert_int_equal(request_add(&message, &locate), STATUS_OK);
    return message;
}

static struct buffer sample_response(void)
{
    struct buffer message = new_message();
    response.herd = slice_of("goloman");
    response.server = slice_of("Hands");
    response.incarnation = 9;
    response.received_ns = INT64_MAX;
    assert_int_equal(response_begin(&message, &response), STATUS_OK);
    for (enum outcome_kind kind = OUTCOME_ACCEPTED; kind <= OUTCOME_FOUND; kind++) {
        struct outcome outcome = {.kind = kind};
        if (kind == OUTCOME_FOUND) {
            outcome.report = report_of("kiwi", "1520023934.918963997", "Welsh");
        }
        assert_int_equal(response_add(&message, &outcome), STATUS_OK);
    }
    return message;
}

static struct buffer sample_nearby(void)
{
    struct buffer message = new_message();
    struct nearby sample = {
        .location = {.latitude = -34.5, .longitude = 118.25},
        .radius_m = 10000,
        .results_max = 5,
        .timeout_ms = UINT32_MAX,
    };
    assert_int_equal(nearby_encode(&message, &sample), STATUS_OK);
    return message;
}

static struct buffer sample_places(void)
{
    struct buffer message = new_message();
    struct places sample = {
        .provider = PROVIDER_OVERPASS,
        .status = PLACES_ZERO_RESULTS,
        .keep_ms = UINT32_MAX,
        .json = slice_of("{\n\"results\" : []\n}"),
    };
    assert_int_equal(places_encode(&message, &sample), STATUS_OK);
    return message;
}

static struct buffer sample_of(enum kind kind)
{
    switch (kind) {
    case REQUEST:
        return sample_request();
    case RESPONSE:
        return sample_response();
    case NEARBY:
        return sample_nearby();
    case PLACES:
        return sample_places();
    case GOSSIP:
        return sample_gossip();
    case KINDS:
        break;
    }
    return new_message();
}

/* ---- Round trips ---- */

static void assert_text(struct slice got, const char *wanted)
{
    assert_true(slice_equals(got, slice_of(wanted)));
}

static void a_request_comes_back_as_it_was(void **state)
{
    (void)state;
    struct buffer message = sample_request();

    assert_int_equal(request_decode(buffer_slice(&message), &request), STATUS_OK);

    assert_text(request.herd, "goloman");
    assert_text(request.server, "Hands");
    assert_int_equal(request.count, 2);
    assert_int_equal(request.operations[0].kind, OPERATION_ACCEPT);
    assert_text(request.operations[0].id, "kiwi");
    assert_text(request.operations[0].location, "+34-118");
    assert_text(request.operations[0].time, "10");
    assert_int_equal(request.operations[1].kind, OPERATION_LOCATE);
    assert_true(slice_equals(request.operations[1].id, slice_of_bytes("\0\xff", 2)));
    buffer_clear(&message);
}

static void a_greeting_has_no_operations(void **state)
{
    (void)state;
    struct buffer message = new_message();
    assert_int_equal(request_begin(&message, slice_of("goloman"), slice_of("Hands")), STATUS_OK);

    assert_int_equal(request_decode(buffer_slice(&message), &request), STATUS_OK);

    assert_int_equal(request.count, 0);
    buffer_clear(&message);
}

static void a_response_comes_back_as_it_was(void **state)
{
    (void)state;
    struct buffer message = sample_response();
    struct report wanted = report_of("kiwi", "1520023934.918963997", "Welsh");

    assert_int_equal(response_decode(buffer_slice(&message), &response), STATUS_OK);

    assert_text(response.herd, "goloman");
    assert_text(response.server, "Hands");
    assert_int_equal(response.incarnation, 9);
    assert_int_equal(response.received_ns, INT64_MAX);
    assert_int_equal(response.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(response.outcomes[i].kind, OUTCOME_ACCEPTED + i);
    }
    const struct report *report = &response.outcomes[3].report;
    assert_int_equal(report->id.length, 0);
    assert_true(slice_equals(report->location, wanted.location));
    assert_true(slice_equals(report->time, wanted.time));
    assert_true(slice_equals(report->server, wanted.server));
    assert_int_equal(report->time_ns, wanted.time_ns);
    assert_int_equal(report->received_ns, wanted.received_ns);
    buffer_clear(&message);
}

static void a_look_up_and_its_places_come_back_as_they_were(void **state)
{
    (void)state;
    struct buffer asked = sample_nearby();
    struct buffer answered = sample_places();

    assert_int_equal(nearby_decode(buffer_slice(&asked), &nearby), STATUS_OK);
    assert_int_equal(places_decode(buffer_slice(&answered), &places), STATUS_OK);

    assert_true(nearby.location.latitude == -34.5);
    assert_true(nearby.location.longitude == 118.25);
    assert_true(nearby.radius_m == 10000);
    assert_int_equal(nearby.results_max, 5);
    assert_int_equal(nearby.timeout_ms, UINT32_MAX);
    assert_int_equal(places.provider, PROVIDER_OVERPASS);
    assert_int_equal(places.status, PLACES_ZERO_RESULTS);
    assert_int_equal(places.keep_ms, UINT32_MAX);
    assert_text(places.json, "{\n\"results\" : []\n}");
    buffer_clear(&asked);
    buffer_clear(&answered);
}

static void gossip_comes_back_as_it_was(void **state)
{
    (void)state;
    struct buffer message = sample_gossip();
    struct gossip_header wanted = sample_header();

    assert_int_equal(gossip_decode(buffer_slice(&message), &gossip), STATUS_OK);

    const struct gossip_header *got = &gossip.header;
    assert_true(slice_equals(got->herd, wanted.herd));
    assert_true(slice_equals(got->sender, wanted.sender));
    assert_true(slice_equals(got->receiver, wanted.receiver));
    assert_int_equal(got->incarnation, wanted.incarnation);
    assert_int_equal(got->number, wanted.number);
    assert_memory_equal(&got->holding, &wanted.holding, sizeof wanted.holding);
    assert_int_equal(got->head, wanted.head);
    assert_int_equal(got->count, wanted.count);
    assert_int_equal(got->digest.low, wanted.digest.low);
    assert_int_equal(got->digest.high, wanted.digest.high);
    assert_true(got->wants_lazy);
    assert_int_equal(got->from, wanted.from);
    assert_int_equal(got->to, wanted.to);
    assert_int_equal(gossip.count, 3);
    assert_text(gossip.reports[0].server, "Hands");
    assert_text(gossip.reports[1].server, "Welsh");
    assert_text(gossip.reports[2].server, "Hands");
    assert_text(gossip.reports[2].id, "plum");
    assert_int_equal(gossip.reports[0].time_ns, INT64_C(1520023934918963997));
    assert_int_equal(gossip.reports[1].time_ns, 0);
    buffer_clear(&message);
}

static void the_end_of_the_range_can_be_set_later(void **state)
{
    (void)state;
    static const uint64_t ends[] = {3, 127, 128, 65536, UINT64_C(1) << 40};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct buffer message = new_message();
        struct gossip_writer writer;
        struct gossip_header header = sample_header();
        struct report report = report_of("kiwi", "1", "Hands");
        assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);
        assert_int_equal(gossip_writer_add(&writer, &report), STATUS_OK);

        gossip_writer_set_to(&writer, ends[i]);

        assert_int_equal(gossip_decode(buffer_slice(&message), &gossip), STATUS_OK);
        assert_int_equal(gossip.header.to, ends[i]);
        assert_int_equal(gossip.count, 1);
        buffer_clear(&message);
    }
}

/* ---- What is not a message ---- */

static bool is_within(struct slice slice, struct slice message)
{
    return slice.length == 0 || (slice.data >= message.data && slice.length <= message.length &&
                                    slice.data + slice.length <= message.data + message.length);
}

/* A decoder that says OK has read nothing but the message, and promises its limits. */
static void assert_within_bounds(enum kind kind, struct slice message)
{
    switch (kind) {
    case REQUEST:
        assert_true(request.count <= MESSAGE_OPERATIONS_MAX);
        assert_true(is_within(request.herd, message) && is_within(request.server, message));
        for (size_t i = 0; i < request.count; i++) {
            const struct operation *operation = &request.operations[i];
            assert_true(operation->kind == OPERATION_ACCEPT || operation->kind == OPERATION_LOCATE);
            assert_true(is_within(operation->id, message) &&
                        is_within(operation->location, message) &&
                        is_within(operation->time, message));
        }
        break;
    case RESPONSE:
        assert_true(response.count <= MESSAGE_OPERATIONS_MAX && response.received_ns >= 0);
        for (size_t i = 0; i < response.count; i++) {
            const struct report *report = &response.outcomes[i].report;
            assert_true(is_within(report->location, message) && is_within(report->time, message) &&
                        is_within(report->server, message));
        }
        break;
    case NEARBY:
        assert_true(fabs(nearby.location.latitude) <= 90 &&
                    fabs(nearby.location.longitude) <= 180 && nearby.radius_m >= 0 &&
                    nearby.radius_m <= 50000 && nearby.results_max <= 20);
        break;
    case PLACES:
        assert_true(is_within(places.json, message));
        break;
    case GOSSIP:
        assert_true(gossip.count <= MESSAGE_REPORTS_MAX);
        assert_true(gossip.header.from <= gossip.header.to &&
                    gossip.header.to <= gossip.header.head && gossip.header.number > 0 &&
                    gossip.header.incarnation > 0);
        for (size_t i = 0; i < gossip.count; i++) {
            const struct report *report = &gossip.reports[i];
            assert_true(report->id.length > 0 && report->time_ns >= 0 && report->received_ns >= 0);
            assert_true(is_within(report->id, message) && is_within(report->location, message) &&
                        is_within(report->time, message) && is_within(report->server, message));
        }
        break;
    case KINDS:
        break;
    }
}

/* Decodes an exact copy, so that the sanitizer sees a step beyond the end. */
static enum status decode_copy(enum kind kind, const char *bytes, size_t length)
{
    char *copy = exact_copy(bytes, length);
    struct slice message = slice_of_bytes(copy, length);
    enum status status = decode(kind, message);
    assert_true(
        status == STATUS_OK || status == STATUS_MALFORMED || status == STATUS_UNSUPPORTED_VERSION);
    if (status == STATUS_OK) {
        assert_within_bounds(kind, message);
    }
    free(copy);
    return status;
}

/* What is a row of things may end after any of them; everything else is refused. */
static void a_message_that_is_cut_is_refused_or_ends_between_two_things(void **state)
{
    (void)state;
    static const unsigned whole_prefixes[KINDS] = {
        [REQUEST] = 2, /* the greeting, and one operation */
        [RESPONSE] = 4,
        [NEARBY] = 0,
        [PLACES] = 0,
        [GOSSIP] = 3,
    };
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        unsigned whole = 0;
        for (size_t length = 0; length < message.length; length++) {
            whole += decode_copy(kind, message.data, length) == STATUS_OK ? 1 : 0;
        }
        assert_int_equal(whole, whole_prefixes[kind]);
        assert_int_equal(decode_copy(kind, message.data, message.length), STATUS_OK);
        buffer_clear(&message);
    }
}

static void every_changed_byte_is_refused_or_stays_within_bounds(void **state)
{
    (void)state;
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        for (size_t place = 0; place < message.length; place++) {
            char original = message.data[place];
            for (int value = 0; value < 256; value++) {
                message.data[place] = (char)value;
                (void)decode_copy(kind, message.data, message.length);
            }
            message.data[place] = original;
        }
        buffer_clear(&message);
    }
}

static void bytes_after_the_end_are_refused(void **state)
{
    (void)state;
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        assert_int_equal(buffer_append(&message, slice_of_bytes("\xc0", 1)), STATUS_OK);
        assert_int_equal(decode_copy(kind, message.data, message.length), STATUS_MALFORMED);
        buffer_clear(&message);
    }
}

/* Claims of lengths and counts that no message has, and types that no field has, at every place. */
static void claims_that_nothing_backs_are_refused(void **state)
{
    (void)state;
    static const struct slice claims[] = {
        {"\xdd\xff\xff\xff\xff", 5}, /* an array of 2^32 - 1 */
        {"\xdc\xff\xff", 3},         /* ... of 65 535 */
        {"\x9f", 1},                 /* ... of 15 */
        {"\xdf\xff\xff\xff\xff", 5}, /* a map likewise */
        {"\x8f", 1},
        {"\xc6\xff\xff\xff\xff", 5},                 /* bytes */
        {"\xdb\xff\xff\xff\xff", 5},                 /* text */
        {"\xc9\xff\xff\xff\xff\x01", 6},             /* an extension */
        {"\xc0", 1},                                 /* nil */
        {"\xc1", 1},                                 /* never used */
        {"\xc3", 1},                                 /* true */
        {"\xff", 1},                                 /* -1 */
        {"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9}, /* -2^63 */
        {"\xca\x7f\xc0\x00\x00", 5},                 /* a float */
    };
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
            for (size_t place = 0; place < message.length; place++) {
                struct buffer changed = new_message();
                assert_int_equal(
                    buffer_append(&changed, slice_of_bytes(message.data, place)), STATUS_OK);
                assert_int_equal(buffer_append(&changed, claims[i]), STATUS_OK);
                (void)decode_copy(kind, changed.data, changed.length);
                if (place < 2) { /* where version and kind stand */
                    assert_int_equal(
                        decode_copy(kind, changed.data, changed.length), STATUS_MALFORMED);
                }
                buffer_clear(&changed);
            }
        }
        buffer_clear(&message);
    }
}

static void another_version_is_told_apart_from_nonsense(void **state)
{
    (void)state;
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        assert_int_equal(message.data[0], MESSAGE_VERSION);
        message.data[0] = MESSAGE_VERSION + 1;
        assert_int_equal(
            decode_copy(kind, message.data, message.length), STATUS_UNSUPPORTED_VERSION);
        message.data[0] = MESSAGE_VERSION - 1;
        assert_int_equal(
            decode_copy(kind, message.data, message.length), STATUS_UNSUPPORTED_VERSION);
        assert_int_equal(decode_copy(kind, message.data, 0), STATUS_MALFORMED);
        buffer_clear(&message);
    }
}

static void no_kind_of_message_is_taken_for_another(void **state)
{
    (void)state;
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        for (enum kind other = REQUEST; other < KINDS; other++) {
            assert_int_equal(decode_copy(other, message.data, message.length),
                other == kind ? STATUS_OK : STATUS_MALFORMED);
        }
        buffer_clear(&message);
    }
}

/* The second byte says what a message is; whatever else of it would be understood. */
static void another_kind_is_refused_whatever_follows(void **state)
{
    (void)state;
    for (enum kind kind = REQUEST; kind < KINDS; kind++) {
        struct buffer message = sample_of(kind);
        const char own = message.data[1];
        for (char other = 0; other < 16; other++) {
            message.data[1] = other;
            assert_int_equal(decode_copy(kind, message.data, message.length),
                other == own ? STATUS_OK : STATUS_MALFORMED);
        }
        buffer_clear(&message);
    }
}

/* Spoils what stands `at` in a message that is right otherwise, and clears that: operations and
 * outcomes count from 1. */
static void expect_kinds(enum kind kind, struct buffer *message, size_t at, char last)
{
    assert_int_equal(decode_copy(kind, message->data, message->length), STATUS_OK);
    message->data[at] = 0;
    assert_int_equal(decode_copy(kind, message->data, message->length), STATUS_MALFORMED);
    message->data[at] = (char)(last + 1);
    assert_int_equal(decode_copy(kind, message->data, message->length), STATUS_MALFORMED);
    buffer_clear(message);
}

static void what_is_neither_operation_nor_outcome_is_refused(void **state)
{
    (void)state;
    struct buffer message = new_message();
    const struct operation operation = {.kind = OPERATION_ACCEPT,
        .id = slice_of("kiwi"),
        .location = slice_of("+34-118"),
        .time = slice_of("1")};
    assert_int_equal(request_begin(&message, slice_of("goloman"), slice_of("Hands")), STATUS_OK);
    const size_t operation_at = message.length;
    assert_int_equal(request_add(&message, &operation), STATUS_OK);
    assert_int_equal(message.data[operation_at], OPERATION_ACCEPT);
    expect_kinds(REQUEST, &message, operation_at, OPERATION_LOCATE);

    message = new_message();
    const struct response head = {.herd = slice_of("goloman"), .server = slice_of("Hands")};
    const struct outcome outcome = {.kind = OUTCOME_ACCEPTED};
    assert_int_equal(response_begin(&message, &head), STATUS_OK);
    const size_t outcome_at = message.length;
    assert_int_equal(response_add(&message, &outcome), STATUS_OK);
    assert_int_equal(message.data[outcome_at], OUTCOME_ACCEPTED);
    expect_kinds(RESPONSE, &message, outcome_at, OUTCOME_FOUND);
}

/* ---- Limits ---- */

static void a_request_has_no_more_operations_than_its_limit(void **state)
{
    (void)state;
    struct buffer message = new_message();
    struct operation locate = {.kind = OPERATION_LOCATE, .id = slice_of("k")};
    assert_int_equal(request_begin(&message, slice_of("goloman"), slice_of("Hands")), STATUS_OK);
    for (size_t i = 0; i < MESSAGE_OPERATIONS_MAX; i++) {
        assert_int_equal(request_add(&message, &locate), STATUS_OK);
    }
    assert_int_equal(decode_copy(REQUEST, message.data, message.length), STATUS_OK);
    assert_int_equal(request.count, MESSAGE_OPERATIONS_MAX);

    assert_int_equal(request_add(&message, &locate), STATUS_OK);

    assert_int_equal(decode_copy(REQUEST, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void a_response_has_no_more_outcomes_than_its_limit(void **state)
{
    (void)state;
    struct buffer message = new_message();
    struct outcome outcome = {.kind = OUTCOME_UNKNOWN};
    response.herd = slice_of("goloman");
    response.server = slice_of("Hands");
    response.received_ns = 0;
    assert_int_equal(response_begin(&message, &response), STATUS_OK);
    for (size_t i = 0; i < MESSAGE_OPERATIONS_MAX; i++) {
        assert_int_equal(response_add(&message, &outcome), STATUS_OK);
    }
    assert_int_equal(decode_copy(RESPONSE, message.data, message.length), STATUS_OK);

    assert_int_equal(response_add(&message, &outcome), STATUS_OK);

    assert_int_equal(decode_copy(RESPONSE, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static struct report short_report(void)
{
    struct report report;
    assert_int_equal(report_from_parts(
                         slice_of("k"), slice_of("+1+1"), slice_of("1"), slice_of("H"), 1, &report),
        STATUS_OK);
    return report;
}

static void gossip_has_no_more_reports_than_its_limit(void **state)
{
    (void)state;
    struct buffer message = new_message();
    struct gossip_writer writer;
    struct gossip_header header = sample_header();
    struct report report = short_report();
    assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);
    size_t length_before = 0;
    for (size_t i = 0; i < MESSAGE_REPORTS_MAX; i++) {
        length_before = message.length;
        assert_int_equal(gossip_writer_add(&writer, &report), STATUS_OK);
    }
    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_OK);
    assert_int_equal(gossip.count, MESSAGE_REPORTS_MAX);

    assert_int_equal(gossip_writer_add(&writer, &report), STATUS_FULL);
    struct slice last = slice_from(buffer_slice(&message), length_before);
    char *copy = exact_copy(last.data, last.length);
    assert_int_equal(buffer_append(&message, slice_of_bytes(copy, last.length)), STATUS_OK);

    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_MALFORMED);
    free(copy);
    buffer_clear(&message);
}

static void gossip_names_no_more_servers_than_its_limit(void **state)
{
    (void)state;
    static char names[MESSAGE_SERVERS_MAX + 1][8];
    struct buffer message = new_message();
    struct gossip_writer writer;
    struct gossip_header header = sample_header();
    struct report report = short_report();
    assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);
    for (size_t i = 0; i <= MESSAGE_SERVERS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "S%zu", i);
        report.server = slice_of(names[i]);
        assert_int_equal(
            gossip_writer_add(&writer, &report), i < MESSAGE_SERVERS_MAX ? STATUS_OK : STATUS_FULL);
    }
    report.server = slice_of(names[3]);
    assert_int_equal(gossip_writer_add(&writer, &report), STATUS_OK); /* that one is named */

    assert_int_equal(gossip_decode(buffer_slice(&message), &gossip), STATUS_OK);
    assert_text(gossip.reports[MESSAGE_SERVERS_MAX].server, "S3");

    writer.server_count = 0; /* as one who keeps to no limit: it names another one */
    report.server = slice_of("one too many");
    assert_int_equal(gossip_writer_add(&writer, &report), STATUS_OK);
    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void what_does_not_fit_leaves_the_message_as_it_was(void **state)
{
    (void)state;
    struct report report = report_of("kiwi", "1520023934.918963997", "Hands");
    struct gossip_header header = sample_header();
    struct buffer whole = sample_gossip();
    for (size_t max = 1; max < whole.length; max++) {
        struct buffer message = buffer_with_max(max);
        struct gossip_writer writer;
        if (gossip_writer_begin(&writer, &message, &header) != STATUS_OK) {
            assert_int_equal(message.length, 0);
            buffer_clear(&message);
            continue;
        }
        size_t length = message.length;
        while (gossip_writer_add(&writer, &report) == STATUS_OK) {
            length = message.length;
        }
        assert_int_equal(message.length, length);
        assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_OK);
        assert_int_equal(gossip.count, writer.report_count);
        buffer_clear(&message);
    }
    buffer_clear(&whole);

    struct buffer tiny = buffer_with_max(4);
    struct nearby look_up = {.results_max = 1};
    struct places text = {.json = slice_of("{}")};
    response.herd = slice_of("goloman");
    response.server = slice_of("Hands");
    assert_int_equal(nearby_encode(&tiny, &look_up), STATUS_FULL);
    assert_int_equal(places_encode(&tiny, &text), STATUS_FULL);
    assert_int_equal(request_begin(&tiny, slice_of("herd"), slice_of("H")), STATUS_FULL);
    assert_int_equal(response_begin(&tiny, &response), STATUS_FULL);
    assert_int_equal(tiny.length, 0);
    buffer_clear(&tiny);
}

/* The largest report of a client fits into any message that has none yet. */
static void the_longest_report_fits_into_an_empty_message(void **state)
{
    (void)state;
    static char id[REPORT_BYTES_MAX];
    static char name[MESSAGE_NAME_MAX];
    memset(id, 'k', sizeof id);
    memset(name, 'n', sizeof name);
    struct slice long_name = slice_of_bytes(name, sizeof name);
    struct report report;
    assert_int_equal(report_from_parts(slice_of_bytes(id, sizeof id - 8),
                         slice_of("+34-118"),
                         slice_of("1"),
                         long_name,
                         INT64_MAX,
                         &report),
        STATUS_OK);
    struct buffer message = new_message();
    struct gossip_writer writer;
    struct gossip_header header = sample_header();
    header.herd = header.sender = header.receiver = long_name;
    assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);

    assert_int_equal(gossip_writer_add(&writer, &report), STATUS_OK);

    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_OK);
    buffer_clear(&message);
}

/* ---- Fields ---- */

static void assert_header_refused(const struct gossip_header *header)
{
    struct buffer message = new_message();
    struct gossip_writer writer;
    assert_int_equal(gossip_writer_begin(&writer, &message, header), STATUS_OK);
    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void gossip_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    static char name[MESSAGE_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    struct gossip_header header = sample_header();
    header.incarnation = 0;
    assert_header_refused(&header);
    header = sample_header();
    header.number = 0;
    assert_header_refused(&header);
    header = sample_header();
    header.from = header.to + 1;
    assert_header_refused(&header);
    header = sample_header();
    header.to = header.head + 1;
    assert_header_refused(&header);
    header = sample_header();
    header.holding.island_from = header.holding.island_to + 1;
    assert_header_refused(&header);
    header = sample_header();
    header.sender = slice_of_bytes(name, sizeof name);
    assert_header_refused(&header);
    header = sample_header();
    header.herd = slice_of("");
    assert_header_refused(&header);
}

static void the_wish_for_lazy_push_is_yes_or_no_and_nothing_else(void **state)
{
    (void)state;
    static const bool wishes[] = {false, true};
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        struct buffer message = new_message();
        struct gossip_writer writer;
        struct gossip_header header = sample_header();
        header.wants_lazy = wishes[i];
        assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);
        assert_int_equal(gossip_decode(buffer_slice(&message), &gossip), STATUS_OK);
        assert_int_equal(gossip.header.wants_lazy, wishes[i]);
        assert_int_equal(gossip.header.from, header.from);

        const size_t place = writer.to_offset - 2; /* `from` is one byte, too */
        assert_int_equal(message.data[place], wishes[i]);
        message.data[place] = 2;
        assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_MALFORMED);
        buffer_clear(&message);
    }
}

static void assert_report_refused(struct report report)
{
    struct buffer message = new_message();
    struct gossip_writer writer;
    struct gossip_header header = sample_header();
    assert_int_equal(gossip_writer_begin(&writer, &message, &header), STATUS_OK);
    assert_int_equal(gossip_writer_add(&writer, &report), STATUS_OK);
    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void a_report_that_breaks_a_rule_is_refused(void **state)
{
    (void)state;
    struct report report = short_report();
    report.id = slice_of("");
    assert_report_refused(report);
    report = short_report();
    report.id = slice_of("k k");
    assert_report_refused(report);
    report = short_report();
    report.location = slice_of("+91+1");
    assert_report_refused(report);
    report = short_report();
    report.time = slice_of("-1");
    assert_report_refused(report);
    report = short_report();
    report.server = slice_of("H H");
    assert_report_refused(report);
    report = short_report();
    report.received_ns = -1; /* beyond 2^63 on the wire */
    assert_report_refused(report);
}

static void a_server_number_that_was_not_named_is_refused(void **state)
{
    (void)state;
    struct buffer message = sample_gossip();
    /* The third report gives number 0 for Hands: the only such byte before a receiving time. */
    size_t changed = 0;
    for (size_t place = message.length - 1; place > 0 && changed == 0; place--) {
        if (message.data[place] == 0 && (unsigned char)message.data[place + 1] == 0xcf) {
            message.data[place] = 2;
            changed = place;
        }
    }
    assert_true(changed > 0);

    assert_int_equal(decode_copy(GOSSIP, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void assert_nearby_refused(struct nearby look_up)
{
    struct buffer message = new_message();
    assert_int_equal(nearby_encode(&message, &look_up), STATUS_OK);
    assert_int_equal(decode_copy(NEARBY, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void a_look_up_beyond_its_limits_is_refused(void **state)
{
    (void)state;
    assert_nearby_refused((struct nearby){.location = {.latitude = 90.0000001}});
    assert_nearby_refused((struct nearby){.location = {.longitude = -180.0000001}});
    assert_nearby_refused((struct nearby){.location = {.latitude = NAN}});
    assert_nearby_refused((struct nearby){.location = {.longitude = INFINITY}});
    assert_nearby_refused((struct nearby){.radius_m = -1});
    assert_nearby_refused((struct nearby){.radius_m = 50000.5});
    assert_nearby_refused((struct nearby){.results_max = 21});

    struct buffer message = sample_nearby(); /* the last field is its time, 2^32 - 1 */
    const char longer[] = "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"; /* 2^32 */
    buffer_truncate(&message, message.length - 5);
    assert_int_equal(buffer_append(&message, slice_of_bytes(longer, sizeof longer - 1)), STATUS_OK);
    assert_int_equal(decode_copy(NEARBY, message.data, message.length), STATUS_MALFORMED);
    buffer_clear(&message);
}

static void places_beyond_their_limit_are_refused(void **state)
{
    (void)state;
    struct buffer message = buffer_with_max((size_t)2 * MESSAGE_PLACES_MAX);
    char *json = calloc(1, MESSAGE_PLACES_MAX + 1);
    assert_non_null(json);
    struct places longest = {.json = slice_of_bytes(json, MESSAGE_PLACES_MAX)};
    assert_int_equal(places_encode(&message, &longest), STATUS_OK);
    assert_int_equal(decode_copy(PLACES, message.data, message.length), STATUS_OK);
    buffer_reset(&message);

    longest.json.length++;
    assert_int_equal(places_encode(&message, &longest), STATUS_OK);

    assert_int_equal(decode_copy(PLACES, message.data, message.length), STATUS_MALFORMED);
    free(json);
    buffer_clear(&message);
}

static enum status decode_of(const struct places *sample)
{
    struct buffer message = new_message();
    assert_int_equal(places_encode(&message, sample), STATUS_OK);
    const enum status status = decode_copy(PLACES, message.data, message.length);
    buffer_clear(&message);
    return status;
}

static void every_provider_and_status_comes_back_and_no_other(void **state)
{
    (void)state;
    for (unsigned provider = 0; provider <= PROVIDER_NONE + 1; provider++) {
        for (unsigned status = 0; status <= PLACES_STATUSES; status++) {
            const struct places sample = {
                .provider = (enum places_provider)provider, .status = (enum places_status)status};
            const bool is_known = provider <= PROVIDER_NONE && status < PLACES_STATUSES;
            assert_int_equal(decode_of(&sample), is_known ? STATUS_OK : STATUS_MALFORMED);
            if (is_known) {
                assert_int_equal(places.provider, provider);
                assert_int_equal(places.status, status);
            }
        }
    }
}

static void an_answer_of_nobody_is_not_kept(void **state)
{
    (void)state;
    const struct places sample = {.provider = PROVIDER_NONE, .keep_ms = 1};
    assert_int_equal(decode_of(&sample), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back_as_it_was),
        cmocka_unit_test(a_greeting_has_no_operations),
        cmocka_unit_test(a_response_comes_back_as_it_was),
        cmocka_unit_test(a_look_up_and_its_places_come_back_as_they_were),
        cmocka_unit_test(gossip_comes_back_as_it_was),
        cmocka_unit_test(the_end_of_the_range_can_be_set_later),
        cmocka_unit_test(a_message_that_is_cut_is_refused_or_ends_between_two_things),
        cmocka_unit_test(every_changed_byte_is_refused_or_stays_within_bounds),
        cmocka_unit_test(bytes_after_the_end_are_refused),
        cmocka_unit_test(claims_that_nothing_backs_are_refused),
        cmocka_unit_test(another_version_is_told_apart_from_nonsense),
        cmocka_unit_test(no_kind_of_message_is_taken_for_another),
        cmocka_unit_test(another_kind_is_refused_whatever_follows),
        cmocka_unit_test(what_is_neither_operation_nor_outcome_is_refused),
        cmocka_unit_test(a_request_has_no_more_operations_than_its_limit),
        cmocka_unit_test(a_response_has_no_more_outcomes_than_its_limit),
        cmocka_unit_test(gossip_has_no_more_reports_than_its_limit),
        cmocka_unit_test(gossip_names_no_more_servers_than_its_limit),
        cmocka_unit_test(what_does_not_fit_leaves_the_message_as_it_was),
        cmocka_unit_test(the_longest_report_fits_into_an_empty_message),
        cmocka_unit_test(gossip_that_contradicts_itself_is_refused),
        cmocka_unit_test(the_wish_for_lazy_push_is_yes_or_no_and_nothing_else),
        cmocka_unit_test(a_report_that_breaks_a_rule_is_refused),
        cmocka_unit_test(a_server_number_that_was_not_named_is_refused),
        cmocka_unit_test(a_look_up_beyond_its_limits_is_refused),
        cmocka_unit_test(places_beyond_their_limit_are_refused),
        cmocka_unit_test(every_provider_and_status_comes_back_and_no_other),
        cmocka_unit_test(an_answer_of_nobody_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
