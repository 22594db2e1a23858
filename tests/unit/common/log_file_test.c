/* Does a log file stay within its size, and lose no more than it says? */
#include "common/log_file.h"
#include "tests/support/faults.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONTENT_MAX = 4096 };

/* Every test has a folder of its own, in which it is. */
static char folder[32];

static int enter_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/log_file_test.XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : chdir(folder);
}

static int leave_folder(void **state)
{
    (void)state;
    static const char *const names[] = {
        "log", "log.1", "log.2", "log.3", "link", "moved", "dir/log"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(names[i]);
    }
    rmdir("dir");
    return chdir("/") == 0 ? rmdir(folder) : -1;
}

static struct log_file *open_file(const char *path, size_t size_max, unsigned files_max)
{
    struct log_file *file = NULL;
    assert_int_equal(log_file_open(path, size_max, files_max, &file), STATUS_OK);
    return file;
}

static void assert_file(const char *path, const char *wanted)
{
    char content[CONTENT_MAX];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    content[fread(content, 1, sizeof content - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(content, wanted);
}

static void assert_no_file(const char *path)
{
    assert_int_equal(access(path, F_OK), -1);
}

static size_t write_text(struct log_file *file, const char *text)
{
    return log_file_write(file, slice_of(text));
}

/* From here on files end at `size`; the failing write is an error instead of a signal. */
static void limit_file_size(rlim_t size)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void lines_are_appended_to_what_is_there(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 1000, 1);
    assert_int_equal(write_text(file, "one\ntwo\n"), 0);
    assert_int_equal(write_text(file, ""), 0);
    log_file_close(file);

    file = open_file("log", 1000, 1);
    assert_int_equal(write_text(file, "three\n"), 0);
    log_file_close(file);

    assert_file("log", "one\ntwo\nthree\n");
    assert_no_file("log.1");
}

static void a_full_file_becomes_number_one_and_the_oldest_goes(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 8, 2);

    assert_int_equal(write_text(file, "aaa\nbbb\n"), 0);
    assert_file("log", "aaa\nbbb\n");
    assert_no_file("log.1");
    assert_int_equal(write_text(file, "ccc\n"), 0);
    assert_file("log.1", "aaa\nbbb\n");
    assert_file("log", "ccc\n");
    assert_int_equal(write_text(file, "ddd\neee\nfff\nggg\nhhh\n"), 0);

    assert_file("log", "ggg\nhhh\n");
    assert_file("log.1", "eee\nfff\n");
    assert_file("log.2", "ccc\nddd\n");
    assert_no_file("log.3");
    log_file_close(file);
}

static void without_numbers_a_full_file_starts_anew(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 8, 0);

    assert_int_equal(write_text(file, "aaa\nbbb\nccc\n"), 0);

    assert_file("log", "ccc\n");
    assert_no_file("log.1");
    log_file_close(file);
}

static void what_was_there_counts_for_the_size(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 1000, 1);
    assert_int_equal(write_text(file, "longer than eight\n"), 0);
    log_file_close(file);

    file = open_file("log", 8, 1);
    assert_int_equal(write_text(file, "new\n"), 0);
    log_file_close(file);

    assert_file("log.1", "longer than eight\n");
    assert_file("log", "new\n");
}

static void a_line_longer_than_a_file_is_lost_alone(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 8, 3);

    assert_int_equal(write_text(file, "a\n12345678\nb\n123456789\n1234567\n"), 2);

    assert_file("log.2", "a\n");
    assert_file("log.1", "b\n");
    assert_file("log", "1234567\n");
    log_file_close(file);
}

static void a_file_that_somebody_removed_is_made_anew(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 1000, 1);
    assert_int_equal(write_text(file, "before\n"), 0);
    assert_int_equal(unlink("log"), 0);

    assert_int_equal(write_text(file, "after\n"), 0);

    assert_file("log", "after\n");
    log_file_close(file);
}

static void a_link_is_followed_and_never_renamed(void **state)
{
    (void)state;
    assert_int_equal(symlink("moved", "link"), 0);
    struct log_file *file = open_file("link", 8, 2);

    assert_int_equal(write_text(file, "aaa\nbbb\nccc\n"), 0);

    assert_file("moved", "aaa\nbbb\nccc\n");
    assert_no_file("link.1");
    log_file_close(file);
}

static void a_full_disk_loses_the_lines_and_says_how_many(void **state)
{
    (void)state;
    struct log_file *file = open_file("/dev/full", 1000, 1);

    assert_int_equal(write_text(file, "one\ntwo\nthree\n"), 3);
    assert_int_equal(write_text(file, "four\n"), 1);

    log_file_close(file);
}

