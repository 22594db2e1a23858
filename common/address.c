/* Parses addresses by hand, so that each mistake has its own words and no name is ever looked up.
 */
#include "common/address.h"

#include <arpa/inet.h>
#include <string.h>

static const char not_host_port[] = "it must be HOST:PORT, like 127.0.0.1:17670 or [::1]:17670";

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || slice_is_digit(byte) || byte == '-' || byte == '.';
}

/* Only digits and dots: an IPv4 address or a mistake, never a name. */
static bool is_number_like(const char *host)
{
    return host[strspn(host, "0123456789.")] == '\0';
}

static bool is_host_name(const char *host)
{
    if (host[0] == '-' || host[0] == '.') {
        return false;
    }
    for (const char *byte = host; *byte != '\0'; byte++) {
        if (!is_name_byte(*byte)) {
            return false;
        }
    }
    return true;
}

static const char *parse_ipv6(const char *host, struct address *address)
{
    struct in6_addr binary;
    if (inet_pton(AF_INET6, host, &binary) != 1) {
        return "what stands in brackets must be an IPv6 address";
    }
    address->kind = ADDRESS_IPV6;
    address->is_wildcard = memcmp(&binary, &in6addr_any, sizeof binary) == 0;
    (void)inet_ntop(AF_INET6, &binary, address->host, sizeof address->host);
    return NULL;
}

static const char *parse_ipv4_or_name(const char *host, struct address *address)
{
    struct in_addr binary;
    if (inet_pton(AF_INET, host, &binary) == 1) {
        address->kind = ADDRESS_IPV4;
        address->is_wildcard = binary.s_addr == htonl(INADDR_ANY);
        (void)inet_ntop(AF_INET, &binary, address->host, sizeof address->host);
        return NULL;
    }
    if (is_number_like(host)) {
        return "an IPv4 address has four numbers from 0 to 255";
    }
    if (strchr(host, ':') != NULL) {
        return "an IPv6 address must stand in brackets, like [::1]:17670";
    }
    for (size_t i = 0; host[i] != '\0'; i++) {
        bool is_upper = host[i] >= 'A' && host[i] <= 'Z';
        address->host[i] = (char)(is_upper ? host[i] - 'A' + 'a' : host[i]);
    }
    address->kind = ADDRESS_NAME;
    return is_host_name(address->host) ? NULL : "a host name has letters, digits, - and . only";
}

/* Splits at the last colon; what is in brackets is an IPv6 address. */
const char *address_parse(struct slice text, struct address *ret_address)
{
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon -= 1;
    }
    if (colon < 2) {
        return not_host_port;
    }
    struct slice host = slice_of_bytes(text.data, colon - 1);
    uint64_t port = 0;
    if (!slice_parse_number(slice_from(text, colon), UINT16_MAX, &port) || port == 0) {
        return "its port must be a number from 1 to 65535";
    }
    bool is_bracketed = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (is_bracketed) {
        host = slice_of_bytes(host.data + 1, host.length - 2);
    }
    if (host.length >= ADDRESS_HOST_SIZE) {
        return "its host is too long";
    }
    char host_text[ADDRESS_HOST_SIZE] = {0};
    memcpy(host_text, host.data, host.length);
    struct address address = {.port = (uint16_t)port};
    const char *cause =
        is_bracketed ? parse_ipv6(host_text, &address) : parse_ipv4_or_name(host_text, &address);
    if (cause != NULL) {
        return cause;
    }
    *ret_address = address;
    return NULL;
}

static bool starts_with(struct slice text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

const char *address_parse_url(struct slice text, struct address *ret_address)
{
    if (starts_with(text, "tls+tcp://")) {
        return "tls+tcp:// is refused, because its connections hang for good when a peer dies; "
               "use tcp:// inside a trusted network";
    }
    if (starts_with(text, "ipc://")) {
        return "ipc:// is refused, because one stray connection ends its listener; use tcp://";
    }
    if (!starts_with(text, "tcp://")) {
        return "it must be tcp://HOST:PORT";
    }
    struct address address = {.port = 0};
    const char *cause = address_parse(slice_from(text, strlen("tcp://")), &address);
    if (cause != NULL) {
        return cause;
    }
    if (address.is_wildcard) {
        return "a wildcard address cannot be connected to; "
               "name the address under which the others reach this process";
    }
    *ret_address = address;
    return NULL;
}

/* Whether `wildcard` is one, and `address` among those that it stands for. */
static bool takes_all_of(const struct address *wildcard, const struct address *address)
{
    return wildcard->is_wildcard &&
           (wildcard->kind == ADDRESS_IPV6 || address->kind != ADDRESS_IPV6);
}

bool address_collides(const struct address *a, const struct address *b)
{
    if (a->port != b->port) {
        return false;
    }
    return takes_all_of(a, b) || takes_all_of(b, a) || strcmp(a->host, b->host) == 0;
}
