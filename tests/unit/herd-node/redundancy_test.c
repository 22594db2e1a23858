/* Is the neighbour that is needed least asked to push lazily, one at a time, and woken when its
 * reports turn out to be needed? */
#include "herd-node/redundancy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { A, B, C, LINKS };

enum {
    EVERY = REDUNDANCY_REVIEW_EVERY_MS,
    ENOUGH = REDUNDANCY_REPORTS_MIN,
    SETTLES = EVERY,                /* from a change to the reports that count again, */
    NEXT_REVIEW = SETTLES + EVERY,  /* and to the next judgement */
    TRIED = REDUNDANCY_LAZY_MS_MIN, /* from becoming lazy to the first judgement of it, */
    KEPT = REDUNDANCY_EAGER_MS_MIN, /* and from becoming eager again */
};

static struct instant at_ms(int64_t ms)
{
    return instant_after_ms((struct instant){.ns = NS_PER_SECOND}, ms);
}

static void bring(
    struct redundancy *redundancy, int64_t ms, size_t link, uint64_t received, uint64_t known)
{
    redundancy_note(redundancy, at_ms(ms), link, received, known);
}

/* A brings only news, and this link only what is known. */
static void bring_in_vain(struct redundancy *redundancy, int64_t ms, size_t link)
{
    bring(redundancy, ms, A, ENOUGH, 0);
    bring(redundancy, ms, link, ENOUGH, ENOUGH);
}

/* Whether the review at that time changed anything. */
static bool review(struct redundancy *redundancy, int64_t ms)
{
    return redundancy_review(redundancy, at_ms(ms));
}

static void expect_lazy(const struct redundancy *redundancy, bool a, bool b, bool c)
{
    assert_int_equal(redundancy->links[A].is_lazy, a);
    assert_int_equal(redundancy->links[B].is_lazy, b);
    assert_int_equal(redundancy->links[C].is_lazy, c);
}

/* A brings only news; B only what is known, and is lazy since 0 ms. */
static struct redundancy with_b_lazy(void)
{
    struct redundancy redundancy = redundancy_of(LINKS);
    bring_in_vain(&redundancy, 0, B);
    assert_true(review(&redundancy, 0));
    expect_lazy(&redundancy, false, true, false);
    return redundancy;
}

/* ---- Who becomes lazy ---- */

static void all_are_eager_at_first(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);

    expect_lazy(&redundancy, false, false, false);
    assert_false(review(&redundancy, 0));
    expect_lazy(&redundancy, false, false, false);
}

static void the_link_that_brings_most_in_vain_becomes_lazy(void **state)
{
    (void)state;
    for (size_t most = A; most < LINKS; most++) {
        struct redundancy redundancy = redundancy_of(LINKS);
        for (size_t i = A; i < LINKS; i++) {
            bring(&redundancy, 0, i, ENOUGH, i == most ? ENOUGH : ENOUGH - 1);
        }

        assert_true(review(&redundancy, 0));

        expect_lazy(&redundancy, most == A, most == B, most == C);
    }
}

static void the_largest_part_counts_not_the_largest_number(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, A, 1000, 500);
    bring(&redundancy, 0, B, ENOUGH, ENOUGH * 3 / 4);
    bring(&redundancy, 0, C, 1000, 500);

    assert_true(review(&redundancy, 0));

    expect_lazy(&redundancy, false, true, false);
}

static void one_link_at_a_time_becomes_lazy(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring_in_vain(&redundancy, 0, B);
    bring(&redundancy, 0, C, ENOUGH, ENOUGH);

    assert_true(review(&redundancy, 0));
    assert_int_equal(redundancy.links[B].is_lazy + redundancy.links[C].is_lazy, 1);

    bring_in_vain(&redundancy, SETTLES, B);
    bring(&redundancy, SETTLES, C, ENOUGH, ENOUGH);
    assert_true(review(&redundancy, NEXT_REVIEW));
    expect_lazy(&redundancy, false, true, true);
}

