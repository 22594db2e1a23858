/* Are the numbers replayable, uniform and within their bound? */
#include "common/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_seed_gives_the_published_splitmix64_numbers(void **state)
{
    (void)state;
    struct random random = random_from_seed(1234567);

    assert_true(random_next(&random) == UINT64_C(6457827717110365317));
    assert_true(random_next(&random) == UINT64_C(3203168211198807973));
    assert_true(random_next(&random) == UINT64_C(9817491932198370423));
}

static void the_same_seed_gives_the_same_run_and_another_one_another(void **state)
{
    (void)state;
    struct random first = random_from_seed(7);
    struct random again = random_from_seed(7);
    struct random other = random_from_seed(8);
    unsigned same_as_other = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t number = random_next(&first);
        assert_true(number == random_next(&again));
        same_as_other += number == random_next(&other);
    }
    assert_int_equal(same_as_other, 0);
}

static void seeds_of_the_system_differ(void **state)
{
    (void)state;
    assert_true(random_seed_from_system() != random_seed_from_system());
}

static void numbers_below_a_bound_are_uniform(void **state)
{
    (void)state;
    enum { BOUND = 7, DRAWS = 70000 };
    struct random random = random_from_seed(42);
    unsigned counts[BOUND] = {0};
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t number = random_below(&random, BOUND);
        assert_true(number < BOUND);
        counts[number]++;
    }
    for (int i = 0; i < BOUND; i++) { /* 10000 with a deviation of 93: five of them either way */
        assert_in_range(counts[i], 9535, 10465);
    }
}

/* 2^64 mod 3 * 2^62 is 2^62: a mere remainder would be below 2^62 in half of the draws, not in a
 * third. */
static void a_bound_that_divides_badly_is_uniform_too(void **state)
{
    (void)state;
    enum { DRAWS = 30000 };
    const uint64_t third = UINT64_C(1) << 62;
    struct random random = random_from_seed(42);
    unsigned low = 0;
    for (int i = 0; i < DRAWS; i++) {
        low += random_below(&random, 3 * third) < third;
    }
    assert_in_range(low, 9592, 10408);
}

static void bounds_may_be_one_and_the_largest(void **state)
{
    (void)state;
    struct random random = random_from_seed(1);
    assert_true(random_below(&random, 1) == 0);
    assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
}

static void a_chance_comes_true_as_often_as_it_says(void **state)
{
    (void)state;
    struct random random = random_from_seed(99);
    unsigned never = 0;
    unsigned sometimes = 0;
    unsigned always = 0;
    for (int i = 0; i < 10000; i++) {
        never += random_chance(&random, 0);
        sometimes += random_chance(&random, 300);
        always += random_chance(&random, 1000);
    }
    assert_int_equal(never, 0);
    assert_in_range(sometimes, 2770, 3230);
    assert_int_equal(always, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_published_splitmix64_numbers),
        cmocka_unit_test(the_same_seed_gives_the_same_run_and_another_one_another),
        cmocka_unit_test(seeds_of_the_system_differ),
        cmocka_unit_test(numbers_below_a_bound_are_uniform),
        cmocka_unit_test(a_bound_that_divides_badly_is_uniform_too),
        cmocka_unit_test(bounds_may_be_one_and_the_largest),
        cmocka_unit_test(a_chance_comes_true_as_often_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
