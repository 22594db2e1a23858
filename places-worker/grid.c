/* Rows along parallels; each row has as many points as its length needs. */
#include "places-worker/grid.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double metres_per_degree = 111195; /* of latitude, on a sphere of mean radius */

struct location grid_round(struct location location, unsigned grid_m)
{
    if (grid_m == 0) {
        return location;
    }
    const double rows =
        ceil(180 * metres_per_degree / grid_m); /* a whole number from pole to pole */
    const double row_degrees = 180 / rows;
    const double latitude = round((location.latitude + 90) / row_degrees) * row_degrees - 90;

    const double length_m = 360 * metres_per_degree * cos(latitude * pi / 180);
    const double points = fmax(1, ceil(length_m / grid_m)); /* and around the Earth */
    const double point_degrees = 360 / points;
    const double longitude =
        round((location.longitude + 180) / point_degrees) * point_degrees - 180;
    return (struct location){
        .latitude = fmin(90, fmax(-90, latitude)),
        .longitude = longitude >= 180 ? -180 : longitude,
    };
}
