/* MessagePack on both sides: what is written and what is read stand together, message by message.
 */
#include "common/message_codec.h"

#include <msgpack.h>

#include <assert.h>
#include <math.h>
#include <string.h>

enum message_kind {
    KIND_REQUEST = 1,
    KIND_RESPONSE = 2,
    KIND_NEARBY = 3,
    KIND_PLACES = 4,
    KIND_GOSSIP = 5,
};

/* ---- Writing scalars ---- */

static int append(void *buffer, const char *bytes, size_t length)
{
    return buffer_append(buffer, slice_of_bytes(bytes, length)) == STATUS_OK ? 0 : -1;
}

static msgpack_packer packer_to(struct buffer *message)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, message, append);
    return packer;
}

static bool write_number(msgpack_packer *packer, uint64_t value)
{
    return msgpack_pack_uint64(packer, value) == 0;
}

static bool write_name(msgpack_packer *packer, struct slice name)
{
    return msgpack_pack_str(packer, name.length) == 0 &&
           msgpack_pack_str_body(packer, name.data, name.length) == 0;
}

static bool write_bytes(msgpack_packer *packer, struct slice bytes)
{
    return msgpack_pack_bin(packer, bytes.length) == 0 &&
           msgpack_pack_bin_body(packer, bytes.data, bytes.length) == 0;
}

static bool write_kind(msgpack_packer *packer, enum message_kind kind)
{
    return write_number(packer, MESSAGE_VERSION) && write_number(packer, kind);
}

/* All or nothing: what a failed write left is cut off again. */
static enum status finish(struct buffer *message, size_t length_before, bool is_written)
{
    if (is_written) {
        return STATUS_OK;
    }
    buffer_truncate(message, length_before);
    return STATUS_FULL;
}

/* ---- Reading scalars ---- */

struct reader {
    struct slice message;
    size_t offset;
};

static bool is_at_end(const struct reader *reader)
{
    return reader->offset == reader->message.length;
}

/* First bytes of integers, strings, byte strings and doubles; nothing that nests or claims a count.
 */
static bool starts_scalar(unsigned char byte)
{
    return byte <= 0x7f || (byte >= 0xa0 && byte <= 0xbf) || (byte >= 0xc4 && byte <= 0xc6) ||
           byte == 0xcb || (byte >= 0xcc && byte <= 0xd3) || (byte >= 0xd9 && byte <= 0xdb) ||
           byte >= 0xe0;
}

/*
 * The unpacker leaves the bytes of scalars in the message and allocates nothing for them; but it
 * wants a zone to allocate from, and makes one for each byte string where it is given none.
 */
static bool read_scalar(struct reader *reader, msgpack_object_type type, msgpack_object *ret_object)
{
    if (is_at_end(reader) || !starts_scalar((unsigned char)reader->message.data[reader->offset])) {
        return false;
    }
    msgpack_zone unused = {.chunk_size = 0};
    msgpack_unpack_return result = msgpack_unpack(
        reader->message.data, reader->message.length, &reader->offset, &unused, ret_object);
    return (result == MSGPACK_UNPACK_SUCCESS || result == MSGPACK_UNPACK_EXTRA_BYTES) &&
           ret_object->type == type;
}

static bool read_number(struct reader *reader, uint64_t max, uint64_t *ret_value)
{
    msgpack_object object;
    if (!read_scalar(reader, MSGPACK_OBJECT_POSITIVE_INTEGER, &object) || object.via.u64 > max) {
        return false;
    }
    *ret_value = object.via.u64;
    return true;
}

static bool read_bool(struct reader *reader, bool *ret_value)
{
    uint64_t value;
    if (!read_number(reader, 1, &value)) {
        return false;
    }
    *ret_value = value == 1;
    return true;
}

static bool read_wall_ns(struct reader *reader, int64_t *ret_ns)
{
    uint64_t value;
    if (!read_number(reader, INT64_MAX, &value)) {
        return false;
    }
    *ret_ns = (int64_t)value;
    return true;
}

