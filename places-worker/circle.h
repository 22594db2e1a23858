/* A circle on the Earth: what lies in it, and the boxes of coordinates that hold all of it. */
#ifndef PLACES_WORKER_CIRCLE_H
#define PLACES_WORKER_CIRCLE_H

#include "common/location.h"

#include <stdbool.h>

/* On a sphere of the Earth's mean radius; distances differ from those on the ellipsoid by at most
 * 0.6 %. */
struct circle {
    struct location centre;
    double radius_m;
    double centre_latitude_cosine; /* kept because each question needs it */
};

/* radius_m is 0 or more. */
struct circle circle_around(struct location centre, double radius_m);

/* Whether `location` is in the circle (its rim included), and how far from the centre;
 * *ret_distance_m is written only if it is. */
bool circle_contains(const struct circle *circle, struct location location, double *ret_distance_m);

struct circle_box {
    double latitude_min;
    double latitude_max;
    double longitude_min;
    double longitude_max;
};

#define CIRCLE_BOXES_MAX 2

/*
 * Boxes that together hold the circle, without overlap; returns how many. Two where the circle
 * crosses the 180th meridian; one with all longitudes where it holds a pole.
 */
unsigned circle_boxes(const struct circle *circle, struct circle_box ret_boxes[CIRCLE_BOXES_MAX]);

#endif
