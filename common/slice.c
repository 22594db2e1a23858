/* The steps over borrowed bytes that are too long to be inlined. */
#include "common/slice.h"

struct slice slice_of(const char *text)
{
    return slice_of_bytes(text, strlen(text));
}

int slice_compare(struct slice a, struct slice b)
{
    const size_t common = a.length < b.length ? a.length : b.length;
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.length > b.length) - (a.length < b.length);
}

struct slice slice_next_word(struct slice *rest)
{
    size_t start = 0;
    while (start < rest->length && slice_is_space(rest->data[start])) {
        start++;
    }
    size_t end = start;
    while (end < rest->length && !slice_is_space(rest->data[end])) {
        end++;
    }

    struct slice word = slice_from(*rest, start);
    word.length = end - start;
    *rest = slice_from(*rest, end);
    return word;
}

bool slice_parse_number(struct slice digits, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (!slice_is_digit(digits.data[i])) {
            return false;
        }
        const uint64_t digit = (uint64_t)(digits.data[i] - '0');
        if (digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (digits.length == 0) {
        return false;
    }
    *ret_value = value;
    return true;
}
