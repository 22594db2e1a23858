/* Are plus codes those that everybody else computes? */
#include "places-worker/plus_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_code(double latitude, double longitude, const char *wanted)
{
    char code[PLUS_CODE_SIZE];
    plus_code_format((struct location){latitude, longitude}, code);
    assert_string_equal(code, wanted);
}

static void known_places_have_their_known_codes(void **state)
{
    (void)state;
    assert_code(47.0000625, 8.0000625, "8FVC2222+22");
    assert_code(20.3700625, 2.7821875, "7FG49QCJ+2V");
    assert_code(-41.2730625, 174.7859375, "4VCPPQGP+Q9");
    assert_code(-33.8587323, 151.2100055, "4RRH46R6+G2");
    assert_code(-33.8675219, 151.2016502, "4RRH46J2+XM");
    assert_code(1.286785, 103.854503, "6PH57VP3+PR");
}

static void an_area_begins_at_its_south_west_corner(void **state)
{
    (void)state;
    assert_code(0, 0, "6FG22222+22");
    assert_code(-0.000001, -0.000001, "6CFXXXXX+XX");
    assert_code(20.375, 2.775, "7FG49QGG+22");
    assert_code(80.0100000001, 58.57, "CHGW2H6C+22"); /* a step of the grid that no double hits */
}

static void poles_and_the_date_line_have_codes(void **state)
{
    (void)state;
    assert_code(90, 1, "CFX3X2X2+X2");
    assert_code(-90, -180, "22222222+22");
    assert_code(1, 180, "62H22222+22");
    assert_code(1, -180, "62H22222+22");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_places_have_their_known_codes),
        cmocka_unit_test(an_area_begins_at_its_south_west_corner),
        cmocka_unit_test(poles_and_the_date_line_have_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
