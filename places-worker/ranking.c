/* A short sorted list for each family, merged at the end. */
#include "places-worker/ranking.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

/* What a place weighs of which no prominence is known; a landing pad is less than a hamlet. */
static const double major_floor = 300;
static const double minor_floor = 10;

/* The share of the radius within which distance hardly counts, and what it is at the smallest
 * radii. */
static const double nearness_share = 0.1;
static const double nearness_min_m = 50;

static const size_t family_share = 3; /* one in three */

void ranking_init(
    struct ranking *ranking, enum ranking_order order, double radius_m, size_t results_max)
{
    assert(results_max <= RANKING_RESULTS_MAX);
    assert(radius_m >= 0);
    ranking->order = order;
    ranking->results_max = results_max;
    ranking->nearness_m = fmax(nearness_min_m, radius_m * nearness_share);
    for (size_t i = 0; i < RANKING_FAMILY_COUNT; i++) {
        ranking->lists[i].count = 0;
    }
}

static double weight_of(const struct ranking *ranking, const struct ranking_entry *entry)
{
    if (ranking->order == RANKING_BY_DISTANCE) {
        return -entry->distance_m;
    }
    const double reach_m = entry->distance_m + ranking->nearness_m;
    return sqrt(entry->prominence + (entry->family == RANKING_MINOR ? minor_floor : major_floor)) /
           (reach_m * reach_m);
}

static bool comes_before(const struct ranking_entry *a, const struct ranking_entry *b)
{
    return a->weight > b->weight || (!(a->weight < b->weight) && a->key < b->key);
}

static void list_insert(struct ranking_list *list, size_t max, const struct ranking_entry *entry)
{
    if (list->count == max) {
        if (max == 0 || !comes_before(entry, &list->entries[max - 1])) {
            return;
        }
        list->count--;
    }
    size_t at = list->count;
    while (at > 0 && comes_before(entry, &list->entries[at - 1])) {
        list->entries[at] = list->entries[at - 1];
        at--;
    }
    list->entries[at] = *entry;
    list->count++;
}

void ranking_offer(struct ranking *ranking, struct ranking_entry entry)
{
    assert(entry.distance_m >= 0 && entry.prominence >= 0);
    entry.weight = weight_of(ranking, &entry);
    const size_t list =
        ranking->order == RANKING_BY_PROMINENCE ? (size_t)entry.family : RANKING_MINOR;
    list_insert(&ranking->lists[list], ranking->results_max, &entry);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Adds the best that are left of all lists but that of minor places, at most `list_max` of each in
 * all; `taken` counts them.
 */
static void choose(const struct ranking *ranking,
    size_t list_max,
    size_t taken[RANKING_FAMILY_COUNT],
    struct ranking_list *chosen)
{
    while (chosen->count < ranking->results_max) {
        const struct ranking_entry *best = NULL;
        size_t best_list = 0;
        for (size_t i = RANKING_MINOR + 1; i < RANKING_FAMILY_COUNT; i++) {
            const struct ranking_list *const list = &ranking->lists[i];
            const bool has_more = taken[i] < smaller(list->count, list_max);
            if (has_more && (best == NULL || comes_before(&list->entries[taken[i]], best))) {
                best = &list->entries[taken[i]];
                best_list = i;
            }
        }
        if (best == NULL) {
            return;
        }
        list_insert(chosen, ranking->results_max, best);
        taken[best_list]++;
    }
}

size_t ranking_results(
    const struct ranking *ranking, struct ranking_entry ret_results[RANKING_RESULTS_MAX])
{
    const size_t share = ranking->results_max / family_share;
    const struct ranking_list *const minor = &ranking->lists[RANKING_MINOR];
    struct ranking_list major = {.count = 0};
    size_t taken[RANKING_FAMILY_COUNT] = {0};
    choose(ranking, share, taken, &major);
    choose(ranking, ranking->results_max, taken, &major);
    const size_t count = smaller(major.count + minor->count, ranking->results_max);

    /* Minor ones have their share at most, and what the others leave over. */
    const size_t left_over = count - smaller(count, major.count);
    const size_t minor_max = ranking->order == RANKING_BY_DISTANCE
                                 ? minor->count
                                 : smaller(minor->count, share > left_over ? share : left_over);

    size_t from_major = 0;
    size_t from_minor = 0;
    for (size_t i = 0; i < count; i++) {
        const bool takes_minor =
            from_minor < minor_max &&
            (from_major == major.count ||
                comes_before(&minor->entries[from_minor], &major.entries[from_major]));
        ret_results[i] = takes_minor ? minor->entries[from_minor++] : major.entries[from_major++];
    }
    return count;
}
