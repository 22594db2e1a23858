/* Is a kind of place known by its first type, and worth what a person would say? */
#include "places-worker/place_worth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PLACE "point_of_interest establishment"

static uint64_t prominence_of(const char *types)
{
    return place_worth_of(slice_of(types)).prominence;
}

static enum ranking_family family_of(const char *types)
{
    return place_worth_of(slice_of(types)).family;
}

static void every_family_has_its_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *types;
        enum ranking_family family;
    } cases[] = {
        {"parking " PLACE, RANKING_MINOR},
        {"locality political", RANKING_SETTLEMENTS},
        {"neighborhood political", RANKING_SETTLEMENTS},
        {"airport " PLACE, RANKING_TRANSPORT},
        {"museum tourist_attraction " PLACE, RANKING_SIGHTS},
        {"restaurant food " PLACE, RANKING_FOOD},
        {"lodging " PLACE, RANKING_LODGING},
        {"supermarket grocery_or_supermarket food store " PLACE, RANKING_SHOPS},
        {"hospital health " PLACE, RANKING_SERVICES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(family_of(cases[i].types), cases[i].family);
    }
}

static void the_first_type_tells(void **state)
{
    (void)state;
    assert_int_equal(prominence_of("museum tourist_attraction " PLACE), prominence_of("museum"));
    assert_true(prominence_of("tourist_attraction museum") < prominence_of("museum"));
    assert_int_equal(family_of("cafe store"), RANKING_FOOD);
    assert_int_equal(family_of("store cafe"), RANKING_SHOPS);
}

static void what_strangers_ask_for_is_worth_more_than_what_every_street_has(void **state)
{
    (void)state;
    static const char *const falling[] = {"airport",
        "train_station",
        "museum",
        "tourist_attraction",
        "lodging",
        "restaurant",
        "cafe",
        "bakery",
        "parking"};
    for (size_t i = 1; i < sizeof falling / sizeof falling[0]; i++) {
        if (prominence_of(falling[i - 1]) <= prominence_of(falling[i])) {
            fail_msg("%s is not worth more than %s", falling[i - 1], falling[i]);
        }
    }
}

static void a_shop_of_any_kind_is_a_shop(void **state)
{
    (void)state;
    assert_int_equal(family_of("clothing_store store " PLACE), RANKING_SHOPS);
    assert_int_equal(family_of("car_dealer " PLACE), RANKING_SHOPS);
    assert_int_equal(family_of("drugstore_of_another_name " PLACE), RANKING_SERVICES);
}

static void the_unknown_is_a_service_of_little_worth(void **state)
{
    (void)state;
    static const char *const unknown[] = {PLACE, "", " ", "museums", "muse", "Museum"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(family_of(unknown[i]), RANKING_SERVICES);
        assert_true(prominence_of(unknown[i]) < prominence_of("bank"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_has_its_kinds),
        cmocka_unit_test(the_first_type_tells),
        cmocka_unit_test(what_strangers_ask_for_is_worth_more_than_what_every_street_has),
        cmocka_unit_test(a_shop_of_any_kind_is_a_shop),
        cmocka_unit_test(the_unknown_is_a_service_of_little_worth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
