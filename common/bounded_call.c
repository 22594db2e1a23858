/* A detached thread per call, and a record of it that whoever leaves last frees. */
#include "common/bounded_call.h"

#include "common/instant.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct call {
    void (*function)(void *context);
    void *context;
    bool has_returned;
    bool is_given_up; /* nobody waits for it any more: its thread frees this */
    bool is_overdue;  /* somebody waited, in vain */
};

/* One lock for all calls: they are rare. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t returned;
static unsigned overdue_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_condition(void)
{
    pthread_condattr_t attributes;
    const bool is_made = pthread_condattr_init(&attributes) == 0 &&
                         pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                         pthread_cond_init(&returned, &attributes) == 0;
    assert(is_made); /* needs no resource on Linux */
    pthread_condattr_destroy(&attributes);
}

static void *run(void *argument)
{
    struct call *call = argument;
    call->function(call->context);

    pthread_mutex_lock(&mutex);
    call->has_returned = true;
    const bool is_given_up = call->is_given_up;
    if (call->is_overdue) {
        overdue_count--;
    }
    pthread_cond_broadcast(&returned);
    pthread_mutex_unlock(&mutex);
    if (is_given_up) {
        free(call);
    }
    return NULL;
}

static bool start(struct call *call)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, call) != 0) {
        free(call);
        return false;
    }
    pthread_detach(thread);
    return true;
}

bool bounded_call(void (*function)(void *context), void *context)
{
    pthread_once(&once, init_condition);
    struct call *call = malloc(sizeof *call);
    if (call == NULL) {
        return false;
    }
    *call = (struct call){.function = function, .context = context};
    if (!start(call)) {
        return false;
    }
    const struct instant deadline = instant_after_ms(instant_now(), BOUNDED_CALL_WAIT_MS);
    const struct timespec until = instant_timespec(deadline);
    pthread_mutex_lock(&mutex);
    const bool may_wait = overdue_count == 0;
    while (
        may_wait && !call->has_returned && pthread_cond_timedwait(&returned, &mutex, &until) == 0) {
    }
    const bool has_returned = call->has_returned;
    if (!has_returned) {
        call->is_given_up = true;
        call->is_overdue = true;
        overdue_count++;
    }
    pthread_mutex_unlock(&mutex);
    if (has_returned) {
        free(call);
    }
    return has_returned;
}

bool bounded_call_apart(void (*function)(void *context), void *context)
{
    pthread_once(&once, init_condition);
    struct call *call = malloc(sizeof *call);
    if (call == NULL) {
        return false;
    }
    *call = (struct call){.function = function, .context = context, .is_given_up = true};
    return start(call);
}