static void a_line_that_was_cut_does_not_swallow_the_next(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 1000, 1);

    limit_file_size(10);
    const size_t lost = write_text(file, "first\nsecond\nthird\n");
    const size_t lost_again = write_text(file, "fourth\n");
    limit_file_size(RLIM_INFINITY);

    assert_int_equal(lost, 2);
    assert_int_equal(lost_again, 1);
    assert_int_equal(write_text(file, "fifth\n"), 0);
    assert_file("log", "first\nseco\nfifth\n");
    log_file_close(file);
}

static void writing_goes_on_as_soon_as_the_disk_takes_it(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 1000, 1);

    limit_file_size(0);
    const size_t lost = write_text(file, "first\nsecond\n");
    limit_file_size(RLIM_INFINITY);

    assert_int_equal(lost, 2);
    assert_int_equal(write_text(file, "third\n"), 0);
    assert_file("log", "third\n");
    log_file_close(file);
}

static void a_file_that_cannot_be_renamed_does_not_grow(void **state)
{
    (void)state;
    struct log_file *file = open_file("log", 8, 1);
    assert_int_equal(write_text(file, "aaa\nbbb\n"), 0);
    assert_int_equal(mkdir("log.1", 0700), 0); /* no file can take this name */

    assert_int_equal(write_text(file, "ccc\nddd\n"), 2);
    assert_file("log", "aaa\nbbb\n");

    assert_int_equal(rmdir("log.1"), 0);
    assert_int_equal(write_text(file, "eee\n"), 0);
    assert_file("log.1", "aaa\nbbb\n");
    assert_file("log", "eee\n");
    log_file_close(file);
}

static void a_pipe_that_nobody_empties_loses_lines_and_holds_up_nobody(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("log", 0600), 0);
    const int reader = open("log", O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    struct log_file *file = open_file("log", 1000, 1);

    size_t lost = 0;
    for (int i = 0; i < 1000 * 1000 && lost == 0; i++) {
        lost = write_text(file, "one line of many\n");
    }

    assert_int_equal(lost, 1);
    log_file_close(file);
    assert_int_equal(close(reader), 0);
}

static void a_minus_is_standard_error(void **state)
{
    (void)state;
    const int before = dup(STDERR_FILENO);
    const int file_of_test = open("log", O_WRONLY | O_CREAT, 0600);
    assert_true(before >= 0 && dup2(file_of_test, STDERR_FILENO) >= 0);

    struct log_file *file = open_file("-", 8, 1);
    const size_t lost = write_text(file, "aaa\nbbb\nccc\n");
    log_file_close(file);
    const ssize_t written = write(STDERR_FILENO, "still open\n", 11);

    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    close(file_of_test);
    assert_int_equal(lost, 0);
    assert_int_equal(written, 11);
    assert_file("log", "aaa\nbbb\nccc\nstill open\n");
    assert_no_file("log.1");
}

/* As a user whom permissions bind, which root is not. */
static enum status open_as_nobody(const char *path)
{
    struct log_file *file = NULL;
    const bool is_root = geteuid() == 0;
    if (is_root) {
        assert_int_equal(seteuid(65534), 0);
    }
    const enum status status = log_file_open(path, 1000, 1, &file);
    if (is_root) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_null(file);
    return status;
}

static void opening_says_why_it_failed(void **state)
{
    (void)state;
    struct log_file *file = NULL;
    assert_int_equal(mkdir("dir", 0500), 0);

    assert_int_equal(log_file_open("absent/log", 1000, 1, &file), STATUS_NOT_FOUND);
    assert_int_equal(log_file_open("dir", 1000, 1, &file), STATUS_IO);
    assert_int_equal(open_as_nobody("dir/log"), STATUS_NOT_PERMITTED);
    faults_begin(1);
    assert_int_equal(log_file_open("log", 1000, 1, &file), STATUS_NO_MEMORY);
    assert_true(faults_end());

    assert_null(file);
    log_file_close(NULL);
}

#define IN_FOLDER(claim) cmocka_unit_test_setup_teardown(claim, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(lines_are_appended_to_what_is_there),
        IN_FOLDER(a_full_file_becomes_number_one_and_the_oldest_goes),
        IN_FOLDER(without_numbers_a_full_file_starts_anew),
        IN_FOLDER(what_was_there_counts_for_the_size),
        IN_FOLDER(a_line_longer_than_a_file_is_lost_alone),
        IN_FOLDER(a_file_that_somebody_removed_is_made_anew),
        IN_FOLDER(a_link_is_followed_and_never_renamed),
        IN_FOLDER(a_full_disk_loses_the_lines_and_says_how_many),
        IN_FOLDER(a_line_that_was_cut_does_not_swallow_the_next),
        IN_FOLDER(writing_goes_on_as_soon_as_the_disk_takes_it),
        IN_FOLDER(a_file_that_cannot_be_renamed_does_not_grow),
        IN_FOLDER(a_pipe_that_nobody_empties_loses_lines_and_holds_up_nobody),
        IN_FOLDER(a_minus_is_standard_error),
        IN_FOLDER(opening_says_why_it_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
