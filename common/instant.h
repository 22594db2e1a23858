/* Time: a monotonic instant for deadlines, and the wall clock that clients are shown. The only
 * reader of clocks. */
#ifndef COMMON_INSTANT_H
#define COMMON_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timespec;

enum {
    NS_PER_US = 1000,
    NS_PER_MS = 1000 * 1000,
    NS_PER_SECOND = 1000 * 1000 * 1000,
};

/* A point of the monotonic clock, which no clock change moves. Not a time of day. */
struct instant {
    int64_t ns;
};

/* "Never": later than every instant that occurs. */
#define INSTANT_NEVER ((struct instant){.ns = INT64_MAX})

struct instant instant_now(void);

/* So long after `instant`, never past INSTANT_NEVER. */
struct instant instant_after_ms(struct instant instant, int64_t milliseconds);
struct instant instant_after_us(struct instant instant, int64_t microseconds);

/* For calls of the system that wait until then, on the monotonic clock. */
struct timespec instant_timespec(struct instant instant);

/* From `from` to `to` in ns; below 0 if `to` came first. */
int64_t instant_ns_between(struct instant from, struct instant to);

bool instant_is_before(struct instant a, struct instant b);
struct instant instant_earlier(struct instant a, struct instant b);

/* POSIX time of the wall clock in ns since 1970, leap seconds ignored. It may jump; it is only ever
 * shown. */
int64_t wall_clock_ns(void);

/* The same instant as UTC text, `2026-11-21T03:30:17.123456Z`, with terminator. */
#define WALL_CLOCK_TEXT_SIZE 28
void wall_clock_format(int64_t wall_ns, char ret_text[WALL_CLOCK_TEXT_SIZE]);

#endif
