/* Which urls processes may use to reach each other, and which NNG is to carry them. */
#ifndef COMMON_ENDPOINT_URL_H
#define COMMON_ENDPOINT_URL_H

#include <stdbool.h>

/*
 * NULL if lanes and links can use `url`, else a sentence that says why not; a static string. Wanted
 * is tcp://HOST:PORT, HOST a name, an IPv4 address or an IPv6 address in brackets, PORT 1 to 65535;
 * and from NNG 1.9 on the same with tls+tcp:// (README.md, "NNG").
 */
const char *endpoint_url_problem(const char *url);

/* Whether the NNG library that this process runs with is of this version or a later one. */
bool endpoint_nng_is_at_least(unsigned major, unsigned minor);

#endif
