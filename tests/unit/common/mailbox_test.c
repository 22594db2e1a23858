/* Does every mail reach exactly one taker, in order, within the limit, and without a wait too long?
 */
#include "common/mailbox.h"
#include "tests/support/faults.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LONG_MS = 10000 }; /* nothing here takes that long; a wait until then has failed */

static const struct instant past = {.ns = 0};

static struct instant far(void)
{
    return instant_after_ms(instant_now(), LONG_MS);
}

static struct mailbox *mailbox_of(size_t max)
{
    struct mailbox *mailbox = NULL;
    assert_int_equal(mailbox_create(max, &mailbox), STATUS_OK);
    return mailbox;
}

static void all_mails_come_at_once_and_oldest_first(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    struct mail mails[3] = {{.token = 0}, {.token = 1}, {.token = 2}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mailbox_post(mailbox, &mails[i]), STATUS_OK);
    }

    const struct mail *first = mailbox_wait(mailbox, past);

    assert_ptr_equal(first, &mails[0]);
    assert_ptr_equal(first->next, &mails[1]);
    assert_ptr_equal(first->next->next, &mails[2]);
    assert_null(first->next->next->next);
    assert_null(mailbox_wait(mailbox, past));
    mailbox_destroy(mailbox);
}

static void one_mail_is_the_oldest_and_leaves_the_others(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    struct mail first = {.kind = MAIL_STOP};
    struct mail second = {.kind = MAIL_REQUEST};
    assert_int_equal(mailbox_post(mailbox, &first), STATUS_OK);
    mailbox_post_urgent(mailbox, &second);

    assert_ptr_equal(mailbox_wait_one(mailbox, past), &first);
    assert_null(first.next);
    assert_ptr_equal(mailbox_wait_one(mailbox, past), &second);
    assert_null(mailbox_wait_one(mailbox, past));
    mailbox_destroy(mailbox);
}

static void a_mail_can_be_posted_again_after_it_was_taken(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(1);
    struct mail mail = {.kind = MAIL_STOP};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mailbox_post(mailbox, &mail), STATUS_OK);
        assert_ptr_equal(mailbox_wait(mailbox, past), &mail);
        assert_int_equal(mailbox_post(mailbox, &mail), STATUS_OK);
        assert_ptr_equal(mailbox_wait_one(mailbox, past), &mail);
    }
    mailbox_destroy(mailbox);
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(1);

    const struct instant deadline = instant_after_ms(instant_now(), 20);
    assert_null(mailbox_wait(mailbox, deadline));
    assert_false(instant_is_before(instant_now(), deadline));

    const struct instant next = instant_after_ms(instant_now(), 20);
    assert_null(mailbox_wait_one(mailbox, next));
    assert_false(instant_is_before(instant_now(), next));
    mailbox_destroy(mailbox);
}

static void a_full_mailbox_refuses_and_the_mail_stays_with_its_poster(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(2);
    struct mail mails[3] = {{.token = 0}, {.token = 1}, {.token = 2}};

    assert_false(mailbox_is_full(mailbox));
    assert_int_equal(mailbox_post(mailbox, &mails[0]), STATUS_OK);
    assert_int_equal(mailbox_post(mailbox, &mails[1]), STATUS_OK);
    assert_true(mailbox_is_full(mailbox));
    assert_int_equal(mailbox_post(mailbox, &mails[2]), STATUS_FULL);

    assert_ptr_equal(mailbox_wait_one(mailbox, past), &mails[0]);
    assert_false(mailbox_is_full(mailbox));
    assert_int_equal(mailbox_post(mailbox, &mails[2]), STATUS_OK);
    assert_true(mailbox_is_full(mailbox));
    assert_ptr_equal(mailbox_wait(mailbox, past), &mails[1]);
    assert_false(mailbox_is_full(mailbox));
    mailbox_destroy(mailbox);
}

static void urgent_mails_go_above_the_limit(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(1);
    struct mail mails[3] = {{.token = 0}, {.token = 1}, {.token = 2}};
    assert_int_equal(mailbox_post(mailbox, &mails[0]), STATUS_OK);

    mailbox_post_urgent(mailbox, &mails[1]);
    mailbox_post_urgent(mailbox, &mails[2]);

    assert_true(mailbox_is_full(mailbox));
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(mailbox_wait_one(mailbox, past), &mails[i]);
    }
    assert_false(mailbox_is_full(mailbox));
    mailbox_destroy(mailbox);
}

