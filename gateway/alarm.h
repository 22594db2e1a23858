/*
 * A clock's alarm in a loop, to the microsecond: libuv's own timers count in whole milliseconds.
 *
 * Owns: a timer of the system, that is one descriptor. Thread: the loop's.
 */
#ifndef GATEWAY_ALARM_H
#define GATEWAY_ALARM_H

#include "common/instant.h"
#include "common/status.h"

struct uv_loop_s;
struct alarm;

/* STATUS_NO_MEMORY, STATUS_IO (e.g. no descriptor left). */
enum status alarm_create(struct uv_loop_s *loop,
    void (*ring)(void *context),
    void *context,
    struct alarm **ret_alarm) MUST_USE;

/* Rings once, at `when` or, if it was set to an earlier time and has not rung since, then: one that
 * rings too early does no harm. */
void alarm_set(struct alarm *alarm, struct instant when);

/* Lets go of the loop; freed when that has run once more. NULL is allowed. */
void alarm_destroy(struct alarm *alarm);

#endif
