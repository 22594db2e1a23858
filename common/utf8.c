/* The table of well-formed sequences (RFC 3629, section 4). */
#include "common/utf8.h"

size_t utf8_sequence_length(struct slice bytes)
{
    const unsigned char *b = (const unsigned char *)bytes.data;
    if (b[0] < 0x80) {
        return 1;
    }
    size_t length = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || length > bytes.length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xF0 && b[1] < 0x90);
    bool is_surrogate = b[0] == 0xED && b[1] > 0x9F;
    bool is_too_large = b[0] == 0xF4 && b[1] > 0x8F;
    return is_overlong || is_surrogate || is_too_large ? 0 : length;
}

bool utf8_is_clean(struct slice text)
{
    while (text.length > 0) {
        const unsigned char first = (unsigned char)text.data[0];
        const size_t length = first < 0x20 || first == 0x7F ? 0 : utf8_sequence_length(text);
        if (length == 0) {
            return false;
        }
        text = slice_from(text, length);
    }
    return true;
}
