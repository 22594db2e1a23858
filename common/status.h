/* The one vocabulary of what can go wrong, with its words. */
#ifndef COMMON_STATUS_H
#define COMMON_STATUS_H

/* One line gives code and text together, so no status can lack its words. */
#define STATUS_TABLE(X)                                                                            \
    X(STATUS_OK, "ok")                                                                             \
    X(STATUS_NO_MEMORY, "out of memory")                                                           \
    X(STATUS_FULL, "a limit is reached")                                                           \
    X(STATUS_MALFORMED, "malformed")                                                               \
    X(STATUS_OUT_OF_RANGE, "out of range")                                                         \
    X(STATUS_UNSUPPORTED_VERSION, "another protocol version")                                      \
    X(STATUS_NOT_FOUND, "not found")                                                               \
    X(STATUS_TIMED_OUT, "timed out")                                                               \
    X(STATUS_DISCONNECTED, "connection lost")                                                      \
    X(STATUS_ADDRESS_IN_USE, "address already in use")                                             \
    X(STATUS_NOT_PERMITTED, "not permitted")                                                       \
    X(STATUS_CLOSED, "closed")                                                                     \
    X(STATUS_IO, "input/output error")

enum status {
#define STATUS_ENUMERATOR(code, text) code,
    STATUS_TABLE(STATUS_ENUMERATOR)
#undef STATUS_ENUMERATOR
};

/* A failure that the caller may not overlook. */
#define MUST_USE __attribute__((warn_unused_result))

/* The words of a status; a static string. */
const char *status_text(enum status status);

#endif
