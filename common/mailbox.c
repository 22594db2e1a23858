/* A linked list under one mutex, and a condition on the monotonic clock. */
#include "common/mailbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct mail *first;
    struct mail *last; /* valid while first is not NULL */
    size_t count;
    size_t max;
    bool is_closed;
    void (*wake)(void *context);
    void *wake_context;
};

void mail_release(struct mail *mail)
{
    if (mail->release != NULL) {
        mail->release(mail);
    }
}

static void lock(struct mailbox *mailbox)
{
    const int failed = pthread_mutex_lock(&mailbox->lock);
    assert(failed == 0);
}

static void unlock(struct mailbox *mailbox)
{
    const int failed = pthread_mutex_unlock(&mailbox->lock);
    assert(failed == 0);
}

static bool init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    const bool is_made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                         pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return is_made;
}

enum status mailbox_create(size_t max, struct mailbox **ret_mailbox)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (mailbox == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (!init_condition(&mailbox->arrived)) {
        free(mailbox);
        return STATUS_NO_MEMORY;
    }
    const int failed = pthread_mutex_init(&mailbox->lock, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    mailbox->max = max;
    *ret_mailbox = mailbox;
    return STATUS_OK;
}

void mailbox_destroy(struct mailbox *mailbox)
{
    if (mailbox == NULL) {
        return;
    }
    struct mail *mail = mailbox->first;
    while (mail != NULL) {
        struct mail *next = mail->next;
        mail_release(mail);
        mail = next;
    }
    pthread_cond_destroy(&mailbox->arrived);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

void mailbox_set_wake(struct mailbox *mailbox, void (*wake)(void *context), void *context)
{
    lock(mailbox);
    mailbox->wake = wake;
    mailbox->wake_context = context;
    unlock(mailbox);
}

/* Whoever waits is woken outside the lock, so that it does not run into it. */
static enum status put(struct mailbox *mailbox, struct mail *mail, bool is_urgent)
{
    lock(mailbox);
    if (!is_urgent && (mailbox->is_closed || mailbox->count >= mailbox->max)) {
        const enum status refusal = mailbox->is_closed ? STATUS_CLOSED : STATUS_FULL;
        unlock(mailbox);
        return refusal;
    }
    const bool was_empty = mailbox->first == NULL;
    mail->next = NULL;
    if (was_empty) {
        mailbox->first = mail;
    } else {
        mailbox->last->next = mail;
    }
    mailbox->last = mail;
    mailbox->count++;
    void (*wake)(void *context) = was_empty ? mailbox->wake : NULL;
    void *context = mailbox->wake_context;
    unlock(mailbox);

    pthread_cond_signal(&mailbox->arrived);
    if (wake != NULL) {
        wake(context);
    }
    return STATUS_OK;
}

enum status mailbox_post(struct mailbox *mailbox, struct mail *mail)
{
    return put(mailbox, mail, false);
}

void mailbox_post_urgent(struct mailbox *mailbox, struct mail *mail)
{
    const enum status status = put(mailbox, mail, true);
    assert(status == STATUS_OK);
}

bool mailbox_is_full(struct mailbox *mailbox)
{
    lock(mailbox);
    const bool is_full = mailbox->count >= mailbox->max;
    unlock(mailbox);
    return is_full;
}

/* Under the lock. False: the deadline has passed. */
static bool wait_for_change(struct mailbox *mailbox, struct instant deadline)
{
    if (!instant_is_before(instant_now(), deadline)) {
        return false;
    }
    const struct timespec until = instant_timespec(deadline);
    pthread_cond_timedwait(&mailbox->arrived, &mailbox->lock, &until);
    return true;
}

struct mail *mailbox_wait(struct mailbox *mailbox, struct instant deadline)
{
    lock(mailbox);
    while (mailbox->first == NULL && wait_for_change(mailbox, deadline)) {
    }
    struct mail *mails = mailbox->first;
    mailbox->first = NULL;
    mailbox->count = 0;
    unlock(mailbox);
    return mails;
}

struct mail *mailbox_wait_one(struct mailbox *mailbox, struct instant deadline)
{
    lock(mailbox);
    while (mailbox->first == NULL && !mailbox->is_closed && wait_for_change(mailbox, deadline)) {
    }
    struct mail *mail = mailbox->first;
    if (mail != NULL) {
        mailbox->first = mail->next;
        mailbox->count--;
        mail->next = NULL;
    }
    unlock(mailbox);
    return mail;
}

void mailbox_close(struct mailbox *mailbox)
{
    lock(mailbox);
    mailbox->is_closed = true;
    unlock(mailbox);
    pthread_cond_broadcast(&mailbox->arrived);
}
