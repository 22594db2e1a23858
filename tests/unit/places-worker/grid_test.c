/* Is what stands for a place near it, and the same for its neighbours? */
#include "places-worker/circle.h"
#include "places-worker/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void without_a_grid_nothing_moves(void **state)
{
    (void)state;
    const struct location location = grid_round((struct location){34.06893, -118.445127}, 0);
    assert_true(location.latitude > 34.0689299 && location.latitude < 34.0689301);
    assert_true(location.longitude < -118.4451269 && location.longitude > -118.4451271);
}

static void points_are_near_what_they_stand_for_everywhere(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 100, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (double latitude = -90; latitude <= 90; latitude += 7.3) {
            for (double longitude = -180; longitude <= 180; longitude += 11.7) {
                const struct location from = {latitude, longitude};
                const struct location to = grid_round(from, sizes[i]);
                const struct circle circle = circle_around(from, 0.75 * sizes[i] + 0.01);
                double distance_m;
                assert_true(to.latitude >= -90 && to.latitude <= 90);
                assert_true(to.longitude >= -180 && to.longitude < 180);
                assert_true(circle_contains(&circle, to, &distance_m));
            }
        }
    }
}

static void neighbours_share_a_point(void **state)
{
    (void)state;
    const struct location point = grid_round((struct location){34.06893, -118.445127}, 500);
    const struct location beside = {point.latitude + 0.0005, point.longitude - 0.0005};
    const struct location rounded = grid_round(beside, 500);
    assert_memory_equal(&rounded, &point, sizeof point);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_grid_nothing_moves),
        cmocka_unit_test(points_are_near_what_they_stand_for_everywhere),
        cmocka_unit_test(neighbours_share_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