static bool read_name(struct reader *reader, struct slice *ret_name)
{
    msgpack_object object;
    if (!read_scalar(reader, MSGPACK_OBJECT_STR, &object) || object.via.str.size == 0 ||
        object.via.str.size > MESSAGE_NAME_MAX) {
        return false;
    }
    *ret_name = slice_of_bytes(object.via.str.ptr, object.via.str.size);
    return true;
}

static bool read_bytes(struct reader *reader, size_t max, struct slice *ret_bytes)
{
    msgpack_object object;
    if (!read_scalar(reader, MSGPACK_OBJECT_BIN, &object) || object.via.bin.size > max) {
        return false;
    }
    *ret_bytes = slice_of_bytes(object.via.bin.ptr, object.via.bin.size);
    return true;
}

static bool read_double(struct reader *reader, double min, double max, double *ret_value)
{
    msgpack_object object;
    if (!read_scalar(reader, MSGPACK_OBJECT_FLOAT64, &object) || !isfinite(object.via.f64) ||
        object.via.f64 < min || object.via.f64 > max) {
        return false;
    }
    *ret_value = object.via.f64;
    return true;
}

/* The version comes first in every message of every version. */
static enum status read_kind(struct reader *reader, enum message_kind kind)
{
    uint64_t version;
    uint64_t actual;
    if (!read_number(reader, UINT64_MAX, &version)) {
        return STATUS_MALFORMED;
    }
    if (version != MESSAGE_VERSION) {
        return STATUS_UNSUPPORTED_VERSION;
    }
    if (!read_number(reader, KIND_GOSSIP, &actual) || actual != kind) {
        return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

/* ---- Request ---- */

enum status request_begin(struct buffer *message, struct slice herd, struct slice server)
{
    assert(message->length == 0);
    msgpack_packer packer = packer_to(message);
    bool is_written = write_kind(&packer, KIND_REQUEST) && write_name(&packer, herd) &&
                      write_name(&packer, server);
    return finish(message, 0, is_written);
}

enum status request_add(struct buffer *message, const struct operation *operation)
{
    size_t length_before = message->length;
    msgpack_packer packer = packer_to(message);
    bool is_written = write_number(&packer, operation->kind) && write_bytes(&packer, operation->id);
    if (operation->kind == OPERATION_ACCEPT) {
        is_written = is_written && write_bytes(&packer, operation->location) &&
                     write_bytes(&packer, operation->time);
    }
    return finish(message, length_before, is_written);
}

static bool read_operation(struct reader *reader, struct operation *ret_operation)
{
    uint64_t kind;
    *ret_operation = (struct operation){.kind = OPERATION_LOCATE};
    if (!read_number(reader, OPERATION_LOCATE, &kind) || kind < OPERATION_ACCEPT ||
        !read_bytes(reader, MESSAGE_FIELD_MAX, &ret_operation->id)) {
        return false;
    }
    if (kind == OPERATION_LOCATE) {
        return true;
    }
    ret_operation->kind = OPERATION_ACCEPT;
    return read_bytes(reader, MESSAGE_FIELD_MAX, &ret_operation->location) &&
           read_bytes(reader, MESSAGE_FIELD_MAX, &ret_operation->time);
}

enum status request_decode(struct slice message, struct request *ret_request)
{
    struct reader reader = {.message = message};
    enum status status = read_kind(&reader, KIND_REQUEST);
    if (status != STATUS_OK) {
        return status;
    }
    if (!read_name(&reader, &ret_request->herd) || !read_name(&reader, &ret_request->server)) {
        return STATUS_MALFORMED;
    }
    for (ret_request->count = 0; !is_at_end(&reader); ret_request->count++) {
        if (ret_request->count == MESSAGE_OPERATIONS_MAX ||
            !read_operation(&reader, &ret_request->operations[ret_request->count])) {
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}

/* ---- Response ---- */

enum status response_begin(struct buffer *message, const struct response *response)
{
    assert(message->length == 0);
    msgpack_packer packer = packer_to(message);
    bool is_written = write_kind(&packer, KIND_RESPONSE) && write_name(&packer, response->herd) &&
                      write_name(&packer, response->server) &&
                      write_number(&packer, response->incarnation) &&
                      write_number(&packer, (uint64_t)response->received_ns);
    return finish(message, 0, is_written);
}

enum status response_add(struct buffer *message, const struct outcome *outcome)
{
    size_t length_before = message->length;
    msgpack_packer packer = packer_to(message);
    bool is_written = write_number(&packer, outcome->kind);
    if (outcome->kind == OUTCOME_FOUND) {
        is_written = is_written && write_name(&packer, outcome->report.server) &&
                     write_number(&packer, (uint64_t)outcome->report.received_ns) &&
                     write_bytes(&packer, outcome->report.location) &&
                     write_bytes(&packer, outcome->report.time);
    }
    return finish(message, length_before, is_written);
}

static bool read_outcome(struct reader *reader, struct outcome *ret_outcome)
{
    uint64_t kind;
    if (!read_number(reader, OUTCOME_FOUND, &kind) || kind < OUTCOME_ACCEPTED) {
        return false;
    }
    *ret_outcome = (struct outcome){.kind = (enum outcome_kind)kind};
    if (kind != OUTCOME_FOUND) {
        return true;
    }
    struct slice server;
    int64_t received_ns;
    struct slice location;
    struct slice time;
    if (!read_name(reader, &server) || !read_wall_ns(reader, &received_ns) ||
        !read_bytes(reader, MESSAGE_FIELD_MAX, &location) ||
        !read_bytes(reader, MESSAGE_FIELD_MAX, &time)) {
        return false;
    }
    struct slice any_id = slice_of("-"); /* the id is not repeated in the response */
    if (report_from_parts(any_id, location, time, server, received_ns, &ret_outcome->report) !=
        STATUS_OK) {
        return false;
    }
    ret_outcome->report.id = (struct slice){0};
    return true;
}

enum status response_decode(struct slice message, struct response *ret_response)
{
    struct reader reader = {.message = message};
    enum status status = read_kind(&reader, KIND_RESPONSE);
    if (status != STATUS_OK) {
        return status;
    }
    if (!read_name(&reader, &ret_response->herd) || !read_name(&reader, &ret_response->server) ||
        !read_number(&reader, UINT64_MAX, &ret_response->incarnation) ||
        !read_wall_ns(&reader, &ret_response->received_ns)) {
        return STATUS_MALFORMED;
    }
    for (ret_response->count = 0; !is_at_end(&reader); ret_response->count++) {
        if (ret_response->count == MESSAGE_OPERATIONS_MAX ||
            !read_outcome(&reader, &ret_response->outcomes[ret_response->count])) {
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}

/* ---- Nearby and places ---- */

enum { RADIUS_M_MAX = 50 * 1000, RESULTS_MAX = 20 };

enum status nearby_encode(struct buffer *message, const struct nearby *nearby)
{
    size_t length_before = message->length;
    msgpack_packer packer = packer_to(message);
    bool is_written = write_kind(&packer, KIND_NEARBY) &&
                      msgpack_pack_double(&packer, nearby->location.latitude) == 0 &&
                      msgpack_pack_double(&packer, nearby->location.longitude) == 0 &&
                      msgpack_pack_double(&packer, nearby->radius_m) == 0 &&
                      write_number(&packer, nearby->results_max) &&
                      write_number(&packer, nearby->timeout_ms);
    return finish(message, length_before, is_written);
}

enum status nearby_decode(struct slice message, struct nearby *ret_nearby)
{
    struct reader reader = {.message = message};
    enum status status = read_kind(&reader, KIND_NEARBY);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t results_max;
    uint64_t timeout_ms;
    if (!read_double(&reader, -90.0, 90.0, &ret_nearby->location.latitude) ||
        !read_double(&reader, -180.0, 180.0, &ret_nearby->location.longitude) ||
        !read_double(&reader, 0.0, RADIUS_M_MAX, &ret_nearby->radius_m) ||
        !read_number(&reader, RESULTS_MAX, &results_max) ||
        !read_number(&reader, UINT32_MAX, &timeout_ms) || !is_at_end(&reader)) {
        return STATUS_MALFORMED;
    }
    ret_nearby->results_max = (unsigned)results_max;
    ret_nearby->timeout_ms = (uint32_t)timeout_ms;
    return STATUS_OK;
}

enum status places_encode(struct buffer *message, const struct places *places)
{
    size_t length_before = message->length;
    msgpack_packer packer = packer_to(message);
    bool is_written = write_kind(&packer, KIND_PLACES) && write_number(&packer, places->provider) &&
                      write_number(&packer, places->status) &&
                      write_number(&packer, places->keep_ms) && write_bytes(&packer, places->json);
    return finish(message, length_before, is_written);
}

enum status places_decode(struct slice message, struct places *ret_places)
{
    struct reader reader = {.message = message};
    enum status status = read_kind(&reader, KIND_PLACES);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t provider;
    uint64_t places_status;
    uint64_t keep_ms;
    if (!read_number(&reader, PROVIDER_NONE, &provider) ||
        !read_number(&reader, PLACES_STATUSES - 1, &places_status) ||
        !read_number(&reader, provider == PROVIDER_NONE ? 0 : UINT32_MAX, &keep_ms) ||
        !read_bytes(&reader, MESSAGE_PLACES_MAX, &ret_places->json) || !is_at_end(&reader)) {
        return STATUS_MALFORMED;
    }
    ret_places->provider = (enum places_provider)provider;
    ret_places->status = (enum places_status)places_status;
    ret_places->keep_ms = (uint32_t)keep_ms;
    return STATUS_OK;
}

/* ---- Gossip ---- */

static bool write_holding(msgpack_packer *packer, const struct holding *holding)
{
    return write_number(packer, holding->incarnation) && write_number(packer, holding->number) &&
           write_number(packer, holding->mark) && write_number(packer, holding->island_from) &&
           write_number(packer, holding->island_to);
}

enum status gossip_writer_begin(
    struct gossip_writer *writer, struct buffer *message, const struct gossip_header *header)
{
    assert(message->length == 0);
    writer->message = message;
    writer->report_count = 0;
    writer->server_count = 0;
    msgpack_packer packer = packer_to(message);
    bool is_written =
        write_kind(&packer, KIND_GOSSIP) && write_name(&packer, header->herd) &&
        write_name(&packer, header->sender) && write_name(&packer, header->receiver) &&
        write_number(&packer, header->incarnation) && write_number(&packer, header->number) &&
        write_holding(&packer, &header->holding) && write_number(&packer, header->head) &&
        write_number(&packer, header->count) && write_number(&packer, header->digest.low) &&
        write_number(&packer, header->digest.high) && write_number(&packer, header->wants_lazy) &&
        write_number(&packer, header->from);
    writer->to_offset = message->length;
    is_written = is_written && msgpack_pack_fix_uint64(&packer, header->to) == 0;
    return finish(message, 0, is_written);
}

/* The number under which this message already names the server; server_count if it does not. */
static size_t server_number(const struct gossip_writer *writer, struct slice server)
{
    size_t number = 0;
    while (number < writer->server_count && !slice_equals(writer->servers[number], server)) {
        number++;
    }
    return number;
}

/* The first report of a server names it; later ones give the number of that name, counted from 0.
 */
enum status gossip_writer_add(struct gossip_writer *writer, const struct report *report)
{
    size_t number = server_number(writer, report->server);
    bool is_new = number == writer->server_count;
    if (writer->report_count == MESSAGE_REPORTS_MAX || number == MESSAGE_SERVERS_MAX) {
        return STATUS_FULL;
    }
    size_t length_before = writer->message->length;
    msgpack_packer packer = packer_to(writer->message);
    bool is_written =
        (is_new ? write_name(&packer, report->server) : write_number(&packer, number)) &&
        write_number(&packer, (uint64_t)report->received_ns) && write_bytes(&packer, report->id) &&
        write_bytes(&packer, report->location) && write_bytes(&packer, report->time);
    if (is_written) {
        writer->report_count++;
        if (is_new) {
            writer->servers[writer->server_count++] = report->server;
        }
    }
    return finish(writer->message, length_before, is_written);
}

void gossip_writer_set_to(struct gossip_writer *writer, uint64_t to)
{
    char *place = writer->message->data + writer->to_offset + 1; /* behind the type byte */
    for (int i = 0; i < 8; i++) {
        place[i] = (char)(to >> (56 - 8 * i));
    }
}

static bool read_holding(struct reader *reader, struct holding *ret_holding)
{
    return read_number(reader, UINT64_MAX, &ret_holding->incarnation) &&
           read_number(reader, UINT64_MAX, &ret_holding->number) &&
           read_number(reader, UINT64_MAX, &ret_holding->mark) &&
           read_number(reader, UINT64_MAX, &ret_holding->island_from) &&
           read_number(reader, UINT64_MAX, &ret_holding->island_to) &&
           ret_holding->island_from <= ret_holding->island_to;
}

static bool read_gossip_header(struct reader *reader, struct gossip_header *ret_header)
{
    return read_name(reader, &ret_header->herd) && read_name(reader, &ret_header->sender) &&
           read_name(reader, &ret_header->receiver) &&
           read_number(reader, UINT64_MAX, &ret_header->incarnation) &&
           read_number(reader, UINT64_MAX, &ret_header->number) &&
           read_holding(reader, &ret_header->holding) &&
           read_number(reader, UINT64_MAX, &ret_header->head) &&
           read_number(reader, UINT64_MAX, &ret_header->count) &&
           read_number(reader, UINT64_MAX, &ret_header->digest.low) &&
           read_number(reader, UINT64_MAX, &ret_header->digest.high) &&
           read_bool(reader, &ret_header->wants_lazy) &&
           read_number(reader, UINT64_MAX, &ret_header->from) &&
           read_number(reader, UINT64_MAX, &ret_header->to) && ret_header->incarnation != 0 &&
           ret_header->number != 0 && ret_header->from <= ret_header->to &&
           ret_header->to <= ret_header->head;
}

/* The servers a message has named so far. */
struct server_names {
    size_t count;
    struct slice names[MESSAGE_SERVERS_MAX];
};

static bool starts_name(const struct reader *reader)
{
    unsigned char byte =
        is_at_end(reader) ? 0 : (unsigned char)reader->message.data[reader->offset];
    return (byte >= 0xa0 && byte <= 0xbf) || (byte >= 0xd9 && byte <= 0xdb);
}

static bool read_server(
    struct reader *reader, struct server_names *servers, struct slice *ret_server)
{
    if (starts_name(reader)) {
        if (servers->count == MESSAGE_SERVERS_MAX || !read_name(reader, ret_server)) {
            return false;
        }
        servers->names[servers->count++] = *ret_server;
        return true;
    }
    uint64_t number;
    if (!read_number(reader, UINT64_MAX, &number) || number >= servers->count) {
        return false;
    }
    *ret_server = servers->names[number];
    return true;
}

static enum status read_report(
    struct reader *reader, struct server_names *servers, struct report *ret_report)
{
    struct slice server;
    int64_t received_ns;
    struct slice id;
    struct slice location;
    struct slice time;
    if (!read_server(reader, servers, &server) || !read_wall_ns(reader, &received_ns) ||
        !read_bytes(reader, MESSAGE_FIELD_MAX, &id) ||
        !read_bytes(reader, MESSAGE_FIELD_MAX, &location) ||
        !read_bytes(reader, MESSAGE_FIELD_MAX, &time)) {
        return STATUS_MALFORMED;
    }
    return report_from_parts(id, location, time, server, received_ns, ret_report);
}

enum status gossip_decode(struct slice message, struct gossip_message *ret_message)
{
    struct reader reader = {.message = message};
    enum status status = read_kind(&reader, KIND_GOSSIP);
    if (status != STATUS_OK) {
        return status;
    }
    if (!read_gossip_header(&reader, &ret_message->header)) {
        return STATUS_MALFORMED;
    }
    struct server_names servers;
    servers.count = 0;
    for (ret_message->count = 0; !is_at_end(&reader); ret_message->count++) {
        if (ret_message->count == MESSAGE_REPORTS_MAX ||
            read_report(&reader, &servers, &ret_message->reports[ret_message->count]) !=
                STATUS_OK) {
            return STATUS_MALFORMED;
        }
    }
    return STATUS_OK;
}
