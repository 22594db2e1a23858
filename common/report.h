/* One client's last report, and the one rule which of two reports wins. */
#ifndef COMMON_REPORT_H
#define COMMON_REPORT_H

#include "common/buffer.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

enum {
    REPORT_BYTES_MAX =
        32 * 1024, /* id, location and time together; a client's line is never longer */
};

/* All slices are borrowed; id, location and time are exactly what the client wrote. */
struct report {
    struct slice id;
    struct slice location; /* ISO 6709, see location.h */
    struct slice time;     /* see timestamp.h */
    struct slice server;   /* the name of the server that accepted it */
    int64_t time_ns;     /* the value of `time`, kept beside it because every comparison needs it */
    int64_t received_ns; /* the accepting server's wall clock when it got the message */
};

/*
 * The version law (DESIGN, "the table is the log"): client time, then server name, then the
 * report's bytes. A total order over reports of one id, so keeping the greater is commutative,
 * associative and idempotent. Below 0, 0 (the same report), above 0. Whoever compares two reports
 * calls this.
 */
int report_compare(const struct report *a, const struct report *b);

/*
 * Fills a report from its parts as they came over a wire and checks every one: an id of one or more
 * bytes without white space, a location, a time, a server name, a receiving time of 0 or more;
 * REPORT_BYTES_MAX. The slices are borrowed from the arguments. STATUS_MALFORMED,
 * STATUS_OUT_OF_RANGE.
 */
enum status report_from_parts(struct slice id,
    struct slice location,
    struct slice time,
    struct slice server,
    int64_t received_ns,
    struct report *ret_report) MUST_USE;

/* Appends the line that the client was or would be answered, `AT Goloman +0.26... id location
 * time`, no line end. */
enum status report_append_at_line(const struct report *report, struct buffer *line) MUST_USE;

#endif