static void a_closed_mailbox_gives_what_it_has_and_takes_urgent_mails_only(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    struct mail before = {.token = 1};
    struct mail after = {.token = 2};
    struct mail refused = {.token = 3};
    assert_int_equal(mailbox_post(mailbox, &before), STATUS_OK);

    mailbox_close(mailbox);

    assert_int_equal(mailbox_post(mailbox, &refused), STATUS_CLOSED);
    mailbox_post_urgent(mailbox, &after);
    assert_ptr_equal(mailbox_wait_one(mailbox, INSTANT_NEVER), &before);
    assert_ptr_equal(mailbox_wait_one(mailbox, INSTANT_NEVER), &after);
    assert_null(mailbox_wait_one(mailbox, INSTANT_NEVER));
    assert_null(mailbox_wait(mailbox, past));
    mailbox_destroy(mailbox);
}

struct waiter {
    struct mailbox *mailbox;
    struct mail *got;
    pthread_t thread;
};

static void *wait_for_all(void *context)
{
    struct waiter *waiter = context;
    waiter->got = mailbox_wait(waiter->mailbox, far());
    return NULL;
}

static void *wait_for_one(void *context)
{
    struct waiter *waiter = context;
    waiter->got = mailbox_wait_one(waiter->mailbox, INSTANT_NEVER);
    return NULL;
}

static void a_post_wakes_who_waits(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    struct waiter all = {.mailbox = mailbox};
    struct waiter one = {.mailbox = mailbox};
    struct mail mail = {.token = 1};

    assert_int_equal(pthread_create(&all.thread, NULL, wait_for_all, &all), 0);
    assert_int_equal(mailbox_post(mailbox, &mail), STATUS_OK);
    assert_int_equal(pthread_join(all.thread, NULL), 0);
    assert_ptr_equal(all.got, &mail);

    assert_int_equal(pthread_create(&one.thread, NULL, wait_for_one, &one), 0);
    mailbox_post_urgent(mailbox, &mail);
    assert_int_equal(pthread_join(one.thread, NULL), 0);
    assert_ptr_equal(one.got, &mail);
    mailbox_destroy(mailbox);
}

static void closing_wakes_a_whole_pool(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    struct waiter pool[4];
    for (size_t i = 0; i < 4; i++) {
        pool[i] = (struct waiter){.mailbox = mailbox};
        assert_int_equal(pthread_create(&pool[i].thread, NULL, wait_for_one, &pool[i]), 0);
    }

    mailbox_close(mailbox);

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(pool[i].thread, NULL), 0);
        assert_null(pool[i].got);
    }
    mailbox_destroy(mailbox);
}

struct wakes {
    struct mailbox *mailbox;
    unsigned count;
};

/* Looks into the mailbox: under its lock this would never return. */
static void count_wake(void *context)
{
    struct wakes *wakes = context;
    wakes->count++;
    assert_false(mailbox_is_full(wakes->mailbox));
}

static void the_wake_hook_is_called_when_an_empty_mailbox_gets_mail(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    struct wakes wakes = {.mailbox = mailbox};
    struct mail mails[3] = {{.token = 0}, {.token = 1}, {.token = 2}};
    mailbox_set_wake(mailbox, count_wake, &wakes);

    assert_int_equal(mailbox_post(mailbox, &mails[0]), STATUS_OK);
    assert_int_equal(wakes.count, 1);
    assert_int_equal(mailbox_post(mailbox, &mails[1]), STATUS_OK);
    mailbox_post_urgent(mailbox, &mails[2]);
    assert_int_equal(wakes.count, 1);

    assert_non_null(mailbox_wait(mailbox, past));
    mailbox_post_urgent(mailbox, &mails[0]);
    assert_int_equal(wakes.count, 2);

    mailbox_set_wake(mailbox, NULL, NULL);
    assert_non_null(mailbox_wait(mailbox, past));
    mailbox_post_urgent(mailbox, &mails[0]);
    assert_int_equal(wakes.count, 2);
    mailbox_destroy(mailbox);
}

static void count_release(struct mail *mail)
{
    (*(unsigned *)mail->source)++;
}

static void releasing_gives_a_mail_back_if_anybody_wants_it(void **state)
{
    (void)state;
    unsigned released = 0;
    struct mail wanted = {.source = &released, .release = count_release};
    struct mail unwanted = {.source = &released};

    mail_release(&wanted);
    mail_release(&unwanted);

    assert_int_equal(released, 1);
}

