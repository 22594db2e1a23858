/* Records in an arena, an index of open addressing in segments, and a recency list through the
 * records. */
#include "herd-node/report_table.h"

#include <xxhash.h>

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    UNIT = 8,                 /* records start at multiples of it: 32-bit references reach 32 GiB */
    CHUNK_UNITS = 128 * 1024, /* 1 MiB: what the arena takes from the system at once */
    CHUNKS_MAX = 32 * 1024,   /* 2^32 units */
    UNITS_MAX = 5 * 1024, /* of a record: 46 + REPORT_BYTES_MAX bytes, rounded up by an eighth */
    SEGMENTS = 256, /* each grows by itself, so that no single step rehashes the whole table */
    SEGMENT_SLOTS_MIN = 16,
    CACHE_LINE = 64,
    RECORD_USUAL = 112, /* bytes, with an id of 20 */
};

/* Where a record is: chunk and unit within; 0: nowhere. */
typedef uint32_t record_ref;

struct record {
    uint64_t lseq;
    record_ref older; /* neighbours in the recency list */
    record_ref newer;
    uint32_t known;
    uint8_t server; /* index of the accepting server's name */
    uint8_t spare[3];
    /* From here to the end of the bytes: what the digest covers, together with the server's name.
     */
    int64_t time_ns;
    int64_t received_ns;
    uint16_t id_length;
    uint16_t location_length;
    uint16_t time_length;
    char bytes[]; /* id, location, time */
};

struct slot {
    uint32_t tag; /* low half of the id's hash */
    record_ref ref;
};

struct segment {
    struct slot *slots;
    uint32_t mask; /* slots - 1; slots are a power of two */
    uint32_t count;
};

struct server_name {
    char *text; /* owned; not terminated */
    struct slice name;
    uint64_t hash;
};

struct report_table {
    uint64_t reports_max;
    uint64_t seed;
    uint64_t count;
    uint64_t head;
    struct digest digest;
    uint64_t memory;
    record_ref oldest;
    record_ref newest;
    unsigned cursor_count;
    record_ref cursors[REPORT_TABLE_CURSORS_MAX]; /* the next record; 0: at the end */
    struct segment segments[SEGMENTS];
    unsigned server_count;
    struct server_name servers[REPORT_TABLE_SERVERS_MAX];
    size_t chunk_count;
    size_t chunk_used; /* units of the last chunk */
    char **chunks;
    record_ref *free_records; /* by size in units: lists through `older` */
};

/* Into the cache, as far as usual records reach. */
static void prefetch_record(const struct record *record)
{
    if (record != NULL) {
        const char *bytes = (const char *)record;
        __builtin_prefetch(bytes);
        __builtin_prefetch(bytes + CACHE_LINE);
        __builtin_prefetch(bytes + RECORD_USUAL - 1); /* mostly in a third line */
    }
}

/* ---- Arena ---- */

static struct record *record_at(const struct report_table *table, record_ref ref)
{
    assert(ref != 0);
    return (struct record *)(void *)(table->chunks[ref / CHUNK_UNITS] +
                                     (size_t)(ref % CHUNK_UNITS) * UNIT);
}

static size_t payload_length(const struct record *record)
{
    return (size_t)record->id_length + record->location_length + record->time_length;
}

/*
 * The size of a record in units. From 16 units on there are 8 to 16 sizes for each doubling: so
 * what was given back soon fits again, however much the reports change their lengths, and never
 * more than an eighth is wasted.
 */
static size_t units_of(size_t payload)
{
    size_t units = (offsetof(struct record, bytes) + payload + UNIT - 1) / UNIT;
    size_t step = 1;
    while (units / step >= 16) {
        step *= 2;
    }
    return (units + step - 1) / step * step;
}

static bool add_chunk(struct report_table *table)
{
    if (table->chunk_count == CHUNKS_MAX) {
        return false;
    }
    char *chunk = malloc((size_t)CHUNK_UNITS * UNIT);
    if (chunk == NULL) {
        return false;
    }
    table->chunks[table->chunk_count++] = chunk;
    table->chunk_used = table->chunk_count == 1 ? 1 : 0; /* reference 0 is nowhere */
    table->memory += (uint64_t)CHUNK_UNITS * UNIT;
    return true;
}

