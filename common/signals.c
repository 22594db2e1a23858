/* One thread in sigwait; nothing ever runs in a signal handler. */
#include "common/signals.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* The mail of SIGHUP, which goes out again and again. While it is out it outlives its poster. First
 * member `mail`, so that its release finds the rest. */
struct reload_mail {
    struct mail mail;
    pthread_mutex_t lock;
    struct mailbox *mailbox; /* NULL: its poster has gone */
    bool is_out;             /* from posting to release */
    bool is_wanted_again;    /* who took it may have looked before the last signal came */
};

struct signals {
    pthread_t thread;
    pthread_mutex_t lock;
    bool is_stopping; /* under the lock */
    struct mailbox *mailbox;
    struct mail *stop; /* made beforehand, as a signal must not fail; NULL once it is posted */
    struct reload_mail *reload; /* likewise */
};

enum { EXIT_STATUS_BASE = 128 }; /* shells say 128 + number of a process that a signal ended */

static sigset_t handled_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void signals_block(void)
{
    const sigset_t set = handled_signals();
    const int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    assert(failed == 0);

    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    const int not_ignored = sigaction(SIGPIPE, &ignore, NULL) | sigaction(SIGXFSZ, &ignore, NULL);
    assert(not_ignored == 0);
}

/* ---- The mail of SIGHUP ---- */

static void destroy_reload(struct reload_mail *reload)
{
    pthread_mutex_destroy(&reload->lock);
    free(reload);
}

static void release_reload(struct mail *mail)
{
    struct reload_mail *reload = (struct reload_mail *)mail;
    pthread_mutex_lock(&reload->lock);
    const bool is_orphan = reload->mailbox == NULL;
    reload->is_out = reload->is_wanted_again && !is_orphan;
    reload->is_wanted_again = false;
    if (reload->is_out) {
        mailbox_post_urgent(reload->mailbox, mail);
    }
    pthread_mutex_unlock(&reload->lock);
    if (is_orphan) {
        destroy_reload(reload);
    }
}

static struct reload_mail *create_reload(struct mailbox *mailbox)
{
    struct reload_mail *reload = calloc(1, sizeof *reload);
    if (reload != NULL) {
        reload->mail = (struct mail){.kind = MAIL_RELOAD, .release = release_reload};
        reload->mailbox = mailbox;
        const int failed = pthread_mutex_init(&reload->lock, NULL);
        assert(failed == 0);
    }
    return reload;
}

static void post_reload(struct reload_mail *reload)
{
    pthread_mutex_lock(&reload->lock);
    reload->is_wanted_again = reload->is_out;
    if (!reload->is_out) {
        reload->is_out = true;
        mailbox_post_urgent(reload->mailbox, &reload->mail);
    }
    pthread_mutex_unlock(&reload->lock);
}

/* Destroys it now, or when it is released. */
static void leave_reload(struct reload_mail *reload)
{
    pthread_mutex_lock(&reload->lock);
    reload->mailbox = NULL;
    const bool is_out = reload->is_out;
    pthread_mutex_unlock(&reload->lock);
    if (!is_out) {
        destroy_reload(reload);
    }
}

/* ---- The thread ---- */

static bool is_stopping(struct signals *signals)
{
    pthread_mutex_lock(&signals->lock);
    const bool answer = signals->is_stopping;
    pthread_mutex_unlock(&signals->lock);
    return answer;
}

static void handle(struct signals *signals, int number)
{
    if (number == SIGHUP) {
        post_reload(signals->reload);
        return;
    }
    if (signals->stop == NULL) {
        _exit(EXIT_STATUS_BASE + number);
    }
    mailbox_post_urgent(signals->mailbox, signals->stop);
    signals->stop = NULL;
}

static void *wait_for_signals(void *context)
{
    struct signals *signals = context;
    const sigset_t set = handled_signals();
    for (;;) {
        int number;
        const int failed = sigwait(&set, &number);
        assert(failed == 0);
        if (is_stopping(signals)) {
            return NULL;
        }
        handle(signals, number);
    }
}

static void free_mail(struct mail *mail)
{
    free(mail);
}

enum status signals_start(struct mailbox *mailbox, struct signals **ret_signals)
{
    struct signals *signals = calloc(1, sizeof *signals);
    struct mail *stop = calloc(1, sizeof *stop);
    struct reload_mail *reload = create_reload(mailbox);
    if (signals == NULL || stop == NULL || reload == NULL) {
        goto out;
    }
    *stop = (struct mail){.kind = MAIL_STOP, .release = free_mail};
    signals->mailbox = mailbox;
    signals->stop = stop;
    signals->reload = reload;
    const int failed = pthread_mutex_init(&signals->lock, NULL);
    assert(failed == 0);
    if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) != 0) {
        pthread_mutex_destroy(&signals->lock);
        goto out;
    }
    *ret_signals = signals;
    return STATUS_OK;

out:
    if (reload != NULL) {
        destroy_reload(reload);
    }
    free(stop);
    free(signals);
    return STATUS_NO_MEMORY;
}

void signals_stop(struct signals *signals)
{
    if (signals == NULL) {
        return;
    }
    pthread_mutex_lock(&signals->lock);
    signals->is_stopping = true;
    pthread_mutex_unlock(&signals->lock);
    int failed = pthread_kill(signals->thread, SIGHUP); /* only to wake it */
    assert(failed == 0);
    failed = pthread_join(signals->thread, NULL);
    assert(failed == 0);
    pthread_mutex_destroy(&signals->lock);
    leave_reload(signals->reload);
    free(signals->stop);
    free(signals);
}