static void mails_that_nobody_took_are_released_with_the_mailbox(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(8);
    unsigned released = 0;
    struct mail mails[3];
    for (int i = 0; i < 3; i++) {
        mails[i] = (struct mail){.source = &released, .release = count_release};
        assert_int_equal(mailbox_post(mailbox, &mails[i]), STATUS_OK);
    }

    mailbox_destroy(mailbox);
    mailbox_destroy(NULL);

    assert_int_equal(released, 3);
}

static void a_mailbox_says_when_there_is_no_memory_for_it(void **state)
{
    (void)state;
    struct mailbox *mailbox = NULL;
    unsigned nth = 1;
    for (;; nth++) {
        faults_begin(nth);
        const enum status status = mailbox_create(1, &mailbox);
        if (!faults_end()) {
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_null(mailbox);
    }
    assert_true(nth > 2); /* the mailbox and its condition */
    mailbox_destroy(mailbox);
}

/* ---- Many posters, many takers ---- */

enum { POSTERS = 3, TAKERS = 3, MAILS = 20000 };

struct poster {
    struct mailbox *mailbox;
    struct mail *mails; /* MAILS of them */
    pthread_t thread;
};

/* The token counts the poster's mails; a refused one is posted again. */
static void *post_all(void *context)
{
    struct poster *poster = context;
    for (size_t i = 0; i < MAILS; i++) {
        struct mail *mail = &poster->mails[i];
        *mail = (struct mail){.source = poster, .token = i};
        if (i % 100 == 0) {
            mailbox_post_urgent(poster->mailbox, mail);
            continue;
        }
        while (mailbox_post(poster->mailbox, mail) == STATUS_FULL) {
            sched_yield();
        }
    }
    return NULL;
}

struct taker {
    struct mailbox *mailbox;
    const struct poster *posters;
    uint64_t next_token[POSTERS]; /* the lowest that may still come */
    size_t count;
    size_t out_of_order;
    pthread_t thread;
};

static void *take_all(void *context)
{
    struct taker *taker = context;
    struct mail *mail = mailbox_wait_one(taker->mailbox, INSTANT_NEVER);
    while (mail != NULL) {
        const size_t poster = (size_t)((const struct poster *)mail->source - taker->posters);
        taker->out_of_order += mail->token < taker->next_token[poster];
        taker->next_token[poster] = mail->token + 1;
        taker->count++;
        mail->kind = -1; /* a mail that comes twice is a race, which the thread sanitizer reports */
        mail = mailbox_wait_one(taker->mailbox, INSTANT_NEVER);
    }
    return NULL;
}

static void many_takers_share_the_mails_of_many_posters(void **state)
{
    (void)state;
    struct mailbox *mailbox = mailbox_of(64);
    struct poster posters[POSTERS];
    struct taker takers[TAKERS];
    for (size_t i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){.mailbox = mailbox, .posters = posters};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_all, &takers[i]), 0);
    }
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i] =
            (struct poster){.mailbox = mailbox, .mails = calloc(MAILS, sizeof(struct mail))};
        assert_non_null(posters[i].mails);
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }

    for (size_t i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
    }
    mailbox_close(mailbox);

    size_t taken = 0;
    for (size_t i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
        assert_int_equal(takers[i].out_of_order, 0);
        taken += takers[i].count;
    }
    assert_int_equal(taken, POSTERS * MAILS);
    for (size_t i = 0; i < POSTERS; i++) {
        for (size_t j = 0; j < MAILS; j++) {
            assert_int_equal(posters[i].mails[j].kind, -1);
        }
        free(posters[i].mails);
    }
    mailbox_destroy(mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_mails_come_at_once_and_oldest_first),
        cmocka_unit_test(one_mail_is_the_oldest_and_leaves_the_others),
        cmocka_unit_test(a_mail_can_be_posted_again_after_it_was_taken),
        cmocka_unit_test(waiting_ends_at_the_deadline),
        cmocka_unit_test(a_full_mailbox_refuses_and_the_mail_stays_with_its_poster),
        cmocka_unit_test(urgent_mails_go_above_the_limit),
        cmocka_unit_test(a_closed_mailbox_gives_what_it_has_and_takes_urgent_mails_only),
        cmocka_unit_test(a_post_wakes_who_waits),
        cmocka_unit_test(closing_wakes_a_whole_pool),
        cmocka_unit_test(the_wake_hook_is_called_when_an_empty_mailbox_gets_mail),
        cmocka_unit_test(releasing_gives_a_mail_back_if_anybody_wants_it),
        cmocka_unit_test(mails_that_nobody_took_are_released_with_the_mailbox),
        cmocka_unit_test(a_mailbox_says_when_there_is_no_memory_for_it),
        cmocka_unit_test(many_takers_share_the_mails_of_many_posters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
