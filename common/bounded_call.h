/*
 * Calls of foreign code that may never return: each runs in a thread of its own, and the caller
 * waits only so long.
 *
 * Thread: any.
 */
#ifndef COMMON_BOUNDED_CALL_H
#define COMMON_BOUNDED_CALL_H

#include <stdbool.h>

/* Long for any call that works, short beside the time that a process has to leave. */
enum { BOUNDED_CALL_WAIT_MS = 250 };

/*
 * Runs `function(context)` in another thread and waits at most BOUNDED_CALL_WAIT_MS; true: it has
 * returned. A call that does not return is left behind with all it holds. While one is left behind
 * nobody waits any more, so a process with many sockets still closes them all within one wait. When
 * no thread can be made, the function is not called.
 */
bool bounded_call(void (*function)(void *context), void *context);

/* The same without waiting at all. False: no thread could be made. */
bool bounded_call_apart(void (*function)(void *context), void *context);

#endif
