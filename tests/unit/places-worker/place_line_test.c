/* Is every line that is not a place refused, and every other understood? */
#include "places-worker/place_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void a_line_is_understood(void **state)
{
    (void)state;
    struct place_line place;
    const char *const line = "neighborhood\tgeonames:5408522\tWestwood\t34.05612\t-118."
                             "43063\t2019\tLos Angeles County, California\tUS";
    assert_int_equal(place_line_parse(slice_of(line), &place), STATUS_OK);

    assert_string_equal(place.kind->types, "neighborhood political");
    assert_string_equal(place.source->name, "geonames");
    assert_true(slice_equals(place.id, slice_of("5408522")));
    assert_true(slice_equals(place.name, slice_of("Westwood")));
    assert_true(slice_equals(place.vicinity, slice_of("Los Angeles County, California")));
    assert_int_equal(place.prominence, 2019);
    assert_true(place.location.latitude > 34.056 && place.location.latitude < 34.057);
    assert_true(place.location.longitude < -118.430 && place.location.longitude > -118.431);
}

static void assert_status(const char *line, enum status wanted)
{
    struct place_line place;
    const enum status status = place_line_parse(slice_of(line), &place);
    if (status != wanted) {
        fail_msg("\"%s\" is %s", line, status_text(status));
    }
}

static void vicinity_and_country_may_be_empty(void **state)
{
    (void)state;
    assert_status("heliport\tourairports:A:B\tPad\t-1\t0\t0\t\t", STATUS_OK);
}

static void what_is_no_place_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "locality\tgeonames:1\tA\t1\t2\t3\tV",
        "locality\tgeonames:1\tA\t1\t2\t3\tV\tUS\t",
        "castle\tgeonames:1\tA\t1\t2\t3\tV\tUS",
        "locality\tnobody:1\tA\t1\t2\t3\tV\tUS",
        "locality\tgeonames\tA\t1\t2\t3\tV\tUS",
        "locality\tgeonames:\tA\t1\t2\t3\tV\tUS",
        "locality\tgeonames:1\t\t1\t2\t3\tV\tUS",
        "locality\tgeonames:1\tA\tx\t2\t3\tV\tUS",
        "locality\tgeonames:1\tA\t\t2\t3\tV\tUS",
        "locality\tgeonames:1\tA\t1\t1e1\t3\tV\tUS",
        "locality\tgeonames:1\tA\t1\t2\t-3\tV\tUS",
        "locality\tgeonames:1\tA\t1\t2\t\tV\tUS",
        "locality\tgeonames:1\tA\t1\t2\t99999999999\tV\tUS",
        "locality\tgeonames:1\tA\xFF\t1\t2\t3\tV\tUS",
        "locality\tgeonames:1\tA\x01\t1\t2\t3\tV\tUS",
        "locality\tgeonames:1\tA\t1\t2\t3\tV\r\tUS",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_status(lines[i], STATUS_MALFORMED);
    }
}

static void what_is_beyond_a_limit_is_told_apart(void **state)
{
    (void)state;
    assert_status("locality\tgeonames:1\tA\t90.1\t2\t3\tV\tUS", STATUS_OUT_OF_RANGE);
    assert_status("locality\tgeonames:1\tA\t1\t-180.1\t3\tV\tUS", STATUS_OUT_OF_RANGE);

    char line[2048];
    const char *const name_at_fault = "locality\tgeonames:1\t%01024d\t1\t2\t3\tV\tUS";
    assert_true(snprintf(line, sizeof line, name_at_fault, 0) > 1024);
    assert_status(line, STATUS_OUT_OF_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_understood),
        cmocka_unit_test(vicinity_and_country_may_be_empty),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(what_is_beyond_a_limit_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
