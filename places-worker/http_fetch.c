/* Options that never change are set once; what is asked for is set for each request. */
#include "places-worker/http_fetch.h"

#include <curl/curl.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADERS_BYTES_MAX = 64 * 1024, /* also of a body's trailers */
};

struct http_fetch {
    CURL *curl;
    struct buffer *body; /* of the request that is being done */
    bool is_too_large;
    size_t header_bytes;
    uint32_t max_age_s;
    bool is_not_to_be_kept; /* whatever its max-age is */
    char error[CURL_ERROR_SIZE];
};

enum status http_fetch_begin_process(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? STATUS_OK : STATUS_IO;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_fetch *const fetch = context;
    if (buffer_append(fetch->body, slice_of_bytes(bytes, size * count)) != STATUS_OK) {
        fetch->is_too_large = true;
        return 0;
    }
    return size * count;
}

/* ASCII letters only. `prefix` is in lower case. */
static bool take_prefix(struct slice *rest, const char *prefix)
{
    const size_t length = strlen(prefix);
    if (rest->length < length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const int byte = (unsigned char)rest->data[i];
        const int lower = byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
        if (lower != prefix[i]) {
            return false;
        }
    }
    *rest = slice_from(*rest, length);
    return true;
}

/* How long the directives of a Cache-Control, of which an answer may have several, let it be kept
 * (RFC 9111, section 5.2.2). */
static void take_directives(struct http_fetch *fetch, struct slice directives)
{
    while (directives.length > 0) {
        if (take_prefix(&directives, "no-store") || take_prefix(&directives, "no-cache") ||
            take_prefix(&directives, "private")) {
            fetch->is_not_to_be_kept = true;
        } else if (take_prefix(&directives, "max-age=")) {
            uint64_t max_age_s = 0;
            const struct slice digits = slice_take_digits(&directives);
            const bool is_number = slice_parse_number(digits, UINT32_MAX, &max_age_s);
            fetch->max_age_s = (uint32_t)max_age_s;
            fetch->is_not_to_be_kept = fetch->is_not_to_be_kept || !is_number;
        }
        while (directives.length > 0 && directives.data[0] != ',') {
            directives = slice_from(directives, 1);
        }
        while (directives.length > 0 &&
               (directives.data[0] == ',' || slice_is_space(directives.data[0]))) {
            directives = slice_from(directives, 1);
        }
    }
}

static void forget_directives(struct http_fetch *fetch)
{
    fetch->max_age_s = 0;
    fetch->is_not_to_be_kept = false;
}

/* One header matters, and all must end some time. A status line begins them anew: that of a proxy
 * or an early hint may come before the answer's. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's signature */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_fetch *const fetch = context;
    struct slice header = slice_of_bytes(bytes, size * count);
    if (take_prefix(&header, "http/")) {
        forget_directives(fetch);
    } else if (take_prefix(&header, "cache-control:")) {
        while (header.length > 0 && slice_is_space(header.data[0])) {
            header = slice_from(header, 1);
        }
        take_directives(fetch, header);
    }
    fetch->header_bytes += size * count;
    if (fetch->header_bytes > HEADERS_BYTES_MAX) {
        fetch->is_too_large = true;
        return 0;
    }
    return size * count;
}

static bool set_options(struct http_fetch *fetch, const char *ca_file)
{
    CURL *const curl = fetch->curl;
    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetch) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, HTTP_USER_AGENT) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "") ==
               CURLE_OK && /* all that libcurl can undo */
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) ==
               CURLE_OK && /* threads and alarms do not go together */
           curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) ==
               CURLE_OK && /* a timeout does not wait for the resolver */
           curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           (ca_file == NULL || curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK);
}

