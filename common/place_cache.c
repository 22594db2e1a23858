/* A table of short lists, and one list of all in the order in which they came. */
#include "common/place_cache.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES_PER_LIST = 4096, /* a usual answer: lists then have one or two entries */
    LISTS_MIN = 16,
};

struct entry {
    struct place_key key;
    struct instant until;
    enum places_status status;
    enum places_provider provider;
    struct entry *next_in_list;
    struct entry *older;
    struct entry *newer;
    size_t length;
    char text[];
};

struct list {
    struct entry *first;
};

struct place_cache {
    size_t bytes_max;
    struct place_cache_size size;
    struct entry *oldest;
    struct entry *newest;
    size_t list_count; /* a power of two */
    struct list lists[];
};

struct place_key place_key_of(const struct nearby *nearby)
{
    enum { PARTS_PER_DEGREE = 10 * 1000 * 1000, PARTS_PER_METRE = 1000 };
    return (struct place_key){
        .latitude = llround(nearby->location.latitude * PARTS_PER_DEGREE),
        .longitude = llround(nearby->location.longitude * PARTS_PER_DEGREE),
        .radius = llround(nearby->radius_m * PARTS_PER_METRE),
        .results_max = (int64_t)nearby->results_max,
    };
}

bool place_key_equals(const struct place_key *a, const struct place_key *b)
{
    return a->latitude == b->latitude && a->longitude == b->longitude && a->radius == b->radius &&
           a->results_max == b->results_max;
}

enum status place_cache_create(size_t bytes_max, struct place_cache **ret_cache)
{
    size_t list_count = LISTS_MIN;
    while (list_count < bytes_max / BYTES_PER_LIST) {
        list_count *= 2;
    }
    struct place_cache *cache = calloc(1, sizeof *cache + list_count * sizeof cache->lists[0]);
    if (cache == NULL) {
        return STATUS_NO_MEMORY;
    }
    cache->bytes_max = bytes_max;
    cache->list_count = list_count;
    *ret_cache = cache;
    return STATUS_OK;
}

/* Where the entry with this key is linked, or would be. */
static struct entry **find_link(struct place_cache *cache, const struct place_key *key)
{
    const int64_t parts[] = {key->latitude, key->longitude, key->radius, key->results_max};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hash = (hash ^ (uint64_t)parts[i]) * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio */
        hash ^= hash >> 32;
    }
    struct entry **link = &cache->lists[hash & (cache->list_count - 1)].first;
    while (*link != NULL && !place_key_equals(&(*link)->key, key)) {
        link = &(*link)->next_in_list;
    }
    return link;
}

static size_t bytes_of(const struct entry *entry)
{
    return sizeof *entry + entry->length;
}

/* Removes what `link` points to. */
static void drop(struct place_cache *cache, struct entry **link)
{
    struct entry *const entry = *link;
    *link = entry->next_in_list;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    cache->size.bytes -= bytes_of(entry);
    cache->size.answers--;
    free(entry);
}

void place_cache_destroy(struct place_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    while (cache->oldest != NULL) {
        drop(cache, find_link(cache, &cache->oldest->key));
    }
    assert(cache->size.bytes == 0 && cache->size.answers == 0);
    free(cache);
}

bool place_cache_find(struct place_cache *cache,
    const struct place_key *key,
    struct instant now,
    struct kept_answer *ret_answer)
{
    struct entry **const link = find_link(cache, key);
    const struct entry *const entry = *link;
    if (entry == NULL) {
        return false;
    }
    if (!instant_is_before(now, entry->until)) {
        drop(cache, link);
        return false;
    }
    *ret_answer = (struct kept_answer){
        .status = entry->status,
        .provider = entry->provider,
        .until = entry->until,
        .text = slice_of_bytes(entry->text, entry->length),
    };
    return true;
}

void place_cache_keep(
    struct place_cache *cache, const struct place_key *key, const struct kept_answer *answer)
{
    const size_t bytes = sizeof(struct entry) + answer->text.length;
    struct entry *const entry = bytes <= cache->bytes_max ? malloc(bytes) : NULL;
    if (entry == NULL) {
        return;
    }
    if (*find_link(cache, key) != NULL) {
        drop(cache, find_link(cache, key));
    }
    while (cache->size.bytes + bytes > cache->bytes_max) {
        drop(cache, find_link(cache, &cache->oldest->key));
    }
    *entry = (struct entry){
        .key = *key,
        .until = answer->until,
        .status = answer->status,
        .provider = answer->provider,
        .older = cache->newest,
        .length = answer->text.length,
    };
    memcpy(entry->text, answer->text.data, answer->text.length);
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
    *find_link(cache, key) = entry;
    cache->size.bytes += bytes;
    cache->size.answers++;
}

struct place_cache_size place_cache_size(const struct place_cache *cache)
{
    return cache->size;
}
