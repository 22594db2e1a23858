/*
 * A file of places in any of the forms that can be imported: bytes in, one thing after the other
 * out, in constant memory. Pure.
 */
#ifndef PLACES_WORKER_IMPORT_STREAM_H
#define PLACES_WORKER_IMPORT_STREAM_H

#include "places-worker/import_place.h"
#include "places-worker/osm_place.h"
#include "places-worker/record_splitter.h"

enum import_format {
    IMPORT_GEOJSONSEQ, /* a GeoJSON text sequence, or a feature a line */
    IMPORT_OVERPASS,   /* Overpass JSON */
    IMPORT_GEONAMES,   /* a GeoNames dump */
};

/* What it is called on a command line; false: nothing is called so. */
bool import_format_parse(struct slice name, enum import_format *ret_format);
const char *import_format_name(enum import_format format);

/* As much of the start of a file as a guess needs. */
enum { IMPORT_HEAD_SIZE = 4096 };

/*
 * What a file that starts like this is. NULL: *ret_format is it. Else why that cannot be told, as
 * the end of a sentence about the file; a static string.
 */
const char *import_format_guess(struct slice head, enum import_format *ret_format);

/* The fields are the stream's own. */
struct import_stream {
    enum import_format format;
    struct record_splitter splitter;
    struct osm_tags tags;
    struct import_place place;
    enum import_verdict last; /* on the thing that was read last */
    bool is_cut_off;
};

struct import_thing {
    uint64_t number; /* of the line in GeoNames, of the feature or element elsewhere; from 1 */
    enum import_verdict verdict;
    const struct import_place *place; /* borrowed until the stream is used again; whole only if it
                                         is taken */
};

/* `head` is the start of the input, one byte at least: sequences are known by it. */
void import_stream_init(struct import_stream *stream, enum import_format format, struct slice head);
void import_stream_clear(struct import_stream *stream);

/* Takes from *chunk up to the end of a thing; false: all was taken and none has ended. */
bool import_stream_next(
    struct import_stream *stream, struct slice *chunk, struct import_thing *ret_thing);

/* At the end of the input: a thing that ends with it. */
bool import_stream_finish(struct import_stream *stream, struct import_thing *ret_thing);

/*
 * After the end: why the whole of it is not to be trusted, as the end of a sentence about the file
 * (it is cut off, it is something else); NULL: it is. A static string.
 */
const char *import_stream_complaint(const struct import_stream *stream);

#endif
