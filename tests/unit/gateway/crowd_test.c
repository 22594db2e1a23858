/* Does a crowd count each client once, and only those of late? */
#include "gateway/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS = 5 };

static struct {
    struct crowd crowd;
    int64_t seen_in[CLIENTS];
    struct instant now;
} scene;

static int set_up(void **state)
{
    (void)state;
    memset(&scene, 0, sizeof scene);
    return 0;
}

static void be_busy(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        crowd_note(&scene.crowd, scene.now, &scene.seen_in[i]);
    }
}

static void wait_ms(int64_t milliseconds)
{
    scene.now = instant_after_ms(scene.now, milliseconds);
}

static size_t size(void)
{
    return crowd_size(&scene.crowd, scene.now);
}

static void nobody_is_busy_at_first(void **state)
{
    (void)state;
    assert_int_equal(size(), 0);
}

static void a_client_that_is_busy_twice_counts_once(void **state)
{
    (void)state;
    be_busy(3);
    be_busy(3);
    assert_int_equal(size(), 3);
}

static void the_last_window_counts_until_the_present_one_has_more(void **state)
{
    (void)state;
    be_busy(3);
    wait_ms(CROWD_WINDOW_MS);
    assert_int_equal(size(), 3);
    be_busy(1);
    assert_int_equal(size(), 3);
    be_busy(5);
    assert_int_equal(size(), 5);
}

static void who_is_no_longer_busy_is_forgotten(void **state)
{
    (void)state;
    be_busy(5);
    wait_ms(CROWD_WINDOW_MS);
    be_busy(2);
    wait_ms(CROWD_WINDOW_MS);
    assert_int_equal(size(), 2);
    wait_ms(CROWD_WINDOW_MS);
    assert_int_equal(size(), 0);
}

static void a_pause_of_many_windows_forgets_all(void **state)
{
    (void)state;
    be_busy(5);
    wait_ms((int64_t)1000 * CROWD_WINDOW_MS);
    assert_int_equal(size(), 0);
    be_busy(1);
    assert_int_equal(size(), 1);
}

#define TEST(claim) cmocka_unit_test_setup(claim, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_is_busy_at_first),
        TEST(a_client_that_is_busy_twice_counts_once),
        TEST(the_last_window_counts_until_the_present_one_has_more),
        TEST(who_is_no_longer_busy_is_forgotten),
        TEST(a_pause_of_many_windows_forgets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
