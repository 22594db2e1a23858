/* Do tags become the types and the address that a person would expect? */
#include "places-worker/osm_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TAGS_MAX = 8 };

struct tags {
    size_t count;
    struct osm_tag tags[TAGS_MAX];
};

/* From "key=value key=value". */
static struct tags tags_of(const char *text)
{
    struct tags tags = {0};
    struct slice rest = slice_of(text);
    for (struct slice word = slice_next_word(&rest); word.length > 0;
         word = slice_next_word(&rest)) {
        const char *const equals = memchr(word.data, '=', word.length);
        assert_non_null(equals);
        assert_true(tags.count < TAGS_MAX);
        const size_t key_length = (size_t)(equals - word.data);
        tags.tags[tags.count++] = (struct osm_tag){
            .key = slice_of_bytes(word.data, key_length),
            .value = slice_from(word, key_length + 1),
        };
    }
    return tags;
}

static const char *types_of(const char *text)
{
    const struct tags tags = tags_of(text);
    return osm_types(tags.tags, tags.count);
}

static void kinds_have_googles_types(void **state)
{
    (void)state;
    static const struct {
        const char *tags;
        const char *types;
    } cases[] = {
        {"amenity=cafe", "cafe food store point_of_interest establishment"},
        {"name=x amenity=pub", "bar point_of_interest establishment"},
        {"amenity=biergarten", "bar point_of_interest establishment"},
        {"shop=supermarket",
            "supermarket grocery_or_supermarket food store point_of_interest establishment"},
        {"shop=candles", "store point_of_interest establishment"},
        {"tourism=guest_house", "lodging point_of_interest establishment"},
        {"historic=castle", "tourist_attraction point_of_interest establishment"},
        {"railway=halt", "train_station transit_station point_of_interest establishment"},
        {"aeroway=aerodrome", "airport point_of_interest establishment"},
        {"landuse=cemetery", "cemetery point_of_interest establishment"},
        {"amenity=theatre", "point_of_interest establishment"},
        {"leisure=marina", "point_of_interest establishment"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(types_of(cases[i].tags), cases[i].types);
    }
}

static void a_second_tag_can_say_it_more_exactly(void **state)
{
    (void)state;
    assert_string_equal(types_of("amenity=place_of_worship religion=muslim"),
        "mosque place_of_worship point_of_interest establishment");
    assert_string_equal(types_of("religion=pastafarian amenity=place_of_worship"),
        "place_of_worship point_of_interest establishment");
    assert_string_equal(types_of("railway=station station=subway"),
        "subway_station train_station transit_station point_of_interest establishment");
}

static void what_a_thing_is_used_for_counts_more_than_its_age(void **state)
{
    (void)state;
    assert_string_equal(
        types_of("historic=yes tourism=hotel"), "lodging point_of_interest establishment");
}

static void of_several_values_the_first_counts(void **state)
{
    (void)state;
    assert_string_equal(types_of("amenity=cafe;bar"), types_of("amenity=cafe"));
    assert_null(types_of("amenity=;bar"));
}

static void nobody_looks_for_benches_guideposts_and_houses(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
        "building=house addr:housenumber=3",
        "amenity=bench",
        "amenity=no",
        "shop=no",
        "tourism=information information=guidepost",
        "tourism=information"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(types_of(cases[i]));
    }
    assert_non_null(types_of("tourism=information information=office"));
}

static void equal_kinds_are_the_same_pointer(void **state)
{
    (void)state;
    assert_ptr_equal(types_of("amenity=bar"), types_of("amenity=pub name=x"));
}

static void assert_vicinity(const char *text, const char *wanted)
{
    const struct tags tags = tags_of(text);
    struct buffer vicinity = buffer_with_max(100);
    assert_int_equal(osm_vicinity_append(&vicinity, tags.tags, tags.count), STATUS_OK);
    assert_int_equal(vicinity.length, strlen(wanted));
    assert_memory_equal(vicinity.length > 0 ? vicinity.data : "", wanted, vicinity.length);
    buffer_clear(&vicinity);
}

static void the_vicinity_is_street_number_and_town(void **state)
{
    (void)state;
    assert_vicinity(
        "addr:street=Dorfstrasse addr:housenumber=24 addr:city=Vaduz", "Dorfstrasse 24, Vaduz");
    assert_vicinity(
        "addr:street=Broxton addr:housenumber=1099 addr:city=LA addr:state=CA", "1099 Broxton, LA");
    assert_vicinity("addr:street=Broxton addr:state=CA", "Broxton");
    assert_vicinity("addr:place=Masescha addr:housenumber=2", "Masescha 2");
    assert_vicinity("addr:city=Vaduz addr:housenumber=2", "Vaduz");
    assert_vicinity("addr:housenumber=2", "");
    assert_vicinity("", "");
}

static void a_vicinity_that_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    const struct tags tags = tags_of("addr:street=Dorfstrasse addr:city=Vaduz");
    struct buffer vicinity = buffer_with_max(15);
    assert_int_equal(osm_vicinity_append(&vicinity, tags.tags, tags.count), STATUS_FULL);
    assert_int_equal(vicinity.length, 0);
    buffer_clear(&vicinity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_googles_types),
        cmocka_unit_test(a_second_tag_can_say_it_more_exactly),
        cmocka_unit_test(what_a_thing_is_used_for_counts_more_than_its_age),
        cmocka_unit_test(of_several_values_the_first_counts),
        cmocka_unit_test(nobody_looks_for_benches_guideposts_and_houses),
        cmocka_unit_test(equal_kinds_are_the_same_pointer),
        cmocka_unit_test(the_vicinity_is_street_number_and_town),
        cmocka_unit_test(a_vicinity_that_does_not_fit_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
