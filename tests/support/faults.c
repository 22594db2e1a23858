/* The linker passes every request through here (--wrap). */
#include "tests/support/faults.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

static _Thread_local unsigned requests_left; /* until the one that fails; 0: none will */
static _Thread_local bool has_failed;

void faults_begin(unsigned nth)
{
    requests_left = nth;
    has_failed = false;
}

bool faults_end(void)
{
    requests_left = 0;
    return has_failed;
}

static bool is_to_fail(void)
{
    if (requests_left == 0) {
        return false;
    }
    requests_left--;
    if (requests_left > 0) {
        return false;
    }
    has_failed = true;
    errno = ENOMEM;
    return true;
}

/* The names that the linker gives are reserved ones: that is how it keeps them apart from
 * everybody's. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
int __real_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes);

void *__wrap_malloc(size_t size)
{
    return is_to_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_to_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return is_to_fail() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return is_to_fail() ? NULL : __real_strdup(text);
}

int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    return is_to_fail() ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    return is_to_fail() ? ENOMEM : __real_pthread_cond_init(condition, attributes);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
