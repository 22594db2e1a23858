/* Addresses as the topology writes them, `tcp://HOST:PORT` or `ADDRESS:PORT`, and when two of them
 * collide. Pure. */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include "common/slice.h"

enum { ADDRESS_HOST_SIZE = 254 }; /* the longest host name, and its terminator */

struct address {
    enum { ADDRESS_IPV4, ADDRESS_IPV6, ADDRESS_NAME } kind;
    char host[ADDRESS_HOST_SIZE]; /* canonical: IPv6 in its short form without brackets, names in
                                     lower case */
    uint16_t port;
    bool is_wildcard; /* 0.0.0.0 or :: */
};

/*
 * HOST:PORT, where HOST is an IPv4 address, an IPv6 address in brackets, or a host name; PORT
 * is 1..65535. NULL: *ret_address is written. Else the cause, a static text that continues "... is
 * no address: ".
 */
const char *address_parse(struct slice text, struct address *ret_address);

/* The same behind `tcp://`. A wildcard is refused: an url is for those who connect. Text as above:
 * "... no url: ". */
const char *address_parse_url(struct slice text, struct address *ret_address);

/* Whether one machine could not listen on both. 0.0.0.0 takes its port of all IPv4 addresses, :: of
 * all. */
bool address_collides(const struct address *a, const struct address *b);

#endif
