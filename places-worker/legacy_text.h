/*
 * Places as the JSON of a Google legacy Nearby Search.
 *
 * Only what is known is written: geometry.location, name, place_id, plus_code.global_code
 * (computed), reference, types, vicinity; never an invented rating, icon, photo or opening.
 * `html_attributions` credits each source of the results once.
 */
#ifndef PLACES_WORKER_LEGACY_TEXT_H
#define PLACES_WORKER_LEGACY_TEXT_H

#include "common/buffer.h"
#include "common/status.h"
#include "places-worker/place.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Appends the whole answer, without a final newline. is_any_nearby: whether there is a place at
 * all; with a bound of 0 on the results there may be one and yet none to show, and the status is OK
 * then and not ZERO_RESULTS. STATUS_FULL, STATUS_NO_MEMORY.
 */
enum status legacy_text_append(
    struct buffer *text, const struct place *places, size_t count, bool is_any_nearby) MUST_USE;

#endif
