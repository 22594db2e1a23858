/* A share for each link, judged at intervals; one link at a time becomes lazy, so that the shares
 * of the others show what that has changed. */
#include "herd-node/redundancy.h"

#include <assert.h>

struct redundancy redundancy_of(size_t link_count)
{
    assert(link_count <= REDUNDANCY_LINKS_MAX);
    return (struct redundancy){.link_count = link_count};
}

void redundancy_note(struct redundancy *redundancy,
    struct instant now,
    size_t link,
    uint64_t received,
    uint64_t known)
{
    assert(link < redundancy->link_count && known <= received);
    if (!instant_is_before(now, redundancy->settled)) {
        redundancy->links[link].received += received;
        redundancy->links[link].known += known;
    }
}

/* Whether it was heard of enough since it was judged last. */
static bool is_telling(const struct redundancy_link *link)
{
    return link->received >= REDUNDANCY_REPORTS_MIN;
}

static bool is_kept(const struct redundancy_link *link, struct instant now)
{
    return instant_is_before(now, link->kept_until);
}

static bool is_known_by(const struct redundancy_link *link, uint64_t percent)
{
    return link->known * 100 >= link->received * percent;
}

static void forget_counts(struct redundancy_link *link)
{
    link->received = 0;
    link->known = 0;
}

/* The next judgement is about what is sent after the neighbours know of this one. */
static void start_anew(struct redundancy *redundancy, struct instant now)
{
    redundancy->settled = instant_after_ms(now, REDUNDANCY_REVIEW_EVERY_MS);
    redundancy->review_due = instant_after_ms(redundancy->settled, REDUNDANCY_REVIEW_EVERY_MS);
    for (size_t i = 0; i < redundancy->link_count; i++) {
        forget_counts(&redundancy->links[i]);
    }
}

/* Lazy links whose neighbours bring what no other has brought. */
static bool wake_needed(struct redundancy *redundancy, struct instant now)
{
    bool is_any_needed = false;
    for (size_t i = 0; i < redundancy->link_count; i++) {
        struct redundancy_link *link = &redundancy->links[i];
        if (link->is_lazy && !is_kept(link, now) && is_telling(link) &&
            !is_known_by(link, REDUNDANCY_STAYS_LAZY_PERCENT)) {
            link->is_lazy = false;
            link->kept_until = instant_after_ms(now, REDUNDANCY_EAGER_MS_MIN);
            is_any_needed = true;
        }
    }
    return is_any_needed;
}

static bool is_more_in_vain(const struct redundancy_link *a, const struct redundancy_link *b)
{
    return b == NULL || a->known * b->received > b->known * a->received;
}

/* The eager link that is needed least; NULL: each is needed. */
static struct redundancy_link *find_needless(struct redundancy *redundancy, struct instant now)
{
    struct redundancy_link *needless = NULL;
    size_t eager_count = 0;
    for (size_t i = 0; i < redundancy->link_count; i++) {
        struct redundancy_link *link = &redundancy->links[i];
        if (link->is_lazy || !is_telling(link)) {
            continue;
        }
        eager_count++;
        if (!is_kept(link, now) && is_known_by(link, REDUNDANCY_LAZY_PERCENT) &&
            is_more_in_vain(link, needless)) {
            needless = link;
        }
    }
    return eager_count > 1 ? needless : NULL;
}

bool redundancy_review(struct redundancy *redundancy, struct instant now)
{
    if (instant_is_before(now, redundancy->review_due)) {
        return false;
    }
    bool is_changed = wake_needed(redundancy, now);
    struct redundancy_link *needless = is_changed ? NULL : find_needless(redundancy, now);
    if (needless != NULL) {
        needless->is_lazy = true;
        needless->kept_until = instant_after_ms(now, REDUNDANCY_LAZY_MS_MIN);
        is_changed = true;
    }
    if (is_changed) {
        start_anew(redundancy, now);
        return true;
    }
    redundancy->review_due = instant_after_ms(now, REDUNDANCY_REVIEW_EVERY_MS);
    for (size_t i = 0; i < redundancy->link_count; i++) {
        struct redundancy_link *link = &redundancy->links[i];
        if (is_telling(link) || (link->is_lazy && is_kept(link, now))) {
            forget_counts(link);
        }
    }
    return false;
}

bool redundancy_all_eager(struct redundancy *redundancy, struct instant now)
{
    bool is_changed = false;
    for (size_t i = 0; i < redundancy->link_count; i++) {
        is_changed = is_changed || redundancy->links[i].is_lazy;
        redundancy->links[i].is_lazy = false;
    }
    start_anew(redundancy, now);
    return is_changed;
}
