/* Do signals become mail, each as often as it has to? */
#include "common/signals.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct instant past = {.ns = 0};

static struct instant far(void)
{
    return instant_after_ms(instant_now(), 10000);
}

struct parts {
    struct mailbox *mailbox;
    struct signals *signals;
};

static struct parts start(void)
{
    struct parts parts = {.mailbox = NULL};
    assert_int_equal(mailbox_create(4, &parts.mailbox), STATUS_OK);
    assert_int_equal(signals_start(parts.mailbox, &parts.signals), STATUS_OK);
    return parts;
}

static void stop(struct parts parts)
{
    signals_stop(parts.signals);
    mailbox_destroy(parts.mailbox);
}

static void assert_stops(int number)
{
    const struct parts parts = start();

    assert_int_equal(kill(getpid(), number), 0);
    struct mail *mail = mailbox_wait_one(parts.mailbox, far());

    assert_non_null(mail);
    assert_int_equal(mail->kind, MAIL_STOP);
    assert_null(mail->next);
    mail_release(mail);
    stop(parts);
}

static void sigterm_and_sigint_post_a_stop(void **state)
{
    (void)state;
    assert_stops(SIGTERM);
    assert_stops(SIGINT);
}

static void hang_up(void)
{
    assert_int_equal(kill(getpid(), SIGHUP), 0);
}

static struct mail *expect_reload(struct parts parts)
{
    struct mail *mail = mailbox_wait_one(parts.mailbox, far());
    assert_non_null(mail);
    assert_int_equal(mail->kind, MAIL_RELOAD);
    return mail;
}

static void each_sighup_posts_a_reload(void **state)
{
    (void)state;
    const struct parts parts = start();

    for (int i = 0; i < 3; i++) {
        hang_up();
        mail_release(expect_reload(parts));
    }

    assert_null(mailbox_wait_one(parts.mailbox, past));
    stop(parts);
}

/* Whoever took the mail may have read the file before it was changed for the last time. */
static void sighups_while_the_mail_is_out_post_it_once_more(void **state)
{
    (void)state;
    const struct parts parts = start();
    hang_up();
    struct mail *mail = expect_reload(parts);

    hang_up();
    hang_up();
    assert_int_equal(kill(getpid(), SIGTERM), 0); /* what is posted after them */
    struct mail *last = mailbox_wait_one(parts.mailbox, far());
    assert_int_equal(last->kind, MAIL_STOP);
    assert_null(mailbox_wait_one(parts.mailbox, past));
    mail_release(last);

    mail_release(mail);
    mail_release(expect_reload(parts));
    assert_null(mailbox_wait_one(parts.mailbox, past));
    stop(parts);
}

static void a_posted_reload_outlives_its_poster(void **state)
{
    (void)state;
    const struct parts parts = start();
    hang_up();
    struct mail *mail = expect_reload(parts);

    signals_stop(parts.signals);

    mail_release(mail);
    mailbox_destroy(parts.mailbox);
}

static void a_reload_that_nobody_took_is_released_with_the_mailbox(void **state)
{
    (void)state;
    const struct parts parts = start();
    hang_up();
    mailbox_post_urgent(parts.mailbox, expect_reload(parts));

    stop(parts);
}

static void the_thread_ends_without_any_signal(void **state)
{
    (void)state;
    const struct parts parts = start();

    signals_stop(parts.signals);
    signals_stop(NULL);

    assert_null(mailbox_wait_one(parts.mailbox, past));
    mailbox_destroy(parts.mailbox);
}

static void a_posted_stop_outlives_its_poster(void **state)
{
    (void)state;
    const struct parts parts = start();
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    struct mail *mail = mailbox_wait_one(parts.mailbox, far());
    mailbox_post_urgent(parts.mailbox, mail);

    stop(parts); /* releases it with the mailbox */
}

static void writing_where_nobody_reads_is_an_error_and_not_the_end(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);

    assert_int_equal(write(ends[1], "x", 1), -1);

    assert_int_equal(close(ends[1]), 0);
}

static void a_limit_of_file_size_is_an_error_and_not_the_end(void **state)
{
    (void)state;
    char path[] = "/tmp/signals_test.XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(unlink(path), 0);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);

    const ssize_t written = write(file, "x", 1);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(written, -1);
    assert_int_equal(close(file), 0);
}

/* In a process of its own, as it ends it. */
static void assert_second_ends(int number)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct mailbox *mailbox = NULL;
        struct signals *signals = NULL;
        if (mailbox_create(4, &mailbox) != STATUS_OK ||
            signals_start(mailbox, &signals) != STATUS_OK) {
            _exit(1);
        }
        kill(getpid(), SIGTERM);
        if (mailbox_wait_one(mailbox, far()) == NULL) {
            _exit(2);
        }
        kill(getpid(), number);
        mailbox_wait_one(mailbox, far());
        _exit(3);
    }

    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + number);
}

static void a_second_one_ends_the_process_at_once(void **state)
{
    (void)state;
    assert_second_ends(SIGTERM);
    assert_second_ends(SIGINT);
}

static void starting_says_when_there_is_no_memory(void **state)
{
    (void)state;
    struct mailbox *mailbox = NULL;
    assert_int_equal(mailbox_create(4, &mailbox), STATUS_OK);
    struct signals *signals = NULL;
    unsigned nth = 1;
    for (;; nth++) {
        faults_begin(nth);
        const enum status status = signals_start(mailbox, &signals);
        if (!faults_end()) {
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_null(signals);
    }
    assert_true(nth > 4); /* itself, two mails, the thread */
    stop((struct parts){.mailbox = mailbox, .signals = signals});
}

int main(void)
{
    signals_block();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_and_sigint_post_a_stop),
        cmocka_unit_test(each_sighup_posts_a_reload),
        cmocka_unit_test(sighups_while_the_mail_is_out_post_it_once_more),
        cmocka_unit_test(a_posted_reload_outlives_its_poster),
        cmocka_unit_test(a_reload_that_nobody_took_is_released_with_the_mailbox),
        cmocka_unit_test(the_thread_ends_without_any_signal),
        cmocka_unit_test(a_posted_stop_outlives_its_poster),
        cmocka_unit_test(writing_where_nobody_reads_is_an_error_and_not_the_end),
        cmocka_unit_test(a_limit_of_file_size_is_an_error_and_not_the_end),
        cmocka_unit_test(a_second_one_ends_the_process_at_once),
        cmocka_unit_test(starting_says_when_there_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
