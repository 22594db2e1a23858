/* Are the percentiles of a histogram those of the values, to one in a hundred? */
#include "common/random.h"
#include "tests/bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct histogram histogram;

static void nothing_recorded_has_quantile_zero(void **state)
{
    (void)state;
    histogram_reset(&histogram);

    assert_int_equal(histogram_quantile(&histogram, 50000), 0);
    assert_int_equal(histogram_quantile(&histogram, 100000), 0);
}

static void small_values_are_kept_exactly(void **state)
{
    (void)state;
    histogram_reset(&histogram);
    for (uint64_t value = 1; value <= 100; value++) {
        histogram_record(&histogram, value, 1);
    }

    assert_int_equal(histogram_quantile(&histogram, 0), 1);
    assert_int_equal(histogram_quantile(&histogram, 50000), 50);
    assert_int_equal(histogram_quantile(&histogram, 99000), 99);
    assert_int_equal(histogram_quantile(&histogram, 100000), 100);
    assert_int_equal(histogram.sum, 5050);
}

static void a_value_is_never_shown_smaller_nor_one_per_cent_greater(void **state)
{
    (void)state;
    struct random random = random_from_seed(7);
    for (unsigned i = 0; i < 100000; i++) {
        const uint64_t value = random_next(&random) >> (26 + random_below(&random, 38));
        histogram_reset(&histogram);
        histogram_record(&histogram, value, 1);
        histogram_record(&histogram, UINT64_C(1) << 39, 1); /* so that the maximum hides nothing */

        const uint64_t shown = histogram_quantile(&histogram, 50000);
        assert_true(shown >= value);
        assert_true(shown - value <= value / 100);
    }
}

static int order(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static uint64_t values[COUNT];
    struct random random = random_from_seed(11);
    histogram_reset(&histogram);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = random_below(&random, 1 << random_below(&random, 30));
        histogram_record(&histogram, values[i], 1);
    }
    qsort(values, COUNT, sizeof values[0], order);

    const uint64_t quantiles[] = {1000, 50000, 90000, 99000, 99900, 100000};
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        const uint64_t exact = values[quantiles[i] * COUNT / 100000 - 1];
        const uint64_t shown = histogram_quantile(&histogram, quantiles[i]);
        assert_in_range(shown, exact, exact + exact / 100);
    }
}

static void counting_a_value_often_is_recording_it_often(void **state)
{
    (void)state;
    static struct histogram one_by_one;
    histogram_reset(&histogram);
    histogram_reset(&one_by_one);
    for (unsigned i = 0; i < 5; i++) {
        histogram_record(&one_by_one, 123456, 1);
    }
    histogram_record(&histogram, 123456, 5);

    assert_memory_equal(&histogram, &one_by_one, sizeof histogram);
}

static void adding_is_recording_both(void **state)
{
    (void)state;
    static struct histogram first, second;
    histogram_reset(&histogram);
    histogram_reset(&first);
    histogram_reset(&second);
    for (uint64_t value = 1; value < 1000000; value *= 3) {
        histogram_record(value % 2 == 0 ? &first : &second, value, value);
        histogram_record(&histogram, value, value);
    }
    histogram_add(&first, &second);

    assert_memory_equal(&histogram, &first, sizeof histogram);
}

static void what_is_too_great_counts_as_the_greatest_and_the_maximum_stays_exact(void **state)
{
    (void)state;
    histogram_reset(&histogram);
    histogram_record(&histogram, 5, 1);
    histogram_record(&histogram, UINT64_MAX / 2, 1);

    assert_int_equal(histogram_quantile(&histogram, 50000), 5);
    assert_int_equal(histogram.max, UINT64_MAX / 2);
    assert_int_equal(histogram_quantile(&histogram, 100000), (UINT64_C(1) << 40) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_recorded_has_quantile_zero),
        cmocka_unit_test(small_values_are_kept_exactly),
        cmocka_unit_test(a_value_is_never_shown_smaller_nor_one_per_cent_greater),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
        cmocka_unit_test(counting_a_value_often_is_recording_it_often),
        cmocka_unit_test(adding_is_recording_both),
        cmocka_unit_test(what_is_too_great_counts_as_the_greatest_and_the_maximum_stays_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
