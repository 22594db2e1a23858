/* The texts of the statuses. */
#include "common/status.h"

#include <assert.h>
#include <stddef.h>

const char *status_text(enum status status)
{
    static const char *const texts[] = {
#define STATUS_TEXT(code, text) [code] = (text),
        STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
    };
    assert((size_t)status < sizeof texts / sizeof texts[0]);
    return texts[status];
}
