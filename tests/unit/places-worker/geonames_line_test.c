/* Does a line of a GeoNames dump become the place it describes, or a reason why it is none? */
#include "places-worker/geonames_line.h"
#include "tests/support/exact.h"
#include "tests/support/expect.h"
#include "tests/support/parsed_place.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In memory of just that size, so that a step beyond the end is seen. */
static enum import_verdict parse_bytes(const char *line, size_t length)
{
    char *const exact = exact_copy(line, length);
    const enum import_verdict verdict =
        geonames_line_parse(slice_of_bytes(exact, length), &parsed_place);
    free(exact);
    return verdict;
}

/* A line with these columns; the others are as in the dump. */
static enum import_verdict parse(const char *id,
    const char *name,
    const char *position,
    const char *kind,
    const char *population)
{
    char line[4096];
    const int length = snprintf(line,
        sizeof line,
        "%s\t%s\tascii\tother,names\t%s\t%s\tLI\t\t11\t\t\t\t%s\t\t455\tEurope/Vaduz\t2023-01-01",
        id,
        name,
        position,
        kind,
        population);
    assert_in_range(length, 1, sizeof line - 1);
    return parse_bytes(line, (size_t)length);
}

static void a_settlement_has_all_its_parts(void **state)
{
    (void)state;
    assert_int_equal(
        parse("3042030", "Z\xC3\xBCrich", "47.14151\t-9.52154", "P\tPPLC", "5197"), IMPORT_TAKEN);
    expect_bytes(buffer_slice(&parsed_place.id), "3042030");
    expect_bytes(buffer_slice(&parsed_place.name), "Z\xC3\xBCrich");
    expect_bytes(buffer_slice(&parsed_place.vicinity), "");
    assert_string_equal(parsed_place.types, "locality political");
    assert_float_equal(parsed_place.location.latitude, 47.14151, 1e-9);
    assert_float_equal(parsed_place.location.longitude, -9.52154, 1e-9);
    assert_int_equal(parsed_place.prominence, 5197);
}

static void a_population_may_be_missing_and_counts_for_settlements_only(void **state)
{
    (void)state;
    assert_int_equal(parse("1", "x", "1\t2", "P\tPPL", ""), IMPORT_TAKEN);
    assert_int_equal(parsed_place.prominence, 0);
    assert_int_equal(parse("1", "x", "1\t2", "S\tMUS", "2000000"), IMPORT_TAKEN);
    assert_in_range(parsed_place.prominence, 1, 10000);
}

