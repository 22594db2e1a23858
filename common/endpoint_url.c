/* Scheme, host and port, each checked by a step that moves along the url. */
#include "common/endpoint_url.h"

#include "common/slice.h"

#include <nng/nng.h>

enum { HOST_MAX = 253 }; /* the longest name that DNS knows */

static bool take_text(struct slice *rest, const char *text)
{
    const struct slice wanted = slice_of(text);
    if (rest->length < wanted.length ||
        !slice_equals(slice_of_bytes(rest->data, wanted.length), wanted)) {
        return false;
    }
    *rest = slice_from(*rest, wanted.length);
    return true;
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

bool endpoint_nng_is_at_least(unsigned major, unsigned minor)
{
    struct slice rest = slice_of(nng_version());
    const uint64_t has_major = take_version_part(&rest);
    const uint64_t has_minor = take_version_part(&rest);
    return has_major > major || (has_major == major && has_minor >= minor);
}

static const char *take_scheme(struct slice *rest)
{
    if (take_text(rest, "tcp://")) {
        return NULL;
    }
    if (take_text(rest, "tls+tcp://")) {
        return endpoint_nng_is_at_least(1, 9)
                   ? NULL
                   : "tls+tcp:// needs NNG 1.9: older ones hang for good when such a peer dies";
    }
    if (take_text(rest, "ipc://")) {
        return "ipc:// is not supported: one stray connection ends an NNG listener; use tcp://";
    }
    return "must start with tcp://";
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_name_byte(char byte)
{
    return slice_is_digit(byte) || is_letter(byte) || byte == '.' || byte == '-' || byte == '_';
}

static bool is_address6_byte(char byte)
{
    return slice_is_digit(byte) || is_letter(byte) || byte == ':' || byte == '.' || byte == '%';
}

static size_t take_run(struct slice *rest, bool (*is_wanted)(char byte))
{
    size_t length = 0;
    while (length < rest->length && is_wanted(rest->data[length])) {
        length++;
    }
    *rest = slice_from(*rest, length);
    return length;
}

static const char *take_host(struct slice *rest)
{
    const bool is_bracketed = slice_take_byte(rest, '[');
    const size_t length = take_run(rest, is_bracketed ? is_address6_byte : is_name_byte);
    if (is_bracketed && !slice_take_byte(rest, ']')) {
        return "the IPv6 address lacks its closing bracket";
    }
    if (length == 0) {
        return "has no host";
    }
    return length <= HOST_MAX ? NULL : "its host is too long";
}

static const char *take_port(struct slice *rest)
{
    if (!slice_take_byte(rest, ':')) {
        return "has no port after the host";
    }
    uint64_t port = 0;
    if (!slice_parse_number(slice_take_digits(rest), UINT16_MAX, &port) || port == 0) {
        return "its port is not a number from 1 to 65535";
    }
    return rest->length == 0 ? NULL : "goes on after the port";
}

const char *endpoint_url_problem(const char *url)
{
    struct slice rest = slice_of(url);
    const char *problem = take_scheme(&rest);
    if (problem == NULL) {
        problem = take_host(&rest);
    }
    if (problem == NULL) {
        problem = take_port(&rest);
    }
    return problem;
}
