/* Escapes more than a query needs: that is allowed, and the same everywhere. */
#include "places-worker/url_escape.h"

#include <stdbool.h>

/* RFC 3986, section 2.3. */
static bool is_unreserved(char byte)
{
    return slice_is_digit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

enum status url_escape_append(struct buffer *output, struct slice text)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < text.length && status == STATUS_OK; i++) {
        const char byte = text.data[i];
        status = is_unreserved(byte)
                     ? buffer_append(output, slice_of_bytes(&byte, 1))
                     : buffer_append_format(output, "%%%02X", (unsigned)(unsigned char)byte);
    }
    return status;
}
