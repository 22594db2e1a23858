/* Two short sorted lists, one of minor places, merged at the end. */
#include "places-worker/ranking.h"

#include <assert.h>
#include <math.h>

/* What a place weighs of which no prominence is known; a landing pad is less than a hamlet. */
static const double major_floor = 300;
static const double minor_floor = 10;

/* The share of the radius within which distance hardly counts, and what it is at the smallest
 * radii. */
static const double nearness_share = 0.1;
static const double nearness_min_m = 50;

static const size_t minor_share = 3; /* one in three */

void ranking_init(
    struct ranking *ranking, enum ranking_order order, double radius_m, size_t results_max)
{
    assert(results_max <= RANKING_RESULTS_MAX);
    assert(radius_m >= 0);
    ranking->order = order;
    ranking->results_max = results_max;
    ranking->nearness_m = fmax(nearness_min_m, radius_m * nearness_share);
    ranking->major.count = 0;
    ranking->minor.count = 0;
}

static double weight_of(const struct ranking *ranking, const struct ranking_entry *entry)
{
    if (ranking->order == RANKING_BY_DISTANCE) {
        return -entry->distance_m;
    }
    const double reach_m = entry->distance_m + ranking->nearness_m;
    return sqrt(entry->prominence + (entry->is_minor ? minor_floor : major_floor)) /
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
    const bool goes_apart = entry.is_minor && ranking->order == RANKING_BY_PROMINENCE;
    list_insert(goes_apart ? &ranking->minor : &ranking->major, ranking->results_max, &entry);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ranking_results(
    const struct ranking *ranking, struct ranking_entry ret_results[RANKING_RESULTS_MAX])
{
    const struct ranking_list *const major = &ranking->major;
    const struct ranking_list *const minor = &ranking->minor;
    const size_t count = smaller(major->count + minor->count, ranking->results_max);

    /* Minor ones have their share at most, and what the others leave over. */
    const size_t left_over = count - smaller(count, major->count);
    const size_t share = ranking->results_max / minor_share;
    const size_t minor_max = smaller(minor->count, share > left_over ? share : left_over);

    size_t from_major = 0;
    size_t from_minor = 0;
    for (size_t i = 0; i < count; i++) {
        const bool takes_minor =
            from_minor < minor_max &&
            (from_major == major->count ||
                comes_before(&minor->entries[from_minor], &major->entries[from_major]));
        ret_results[i] = takes_minor ? minor->entries[from_minor++] : major->entries[from_major++];
    }
    return count;
}
