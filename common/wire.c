/* Only calls that NNG 1.5 and 1.10 share. */
#include "common/wire.h"

#include "common/address.h"

#include <assert.h>
#include <string.h>

enum {
    REDIAL_FIRST_MS = 10,
    REDIAL_MAX_MS =
        100, /* whoever is back is found well within half a second, even on a busy machine */
};

enum status wire_status(int nng_error)
{
    switch (nng_error) {
    case 0:
        return STATUS_OK;
    case NNG_ENOMEM:
        return STATUS_NO_MEMORY;
    case NNG_EADDRINUSE:
        return STATUS_ADDRESS_IN_USE;
    case NNG_EPERM:
        return STATUS_NOT_PERMITTED;
    case NNG_EINVAL:
    case NNG_EADDRINVAL:
    case NNG_ENOTSUP:
        return STATUS_MALFORMED;
    default:
        return STATUS_IO;
    }
}

enum status wire_watch(nng_socket socket, nng_pipe_cb on_pipe, void *context)
{
    int failed = nng_pipe_notify(socket, NNG_PIPE_EV_ADD_POST, on_pipe, context);
    if (failed == 0) {
        failed = nng_pipe_notify(socket, NNG_PIPE_EV_REM_POST, on_pipe, context);
    }
    return wire_status(failed);
}

void wire_pipe_event(struct wire_pipe *pipe, nng_pipe which, nng_pipe_ev event)
{
    const int id = nng_pipe_id(which);
    if (event == NNG_PIPE_EV_REM_POST) {
        wire_pipe_lost(pipe, id);
    } else if (id != pipe->lost_id) {
        pipe->id = id;
    }
}

void wire_pipe_lost(struct wire_pipe *pipe, int id)
{
    pipe->lost_id = id;
    if (pipe->id == id) {
        pipe->id = 0;
    }
}

/* The next number of a version, and the point behind it; 0: there is none. */
static uint64_t take_version_part(struct slice *rest)
{
    uint64_t part = 0;
    if (!slice_parse_number(slice_take_digits(rest), UINT32_MAX, &part)) {
        return 0;
    }
    (void)slice_take_byte(rest, '.');
    return part;
}

bool wire_nng_is_at_least(unsigned major, unsigned minor)
{
    struct slice rest = slice_of(nng_version());
    const uint64_t has_major = take_version_part(&rest);
    const uint64_t has_minor = take_version_part(&rest);
    return has_major > major || (has_major == major && has_minor >= minor);
}

/* NNG itself would take ipc:// and tls+tcp:// as well. */
static bool is_usable(const char *url)
{
    struct address address;
    return address_parse_url(slice_of(url), &address) == NULL;
}

enum status wire_dial(nng_socket socket, const char *url, size_t message_max)
{
    assert(message_max > 0); /* NNG takes 0 for no limit */
    if (!is_usable(url)) {
        return STATUS_MALFORMED;
    }
    nng_dialer dialer;
    int failed = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, message_max);
    if (failed == 0) {
        failed = nng_socket_set_ms(socket, NNG_OPT_RECONNMINT, REDIAL_FIRST_MS);
    }
    if (failed == 0) {
        failed = nng_socket_set_ms(socket, NNG_OPT_RECONNMAXT, REDIAL_MAX_MS);
    }
    if (failed == 0) {
        failed = nng_dialer_create(&dialer, socket, url);
    }
    if (failed == 0) {
        failed = nng_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true);
    }
    if (failed == 0) {
        failed = nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
    }
    return wire_status(failed);
}

enum status wire_listen(nng_socket socket, const char *url, size_t message_max)
{
    assert(message_max > 0); /* NNG takes 0 for no limit */
    if (!is_usable(url)) {
        return STATUS_MALFORMED;
    }
    nng_listener listener;
    int failed = nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, message_max);
    if (failed == 0) {
        failed = nng_listener_create(&listener, socket, url);
    }
    if (failed == 0) {
        failed = nng_listener_set_bool(listener, NNG_OPT_TCP_NODELAY, true);
    }
    if (failed == 0) {
        /* Who vanished without a word would hold a descriptor for ever. */
        failed = nng_listener_set_bool(listener, NNG_OPT_TCP_KEEPALIVE, true);
    }
    if (failed == 0) {
        failed = nng_listener_start(listener, 0);
    }
    return wire_status(failed);
}

nng_msg *wire_message(struct slice bytes)
{
    nng_msg *message = NULL;
    if (nng_msg_alloc(&message, bytes.length) != 0) {
        return NULL;
    }
    if (bytes.length > 0) {
        memcpy(nng_msg_body(message), bytes.data, bytes.length);
    }
    return message;
}

struct slice wire_message_bytes(nng_msg *message)
{
    return slice_of_bytes(nng_msg_body(message), nng_msg_len(message));
}
