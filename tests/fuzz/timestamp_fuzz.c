/* Any bytes are a time or are refused; a time survives being shown and read again. */
#include "common/timestamp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ns = -1;
    const enum status status = timestamp_parse(slice_of_bytes((const char *)data, size), &ns);
    if (status != STATUS_OK) {
        check(status == STATUS_MALFORMED || status == STATUS_OUT_OF_RANGE);
        check(ns == -1);
        return 0;
    }

    char text[TIMESTAMP_DIFFERENCE_SIZE];
    const size_t length = timestamp_difference_format(ns, text);
    int64_t again;
    check(ns >= 0);
    check(text[0] == '+');
    check(timestamp_parse(slice_of_bytes(text + 1, length - 1), &again) == STATUS_OK);
    check(again == ns);
    return 0;
}
