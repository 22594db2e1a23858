/* Can any file break the reading of places, and does it matter how its bytes arrive? The first byte
 * chooses the format, the second where the input is split. */
#include "places-worker/fnv_digest.h"
#include "places-worker/import_stream.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct import_stream stream; /* large */

/* A digest of all that is read, which is checked on the way. */
static uint64_t judge(uint64_t digest, const struct import_thing *thing)
{
    const char verdict = (char)thing->verdict;
    digest = fnv_digest(digest, slice_of_bytes(&verdict, 1));
    if (thing->verdict == IMPORT_TAKEN) {
        assert(import_place_check(thing->place) == IMPORT_TAKEN);
        digest = fnv_digest(digest, buffer_slice(&thing->place->id));
        digest = fnv_digest(digest, buffer_slice(&thing->place->name));
        digest = fnv_digest(digest, buffer_slice(&thing->place->vicinity));
        digest = fnv_digest(digest, slice_of(thing->place->types));
    }
    return digest;
}

static uint64_t read_in_two(enum import_format format, struct slice input, size_t first_length)
{
    const struct slice parts[] = {
        slice_of_bytes(input.data, first_length),
        slice_from(input, first_length),
    };
    uint64_t digest = FNV_DIGEST_START;
    struct import_thing thing;
    import_stream_init(&stream, format, input);
    for (size_t i = 0; i < 2; i++) {
        struct slice chunk = parts[i];
        while (import_stream_next(&stream, &chunk, &thing)) {
            digest = judge(digest, &thing);
        }
        assert(chunk.length == 0);
    }
    if (import_stream_finish(&stream, &thing)) {
        digest = judge(digest, &thing);
    }
    const char *const complaint = import_stream_complaint(&stream);
    digest = fnv_digest(digest, slice_of(complaint == NULL ? "" : complaint));
    import_stream_clear(&stream);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const struct slice input = slice_of_bytes((const char *)data + 2, size - 2);
    const enum import_format format = (enum import_format)(data[0] % 3);
    const size_t split = input.length == 0 ? 0 : data[1] % (input.length + 1);
    enum import_format guess;
    const char *const doubt = import_format_guess(input, &guess);
    assert(doubt != NULL || guess <= IMPORT_GEONAMES);

    assert(read_in_two(format, input, 0) == read_in_two(format, input, split));
    return 0;
}