enum status http_fetch_create(const char *ca_file, struct http_fetch **ret_fetch)
{
    if (ca_file != NULL && access(ca_file, R_OK) != 0) {
        return STATUS_NOT_FOUND;
    }
    struct http_fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch == NULL) {
        return STATUS_NO_MEMORY;
    }
    fetch->curl = curl_easy_init();
    if (fetch->curl == NULL || !set_options(fetch, ca_file)) {
        http_fetch_destroy(fetch);
        return STATUS_NO_MEMORY;
    }
    *ret_fetch = fetch;
    return STATUS_OK;
}

void http_fetch_destroy(struct http_fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    curl_easy_cleanup(fetch->curl);
    free(fetch);
}

/* Whether a request has gone out: libcurl has one code for a URL it cannot use and an answer it
 * cannot read. */
static bool was_sent(CURL *curl)
{
    long request_size = 0;
    return curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_size) == CURLE_OK &&
           request_size > 0;
}

/* libcurl's codes by what a person would do about them. */
static enum http_outcome outcome_of(CURL *curl, CURLcode code)
{
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        return was_sent(curl) ? HTTP_CUT_OFF : HTTP_BAD_URL;
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY) {
        return HTTP_NOT_RESOLVED;
    }
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_PROXY || code == CURLE_INTERFACE_FAILED) {
        return HTTP_NOT_CONNECTED;
    }
    if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
        code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
        code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER) {
        return HTTP_NOT_TRUSTED;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return HTTP_TIMED_OUT;
    }
    if (code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
        code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY ||
        code == CURLE_BAD_CONTENT_ENCODING || code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM) {
        return HTTP_CUT_OFF;
    }
    return HTTP_FAILED;
}

/* False: no memory. *ret_list is to be freed either way. */
static bool list_headers(const char *const *headers, struct curl_slist **ret_list)
{
    *ret_list = NULL;
    for (; headers != NULL && *headers != NULL; headers++) {
        struct curl_slist *const longer = curl_slist_append(*ret_list, *headers);
        if (longer == NULL) {
            return false;
        }
        *ret_list = longer;
    }
    return true;
}

static CURLcode set_request(
    CURL *curl, const struct http_request *request, struct curl_slist *headers)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, request->url);
    if (code == CURLE_OK) {
        code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    if (code == CURLE_OK && request->body.length == 0) {
        code = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    } else if (code == CURLE_OK) {
        code = curl_easy_setopt(curl, CURLOPT_POST, 1L);
        if (code == CURLE_OK) {
            code = curl_easy_setopt(
                curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        }
        if (code == CURLE_OK) {
            code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
        }
    }
    if (code == CURLE_OK) {
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    }
    if (code == CURLE_OK) {
        code = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    }
    return code;
}

static CURLcode perform(CURL *curl, const struct http_request *request)
{
    struct curl_slist *headers;
    CURLcode code = list_headers(request->headers, &headers) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK) {
        code = set_request(curl, request, headers);
    }
    if (code == CURLE_OK) {
        code = curl_easy_perform(curl);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

struct http_reply http_fetch_ask(
    struct http_fetch *fetch, const struct http_request *request, struct buffer *body)
{
    assert(request->timeout_ms >= 1);
    struct http_reply reply = {.outcome = HTTP_FAILED};
    fetch->body = body;
    fetch->is_too_large = false;
    fetch->header_bytes = 0;
    forget_directives(fetch);
    fetch->error[0] = '\0';
    buffer_reset(body);

    const CURLcode code = perform(fetch->curl, request);
    if (code != CURLE_OK) {
        reply.outcome = fetch->is_too_large ? HTTP_TOO_LARGE : outcome_of(fetch->curl, code);
        snprintf(reply.detail,
            sizeof reply.detail,
            "%s",
            fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(code));
        return reply;
    }
    long status = 0;
    if (curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status > 0) {
        reply.outcome = HTTP_ANSWERED;
        reply.status = (unsigned)status;
        reply.max_age_s = fetch->is_not_to_be_kept ? 0 : fetch->max_age_s;
    }
    return reply;
}
