/*
 * Messages to MessagePack and back; common/README.md shows the layout. The only user of msgpack-c.
 *
 * A message is a plain sequence of scalars (no arrays or maps), the first one the protocol version
 * and the second one the kind. A decoder checks the type and the bound of every field before it
 * uses it and never allocates, so no input can break it or make it large. It accepts the whole
 * message or nothing.
 *
 * Every decoder returns STATUS_MALFORMED or STATUS_UNSUPPORTED_VERSION and then leaves *ret
 * undefined. Every encoder appends to a buffer whose max is the largest message; STATUS_FULL: it
 * did not fit, nothing was appended.
 */
#ifndef COMMON_MESSAGE_CODEC_H
#define COMMON_MESSAGE_CODEC_H

#include "common/buffer.h"
#include "common/message.h"
#include "common/status.h"

/* An empty buffer gets the head of a request; then the operations follow one by one, at most
 * MESSAGE_OPERATIONS_MAX. */
enum status request_begin(struct buffer *message, struct slice herd, struct slice server) MUST_USE;
enum status request_add(struct buffer *message, const struct operation *operation) MUST_USE;
enum status request_decode(struct slice message, struct request *ret_request) MUST_USE;

/* Likewise; of `response`, begin reads all but the outcomes. */
enum status response_begin(struct buffer *message, const struct response *response) MUST_USE;
enum status response_add(struct buffer *message, const struct outcome *outcome) MUST_USE;
enum status response_decode(struct slice message, struct response *ret_response) MUST_USE;

enum status nearby_encode(struct buffer *message, const struct nearby *nearby) MUST_USE;
enum status nearby_decode(struct slice message, struct nearby *ret_nearby) MUST_USE;
enum status places_encode(struct buffer *message, const struct places *places) MUST_USE;
enum status places_decode(struct slice message, struct places *ret_places) MUST_USE;

/*
 * Writes one gossip message; embedded in the caller's struct. The accepting servers are named once
 * per message, when they first occur, so `report->server` must stay valid until the end.
 */
struct gossip_writer {
    struct buffer *message;
    size_t to_offset; /* of header.to in the message */
    size_t report_count;
    size_t server_count;
    struct slice servers[MESSAGE_SERVERS_MAX];
};

/* header->to may still be unknown: gossip_writer_set_to replaces it. */
enum status gossip_writer_begin(struct gossip_writer *writer,
    struct buffer *message,
    const struct gossip_header *header) MUST_USE;
enum status gossip_writer_add(struct gossip_writer *writer, const struct report *report) MUST_USE;
void gossip_writer_set_to(struct gossip_writer *writer, uint64_t to);
enum status gossip_decode(struct slice message, struct gossip_message *ret_message) MUST_USE;

#endif