static void a_third_known_already_is_enough_and_less_is_not(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, A, 100, 0);
    bring(&redundancy, 0, B, 100, REDUNDANCY_LAZY_PERCENT - 1);
    assert_false(review(&redundancy, 0));
    expect_lazy(&redundancy, false, false, false);

    bring(&redundancy, EVERY, A, 100, 0);
    bring(&redundancy, EVERY, B, 100, REDUNDANCY_LAZY_PERCENT);
    assert_true(review(&redundancy, EVERY));
    expect_lazy(&redundancy, false, true, false);
}

static void few_reports_say_nothing(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, A, ENOUGH, 0);
    bring(&redundancy, 0, C, ENOUGH, 0);
    bring(&redundancy, 0, B, ENOUGH - 1, ENOUGH - 1);

    assert_false(review(&redundancy, 0));

    expect_lazy(&redundancy, false, false, false);
}

static void few_reports_accumulate_over_reviews(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, A, ENOUGH, 0);
    bring(&redundancy, 0, B, ENOUGH - 1, ENOUGH - 1);
    assert_false(review(&redundancy, 0));

    bring(&redundancy, EVERY, A, ENOUGH, 0);
    bring(&redundancy, EVERY, B, 1, 1);

    assert_true(review(&redundancy, EVERY));
    expect_lazy(&redundancy, false, true, false);
}

static void what_was_judged_is_not_judged_again(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, A, ENOUGH, 0);
    bring(&redundancy, 0, B, 1000, 0);
    assert_false(review(&redundancy, 0));

    bring(&redundancy, EVERY, A, ENOUGH, 0);
    bring(&redundancy, EVERY, B, ENOUGH, ENOUGH); /* all of what is new, a little of the whole */

    assert_true(review(&redundancy, EVERY));
    expect_lazy(&redundancy, false, true, false);
}

static void nothing_is_judged_before_the_review_is_due(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    assert_false(review(&redundancy, 0));
    bring_in_vain(&redundancy, 1, B);

    assert_false(review(&redundancy, EVERY - 1));
    expect_lazy(&redundancy, false, false, false);

    assert_true(review(&redundancy, EVERY));
    expect_lazy(&redundancy, false, true, false);
}

/* ---- Who stays eager ---- */

static void the_last_eager_link_never_becomes_lazy(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy(); /* C is silent: only A still brings anything */
    for (int64_t ms = NEXT_REVIEW; ms < NEXT_REVIEW + KEPT; ms += EVERY) {
        bring(&redundancy, ms, A, ENOUGH, ENOUGH);
        bring(&redundancy, ms, B, ENOUGH, ENOUGH);
        assert_false(review(&redundancy, ms));
    }
    expect_lazy(&redundancy, false, true, false);
}

/* A link of which little comes cannot stand in for one of which much comes. */
static void a_link_that_tells_little_does_not_count_as_another_eager_one(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, A, ENOUGH - 1, 0);
    bring(&redundancy, 0, B, ENOUGH, ENOUGH);
    assert_false(review(&redundancy, 0));
    expect_lazy(&redundancy, false, false, false);

    bring(&redundancy, EVERY, A, 1, 0);
    bring(&redundancy, EVERY, B, ENOUGH, ENOUGH);
    assert_true(review(&redundancy, EVERY));
    expect_lazy(&redundancy, false, true, false);
}

/* ---- What comes before a change has settled ---- */

static void what_was_on_its_way_when_something_changed_does_not_count(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    bring_in_vain(&redundancy, SETTLES - 1, C);

    assert_false(review(&redundancy, NEXT_REVIEW));

    expect_lazy(&redundancy, false, true, false);
}

static void what_comes_once_it_has_settled_counts(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    bring_in_vain(&redundancy, SETTLES, C);
    assert_false(review(&redundancy, NEXT_REVIEW - 1));

    assert_true(review(&redundancy, NEXT_REVIEW));

    expect_lazy(&redundancy, false, true, true);
}

