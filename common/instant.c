/* The only caller of clock_gettime. */
#include "common/instant.h"

#include <assert.h>
#include <time.h>

static int64_t read_clock_ns(clockid_t which)
{
    struct timespec now;
    const int failed = clock_gettime(which, &now);
    assert(failed == 0); /* both clocks exist wherever this is compiled for */
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

struct instant instant_now(void)
{
    return (struct instant){.ns = read_clock_ns(CLOCK_MONOTONIC)};
}

static struct instant instant_after(struct instant instant, int64_t count, int64_t unit_ns)
{
    assert(count >= 0);
    if (count > (INT64_MAX - instant.ns) / unit_ns) {
        return INSTANT_NEVER;
    }
    return (struct instant){.ns = instant.ns + count * unit_ns};
}

struct instant instant_after_ms(struct instant instant, int64_t milliseconds)
{
    return instant_after(instant, milliseconds, NS_PER_MS);
}

struct instant instant_after_us(struct instant instant, int64_t microseconds)
{
    return instant_after(instant, microseconds, NS_PER_US);
}

struct timespec instant_timespec(struct instant instant)
{
    return (struct timespec){.tv_sec = (time_t)(instant.ns / NS_PER_SECOND),
        .tv_nsec = (long)(instant.ns % NS_PER_SECOND)};
}

int64_t instant_ns_between(struct instant from, struct instant to)
{
    return to.ns - from.ns;
}

bool instant_is_before(struct instant a, struct instant b)
{
    return a.ns < b.ns;
}

struct instant instant_earlier(struct instant a, struct instant b)
{
    return instant_is_before(b, a) ? b : a;
}

int64_t wall_clock_ns(void)
{
    return read_clock_ns(CLOCK_REALTIME);
}

/* The last `count` decimal digits of `value`, with leading zeros; returns the place behind them. */
static char *put_digits(char *text, int64_t value, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        text[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return text + count;
}

void wall_clock_format(int64_t wall_ns, char ret_text[WALL_CLOCK_TEXT_SIZE])
{
    int64_t seconds = wall_ns / NS_PER_SECOND;
    int64_t ns = wall_ns % NS_PER_SECOND;
    if (ns < 0) { /* before 1970 */
        seconds -= 1;
        ns += NS_PER_SECOND;
    }
    const time_t posix_time = (time_t)seconds;
    struct tm utc;
    const struct tm *converted = gmtime_r(&posix_time, &utc);
    assert(converted != NULL); /* 64 bits of ns reach from 1677 to 2262 */

    char *end = put_digits(ret_text, utc.tm_year + 1900, 4);
    *end++ = '-';
    end = put_digits(end, utc.tm_mon + 1, 2);
    *end++ = '-';
    end = put_digits(end, utc.tm_mday, 2);
    *end++ = 'T';
    end = put_digits(end, utc.tm_hour, 2);
    *end++ = ':';
    end = put_digits(end, utc.tm_min, 2);
    *end++ = ':';
    end = put_digits(end, utc.tm_sec, 2);
    *end++ = '.';
    end = put_digits(end, ns / NS_PER_US, 6);
    *end++ = 'Z';
    *end = '\0';
}
