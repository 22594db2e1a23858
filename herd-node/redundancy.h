/*
 * Which neighbours are asked to push lazily, as others bring what they send (README.md, "Lazy
 * links").
 *
 * Pure: the time comes with the calls. Nothing of it is needed for reports to arrive; it only
 * decides over which way they arrive soonest.
 *
 * Limits: REDUNDANCY_LINKS_MAX links.
 */
#ifndef HERD_NODE_REDUNDANCY_H
#define HERD_NODE_REDUNDANCY_H

#include "common/instant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REDUNDANCY_LINKS_MAX = 32,
    REDUNDANCY_REVIEW_EVERY_MS = 100,   /* long against one batch that is late */
    REDUNDANCY_REPORTS_MIN = 64,        /* of a link, for its share to say anything */
    REDUNDANCY_LAZY_PERCENT = 33,       /* known already: others bring much of it, and */
    REDUNDANCY_STAYS_LAZY_PERCENT = 50, /* at least this much if they bring the rest as well */
    REDUNDANCY_LAZY_MS_MIN = 1000,  /* what is on its way over the others may be as late as that */
    REDUNDANCY_EAGER_MS_MIN = 2000, /* after a link was needed after all */
};

/* Of one incoming link. */
struct redundancy_link {
    uint64_t received;         /* reports since it was judged last, */
    uint64_t known;            /* and those of them that were known already */
    bool is_lazy;              /* the neighbour is asked to push lazily */
    struct instant kept_until; /* as lazy or as eager as it is */
};

struct redundancy {
    size_t link_count;
    struct redundancy_link links[REDUNDANCY_LINKS_MAX];
    struct instant settled; /* what comes before it was on its way when something changed */
    struct instant review_due;
};

/* All eager. */
struct redundancy redundancy_of(size_t link_count);

/* The link brought `received` reports, `known` of which were known already. */
void redundancy_note(struct redundancy *redundancy,
    struct instant now,
    size_t link,
    uint64_t received,
    uint64_t known);

/*
 * Judges the links, when that is due: lazy ones that bring news become eager, and if there are none
 * of those, the eager one that brings the largest part in vain becomes lazy, if that part is large
 * and another one stays eager. Returns whether `links[i].is_lazy` has changed for any.
 */
bool redundancy_review(struct redundancy *redundancy, struct instant now);

/* A way is gone: all others may be needed. Returns likewise. */
bool redundancy_all_eager(struct redundancy *redundancy, struct instant now);

#endif
