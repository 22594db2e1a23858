/* Reads two signed decimal numbers; no locale, and no rounding before the range is decided. */
#include "common/location.h"

#include <stdio.h>

/*
 * Digits behind the point that count for the number: 180 with 13 more digits stays below 2^53, so
 * that the result is the double nearest to the text. The 14th digit stands for a nanometre on the
 * ground.
 */
enum { FRACTION_DIGITS_MAX = 13 };

/* A number of degrees, cut into its parts. */
struct angle {
    bool is_negative;
    uint64_t whole;
    struct slice fraction; /* digits */
};

static bool has_only_zeros(struct slice digits)
{
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] != '0') {
            return false;
        }
    }
    return true;
}

/* Sign, digits, optionally a point and digits, at most `limit` degrees; *rest moves behind them. */
static enum status take_angle(struct slice *rest, uint64_t limit, struct angle *ret_angle)
{
    ret_angle->is_negative = slice_take_byte(rest, '-');
    if (!ret_angle->is_negative && !slice_take_byte(rest, '+')) {
        return STATUS_MALFORMED;
    }
    const struct slice whole = slice_take_digits(rest);
    ret_angle->fraction = (struct slice){.length = 0};
    if (slice_take_byte(rest, '.')) {
        ret_angle->fraction = slice_take_digits(rest);
        if (ret_angle->fraction.length == 0) {
            return STATUS_MALFORMED;
        }
    }
    if (whole.length == 0) {
        return STATUS_MALFORMED;
    }
    const bool is_within = slice_parse_number(whole, limit, &ret_angle->whole) &&
                           (ret_angle->whole < limit || has_only_zeros(ret_angle->fraction));
    return is_within ? STATUS_OK : STATUS_OUT_OF_RANGE;
}

/* What is malformed anywhere is malformed, even if a number before it is out of range. */
static enum status take_angles(
    struct slice text, struct angle *ret_latitude, struct angle *ret_longitude)
{
    struct slice rest = text;
    const enum status latitude = take_angle(&rest, 90, ret_latitude);
    if (latitude == STATUS_MALFORMED) {
        return latitude;
    }
    const enum status longitude = take_angle(&rest, 180, ret_longitude);
    if (longitude == STATUS_MALFORMED || rest.length != 0) {
        return STATUS_MALFORMED;
    }
    return latitude != STATUS_OK ? latitude : longitude;
}

static double degrees_of(const struct angle *angle)
{
    /* Powers of ten up to 10^22 are exact in a double, so the one division is the only rounding. */
    uint64_t value = angle->whole;
    double scale = 1;
    for (size_t i = 0; i < angle->fraction.length && i < FRACTION_DIGITS_MAX; i++) {
        value = value * 10 + (uint64_t)(angle->fraction.data[i] - '0');
        scale *= 10;
    }
    const double degrees = (double)value / scale;
    return angle->is_negative ? -degrees : degrees;
}

enum status location_check(struct slice text)
{
    struct angle latitude;
    struct angle longitude;
    return take_angles(text, &latitude, &longitude);
}

enum status location_parse(struct slice text, struct location *ret_location)
{
    struct angle latitude;
    struct angle longitude;
    const enum status status = take_angles(text, &latitude, &longitude);
    if (status == STATUS_OK) {
        *ret_location = (struct location){
            .latitude = degrees_of(&latitude), .longitude = degrees_of(&longitude)};
    }
    return status;
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