/* A record of that payload, from those of its size that were given back or from the end of the
 * arena; 0: no memory. */
static record_ref allocate(struct report_table *table, size_t payload)
{
    size_t units = units_of(payload);
    assert(units < UNITS_MAX);
    record_ref ref = table->free_records[units];
    if (ref != 0) {
        table->free_records[units] = record_at(table, ref)->older;
        return ref;
    }
    if (table->chunk_count == 0 || CHUNK_UNITS - table->chunk_used < units) {
        if (!add_chunk(table)) {
            return 0;
        }
    }
    ref = (record_ref)((table->chunk_count - 1) * CHUNK_UNITS + table->chunk_used);
    table->chunk_used += units;
    return ref;
}

static void give_back(struct report_table *table, record_ref ref)
{
    struct record *record = record_at(table, ref);
    size_t units = units_of(payload_length(record));
    record->older = table->free_records[units];
    table->free_records[units] = ref;
}

/* ---- Accepting servers ---- */

/* The index of a server's name, which is new at its first report; false: there are too many, or no
 * memory. */
static bool find_server(struct report_table *table, struct slice name, uint8_t *ret_server)
{
    for (unsigned i = 0; i < table->server_count; i++) {
        if (slice_equals(table->servers[i].name, name)) {
            *ret_server = (uint8_t)i;
            return true;
        }
    }
    if (table->server_count == REPORT_TABLE_SERVERS_MAX) {
        return false;
    }
    char *copy = malloc(name.length);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, name.data, name.length);
    table->servers[table->server_count] = (struct server_name){
        .text = copy,
        .name = slice_of_bytes(copy, name.length),
        .hash = XXH3_64bits(copy, name.length), /* the same in all nodes: part of the digest */
    };
    *ret_server = (uint8_t)table->server_count++;
    return true;
}

/* ---- Reports in records ---- */

static struct report report_in(const struct report_table *table, const struct record *record)
{
    const char *location = record->bytes + record->id_length;
    const char *time = location + record->location_length;
    return (struct report){
        .id = slice_of_bytes(record->bytes, record->id_length),
        .location = slice_of_bytes(location, record->location_length),
        .time = slice_of_bytes(time, record->time_length),
        .server = table->servers[record->server].name,
        .time_ns = record->time_ns,
        .received_ns = record->received_ns,
    };
}

static void write_record(struct record *record, const struct report *report, uint8_t server)
{
    record->server = server;
    record->time_ns = report->time_ns;
    record->received_ns = report->received_ns;
    record->id_length = (uint16_t)report->id.length;
    record->location_length = (uint16_t)report->location.length;
    record->time_length = (uint16_t)report->time.length;
    char *end = record->bytes;
    memcpy(end, report->id.data, report->id.length);
    end += report->id.length;
    memcpy(end, report->location.data, report->location.length);
    end += report->location.length;
    memcpy(end, report->time.data, report->time.length);
}

static XXH128_hash_t hash_of(const struct report_table *table, const struct record *record)
{
    size_t start = offsetof(struct record, time_ns);
    size_t length = offsetof(struct record, bytes) - start + payload_length(record);
    return XXH3_128bits_withSeed(
        (const char *)record + start, length, table->servers[record->server].hash);
}

static void digest_add(struct digest *digest, XXH128_hash_t hash)
{
    digest->low += hash.low64;
    digest->high += hash.high64 + (digest->low < hash.low64);
}

static void digest_subtract(struct digest *digest, XXH128_hash_t hash)
{
    digest->high -= hash.high64 + (digest->low < hash.low64);
    digest->low -= hash.low64;
}

/* ---- Recency list ---- */

