/* Client times in whole nanoseconds, and the signed difference that an answer shows. */
#include "common/timestamp.h"

#include <assert.h>

enum { FRACTION_DIGITS = 9 };

static const uint64_t NS_PER_SECOND = 1000 * 1000 * 1000;
static const uint64_t NS_MAX = INT64_MAX;

/* The nanoseconds of the digits behind the point. */
static uint64_t fraction_ns(struct slice digits)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < FRACTION_DIGITS; i++) {
        const uint64_t digit = i < digits.length ? (uint64_t)(digits.data[i] - '0') : 0;
        ns = ns * 10 + digit;
    }
    return ns;
}

enum status timestamp_parse(struct slice text, int64_t *ret_ns)
{
    struct slice rest = text;
    const struct slice whole = slice_take_digits(&rest);
    struct slice fraction = {.length = 0};
    if (slice_take_byte(&rest, '.')) {
        fraction = slice_take_digits(&rest);
        if (fraction.length == 0) {
            return STATUS_MALFORMED;
        }
    }
    if (whole.length == 0 || rest.length != 0) {
        return STATUS_MALFORMED;
    }

    uint64_t seconds;
    if (!slice_parse_number(whole, NS_MAX / NS_PER_SECOND, &seconds)) {
        return STATUS_OUT_OF_RANGE;
    }
    const uint64_t ns = seconds * NS_PER_SECOND + fraction_ns(fraction);
    if (ns > NS_MAX) {
        return STATUS_OUT_OF_RANGE;
    }
    *ret_ns = (int64_t)ns;
    return STATUS_OK;
}

size_t timestamp_difference_format(int64_t ns, char ret_text[TIMESTAMP_DIFFERENCE_SIZE])
{
    assert(ns > INT64_MIN);
    uint64_t left = (uint64_t)(ns < 0 ? -ns : ns);

    /* From the last digit to the first, then to the front. */
    char digits[TIMESTAMP_DIFFERENCE_SIZE];
    size_t start = sizeof digits;
    for (size_t i = 0; i < FRACTION_DIGITS; i++) {
        digits[--start] = (char)('0' + left % 10);
        left /= 10;
    }
    digits[--start] = '.';
    do {
        digits[--start] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);

    const size_t length = sizeof digits - start;
    ret_text[0] = ns < 0 ? '-' : '+';
    memcpy(ret_text + 1, digits + start, length);
    ret_text[1 + length] = '\0';
    return 1 + length;
}