static void what_came_before_a_change_is_forgotten(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring(&redundancy, 0, C, ENOUGH - 1, ENOUGH - 1);
    bring_in_vain(&redundancy, 0, B);
    assert_true(review(&redundancy, 0));

    bring(&redundancy, SETTLES, A, ENOUGH, 0);
    bring(&redundancy, SETTLES, C, 1, 1);

    assert_false(review(&redundancy, NEXT_REVIEW));
    expect_lazy(&redundancy, false, true, false);
}

/* ---- Lazy links ---- */

static void what_a_link_brings_soon_after_it_became_lazy_says_nothing(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    for (int64_t ms = NEXT_REVIEW; ms < TRIED; ms += EVERY) {
        bring(&redundancy, ms, B, ENOUGH, 0);
        assert_false(review(&redundancy, ms));
    }
    assert_false(review(&redundancy, TRIED));
    expect_lazy(&redundancy, false, true, false);

    bring(&redundancy, TRIED + EVERY, B, ENOUGH, 0);
    assert_true(review(&redundancy, TRIED + EVERY));
    expect_lazy(&redundancy, false, false, false);
}

static void a_lazy_link_that_brings_news_becomes_eager_and_one_that_does_not_stays(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    bring(&redundancy, TRIED, B, 100, REDUNDANCY_STAYS_LAZY_PERCENT);
    assert_false(review(&redundancy, TRIED));
    expect_lazy(&redundancy, false, true, false);

    bring(&redundancy, TRIED + EVERY, B, 100, REDUNDANCY_STAYS_LAZY_PERCENT - 1);
    assert_true(review(&redundancy, TRIED + EVERY));
    expect_lazy(&redundancy, false, false, false);
}

static void a_little_news_over_a_lazy_link_accumulates_too(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    bring(&redundancy, TRIED, B, ENOUGH - 1, 0);
    assert_false(review(&redundancy, TRIED));
    expect_lazy(&redundancy, false, true, false);

    bring(&redundancy, TRIED + EVERY, B, 1, 0);
    assert_true(review(&redundancy, TRIED + EVERY));
    expect_lazy(&redundancy, false, false, false);
}

static void while_one_becomes_eager_no_other_becomes_lazy(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    bring(&redundancy, TRIED, A, ENOUGH, 0);
    bring(&redundancy, TRIED, B, ENOUGH, 0);
    bring(&redundancy, TRIED, C, ENOUGH, ENOUGH);

    assert_true(review(&redundancy, TRIED));

    expect_lazy(&redundancy, false, false, false);
}

/* B brought news at TRIED though it was lazy. */
static struct redundancy with_b_needed_after_all(void)
{
    struct redundancy redundancy = with_b_lazy();
    bring(&redundancy, TRIED, B, ENOUGH, 0);
    assert_true(review(&redundancy, TRIED));
    expect_lazy(&redundancy, false, false, false);
    return redundancy;
}

static void a_link_that_was_needed_after_all_stays_eager_for_two_seconds(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_needed_after_all();
    const int64_t retry = TRIED + KEPT;
    bring_in_vain(&redundancy, retry - EVERY - 1, B);
    assert_false(review(&redundancy, retry - EVERY - 1));

    bring_in_vain(&redundancy, retry - 1, B);
    assert_false(review(&redundancy, retry - 1));
    expect_lazy(&redundancy, false, false, false);
}

static void then_it_may_become_lazy_again(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_needed_after_all();
    const int64_t retry = TRIED + KEPT;
    bring_in_vain(&redundancy, retry, B);

    assert_true(review(&redundancy, retry));

    expect_lazy(&redundancy, false, true, false);
}

static void meanwhile_another_link_may_become_lazy(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_needed_after_all();
    const int64_t next = TRIED + NEXT_REVIEW;
    bring_in_vain(&redundancy, next, B);
    bring(&redundancy, next, C, ENOUGH, ENOUGH / 2);

    assert_true(review(&redundancy, next));

    expect_lazy(&redundancy, false, false, true);
}

