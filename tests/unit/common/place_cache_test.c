/* Are answers found again as long as they may be, and are they bounded? */
#include "common/place_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct instant start = {.ns = NS_PER_SECOND};

static struct place_key key_of(int number)
{
    const struct nearby nearby = {
        .location = {number, -number}, .radius_m = 1000, .results_max = 20};
    return place_key_of(&nearby);
}

static void keep(struct place_cache *cache, int number, const char *text, int64_t for_ms)
{
    const struct place_key key = key_of(number);
    const struct kept_answer answer = {.status = PLACES_OK,
        .provider = PROVIDER_OVERPASS,
        .until = instant_after_ms(start, for_ms),
        .text = slice_of(text)};
    place_cache_keep(cache, &key, &answer);
}

/* NULL: not found. */
static const char *find(struct place_cache *cache, int number, int64_t after_ms, size_t *ret_length)
{
    const struct place_key key = key_of(number);
    struct kept_answer answer;
    if (!place_cache_find(cache, &key, instant_after_ms(start, after_ms), &answer)) {
        return NULL;
    }
    assert_int_equal(answer.status, PLACES_OK);
    assert_int_equal(answer.provider, PROVIDER_OVERPASS);
    assert_true(instant_is_before(instant_after_ms(start, after_ms), answer.until));
    *ret_length = answer.text.length;
    return answer.text.data;
}

static void assert_found(struct place_cache *cache, int number, const char *wanted)
{
    size_t length = 0;
    const char *const text = find(cache, number, 0, &length);
    assert_non_null(text);
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(text, wanted, length);
}

static bool is_found(struct place_cache *cache, int number, int64_t after_ms)
{
    size_t length;
    return find(cache, number, after_ms, &length) != NULL;
}

static void every_part_of_a_look_up_counts(void **state)
{
    (void)state;
    const struct nearby one = {.location = {1.5, 2.5}, .radius_m = 10, .results_max = 5};
    const struct place_key key = place_key_of(&one);
    struct nearby others[5] = {one, one, one, one, one};
    others[0].location.latitude += 2e-7;
    others[1].location.longitude += 2e-7;
    others[2].radius_m += 0.002;
    others[3].results_max++;
    others[4].timeout_ms++; /* how long somebody waits changes no answer */
    for (size_t i = 0; i < 5; i++) {
        const struct place_key other = place_key_of(&others[i]);
        assert_int_equal(place_key_equals(&key, &other), i == 4);
    }
}

static void what_is_kept_is_found_until_its_time_is_over(void **state)
{
    (void)state;
    struct place_cache *cache;
    assert_int_equal(place_cache_create(10000, &cache), STATUS_OK);
    assert_false(is_found(cache, 1, 0));
    keep(cache, 1, "one", 100);
    keep(cache, 2, "two", 200);
    assert_found(cache, 1, "one");
    assert_found(cache, 2, "two");
    assert_true(is_found(cache, 1, 99));
    assert_false(is_found(cache, 1, 100));
    assert_true(is_found(cache, 2, 100));
    assert_int_equal(place_cache_size(cache).answers, 1); /* the other has gone */
    place_cache_destroy(cache);
}

static void a_newer_answer_replaces_the_older(void **state)
{
    (void)state;
    struct place_cache *cache;
    assert_int_equal(place_cache_create(10000, &cache), STATUS_OK);
    keep(cache, 1, "old", 100);
    keep(cache, 1, "newer", 100);
    assert_found(cache, 1, "newer");
    assert_int_equal(place_cache_size(cache).answers, 1);
    place_cache_destroy(cache);
}

static void the_oldest_go_first(void **state)
{
    (void)state;
    enum { BYTES_MAX = 4096, COUNT = 1000 };
    struct place_cache *cache;
    assert_int_equal(place_cache_create(BYTES_MAX, &cache), STATUS_OK);
    for (int i = 0; i < COUNT; i++) {
        keep(cache, i % 90, "an answer of some length", 100);
        assert_true(place_cache_size(cache).bytes <= BYTES_MAX);
        assert_true(is_found(cache, i % 90, 0));
    }
    const size_t kept = place_cache_size(cache).answers;
    assert_in_range(kept, 10, 89);
    for (int age = 0; age < 90; age++) {
        assert_int_equal(is_found(cache, (COUNT - 1 - age) % 90, 0), (size_t)age < kept);
    }
    place_cache_destroy(cache);
}

static void what_has_no_room_is_not_kept_and_drives_nothing_out(void **state)
{
    (void)state;
    static char large[2000];
    memset(large, 'x', sizeof large - 1);
    struct place_cache *cache;
    assert_int_equal(place_cache_create(1000, &cache), STATUS_OK);
    keep(cache, 1, "one", 100);
    keep(cache, 2, large, 100);
    assert_found(cache, 1, "one");
    assert_false(is_found(cache, 2, 0));
    place_cache_destroy(cache);

    assert_int_equal(place_cache_create(0, &cache), STATUS_OK);
    keep(cache, 1, "one", 100);
    assert_false(is_found(cache, 1, 0));
    place_cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_look_up_counts),
        cmocka_unit_test(what_is_kept_is_found_until_its_time_is_over),
        cmocka_unit_test(a_newer_answer_replaces_the_older),
        cmocka_unit_test(the_oldest_go_first),
        cmocka_unit_test(what_has_no_room_is_not_kept_and_drives_nothing_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
