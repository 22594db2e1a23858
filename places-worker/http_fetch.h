/*
 * One bounded HTTP request after another, by libcurl; connections are kept and used again.
 *
 * TLS certificates and host names are always verified. Redirects are not followed: a provider does
 * not send any, and a key must not go where nobody meant it to. The proxy variables of the
 * environment (https_proxy, no_proxy, ...) hold. Every request names the program
 * (HTTP_USER_AGENT).
 *
 * Thread: one thread for each http_fetch; http_fetch_begin_process before the first thread that
 * uses one. Limits: bodies up to the max of the caller's buffer; both timeouts are given with each
 * request.
 */
#ifndef PLACES_WORKER_HTTP_FETCH_H
#define PLACES_WORKER_HTTP_FETCH_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_USER_AGENT "herd-places-worker/1"

struct http_fetch;

/* Once in a process. STATUS_NO_MEMORY, STATUS_IO: libcurl cannot be used. */
enum status http_fetch_begin_process(void) MUST_USE;

/*
 * ca_file: certificates that are trusted instead of the system's; NULL: the system's. Copied.
 * STATUS_NOT_FOUND: ca_file cannot be read. STATUS_NO_MEMORY.
 */
enum status http_fetch_create(const char *ca_file, struct http_fetch **ret_fetch) MUST_USE;

/* NULL is allowed. */
void http_fetch_destroy(struct http_fetch *fetch);

struct http_request {
    const char *url;            /* http: or https: */
    const char *const *headers; /* `Name: value`, NULL behind the last; NULL: none of its own */
    struct slice body;          /* what is posted; empty: nothing is, and the method is GET */
    uint32_t timeout_ms;        /* for everything, the connection included; at least 1 */
    uint32_t connect_timeout_ms;
};

enum http_outcome {
    HTTP_ANSWERED,      /* status and the whole body are there */
    HTTP_BAD_URL,       /* not one of http: or https:, or no URL */
    HTTP_NOT_RESOLVED,  /* no address for the host, or for the proxy */
    HTTP_NOT_CONNECTED, /* refused, unreachable */
    HTTP_NOT_TRUSTED,   /* TLS: the certificate, the name, the handshake */
    HTTP_TIMED_OUT,
    HTTP_CUT_OFF,   /* the connection ended before the answer did, or what came is no HTTP */
    HTTP_TOO_LARGE, /* the body would pass the buffer's max */
    HTTP_FAILED,    /* anything else that libcurl can meet, memory for one */
};

struct http_reply {
    enum http_outcome outcome;
    unsigned status;    /* HTTP's, e.g. 200; ANSWERED only, likewise */
    uint32_t max_age_s; /* how long the answer may be kept: Cache-Control's max-age; 0 where there
                           is none, or no-store, no-cache or private */
    char detail[256];   /* what libcurl says of a failure; may name the host, never the rest of the
                           URL */
};

/* Does the request and waits for it. `body` is emptied first; it holds the body if the outcome is
 * HTTP_ANSWERED. */
struct http_reply http_fetch_ask(
    struct http_fetch *fetch, const struct http_request *request, struct buffer *body);

#endif
