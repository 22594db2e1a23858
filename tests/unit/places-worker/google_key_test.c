/* Is a key found where it is to be, and its absence explained without showing it? */
#include "places-worker/google_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static void write_file(const char *text, size_t length)
{
    snprintf(path, sizeof path, "/tmp/google_key_test.XXXXXX");
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, length), (ssize_t)length);
    assert_int_equal(close(file), 0);
}

static void assert_refused(const char *file, enum status wanted, const char *cause)
{
    char key[GOOGLE_KEY_MAX + 1] = "untouched";
    struct buffer complaint = buffer_with_max(1024);
    assert_int_equal(google_key_read(file, key, &complaint), wanted);
    assert_int_equal(buffer_append(&complaint, slice_of_bytes("", 1)), STATUS_OK);
    assert_non_null(strstr(complaint.data, cause));
    assert_non_null(strstr(complaint.data, file != NULL ? file : GOOGLE_KEY_VARIABLE));
    assert_null(strstr(complaint.data, "secret"));
    assert_string_equal(key, "untouched");
    buffer_clear(&complaint);
}

static void assert_key(const char *file, const char *wanted)
{
    char key[GOOGLE_KEY_MAX + 1];
    struct buffer complaint = buffer_with_max(1024);
    assert_int_equal(google_key_read(file, key, &complaint), STATUS_OK);
    assert_string_equal(key, wanted);
    assert_int_equal(complaint.length, 0);
}

static void a_key_in_a_file_may_end_in_a_newline(void **state)
{
    (void)state;
    write_file("  secret-1\r\n", 12);
    assert_key(path, "secret-1");
    unlink(path);
}

static void without_a_file_the_environment_counts(void **state)
{
    (void)state;
    assert_int_equal(setenv(GOOGLE_KEY_VARIABLE, "secret-2", 1), 0);
    assert_key(NULL, "secret-2");
    write_file("secret-3", 8);
    assert_key(path, "secret-3"); /* a file that is named counts more */
    unlink(path);
    assert_int_equal(unsetenv(GOOGLE_KEY_VARIABLE), 0);
    assert_refused(NULL, STATUS_NOT_FOUND, "is not set");
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    char long_word[GOOGLE_KEY_MAX + 2];
    memset(long_word, 's', sizeof long_word);
    static const struct {
        const char *text;
        size_t length;
        const char *cause;
    } cases[] = {{"", 0, "empty"},
        {" \n", 2, "empty"},
        {"secret and more", 15, "one word"},
        {"secret\0x", 8, "one word"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(cases[i].text, cases[i].length);
        assert_refused(path, STATUS_MALFORMED, cases[i].cause);
        unlink(path);
    }
    write_file(long_word, sizeof long_word);
    assert_refused(path, STATUS_MALFORMED, "too long");
    unlink(path);
    assert_int_equal(setenv(GOOGLE_KEY_VARIABLE, "", 1), 0);
    assert_refused(NULL, STATUS_MALFORMED, "empty");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    assert_refused("/nonexistent/key", STATUS_NOT_FOUND, "No such file");
    assert_refused("/tmp", STATUS_IO, "directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_in_a_file_may_end_in_a_newline),
        cmocka_unit_test(without_a_file_the_environment_counts),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