/* Cursors that pointed to the record go on to the one behind it. */
static void unlink_record(struct report_table *table, record_ref ref)
{
    struct record *record = record_at(table, ref);
    for (size_t i = 0; i < table->cursor_count; i++) {
        if (table->cursors[i] == ref) {
            table->cursors[i] = record->newer;
        }
    }
    if (record->older != 0) {
        record_at(table, record->older)->newer = record->newer;
    } else {
        table->oldest = record->newer;
    }
    if (record->newer != 0) {
        record_at(table, record->newer)->older = record->older;
    } else {
        table->newest = record->older;
    }
}

/* Cursors at the end have this record before them. */
static void append_record(struct report_table *table, record_ref ref)
{
    struct record *record = record_at(table, ref);
    record->older = table->newest;
    record->newer = 0;
    record->lseq = ++table->head;
    if (table->newest != 0) {
        record_at(table, table->newest)->newer = ref;
    } else {
        table->oldest = ref;
    }
    table->newest = ref;
    for (size_t i = 0; i < table->cursor_count; i++) {
        if (table->cursors[i] == 0) {
            table->cursors[i] = ref;
        }
    }
}

/* ---- Index ---- */

static uint64_t hash_of_id(const struct report_table *table, struct slice id)
{
    return XXH3_64bits_withSeed(id.data, id.length, table->seed);
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)hash;
}

static size_t segment_of(uint64_t hash)
{
    return (size_t)(hash >> 56);
}

/* The first slot, from the one of this index on and around, that has the tag or is empty. */
static struct slot *find_tag(const struct segment *segment, uint32_t tag, uint32_t index)
{
    for (;; index++) {
        struct slot *slot = &segment->slots[index & segment->mask];
        if (slot->ref == 0 || slot->tag == tag) {
            return slot;
        }
    }
}

/* The slot of the id, or the empty one where it belongs. */
static struct slot *find_slot(const struct report_table *table, struct slice id, uint64_t hash)
{
    const struct segment *segment = &table->segments[segment_of(hash)];
    for (uint32_t index = tag_of(hash);;) {
        struct slot *slot = find_tag(segment, tag_of(hash), index);
        if (slot->ref == 0) {
            return slot;
        }
        const struct record *record = record_at(table, slot->ref);
        if (slice_equals(slice_of_bytes(record->bytes, record->id_length), id)) {
            return slot;
        }
        index = (uint32_t)(slot - segment->slots) + 1;
    }
}

static bool grow_segment(struct report_table *table, struct segment *segment)
{
    size_t slot_count =
        segment->slots == NULL ? SEGMENT_SLOTS_MIN : 2 * (size_t)(segment->mask + 1);
    struct slot *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    uint32_t mask = (uint32_t)slot_count - 1;
    for (size_t i = 0; segment->slots != NULL && i <= segment->mask; i++) {
        struct slot slot = segment->slots[i];
        if (slot.ref == 0) {
            continue;
        }
        uint32_t place = slot.tag & mask;
        while (slots[place].ref != 0) {
            place = (place + 1) & mask;
        }
        slots[place] = slot;
    }
    size_t old_count = segment->slots == NULL ? 0 : (size_t)segment->mask + 1;
    table->memory += (slot_count - old_count) * sizeof *slots;
    free(segment->slots);
    segment->slots = slots;
    segment->mask = mask;
    return true;
}

/* ---- The table ---- */

enum status report_table_create(
    uint64_t reports_max, unsigned cursor_count, uint64_t seed, struct report_table **ret_table)
{
    assert(cursor_count <= REPORT_TABLE_CURSORS_MAX);
    struct report_table *table = calloc(1, sizeof *table);
    if (table == NULL) {
        return STATUS_NO_MEMORY;
    }
    table->reports_max = reports_max;
    table->cursor_count = cursor_count;
    table->seed = seed;
    table->chunks = calloc(CHUNKS_MAX, sizeof *table->chunks);
    table->free_records = calloc(UNITS_MAX, sizeof *table->free_records);
    bool is_complete = table->chunks != NULL && table->free_records != NULL;
    for (size_t i = 0; is_complete && i < SEGMENTS; i++) {
        is_complete = grow_segment(table, &table->segments[i]);
    }
    if (!is_complete) {
        report_table_destroy(table);
        return STATUS_NO_MEMORY;
    }
    *ret_table = table;
    return STATUS_OK;
}

