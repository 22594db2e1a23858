/* Is a line valid exactly if it keeps every rule? */
#include "gateway/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_slice(struct slice actual, const char *wanted)
{
    assert_int_equal(actual.length, strlen(wanted));
    assert_memory_equal(actual.data, wanted, actual.length);
}

static void iamat_gives_its_three_fields(void **state)
{
    (void)state;
    const struct command command = command_parse(
        slice_of("IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997"));

    assert_int_equal(command.kind, COMMAND_IAMAT);
    assert_slice(command.id, "kiwi.cs.ucla.edu");
    assert_slice(command.location, "+34.068930-118.445127");
    assert_slice(command.time, "1520023934.918963997");
    assert_int_equal(command.time_ns, 1520023934918963997);
}

static void whatsat_gives_id_metres_and_bound(void **state)
{
    (void)state;
    const struct command command = command_parse(slice_of("WHATSAT kiwi.cs.ucla.edu 10 5"));

    assert_int_equal(command.kind, COMMAND_WHATSAT);
    assert_slice(command.id, "kiwi.cs.ucla.edu");
    assert_float_equal(command.radius_m, 10000.0, 0);
    assert_int_equal(command.results_max, 5);
}

static void radius_is_a_decimal_number_up_to_50_km(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double radius_m;
    } cases[] = {
        {"WHATSAT a 0 1", 0},
        {"WHATSAT a 0.0015 1", 1.5},
        {"WHATSAT a 007.5 1", 7500},
        {"WHATSAT a 50 1", 50000},
        {"WHATSAT a 50.000000000000000000000 1", 50000},
        {"WHATSAT a 49.999999999999999999999 1", 49999.999999},
        {"WHATSAT a 0.1234567890123456789 1", 123.456789},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct command command = command_parse(slice_of(cases[i].line));
        assert_int_equal(command.kind, COMMAND_WHATSAT);
        assert_true(command.radius_m <= cases[i].radius_m + 1e-9);
        assert_true(command.radius_m >= cases[i].radius_m - 1e-9 - 1e-6);
        assert_true(command.radius_m <= 50000);
    }
}

/* Every line here is valid. */
static const char *const valid_lines[] = {
    "IAMAT a +34-118 0",
    "IAMAT a +34.5-118.25 1",
    "IAMAT a -90+180 1520023934.9189639",
    "IAMAT a +90.000-180.0 1520023934.918",
    "IAMAT a +00-000 00000000000000000001.5",
    "  IAMAT\ta\v\f+34-118\r1  ",
    "IAMAT IAMAT +1+1 1",
    "IAMAT ? +1+1 1",
    "IAMAT \xC3\xA4\xFF\x01 +1+1 1",
    "IAMAT a +1+1 1.0000000000000000000000000001",
    "IAMAT a +1.5+1 9223372036.854775807",
    "WHATSAT a 10 20",
    "WHATSAT a 10 0",
    "WHATSAT a 0 5",
    "WHATSAT a 0.5 5",
    "WHATSAT a 10 020",
    "\tWHATSAT  a  10  5 ",
};

