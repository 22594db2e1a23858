/* Reads two signed decimal numbers; no locale, and no rounding before the range is decided. */
#include "common/location.h"

#include <stdio.h>

/*
 * Digits behind the point that count for the number: 180 with 13 more digits stays below 2^53, so
 * that the result is the double nearest to the text. The 14th digit stands for a nanometre on the
 * ground.
 */
enum { FRACTION_DIGITS_MAX = 13 };

/* A number of degrees, cut into its parts but not yet understood. */
struct angle {
    bool is_negative;
    struct slice whole;
    struct slice fraction;
};

/* Sign, digits, optionally a point and digits; *rest moves behind them. */
static bool take_angle(struct slice *rest, struct angle *ret_angle)
{
    const bool is_negative = slice_take_byte(rest, '-');
    if (!is_negative && !slice_take_byte(rest, '+')) {
        return false;
    }
    const struct slice whole = slice_take_digits(rest);
    struct slice fraction = {.length = 0};
    if (slice_take_byte(rest, '.')) {
        fraction = slice_take_digits(rest);
        if (fraction.length == 0) {
            return false;
        }
    }
    *ret_angle = (struct angle){.is_negative = is_negative, .whole = whole, .fraction = fraction};
    return whole.length > 0;
}

static bool has_only_zeros(struct slice digits)
{
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] != '0') {
            return false;
        }
    }
    return true;
}

/* False: more than `limit` degrees. */
static bool angle_value(const struct angle *angle, uint64_t limit, double *ret_degrees)
{
    uint64_t value;
    if (!slice_parse_number(angle->whole, limit, &value)) {
        return false;
    }
    if (value == limit && !has_only_zeros(angle->fraction)) {
        return false;
    }

    /* Powers of ten up to 10^22 are exact in a double, so the one division is the only rounding. */
    double scale = 1;
    for (size_t i = 0; i < angle->fraction.length && i < FRACTION_DIGITS_MAX; i++) {
        value = value * 10 + (uint64_t)(angle->fraction.data[i] - '0');
        scale *= 10;
    }
    const double degrees = (double)value / scale;
    *ret_degrees = angle->is_negative ? -degrees : degrees;
    return true;
}

enum status location_parse(struct slice text, struct location *ret_location)
{
    struct slice rest = text;
    struct angle latitude;
    struct angle longitude;
    if (!take_angle(&rest, &latitude) || !take_angle(&rest, &longitude) || rest.length != 0) {
        return STATUS_MALFORMED;
    }

    struct location location;
    if (!angle_value(&latitude, 90, &location.latitude) ||
        !angle_value(&longitude, 180, &location.longitude)) {
        return STATUS_OUT_OF_RANGE;
    }
    *ret_location = location;
    return STATUS_OK;
}

static const char *missing_sign(struct slice field)
{
    return field.length > 0 && field.data[0] == '-' ? "" : "+";
}

enum status location_parse_fields(
    struct slice latitude, struct slice longitude, struct location *ret_location)
{
    char text[64];
    const int length = snprintf(text,
        sizeof text,
        "%s%.*s%s%.*s",
        missing_sign(latitude),
        (int)latitude.length,
        latitude.data,
        missing_sign(longitude),
        (int)longitude.length,
        longitude.data);
    if (length < 0 || (size_t)length >= sizeof text) {
        return STATUS_MALFORMED;
    }
    return location_parse(slice_of_bytes(text, (size_t)length), ret_location);
}
