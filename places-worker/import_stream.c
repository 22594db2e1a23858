/* A splitter and a parser for each format. */
#include "places-worker/import_stream.h"

#include "places-worker/geojson_feature.h"
#include "places-worker/geonames_line.h"
#include "places-worker/overpass_element.h"

static const char record_separator = '\x1E';

static const char *const names[] = {
    [IMPORT_GEOJSONSEQ] = "geojsonseq",
    [IMPORT_OVERPASS] = "overpass",
    [IMPORT_GEONAMES] = "geonames",
};

bool import_format_parse(struct slice name, enum import_format *ret_format)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_equals(name, slice_of(names[i]))) {
            *ret_format = (enum import_format)i;
            return true;
        }
    }
    return false;
}

const char *import_format_name(enum import_format format)
{
    return names[format];
}

#define AS_SEQUENCE "; write it as a sequence (osmium export -f geojsonseq -u type_id)"

static bool contains(struct slice text, const char *word)
{
    const size_t length = strlen(word);
    for (; text.length >= length; text = slice_from(text, 1)) {
        if (memcmp(text.data, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* A length of four bytes, then a record that begins with its type. */
static bool is_pbf(struct slice head)
{
    static const char type[] = "\x0A\x09OSMHeader";
    const size_t length = sizeof type - 1;
    return head.length >= 4 + length && memcmp(head.data + 4, type, length) == 0;
}

static bool is_geonames(struct slice head)
{
    size_t tabs = 0;
    for (size_t i = 0; i < head.length && head.data[i] != '\n'; i++) {
        tabs += head.data[i] == '\t' ? 1 : 0;
    }
    return tabs == GEONAMES_COLUMNS - 1 && slice_is_digit(head.data[0]);
}

const char *import_format_guess(struct slice head, enum import_format *ret_format)
{
    struct slice rest = head;
    while (rest.length > 0 && slice_is_space(rest.data[0])) {
        rest = slice_from(rest, 1);
    }
    if (rest.length == 0) {
        return "is empty";
    }
    if (rest.data[0] == '<') {
        return contains(rest, "<osm") ? "is OpenStreetMap's XML" AS_SEQUENCE
                                      : "is XML or HTML, not a file of places";
    }
    if (is_pbf(head)) {
        return "is OpenStreetMap's PBF" AS_SEQUENCE;
    }
    if (rest.data[0] == record_separator) {
        *ret_format = IMPORT_GEOJSONSEQ;
        return NULL;
    }
    if (is_geonames(head)) {
        *ret_format = IMPORT_GEONAMES;
        return NULL;
    }
    if (rest.data[0] != '{') {
        return "is none of geojsonseq, overpass, geonames";
    }
    if (contains(rest, "\"FeatureCollection\"")) {
        return "is one GeoJSON object" AS_SEQUENCE;
    }
    if (contains(rest, "\"Feature\"")) {
        *ret_format = IMPORT_GEOJSONSEQ;
        return NULL;
    }
    if (contains(rest, "\"elements\"") || contains(rest, "\"osm3s\"")) {
        *ret_format = IMPORT_OVERPASS;
        return NULL;
    }
    return "is JSON, but neither a GeoJSON text sequence nor of Overpass";
}

void import_stream_init(struct import_stream *stream, enum import_format format, struct slice head)
{
    static const enum record_form forms[] = {
        [IMPORT_GEOJSONSEQ] = RECORD_LINES,
        [IMPORT_OVERPASS] = RECORD_ELEMENTS,
        [IMPORT_GEONAMES] = RECORD_LINES,
    };
    const bool is_sequence =
        format == IMPORT_GEOJSONSEQ && slice_take_byte(&head, record_separator);
    stream->format = format;
    stream->last = IMPORT_TAKEN;
    stream->is_cut_off = false;
    stream->place = import_place_none();
    osm_tags_init(&stream->tags);
    record_splitter_init(&stream->splitter, is_sequence ? RECORD_SEQUENCE : forms[format]);
}

void import_stream_clear(struct import_stream *stream)
{
    record_splitter_clear(&stream->splitter);
    osm_tags_clear(&stream->tags);
    import_place_clear(&stream->place);
}

static enum import_verdict parse(struct import_stream *stream, struct slice record)
{
    switch (stream->format) {
    case IMPORT_GEOJSONSEQ:
        return geojson_feature_parse(record, &stream->tags, &stream->place);
    case IMPORT_OVERPASS:
        return overpass_element_parse(record, &stream->tags, &stream->place);
    case IMPORT_GEONAMES:
        return geonames_line_parse(record, &stream->place);
    }
    return IMPORT_MALFORMED;
}

static void judge(
    struct import_stream *stream, const struct record *record, struct import_thing *ret_thing)
{
    stream->last = record->is_too_long ? IMPORT_TOO_LONG : parse(stream, record->bytes);
    *ret_thing = (struct import_thing){
        .number = stream->splitter.number,
        .verdict = stream->last,
        .place = &stream->place,
    };
}

bool import_stream_next(
    struct import_stream *stream, struct slice *chunk, struct import_thing *ret_thing)
{
    struct record record;
    if (!record_splitter_next(&stream->splitter, chunk, &record)) {
        return false;
    }
    judge(stream, &record, ret_thing);
    return true;
}

bool import_stream_finish(struct import_stream *stream, struct import_thing *ret_thing)
{
    struct record record;
    if (!record_splitter_finish(&stream->splitter, &record)) {
        return false;
    }
    const bool has_end =
        record.bytes.length > 0 && record.bytes.data[record.bytes.length - 1] == '\n';
    judge(stream, &record, ret_thing);
    stream->is_cut_off = !has_end && stream->last == IMPORT_MALFORMED;
    return true;
}

const char *import_stream_complaint(const struct import_stream *stream)
{
    if (stream->is_cut_off) {
        return "ends in the middle of a thing: it is cut off";
    }
    return stream->splitter.remark.length > 0 ? "is incomplete: Overpass remarks an error"
                                              : record_splitter_complaint(&stream->splitter);
}
