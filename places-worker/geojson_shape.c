/* Sums over the points of one line or ring, relative to its first point, where the numbers are
 * small. */
#include "places-worker/geojson_shape.h"

#include <math.h>
#include <stdint.h>

enum { NESTING_MAX = 4 }; /* of arrays around a position: those of a MultiPolygon, and its own */

/* A line or ring while its points come by. */
struct run {
    uint64_t count;
    struct location first;
    double previous_x;
    double previous_y;
    double sum_x;
    double sum_y;
    double area;     /* twice, and signed */
    double moment_x; /* of the area, six times */
    double moment_y;
    double min_x;
    double max_x;
    double min_y;
    double max_y;
};

/* The best run so far. */
struct shape {
    bool is_there;
    double area;
    uint64_t count;
    struct location location;
};

static void run_add(struct run *run, struct location point)
{
    if (run->count == 0) {
        *run = (struct run){.first = point};
    }
    const double x = point.longitude - run->first.longitude;
    const double y = point.latitude - run->first.latitude;
    const double cross = run->previous_x * y - x * run->previous_y;
    run->area += cross;
    run->moment_x += (run->previous_x + x) * cross;
    run->moment_y += (run->previous_y + y) * cross;
    run->sum_x += x;
    run->sum_y += y;
    run->min_x = fmin(run->min_x, x);
    run->max_x = fmax(run->max_x, x);
    run->min_y = fmin(run->min_y, y);
    run->max_y = fmax(run->max_y, y);
    run->previous_x = x;
    run->previous_y = y;
    run->count++;
}

static double within(double value, double min, double max)
{
    return fmin(fmax(value, min), max);
}

static void shape_consider(struct shape *shape, const struct run *run)
{
    if (run->count == 0) {
        return;
    }
    const bool ends_at_start = fabs(run->previous_x) <= 0 && fabs(run->previous_y) <= 0;
    const bool is_ring = run->count >= 4 && ends_at_start && fabs(run->area) > 1e-16;
    const double area = is_ring ? fabs(run->area) : 0;
    if (shape->is_there &&
        (area < shape->area || (area <= shape->area && run->count <= shape->count))) {
        return;
    }
    const double x = is_ring ? run->moment_x / (3 * run->area) : run->sum_x / (double)run->count;
    const double y = is_ring ? run->moment_y / (3 * run->area) : run->sum_y / (double)run->count;
    *shape = (struct shape){
        .is_there = true,
        .area = area,
        .count = run->count,
        .location = {run->first.latitude + within(y, run->min_y, run->max_y),
            run->first.longitude + within(x, run->min_x, run->max_x)},
    };
}

/* Behind the bracket of a position: longitude, latitude, and what else there may be. */
static bool read_position(struct json_cursor *cursor, struct location *ret_location)
{
    struct location location = {0, 0};
    if (!json_cursor_number(cursor, &location.longitude) || !json_cursor_element(cursor) ||
        !json_cursor_number(cursor, &location.latitude)) {
        return json_cursor_fail(cursor, STATUS_MALFORMED);
    }
    while (json_cursor_element(cursor)) {
        json_cursor_skip(cursor);
    }
    *ret_location = location;
    return cursor->status == STATUS_OK;
}

/* An array that is open: of positions (which make a run), of arrays of these, and so on. */
static bool read_array(struct json_cursor *cursor, unsigned nesting, struct shape *shape)
{
    struct run run = {.count = 0};
    while (json_cursor_element(cursor)) {
        if (nesting == 0 || !json_cursor_open(cursor, '[')) {
            return json_cursor_fail(cursor, STATUS_MALFORMED);
        }
        const char next = json_cursor_peek(cursor);
        if (next == '[' || next == ']') {
            if (!read_array(cursor, nesting - 1, shape)) {
                return false;
            }
            continue;
        }
        struct location point = {0, 0};
        if (!json_cursor_element(cursor) || !read_position(cursor, &point)) {
            return false;
        }
        run_add(&run, point);
    }
    shape_consider(shape, &run);
    return cursor->status == STATUS_OK;
}

bool geojson_shape_read(
    struct json_cursor *cursor, bool *ret_is_there, struct location *ret_location)
{
    struct shape shape = {.is_there = false};
    *ret_is_there = false;
    if (!json_cursor_open(cursor, '[')) {
        return false;
    }
    const char next = json_cursor_peek(cursor);
    if (next != '[' && next != ']') {
        shape.is_there = json_cursor_element(cursor) && read_position(cursor, &shape.location);
    } else if (!read_array(cursor, NESTING_MAX - 1, &shape)) {
        return false;
    }
    if (shape.is_there) {
        *ret_is_there = true;
        *ret_location = shape.location;
    }
    return cursor->status == STATUS_OK;
}
