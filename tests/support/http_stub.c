/* One thread, one connection at a time. */
#include "tests/support/http_stub.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads until the empty line that ends a request, or some of a TLS greeting; false: the client has
 * gone. */
static bool read_request(struct http_stub *stub, int peer)
{
    const size_t max = sizeof stub->request - 1;
    size_t length = 0;
    while (length < max) {
        const ssize_t count = read(peer, stub->request + length, max - length);
        if (count <= 0) {
            return false;
        }
        length += (size_t)count;
        stub->request[length] = '\0';
        const bool is_tls = stub->request[0] == 0x16;
        if (is_tls || strstr(stub->request, "\r\n\r\n") != NULL) {
            stub->requests++;
            return true;
        }
    }
    return false;
}

static void serve_peer(struct http_stub *stub, int peer)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    while (read_request(stub, peer)) {
        const size_t length = strlen(stub->answer);
        if (stub->manner == HTTP_STUB_HOLD) {
            sem_post(&stub->is_asked);
            sem_wait(&stub->may_answer);
        }
        if (send(peer, stub->answer, length, MSG_NOSIGNAL) != (ssize_t)length) {
            return;
        }
        if (stub->manner == HTTP_STUB_RESET) {
            setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        if (stub->manner != HTTP_STUB_KEEP) {
            return;
        }
    }
}

/* Until the listener is shut down. */
static void *serve(void *context)
{
    struct http_stub *const stub = context;
    int peer = accept(stub->listener, NULL, NULL);
    while (peer >= 0) {
        stub->connections++;
        serve_peer(stub, peer);
        close(peer);
        peer = accept(stub->listener, NULL, NULL);
    }
    return NULL;
}

void http_stub_open(struct http_stub *stub)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    *stub = (struct http_stub){.listener = socket(AF_INET, SOCK_STREAM, 0)};
    int failed = bind(stub->listener, (const struct sockaddr *)&address, length);
    failed += listen(stub->listener, 8);
    failed += getsockname(stub->listener, (struct sockaddr *)&address, &length);
    failed += sem_init(&stub->is_asked, 0, 0);
    failed += sem_init(&stub->may_answer, 0, 0);
    assert(failed == 0);
    stub->port = ntohs(address.sin_port);
}

void http_stub_answer(struct http_stub *stub, enum http_stub_manner manner, const char *answer)
{
    stub->manner = manner;
    stub->answer = answer;
    const int failed = pthread_create(&stub->thread, NULL, serve, stub);
    assert(failed == 0);
    stub->is_answering = true;
}

void http_stub_await_request(struct http_stub *stub)
{
    const int failed = sem_wait(&stub->is_asked);
    assert(failed == 0);
}

void http_stub_let_go(struct http_stub *stub)
{
    sem_post(&stub->may_answer);
}

void http_stub_close(struct http_stub *stub)
{
    if (stub->is_answering) {
        shutdown(stub->listener, SHUT_RDWR);
        pthread_join(stub->thread, NULL);
    }
    close(stub->listener);
    sem_destroy(&stub->is_asked);
    sem_destroy(&stub->may_answer);
}
