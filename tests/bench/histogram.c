/* Durations counted in log-linear buckets. */
#include "tests/bench/histogram.h"

#include <assert.h>
#include <string.h>

enum { LINEAR = 1 << HISTOGRAM_LINEAR_BITS };

static size_t bucket_of(uint64_t value)
{
    if (value < LINEAR) {
        return (size_t)value;
    }
    if (value >> HISTOGRAM_VALUE_BITS != 0) {
        return HISTOGRAM_BUCKETS - 1;
    }
    unsigned doubling = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_LINEAR_BITS;
    uint64_t within = (value >> (doubling + 1)) & (HISTOGRAM_PER_DOUBLING - 1);
    return LINEAR + (size_t)doubling * HISTOGRAM_PER_DOUBLING + (size_t)within;
}

/* The greatest value that falls into the bucket. */
static uint64_t bucket_bound(size_t bucket)
{
    if (bucket < LINEAR) {
        return bucket;
    }
    size_t doubling = (bucket - LINEAR) / HISTOGRAM_PER_DOUBLING;
    uint64_t within = (bucket - LINEAR) % HISTOGRAM_PER_DOUBLING;
    return ((HISTOGRAM_PER_DOUBLING + within + 1) << (doubling + 1)) - 1;
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

void histogram_record(struct histogram *histogram, uint64_t value, uint64_t count)
{
    histogram->counts[bucket_of(value)] += count;
    histogram->total += count;
    histogram->sum += value * count;
    if (value > histogram->max && count > 0) {
        histogram->max = value;
    }
}

void histogram_add(struct histogram *histogram, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram->counts[i] += from->counts[i];
    }
    histogram->total += from->total;
    histogram->sum += from->sum;
    if (from->max > histogram->max) {
        histogram->max = from->max;
    }
}

uint64_t histogram_quantile(const struct histogram *histogram, uint64_t per_100000)
{
    assert(per_100000 <= 100000);

    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && seen * 100000 >= histogram->total * per_100000) {
            uint64_t bound = bucket_bound(i);
            return bound < histogram->max ? bound : histogram->max;
        }
    }
    return histogram->max;
}
