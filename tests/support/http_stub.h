/* A server within a test that answers every request with the same bytes, in good manners or bad. */
#ifndef SUPPORT_HTTP_STUB_H
#define SUPPORT_HTTP_STUB_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

/* What it does after the bytes of its answer. */
enum http_stub_manner {
    HTTP_STUB_KEEP,  /* waits for the next request on the connection */
    HTTP_STUB_END,   /* closes it */
    HTTP_STUB_RESET, /* resets it */
    HTTP_STUB_HOLD,  /* holds the answer back until http_stub_let_go; then as HTTP_STUB_END */
};

struct http_stub {
    uint16_t port; /* of 127.0.0.1 */
    int listener;
    bool is_answering;
    pthread_t thread;
    enum http_stub_manner manner;
    const char *answer;
    sem_t is_asked;
    sem_t may_answer;
    /* To be read after http_stub_close only. */
    char request[2048]; /* the last one, headers and all */
    unsigned requests;
    unsigned connections;
};

/* Listens; connections are taken by the kernel, and nobody answers. Aborts the test on failure. */
void http_stub_open(struct http_stub *stub);

/* Answers from now on; `answer` is borrowed until the stub is closed. */
void http_stub_answer(struct http_stub *stub, enum http_stub_manner manner, const char *answer);

/* With HTTP_STUB_HOLD: waits until a request is there; lets its answer go. */
void http_stub_await_request(struct http_stub *stub);
void http_stub_let_go(struct http_stub *stub);

/* Nobody may be connected any more. */
void http_stub_close(struct http_stub *stub);

#endif
