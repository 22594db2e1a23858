/*
 * Memory and threads that run out on order: a program that links `faults` decides which request of
 * its own fails.
 *
 *   for (unsigned nth = 1;; nth++) {
 *       faults_begin(nth);
 *       const enum status status = thing_create(&thing);
 *       if (!faults_end()) { break; }    // it makes fewer than nth requests, and has succeeded
 *       assert_int_equal(status, STATUS_NO_MEMORY);
 *   }
 *
 * Counted are malloc, calloc, realloc, strdup, pthread_create and pthread_cond_init of the calling
 * thread, as far as our own code calls them.
 */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include <stdbool.h>

/* The nth request from now fails (1: the next one). */
void faults_begin(unsigned nth);

/* No request fails any more. Whether one did. */
bool faults_end(void);

#endif
