/* Do circles hold what is in them, everywhere on the Earth? */
#include "common/random.h"
#include "places-worker/circle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double distance_m(struct location a, struct location b)
{
    const struct circle circle = circle_around(a, 1e9);
    double distance;
    assert_true(circle_contains(&circle, b, &distance));
    return distance;
}

static void distances_are_those_of_the_atlas(void **state)
{
    (void)state;
    const struct location paris = {48.8566, 2.3522};
    const struct location los_angeles = {34.0522, -118.2437};
    assert_in_range((uint64_t)distance_m(paris, los_angeles) / 1000, 9070, 9100);
    assert_in_range((uint64_t)distance_m((struct location){0, 179.5}, (struct location){0, -179.5}),
        111000,
        111300);
    assert_in_range(
        (uint64_t)distance_m((struct location){90, 0}, (struct location){90, 77}), 0, 1);
}

static void the_rim_belongs_to_the_circle(void **state)
{
    (void)state;
    const struct location place = {34.06893, -118.445127};
    const struct circle point = circle_around(place, 0);
    double distance = -1;
    assert_true(circle_contains(&point, place, &distance));
    assert_true(distance >= 0 && distance <= 0);
    assert_false(circle_contains(&point, (struct location){34.06894, -118.445127}, &distance));
}

static bool is_in(const struct circle_box *box, struct location location)
{
    return location.latitude >= box->latitude_min && location.latitude <= box->latitude_max &&
           location.longitude >= box->longitude_min && location.longitude <= box->longitude_max;
}

static double random_between(struct random *random, double low, double high)
{
    return low + (high - low) * ((double)random_below(random, 1u << 30) / (1u << 30));
}

/* A point near `centre`, on the Earth. */
static struct location random_near(struct random *random, struct location centre)
{
    struct location near = {
        .latitude = centre.latitude + random_between(random, -0.5, 0.5),
        .longitude = centre.longitude +
                     random_between(random, -1, 1) * (random_chance(random, 300) ? 180 : 1),
    };
    near.latitude = near.latitude > 90 ? 90 : near.latitude < -90 ? -90 : near.latitude;
    near.longitude += near.longitude > 180 ? -360 : near.longitude < -180 ? 360 : 0;
    return near;
}

static void what_is_in_the_circle_is_in_exactly_one_box(void **state)
{
    (void)state;
    static const struct location centres[] = {{34.06893, -118.445127},
        {-17.8, 179.9},
        {-17.8, -179.9},
        {0, 180},
        {89.8, 10},
        {-89.9, -179.99},
        {90, 0},
        {71, 180},
        {89.5, 179.9}};
    struct random random = random_from_seed(1);
    for (size_t i = 0; i < sizeof centres / sizeof centres[0]; i++) {
        unsigned hits = 0;
        const struct circle circle = circle_around(centres[i], 50000);
        struct circle_box boxes[CIRCLE_BOXES_MAX];
        const unsigned count = circle_boxes(&circle, boxes);
        for (unsigned n = 0; n < 20000; n++) {
            const struct location location = random_near(&random, centres[i]);
            double distance;
            if (!circle_contains(&circle, location, &distance)) {
                continue;
            }
            hits++;
            unsigned holders = 0;
            for (unsigned box = 0; box < count; box++) {
                holders += is_in(&boxes[box], location) ? 1 : 0;
            }
            assert_int_equal(holders, 1);
        }
        assert_true(hits > 100);
    }
}

static void boxes_are_split_at_the_date_line_and_whole_at_the_poles(void **state)
{
    (void)state;
    struct circle_box boxes[CIRCLE_BOXES_MAX];

    const struct circle here = circle_around((struct location){34, -118}, 50000);
    assert_int_equal(circle_boxes(&here, boxes), 1);
    assert_true(boxes[0].longitude_max - boxes[0].longitude_min < 1.1);

    const struct circle fiji = circle_around((struct location){-17.8, 179.9}, 50000);
    assert_int_equal(circle_boxes(&fiji, boxes), 2);

    const struct circle pole = circle_around((struct location){-89.9, 12}, 50000);
    assert_int_equal(circle_boxes(&pole, boxes), 1);
    assert_true(boxes[0].longitude_min <= -180 && boxes[0].longitude_max >= 180);
    assert_true(boxes[0].latitude_min <= -90 && boxes[0].latitude_max < -89);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_of_the_atlas),
        cmocka_unit_test(the_rim_belongs_to_the_circle),
        cmocka_unit_test(what_is_in_the_circle_is_in_exactly_one_box),
        cmocka_unit_test(boxes_are_split_at_the_date_line_and_whole_at_the_poles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
