/*
 * One line of data/places.tsv, the form in which places are shipped:
 *
 *     kind  source:id  name  latitude  longitude  prominence  vicinity  country
 *
 * separated by single tabs, in UTF-8, without quoting (data/prepare.py says more).
 */
#ifndef PLACES_WORKER_PLACE_LINE_H
#define PLACES_WORKER_PLACE_LINE_H

#include "common/location.h"
#include "common/slice.h"
#include "common/status.h"
#include "places-worker/place_catalogue.h"

#include <stdint.h>

/* A place as it goes into the database; the slices are borrowed from the line. */
struct place_line {
    const struct place_kind *kind;
    const struct place_source *source;
    struct slice id; /* within its source */
    struct slice name;
    struct slice vicinity;
    struct location location;
    uint64_t prominence;
};

/* The first line of a file. */
extern const char place_line_header[];

/*
 * `line` is without its line end. STATUS_MALFORMED: a wrong number of fields, no such kind or
 * source, an empty id or name, a number that is none, no UTF-8, a control character.
 * STATUS_OUT_OF_RANGE: beyond the poles or the date line, or too long a text.
 */
enum status place_line_parse(struct slice line, struct place_line *ret_place) MUST_USE;

#endif