static void kinds_become_types(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        const char *first; /* of its types; NULL: of no kind that is shown */
    } cases[] = {
        {"P\tPPL", "locality "},
        {"P\tPPLA", "locality "},
        {"P\tPPLX", "neighborhood "},
        {"P\tPPLH", NULL}, /* there no more, likewise */
        {"P\tPPLQ", NULL},
        {"P\tPPLW", NULL},
        {"A\tADM1", "administrative_area_level_1 "},
        {"A\tADM3", NULL},
        {"T\tMT", "natural_feature "},
        {"H\tLK", "natural_feature "},
        {"H\tSTM", NULL}, /* a stream */
        {"L\tPRK", "park "},
        {"S\tAIRP", "airport "},
        {"S\tRSTN", "train_station "},
        {"S\tHTL", "lodging "},
        {"R\tRD", NULL},
        {"S\t", NULL},
        {"\tMUS", NULL},
        {"SS\tMUS", NULL},
        {"s\tMUS", NULL},
        {"T\tMUS", NULL}, /* the code of another class */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const enum import_verdict verdict = parse("1", "x", "1\t2", cases[i].kind, "");
        if (cases[i].first == NULL) {
            assert_int_equal(verdict, IMPORT_NO_KIND);
            continue;
        }
        assert_int_equal(verdict, IMPORT_TAKEN);
        if (strncmp(parsed_place.types, cases[i].first, strlen(cases[i].first)) != 0) {
            fail_msg("%s is %s, and not %s", cases[i].kind, parsed_place.types, cases[i].first);
        }
    }
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *name;
        const char *position;
        const char *population;
        enum import_verdict verdict;
    } cases[] = {
        {"", "x", "1\t2", "", IMPORT_MALFORMED},
        {"-1", "x", "1\t2", "", IMPORT_MALFORMED},
        {"12a", "x", "1\t2", "", IMPORT_MALFORMED},
        {"9223372036854775808", "x", "1\t2", "", IMPORT_MALFORMED},
        {"9223372036854775807", "x", "1\t2", "", IMPORT_TAKEN},
        {"1", "", "1\t2", "", IMPORT_NO_NAME},
        {"1", "x\x1B[31m", "1\t2", "", IMPORT_UNCLEAN},
        {"1", "\xFF", "1\t2", "", IMPORT_UNCLEAN},
        {"1", "x", "\t2", "", IMPORT_MALFORMED},
        {"1", "x", "1\t", "", IMPORT_MALFORMED},
        {"1", "x", "1e1\t2", "", IMPORT_MALFORMED},
        {"1", "x", "+1\t2", "", IMPORT_MALFORMED},
        {"1", "x", "1\tnan", "", IMPORT_MALFORMED},
        {"1", "x", "90.1\t2", "", IMPORT_NO_POSITION},
        {"1", "x", "1\t-180.1", "", IMPORT_NO_POSITION},
        {"1", "x", "-90\t-180", "", IMPORT_TAKEN},
        {"1", "x", "1\t2", "many", IMPORT_MALFORMED},
        {"1", "x", "1\t2", "-1", IMPORT_MALFORMED},
        {"1", "x", "1\t2", "2147483647", IMPORT_TAKEN},
        {"1", "x", "1\t2", "2147483648", IMPORT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const enum import_verdict verdict =
            parse(cases[i].id, cases[i].name, cases[i].position, "P\tPPL", cases[i].population);
        if (verdict != cases[i].verdict) {
            fail_msg("case %zu is %s, and not %s",
                i,
                import_verdict_text(verdict),
                import_verdict_text(cases[i].verdict));
        }
    }
}

static void a_name_beyond_its_limit_is_too_long(void **state)
{
    (void)state;
    char name[2048];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(parse("1", name, "1\t2", "P\tPPL", ""), IMPORT_TOO_LONG);
    assert_int_equal(parse("1", "x", name, "P\tPPL", ""), IMPORT_MALFORMED);
}

static void only_nineteen_columns_are_a_line(void **state)
{
    (void)state;
    static const char line[] =
        "1\tVaduz\tVaduz\tV\t47.1\t9.5\tP\tPPLC\tLI\t\t11\t\t\t\t5197\t\t455\tEurope/Vaduz\t2023";
    const size_t length = sizeof line - 1;
    assert_int_equal(parse_bytes(line, length), IMPORT_TAKEN);
    assert_int_equal(parse_bytes(line, length - 4), IMPORT_TAKEN); /* the last one is empty */
    for (size_t shorter = 0; shorter < length - 4; shorter++) {
        assert_int_equal(parse_bytes(line, shorter), IMPORT_MALFORMED);
    }
    char longer[sizeof line + 1];
    snprintf(longer, sizeof longer, "%s\t", line);
    assert_int_equal(parse_bytes(longer, length + 1), IMPORT_MALFORMED);
}

static void nothing_of_the_line_before_is_left(void **state)
{
    (void)state;
    assert_int_equal(parse("1", "Vaduz", "47\t9", "P\tPPLC", "5197"), IMPORT_TAKEN);
    assert_int_equal(parse("2", "x", "1\t2", "R\tRD", ""), IMPORT_NO_KIND);
    expect_bytes(buffer_slice(&parsed_place.id), "2");
    expect_bytes(buffer_slice(&parsed_place.name), "x");
    assert_null(parsed_place.types);
    assert_int_equal(parsed_place.prominence, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PARSED(a_settlement_has_all_its_parts),
        WITH_PARSED(a_population_may_be_missing_and_counts_for_settlements_only),
        WITH_PARSED(kinds_become_types),
        WITH_PARSED(what_is_wrong_is_told),
        WITH_PARSED(a_name_beyond_its_limit_is_too_long),
        WITH_PARSED(only_nineteen_columns_are_a_line),
        WITH_PARSED(nothing_of_the_line_before_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
