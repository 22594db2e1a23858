/*
 * Which of many places near a point are the few to show, and in which order.
 *
 * By prominence, a place weighs as much as its prominence lends it and as little as its distance
 * leaves of that:
 *
 *     weight = sqrt(prominence + floor) / (distance + radius / 10)^2
 *
 * so the town one stands in comes before the city on the horizon, and the wider the circle that is
 * asked for, the more the great places count. Kinds are mixed: a family of kinds (food, shops, ...)
 * takes at most a third of the list while there are places of others. Minor places (landing pads on
 * roofs, car parks: many, and worth little) have a lower floor, too, and more than their third only
 * where there is nothing else at all. By distance, the nearest come first and nothing else counts.
 *
 * Limits: RANKING_RESULTS_MAX results; any number of offers, in constant memory.
 */
#ifndef PLACES_WORKER_RANKING_H
#define PLACES_WORKER_RANKING_H

#include <stddef.h>
#include <stdint.h>

#define RANKING_RESULTS_MAX 20

enum ranking_order { RANKING_BY_PROMINENCE, RANKING_BY_DISTANCE };

/* What places are to a person; the numbers are those in the places database. */
enum ranking_family {
    RANKING_MINOR,
    RANKING_SETTLEMENTS,
    RANKING_TRANSPORT,
    RANKING_SIGHTS,
    RANKING_FOOD,
    RANKING_LODGING,
    RANKING_SHOPS,
    RANKING_SERVICES,
};
enum { RANKING_FAMILY_COUNT = RANKING_SERVICES + 1 };

/* One place as it is offered. */
struct ranking_entry {
    int64_t key; /* the caller's name for it; of equal places the smaller key comes first */
    double distance_m;
    double prominence; /* comparable to a number of inhabitants, 0 or more */
    enum ranking_family family;
    double weight; /* the ranking's own */
};

/* The best of one family so far, best first. */
struct ranking_list {
    size_t count;
    struct ranking_entry entries[RANKING_RESULTS_MAX];
};

/* Embedded in the caller's struct; the fields are the ranking's own. */
struct ranking {
    enum ranking_order order;
    size_t results_max;
    double nearness_m;
    struct ranking_list lists[RANKING_FAMILY_COUNT]; /* by distance, all are in that of
                                                        minor ones */
};

/* results_max is at most RANKING_RESULTS_MAX, radius_m 0 or more. */
void ranking_init(
    struct ranking *ranking, enum ranking_order order, double radius_m, size_t results_max);

/* Whatever the order of the offers, the results are the same. */
void ranking_offer(struct ranking *ranking, struct ranking_entry entry);

/* The best, best first; returns how many, at most results_max. */
size_t ranking_results(
    const struct ranking *ranking, struct ranking_entry ret_results[RANKING_RESULTS_MAX]);

#endif