void report_table_destroy(struct report_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < SEGMENTS; i++) {
        free(table->segments[i].slots);
    }
    for (size_t i = 0; i < table->chunk_count; i++) {
        free(table->chunks[i]);
    }
    for (size_t i = 0; i < table->server_count; i++) {
        free(table->servers[i].text);
    }
    free(table->chunks);
    free(table->free_records);
    free(table);
}

/* Puts a report that is newer than what `slot` holds, if anything, into the table. */
static bool replace(struct report_table *table,
    struct slot *slot,
    uint64_t hash,
    const struct report *report,
    uint32_t known)
{
    size_t payload = report->id.length + report->location.length + report->time.length;
    record_ref old = slot->ref;
    uint8_t server;
    if (!find_server(table, report->server, &server)) {
        return false;
    }
    bool is_same_size =
        old != 0 && units_of(payload_length(record_at(table, old))) == units_of(payload);
    record_ref ref = is_same_size ? old : allocate(table, payload);
    if (ref == 0) {
        return false;
    }
    if (old != 0) {
        digest_subtract(&table->digest, hash_of(table, record_at(table, old)));
        unlink_record(table, old);
        if (!is_same_size) {
            give_back(table, old);
        }
    }
    struct record *record = record_at(table, ref);
    write_record(record, report, server);
    record->known = known;
    digest_add(&table->digest, hash_of(table, record));
    append_record(table, ref);
    *slot = (struct slot){.tag = tag_of(hash), .ref = ref};
    return true;
}

static enum upsert insert(struct report_table *table,
    struct slot *slot,
    uint64_t hash,
    const struct report *report,
    uint32_t known)
{
    struct segment *segment = &table->segments[segment_of(hash)];
    if (table->count == table->reports_max) {
        return UPSERT_REFUSED;
    }
    if (segment->count >= segment->mask / 4 * 3) {
        if (!grow_segment(table, segment)) {
            return UPSERT_REFUSED;
        }
        slot = find_slot(table, report->id, hash);
    }
    if (!replace(table, slot, hash, report, known)) {
        return UPSERT_REFUSED;
    }
    segment->count++;
    table->count++;
    return UPSERT_NEWER;
}

static enum upsert upsert_hashed(
    struct report_table *table, uint64_t hash, const struct report *report, uint32_t known)
{
    assert(report->id.length > 0);
    assert(report->id.length + report->location.length + report->time.length <= REPORT_BYTES_MAX);
    struct slot *slot = find_slot(table, report->id, hash);
    if (slot->ref == 0) {
        return insert(table, slot, hash, report, known);
    }

    struct record *record = record_at(table, slot->ref);
    struct report present = report_in(table, record);
    int order = report_compare(report, &present);
    if (order < 0) {
        return UPSERT_OLDER;
    }
    if (order == 0) {
        record->known |= known;
        return UPSERT_SAME;
    }
    return replace(table, slot, hash, report, known) ? UPSERT_NEWER : UPSERT_REFUSED;
}

enum upsert report_table_upsert(
    struct report_table *table, const struct report *report, uint32_t known)
{
    return upsert_hashed(table, hash_of_id(table, report->id), report, known);
}

static void prefetch_slot(const struct report_table *table, uint64_t hash)
{
    const struct segment *segment = &table->segments[segment_of(hash)];
    __builtin_prefetch(&segment->slots[tag_of(hash) & segment->mask]);
}

/* The record that the search will find, by its tag alone; NULL: none. */
static struct record *likely_record(const struct report_table *table, uint64_t hash)
{
    const struct segment *segment = &table->segments[segment_of(hash)];
    const struct slot *slot = find_tag(segment, tag_of(hash), tag_of(hash));
    return slot->ref == 0 ? NULL : record_at(table, slot->ref);
}

static void prefetch_neighbours(const struct report_table *table, uint64_t hash)
{
    const struct record *record = likely_record(table, hash);
    if (record == NULL) {
        return;
    }
    if (record->older != 0) {
        __builtin_prefetch(record_at(table, record->older));
    }
    if (record->newer != 0) {
        __builtin_prefetch(record_at(table, record->newer));
    }
}

