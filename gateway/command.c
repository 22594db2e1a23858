/* Splits a line into words and checks each by its rule. */
#include "gateway/command.h"

#include "common/location.h"
#include "common/timestamp.h"

enum {
    WORDS_MAX = 4,
    METRES_PER_KM = 1000,
    FRACTION_DIGITS_MAX =
        9, /* of a radius in km: a thousandth of a millimetre; more change nothing */
};

static const struct command invalid = {.kind = COMMAND_INVALID};

static bool has_only_zeros(struct slice digits)
{
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] != '0') {
            return false;
        }
    }
    return true;
}

/* Digits, optionally a point and digits, in km; the limit is decided on the digits. */
static bool parse_radius(struct slice text, double *ret_radius_m)
{
    struct slice rest = text;
    const struct slice whole = slice_take_digits(&rest);
    struct slice fraction = {.length = 0};
    if (slice_take_byte(&rest, '.')) {
        fraction = slice_take_digits(&rest);
        if (fraction.length == 0) {
            return false;
        }
    }
    uint64_t value;
    if (rest.length != 0 || !slice_parse_number(whole, COMMAND_RADIUS_KM_MAX, &value) ||
        (value == COMMAND_RADIUS_KM_MAX && !has_only_zeros(fraction))) {
        return false;
    }
    double scale = 1;
    for (size_t i = 0; i < fraction.length && i < FRACTION_DIGITS_MAX; i++) {
        value = value * 10 + (uint64_t)(fraction.data[i] - '0');
        scale *= 10;
    }
    *ret_radius_m = (double)(value * METRES_PER_KM) / scale;
    return true;
}

static struct command parse_iamat(const struct slice *words)
{
    struct command command = {
        .kind = COMMAND_IAMAT,
        .id = words[1],
        .location = words[2],
        .time = words[3],
    };
    if (location_check(command.location) != STATUS_OK ||
        timestamp_parse(command.time, &command.time_ns) != STATUS_OK) {
        return invalid;
    }
    return command;
}

static struct command parse_whatsat(const struct slice *words)
{
    struct command command = {.kind = COMMAND_WHATSAT, .id = words[1]};
    uint64_t results_max;
    if (!parse_radius(words[2], &command.radius_m) ||
        !slice_parse_number(words[3], COMMAND_RESULTS_MAX, &results_max)) {
        return invalid;
    }
    command.results_max = (unsigned)results_max;
    return command;
}

struct command command_parse(struct slice line)
{
    struct slice words[WORDS_MAX];
    struct slice rest = line;
    for (size_t i = 0; i < WORDS_MAX; i++) {
        words[i] = slice_next_word(&rest);
        if (words[i].length == 0) {
            return invalid;
        }
    }
    if (slice_next_word(&rest).length != 0) {
        return invalid;
    }
    if (slice_equals(words[0], slice_of_bytes("IAMAT", 5))) {
        return parse_iamat(words);
    }
    if (slice_equals(words[0], slice_of_bytes("WHATSAT", 7))) {
        return parse_whatsat(words);
    }
    return invalid;
}
