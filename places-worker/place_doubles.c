/* Three statements, each over pairs that an index brings near each other. */
#include "places-worker/place_doubles.h"

#include "places-worker/circle.h"
#include "places-worker/sql_statement.h"

#include <sqlite3.h>

#include <stddef.h>

/* Degrees that are more than the metres below; beyond 70 degrees of latitude those of longitude may
 * be too few, and a double stays. */
#define NEAR_HUB      "0.02"
#define NEAR_HUB_WIDE "0.06"
#define NEAR_OTHER    "0.005"
#define NEAR_SAME     "0.0005"

#define IS_NEW(place)                                                                              \
    "NOT EXISTS (SELECT 1 FROM place WHERE place.source = ?1 AND place.id = " place ".id)"

static const char alike_sql[] =
    "CREATE INDEX gathered_alike ON gathered (name, kind, latitude, longitude, prominence)";

static const char *const drop_sql[] = {
    "DELETE FROM gathered WHERE id IN ("
    "  WITH hub AS (SELECT number, types,"
    "    CASE WHEN types LIKE 'airport %' THEN 2000 ELSE 150 END AS reach FROM kind"
    "    WHERE types LIKE 'airport %' OR types LIKE 'train_station %')"
    "  SELECT mine.id FROM gathered AS mine CROSS JOIN hub ON hub.number = mine.kind"
    "    CROSS JOIN place_box AS box"
    "      ON box.latitude_max >= mine.latitude - " NEAR_HUB
    "      AND box.latitude_min <= mine.latitude + " NEAR_HUB
    "      AND box.longitude_max >= mine.longitude - " NEAR_HUB_WIDE
    "      AND box.longitude_min <= mine.longitude + " NEAR_HUB_WIDE
    "    CROSS JOIN place AS other ON other.number = box.number AND other.source <> ?1"
    "    CROSS JOIN hub AS theirs ON theirs.number = other.kind AND theirs.types = hub.types"
    "  WHERE is_within(mine.latitude, mine.longitude, other.latitude, other.longitude, hub.reach)"
    "    AND " IS_NEW("mine") ")",

    "DELETE FROM gathered WHERE id IN ("
    "  SELECT mine.id FROM place AS other CROSS JOIN gathered AS mine"
    "    ON mine.name = other.name AND mine.kind = other.kind"
    "    AND mine.latitude BETWEEN other.latitude - " NEAR_OTHER
    "                          AND other.latitude + " NEAR_OTHER "  WHERE other.source <> ?1"
    "    AND is_within(mine.latitude, mine.longitude, other.latitude, other.longitude, 500)"
    "    AND " IS_NEW("mine") ")",

    "DELETE FROM gathered WHERE id IN ("
    "  SELECT mine.id FROM gathered AS other CROSS JOIN gathered AS mine"
    "    ON mine.name = other.name AND mine.kind = other.kind AND mine.id <> other.id"
    "    AND mine.latitude BETWEEN other.latitude - " NEAR_SAME
    "                          AND other.latitude + " NEAR_SAME
    "  WHERE is_within(mine.latitude, mine.longitude, other.latitude, other.longitude, 50)"
    "    AND " IS_NEW("mine") "    AND (other.prominence > mine.prominence"
                              "      OR (other.prominence = mine.prominence AND other.id < mine.id)"
                              "      OR NOT " IS_NEW("other") "))",
};

static void is_within(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const struct location here = {sqlite3_value_double(values[0]), sqlite3_value_double(values[1])};
    const struct location there = {
        sqlite3_value_double(values[2]), sqlite3_value_double(values[3])};
    const struct circle circle = circle_around(here, sqlite3_value_double(values[4]));
    double distance_m;
    sqlite3_result_int(context, circle_contains(&circle, there, &distance_m) ? 1 : 0);
}

bool place_doubles_drop(struct sqlite3 *database, int64_t source, uint64_t *ret_count)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    const int function_code =
        sqlite3_create_function(database, "is_within", 5, flags, NULL, is_within, NULL, NULL);
    uint64_t count = 0;
    if (function_code != SQLITE_OK ||
        sqlite3_exec(database, alike_sql, NULL, NULL, NULL) != SQLITE_OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof drop_sql / sizeof drop_sql[0]; i++) {
        uint64_t dropped;
        if (!sql_statement_change(database, drop_sql[i], source, &dropped)) {
            return false;
        }
        count += dropped;
    }
    *ret_count = count;
    return true;
}
