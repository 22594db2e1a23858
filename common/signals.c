/* One thread in sigwait; nothing ever runs in a signal handler. */
#include "common/signals.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct signals {
    pthread_t thread;
    pthread_mutex_t lock;
    bool is_stopping; /* under the lock */
    struct mailbox *mailbox;
    struct mail *stop; /* made beforehand, as a signal must not fail; NULL once it is posted */
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

static bool is_stopping(struct signals *signals)
{
    pthread_mutex_lock(&signals->lock);
    const bool answer = signals->is_stopping;
    pthread_mutex_unlock(&signals->lock);
    return answer;
}

static void *wait_for_signals(void *context)
{
    struct signals *signals = context;
    const sigset_t set = handled_signals();
    while (!is_stopping(signals)) {
        int number;
        const int failed = sigwait(&set, &number);
        assert(failed == 0);
        if (number == SIGHUP) {
            continue;
        }
        if (signals->stop == NULL) {
            _exit(EXIT_STATUS_BASE + number);
        }
        mailbox_post_urgent(signals->mailbox, signals->stop);
        signals->stop = NULL;
    }
    return NULL;
}

static void free_mail(struct mail *mail)
{
    free(mail);
}

enum status signals_start(struct mailbox *mailbox, struct signals **ret_signals)
{
    struct signals *signals = calloc(1, sizeof *signals);
    struct mail *stop = calloc(1, sizeof *stop);
    if (signals == NULL || stop == NULL) {
        goto out;
    }
    *stop = (struct mail){.kind = MAIL_STOP, .release = free_mail};
    signals->mailbox = mailbox;
    signals->stop = stop;
    const int failed = pthread_mutex_init(&signals->lock, NULL);
    assert(failed == 0);
    if (pthread_create(&signals->thread, NULL, wait_for_signals, signals) != 0) {
        pthread_mutex_destroy(&signals->lock);
        goto out;
    }
    *ret_signals = signals;
    return STATUS_OK;

out:
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
    free(signals->stop);
    free(signals);
}
