/* Are the few places shown the ones that a person would name? */
#include "common/random.h"
#include "places-worker/ranking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAJOR RANKING_SETTLEMENTS
#define MINOR RANKING_MINOR

static void offer(struct ranking *ranking,
    int64_t key,
    double distance_m,
    double prominence,
    enum ranking_family family)
{
    ranking_offer(ranking,
        (struct ranking_entry){
            .key = key, .distance_m = distance_m, .prominence = prominence, .family = family});
}

/* Checks the keys of the results, in order; 0 ends them. */
static void assert_keys(const struct ranking *ranking, const int64_t *wanted)
{
    struct ranking_entry results[RANKING_RESULTS_MAX];
    const size_t count = ranking_results(ranking, results);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(results[i].key, wanted[i]);
    }
    assert_int_equal(wanted[count], 0);
}
#define KEYS(...) ((const int64_t[]){__VA_ARGS__, 0})

static void the_town_one_stands_in_comes_before_the_city_on_the_horizon(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 10000, 5);
    offer(&ranking, 1, 9000, 90000, MAJOR);
    offer(&ranking, 2, 800, 2000, MAJOR);

    assert_keys(&ranking, KEYS(2, 1));
}

static void the_greater_of_two_at_one_distance_comes_first(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 10000, 5);
    offer(&ranking, 1, 3000, 0, MINOR);
    offer(&ranking, 2, 3000, 0, MAJOR);
    offer(&ranking, 3, 3000, 1000000, MAJOR);
    offer(&ranking, 4, 3000, 5000, MAJOR);

    assert_keys(&ranking, KEYS(3, 4, 2, 1));
}

static void a_wider_circle_brings_the_great_places_forward(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 20000, 2);
    offer(&ranking, 1, 2000, 2000, MAJOR);
    offer(&ranking, 2, 18000, 1000000, MAJOR);
    assert_keys(&ranking, KEYS(1, 2));

    ranking_init(&ranking, RANKING_BY_PROMINENCE, 50000, 2);
    offer(&ranking, 1, 2000, 2000, MAJOR);
    offer(&ranking, 2, 18000, 1000000, MAJOR);
    assert_keys(&ranking, KEYS(2, 1));
}

static void minor_places_take_a_third_at_most(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 10000, 6);
    for (int64_t i = 0; i < 30; i++) {
        offer(&ranking, 100 + i, 100 + (double)i, 0, MINOR);
        offer(&ranking, 1 + i, 5000 + (double)i, 1000, MAJOR);
    }

    assert_keys(&ranking, KEYS(100, 101, 1, 2, 3, 4));
}

static void minor_places_have_no_right_to_their_third(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 10000, 3);
    offer(&ranking, 9, 4000, 0, MINOR);
    for (int64_t i = 1; i <= 3; i++) {
        offer(&ranking, i, 1000 * (double)i, 100000, MAJOR);
    }

    assert_keys(&ranking, KEYS(1, 2, 3));
}

static void minor_places_fill_what_others_leave_over(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 1000, 5);
    offer(&ranking, 1, 900, 0, MAJOR);
    for (int64_t i = 0; i < 10; i++) {
        offer(&ranking, 100 + i, 100 * (double)i, 0, MINOR);
    }

    assert_keys(&ranking, KEYS(100, 101, 102, 103, 1));
}

static void by_distance_nothing_else_counts(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_DISTANCE, 10000, 4);
    offer(&ranking, 1, 300, 9000000, MAJOR);
    offer(&ranking, 2, 100, 0, MINOR);
    offer(&ranking, 3, 200, 0, MINOR);
    offer(&ranking, 4, 400, 0, MAJOR);
    offer(&ranking, 5, 250, 0, MINOR);

    assert_keys(&ranking, KEYS(2, 3, 5, 1));
}

static void a_bound_of_none_gives_none(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 10000, 0);
    offer(&ranking, 1, 300, 1, MAJOR);
    offer(&ranking, 2, 300, 1, MINOR);

    struct ranking_entry results[RANKING_RESULTS_MAX];
    assert_int_equal(ranking_results(&ranking, results), 0);
}

static void a_family_takes_a_third_while_there_are_others(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 1000, 6);
    for (int64_t i = 0; i < 20; i++) {
        offer(&ranking, 1 + i, 10 + (double)i, 500, RANKING_FOOD);
    }
    offer(&ranking, 101, 300, 0, RANKING_SIGHTS);
    offer(&ranking, 102, 400, 0, RANKING_SHOPS);
    offer(&ranking, 103, 500, 0, RANKING_TRANSPORT);
    offer(&ranking, 104, 900, 0, RANKING_LODGING);

    assert_keys(&ranking, KEYS(1, 2, 101, 102, 103, 104));
}

static void a_family_fills_what_others_leave_over(void **state)
{
    (void)state;
    struct ranking ranking;
    ranking_init(&ranking, RANKING_BY_PROMINENCE, 1000, 6);
    for (int64_t i = 0; i < 20; i++) {
        offer(&ranking, 1 + i, 10 + (double)i, 500, RANKING_FOOD);
    }
    offer(&ranking, 101, 900, 0, RANKING_SIGHTS);

    assert_keys(&ranking, KEYS(1, 2, 3, 4, 5, 101));
}

/* All that can be told of the results without knowing the formula, for any offers in any order. */
static void the_order_of_offers_does_not_matter(void **state)
{
    (void)state;
    struct random random = random_from_seed(7);
    for (unsigned round = 0; round < 200; round++) {
        struct ranking_entry offers[60];
        const size_t offer_count = random_below(&random, 60);
        const size_t max = random_below(&random, RANKING_RESULTS_MAX + 1);
        for (size_t i = 0; i < offer_count; i++) {
            offers[i] = (struct ranking_entry){.key = (int64_t)i + 1,
                .distance_m = (double)random_below(&random, 5) * 1000,
                .prominence = (double)random_below(&random, 3) * 1000,
                .family = (enum ranking_family)random_below(&random, RANKING_FAMILY_COUNT)};
        }
        struct ranking forward;
        struct ranking backward;
        ranking_init(&forward, RANKING_BY_PROMINENCE, 5000, max);
        ranking_init(&backward, RANKING_BY_PROMINENCE, 5000, max);
        for (size_t i = 0; i < offer_count; i++) {
            ranking_offer(&forward, offers[i]);
            ranking_offer(&backward, offers[offer_count - 1 - i]);
        }

        struct ranking_entry one[RANKING_RESULTS_MAX];
        struct ranking_entry other[RANKING_RESULTS_MAX];
        const size_t count = ranking_results(&forward, one);
        assert_int_equal(count, offer_count < max ? offer_count : max);
        assert_int_equal(ranking_results(&backward, other), count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(one[i].key, other[i].key);
            assert_true(i == 0 || one[i - 1].weight >= one[i].weight);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_town_one_stands_in_comes_before_the_city_on_the_horizon),
        cmocka_unit_test(the_greater_of_two_at_one_distance_comes_first),
        cmocka_unit_test(a_wider_circle_brings_the_great_places_forward),
        cmocka_unit_test(minor_places_take_a_third_at_most),
        cmocka_unit_test(minor_places_have_no_right_to_their_third),
        cmocka_unit_test(minor_places_fill_what_others_leave_over),
        cmocka_unit_test(a_family_takes_a_third_while_there_are_others),
        cmocka_unit_test(a_family_fills_what_others_leave_over),
        cmocka_unit_test(by_distance_nothing_else_counts),
        cmocka_unit_test(a_bound_of_none_gives_none),
        cmocka_unit_test(the_order_of_offers_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
