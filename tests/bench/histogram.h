/*
 * Durations counted in log-linear buckets: percentiles of any number of values in constant memory,
 * less than 1 % too high and never too low.
 *
 * Values below 256 have a bucket each; above, every power of two is cut into 128 buckets of equal
 * width.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    HISTOGRAM_LINEAR_BITS = 8,
    HISTOGRAM_VALUE_BITS =
        40, /* in ns: 18 minutes, longer than any run; greater values count as this */
    HISTOGRAM_PER_DOUBLING = 1 << (HISTOGRAM_LINEAR_BITS - 1),
    HISTOGRAM_BUCKETS = (1 << HISTOGRAM_LINEAR_BITS) +
                        (HISTOGRAM_VALUE_BITS - HISTOGRAM_LINEAR_BITS) * HISTOGRAM_PER_DOUBLING,
};

/* All zeroes is an empty one. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total; /* how many values */
    uint64_t sum;   /* of all values as given, for the mean */
    uint64_t max;   /* the greatest, exactly */
};

void histogram_reset(struct histogram *histogram);

/* Counts `value` as often as `count` says. */
void histogram_record(struct histogram *histogram, uint64_t value, uint64_t count);

/* Adds everything that was recorded in `from`. */
void histogram_add(struct histogram *histogram, const struct histogram *from);

/*
 * The least bucket bound that at least `per_100000` of 100000 values do not pass (50000: the
 * median), never above the greatest value; 0 if nothing was recorded.
 */
uint64_t histogram_quantile(const struct histogram *histogram, uint64_t per_100000);

#endif