/* ---- A way is gone ---- */

static void when_a_way_is_gone_all_become_eager(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    bring_in_vain(&redundancy, SETTLES, C);
    assert_true(review(&redundancy, NEXT_REVIEW));
    expect_lazy(&redundancy, false, true, true);

    assert_true(redundancy_all_eager(&redundancy, at_ms(NEXT_REVIEW)));

    expect_lazy(&redundancy, false, false, false);
}

static void whether_any_link_was_lazy_is_told(void **state)
{
    (void)state;
    struct redundancy redundancy = with_b_lazy();
    assert_true(redundancy_all_eager(&redundancy, at_ms(1)));
    assert_false(redundancy_all_eager(&redundancy, at_ms(2)));
}

static void when_a_way_is_gone_judging_begins_anew(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(LINKS);
    bring_in_vain(&redundancy, 0, B);
    assert_false(redundancy_all_eager(&redundancy, at_ms(0)));
    bring_in_vain(&redundancy, SETTLES - 1, B);
    assert_false(review(&redundancy, NEXT_REVIEW));
    expect_lazy(&redundancy, false, false, false);

    bring_in_vain(&redundancy, NEXT_REVIEW, B);
    assert_false(review(&redundancy, NEXT_REVIEW + EVERY - 1));
    assert_true(review(&redundancy, NEXT_REVIEW + EVERY));
    expect_lazy(&redundancy, false, true, false);
}

static void as_many_links_as_its_limit_are_judged(void **state)
{
    (void)state;
    struct redundancy redundancy = redundancy_of(REDUNDANCY_LINKS_MAX);
    for (size_t i = 0; i < REDUNDANCY_LINKS_MAX; i++) {
        bring(&redundancy, 0, i, ENOUGH, i == REDUNDANCY_LINKS_MAX - 1 ? ENOUGH : 0);
    }

    assert_true(review(&redundancy, 0));

    assert_true(redundancy.links[REDUNDANCY_LINKS_MAX - 1].is_lazy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_eager_at_first),
        cmocka_unit_test(the_link_that_brings_most_in_vain_becomes_lazy),
        cmocka_unit_test(the_largest_part_counts_not_the_largest_number),
        cmocka_unit_test(one_link_at_a_time_becomes_lazy),
        cmocka_unit_test(a_third_known_already_is_enough_and_less_is_not),
        cmocka_unit_test(few_reports_say_nothing),
        cmocka_unit_test(few_reports_accumulate_over_reviews),
        cmocka_unit_test(what_was_judged_is_not_judged_again),
        cmocka_unit_test(nothing_is_judged_before_the_review_is_due),
        cmocka_unit_test(the_last_eager_link_never_becomes_lazy),
        cmocka_unit_test(a_link_that_tells_little_does_not_count_as_another_eager_one),
        cmocka_unit_test(what_was_on_its_way_when_something_changed_does_not_count),
        cmocka_unit_test(what_comes_once_it_has_settled_counts),
        cmocka_unit_test(what_came_before_a_change_is_forgotten),
        cmocka_unit_test(what_a_link_brings_soon_after_it_became_lazy_says_nothing),
        cmocka_unit_test(a_lazy_link_that_brings_news_becomes_eager_and_one_that_does_not_stays),
        cmocka_unit_test(a_little_news_over_a_lazy_link_accumulates_too),
        cmocka_unit_test(while_one_becomes_eager_no_other_becomes_lazy),
        cmocka_unit_test(a_link_that_was_needed_after_all_stays_eager_for_two_seconds),
        cmocka_unit_test(then_it_may_become_lazy_again),
        cmocka_unit_test(meanwhile_another_link_may_become_lazy),
        cmocka_unit_test(when_a_way_is_gone_all_become_eager),
        cmocka_unit_test(whether_any_link_was_lazy_is_told),
        cmocka_unit_test(when_a_way_is_gone_judging_begins_anew),
        cmocka_unit_test(as_many_links_as_its_limit_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