/* Every line here breaks one rule. */
static const char *const invalid_lines[] = {
    "",
    " ",
    "\r",
    "\t\v\f",
    "IAMAT",
    "IAMAT a",
    "IAMAT a +34-118",
    "IAMAT a +34-118 1 2",
    "IAMAT +34-118 1",
    "iamat a +34-118 1",
    "Iamat a +34-118 1",
    "IAMATa +34-118 1",
    "IAMA a +34-118 1",
    "IAMATS a +34-118 1",
    "IAMAT a 34-118 1",
    "IAMAT a +34118 1",
    "IAMAT a +34 1",
    "IAMAT a +34- 1",
    "IAMAT a +-118 1",
    "IAMAT a ++34-118 1",
    "IAMAT a +34.-118 1",
    "IAMAT a +.5-118 1",
    "IAMAT a +34-118. 1",
    "IAMAT a +34-118.5.5 1",
    "IAMAT a +34,5-118 1",
    "IAMAT a +34-118/ 1",
    "IAMAT a +34-118+5 1",
    "IAMAT a +90.0000000000000000000000001+0 1",
    "IAMAT a -91+0 1",
    "IAMAT a +0+180.0000000000000000000000001 1",
    "IAMAT a +0-181 1",
    "IAMAT a +1e1+0 1",
    "IAMAT a +0x1+0 1",
    "IAMAT a +nan+0 1",
    "IAMAT a +inf+0 1",
    "IAMAT a +34-118 -1",
    "IAMAT a +34-118 +1",
    "IAMAT a +34-118 1.",
    "IAMAT a +34-118 .5",
    "IAMAT a +34-118 1e9",
    "IAMAT a +34-118 0x10",
    "IAMAT a +34-118 inf",
    "IAMAT a +34-118 nan",
    "IAMAT a +34-118 1.5.5",
    "IAMAT a +34-118 1,5",
    "IAMAT a +34-118 1_000",
    "IAMAT a +34-118 99999999999999999999",
    "WHATSAT",
    "WHATSAT a",
    "WHATSAT a 10",
    "WHATSAT a 10 5 5",
    "WHATSAT 10 5",
    "whatsat a 10 5",
    "WHATSAT a 51 5",
    "WHATSAT a 50.0000000000000000000000001 5",
    "WHATSAT a -1 5",
    "WHATSAT a +5 5",
    "WHATSAT a 10. 5",
    "WHATSAT a .5 5",
    "WHATSAT a 1e1 5",
    "WHATSAT a 0x5 5",
    "WHATSAT a nan 5",
    "WHATSAT a inf 5",
    "WHATSAT a 10 21",
    "WHATSAT a 10 -1",
    "WHATSAT a 10 +5",
    "WHATSAT a 10 5.0",
    "WHATSAT a 10 5a",
    "WHATSAT a 10 99999999999999999999999999",
    "AT Goloman +0.26 kiwi +34-118 1520023934.9",
    "QUIT",
    "?",
    "? IAMAT a +34-118 1",
    "HELLO world",
    "GET / HTTP/1.1",
};

static void valid_lines_are_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof valid_lines / sizeof valid_lines[0]; i++) {
        if (command_parse(slice_of(valid_lines[i])).kind == COMMAND_INVALID) {
            fail_msg("wanted a command, got none: \"%s\"", valid_lines[i]);
        }
    }
}

static void lines_that_break_a_rule_are_invalid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof invalid_lines / sizeof invalid_lines[0]; i++) {
        if (command_parse(slice_of(invalid_lines[i])).kind != COMMAND_INVALID) {
            fail_msg("wanted none, got a command: \"%s\"", invalid_lines[i]);
        }
    }
}

static void a_zero_byte_is_part_of_an_id_and_of_no_number(void **state)
{
    (void)state;
    const struct command command = command_parse(slice_of_bytes("WHATSAT a\0b 1 1", 15));
    assert_int_equal(command.kind, COMMAND_WHATSAT);
    assert_int_equal(command.id.length, 3);

    assert_int_equal(command_parse(slice_of_bytes("WHATSAT a 1 1\0", 14)).kind, COMMAND_INVALID);
    assert_int_equal(command_parse(slice_of_bytes("IAMAT a +1+1\0 1", 15)).kind, COMMAND_INVALID);
    assert_int_equal(command_parse(slice_of_bytes("IAMAT\0 a +1+1 1", 15)).kind, COMMAND_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iamat_gives_its_three_fields),
        cmocka_unit_test(whatsat_gives_id_metres_and_bound),
        cmocka_unit_test(radius_is_a_decimal_number_up_to_50_km),
        cmocka_unit_test(valid_lines_are_commands),
        cmocka_unit_test(lines_that_break_a_rule_are_invalid),
        cmocka_unit_test(a_zero_byte_is_part_of_an_id_and_of_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