/*
 * The reports go through four stations, STEP apart: each fetches into the cache what the next one
 * reads, so that the memory of many reports is under way at the same time.
 */
void report_table_upsert_all(struct report_table *table,
    const struct report *reports,
    size_t count,
    uint32_t known,
    enum upsert *ret_upserts)
{
    enum { STEP = 6, HASHES = 32 };
    static_assert(3 * STEP < HASHES, "a hash is kept until its report is through");
    uint64_t hashes[HASHES];
    for (size_t i = 0; i < count + (size_t)3 * STEP; i++) {
        if (i < count) {
            hashes[i % HASHES] = hash_of_id(table, reports[i].id);
            prefetch_slot(table, hashes[i % HASHES]);
        }
        if (i >= STEP && i - STEP < count) {
            prefetch_record(likely_record(table, hashes[(i - STEP) % HASHES]));
        }
        if (i >= (size_t)2 * STEP && i - (size_t)2 * STEP < count) {
            prefetch_neighbours(table, hashes[(i - (size_t)2 * STEP) % HASHES]);
        }
        if (i >= (size_t)3 * STEP) {
            size_t due = i - (size_t)3 * STEP;
            ret_upserts[due] = upsert_hashed(table, hashes[due % HASHES], &reports[due], known);
        }
    }
}

bool report_table_find(const struct report_table *table, struct slice id, struct report *ret_report)
{
    const struct slot *slot = find_slot(table, id, hash_of_id(table, id));
    if (slot->ref == 0) {
        return false;
    }
    *ret_report = report_in(table, record_at(table, slot->ref));
    return true;
}

uint64_t report_table_count(const struct report_table *table)
{
    return table->count;
}

uint64_t report_table_head(const struct report_table *table)
{
    return table->head;
}

struct digest report_table_digest(const struct report_table *table)
{
    return table->digest;
}

uint64_t report_table_memory(const struct report_table *table)
{
    return table->memory;
}

/* ---- Cursors ---- */

static uint64_t distance(const struct report_table *table, record_ref ref, uint64_t lseq)
{
    uint64_t at = record_at(table, ref)->lseq;
    return at > lseq ? at - lseq : lseq - at;
}

/* Which of two records is not farther from lseq; the first may be nowhere. */
static record_ref closer(
    const struct report_table *table, record_ref a, record_ref b, uint64_t lseq)
{
    return a != 0 && distance(table, a, lseq) < distance(table, b, lseq) ? a : b;
}

void report_table_seek(struct report_table *table, unsigned cursor, uint64_t lseq)
{
    assert(cursor < table->cursor_count);
    record_ref next;
    if (lseq == 0) {
        next = table->oldest;
    } else if (lseq >= table->head) {
        next = 0;
    } else {
        /* The last report is later than lseq, so there is one to stop at in both directions. */
        next = closer(
            table, table->cursors[cursor], closer(table, table->oldest, table->newest, lseq), lseq);
        while (record_at(table, next)->lseq <= lseq) {
            next = record_at(table, next)->newer;
        }
        for (record_ref older; (older = record_at(table, next)->older) != 0; next = older) {
            if (record_at(table, older)->lseq <= lseq) {
                break;
            }
        }
    }
    table->cursors[cursor] = next;
}

bool report_table_peek(const struct report_table *table,
    unsigned cursor,
    uint64_t lseq_max,
    struct report_table_item *ret_item)
{
    assert(cursor < table->cursor_count);
    record_ref next = table->cursors[cursor];
    if (next == 0 || record_at(table, next)->lseq > lseq_max) {
        return false;
    }
    const struct record *record = record_at(table, next);
    if (record->newer != 0) {
        prefetch_record(record_at(table, record->newer));
    }
    *ret_item = (struct report_table_item){
        .report = report_in(table, record), .lseq = record->lseq, .known = record->known};
    return true;
}

void report_table_advance(struct report_table *table, unsigned cursor)
{
    assert(cursor < table->cursor_count);
    table->cursors[cursor] = record_at(table, table->cursors[cursor])->newer;
}
