/* The haversine formula, which keeps its digits at the small distances that matter here. */
#include "places-worker/circle.h"

#include <assert.h>
#include <math.h>

static const double earth_radius_m = 6371008.8;
static const double radians_per_degree = 3.14159265358979323846 / 180;

/* Boxes are this much larger than the circle (1 cm), so that rounding never cuts a place off the
 * rim. */
static const double margin_degrees = 1e-7;

struct circle circle_around(struct location centre, double radius_m)
{
    assert(radius_m >= 0);
    return (struct circle){
        .centre = centre,
        .radius_m = radius_m,
        .centre_latitude_cosine = cos(centre.latitude * radians_per_degree),
    };
}

static double squared_sine_of_half(double degrees)
{
    const double sine = sin(degrees * radians_per_degree / 2);
    return sine * sine;
}

bool circle_contains(const struct circle *circle, struct location location, double *ret_distance_m)
{
    const double haversine =
        squared_sine_of_half(location.latitude - circle->centre.latitude) +
        circle->centre_latitude_cosine * cos(location.latitude * radians_per_degree) *
            squared_sine_of_half(location.longitude - circle->centre.longitude);
    const double distance_m = 2 * earth_radius_m * asin(fmin(1, sqrt(haversine)));
    if (distance_m > circle->radius_m) {
        return false;
    }
    *ret_distance_m = distance_m;
    return true;
}

unsigned circle_boxes(const struct circle *circle, struct circle_box ret_boxes[CIRCLE_BOXES_MAX])
{
    const double angle = circle->radius_m / earth_radius_m;
    const double height = angle / radians_per_degree + margin_degrees;
    struct circle_box box = {
        .latitude_min = fmax(-90, circle->centre.latitude - height),
        .latitude_max = fmin(90, circle->centre.latitude + height),
        .longitude_min = -180,
        .longitude_max = 180,
    };

    /* Where a pole is inside, every meridian is. Elsewhere the widest part of the circle is nearer
     * to the pole than its centre, and sin(half width) = sin(angle) / cos(latitude). */
    const bool holds_a_pole = box.latitude_min <= -90 || box.latitude_max >= 90;
    const double sine = holds_a_pole ? 1 : sin(angle) / circle->centre_latitude_cosine;
    if (sine >= 1) {
        ret_boxes[0] = box;
        return 1;
    }
    const double half_width = asin(sine) / radians_per_degree + margin_degrees;
    const double west = circle->centre.longitude - half_width;
    const double east = circle->centre.longitude + half_width;

    if (west >= -180 && east <= 180) {
        box.longitude_min = west;
        box.longitude_max = east;
        ret_boxes[0] = box;
        return 1;
    }
    ret_boxes[0] = box;
    ret_boxes[0].longitude_min = west < -180 ? west + 360 : west;
    ret_boxes[1] = box;
    ret_boxes[1].longitude_max = east > 180 ? east - 360 : east;
    return 2;
}
