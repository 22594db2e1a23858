/* Does an import add all of its places or none, and leave alone what is not its own? */
#include "places-worker/place_importer.h"
#include "places-worker/place_schema.h"
#include "places-worker/place_store.h"
#include "tests/support/found_places.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of its own for each test, with the database's path in it. */
struct folder {
    char path[64];
    char database[80];
    struct buffer complaint;
    struct import_place place;
    bool is_stopped;
};

static int make_folder(void **state)
{
    struct folder *const folder = calloc(1, sizeof *folder);
    assert_non_null(folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/place_importer_test.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->database, sizeof folder->database, "%s/places.sqlite", folder->path);
    folder->complaint = buffer_with_max(1024);
    folder->place = import_place_none();
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *const folder = *state;
    unlink(folder->database);
    assert_int_equal(rmdir(folder->path), 0); /* no test leaves anything else */
    buffer_clear(&folder->complaint);
    import_place_clear(&folder->place);
    free(folder);
    return 0;
}

static bool is_stopped(void *context)
{
    return ((struct folder *)context)->is_stopped;
}

static struct place_importer_settings settings_of(struct folder *folder, const char *source)
{
    return (struct place_importer_settings){
        .path = folder->database,
        .source = source,
        .attribution = "<b>Us</b>",
        .is_stopped = is_stopped,
        .context = folder,
    };
}

static struct place_importer *open_importer(struct folder *folder, const char *source)
{
    struct place_importer *importer = NULL;
    const struct place_importer_settings settings = settings_of(folder, source);
    if (place_importer_open(&settings, &importer, &folder->complaint) != STATUS_OK) {
        fail_msg("%.*s", (int)folder->complaint.length, folder->complaint.data);
    }
    return importer;
}

static void add(struct folder *folder,
    struct place_importer *importer,
    const char *id,
    const char *name,
    double latitude,
    const char *vicinity)
{
    struct import_place *const place = &folder->place;
    import_place_reset(place);
    assert_int_equal(buffer_append_text(&place->id, id), STATUS_OK);
    assert_int_equal(buffer_append_text(&place->name, name), STATUS_OK);
    assert_int_equal(buffer_append_text(&place->vicinity, vicinity), STATUS_OK);
    place->types = "cafe food store point_of_interest establishment";
    place->location = (struct location){latitude, 9.5};
    place->prominence = 400;
    assert_int_equal(place_importer_add(importer, place, &folder->complaint), STATUS_OK);
}

static struct place_importer_counts commit(struct folder *folder, struct place_importer *importer)
{
    struct place_importer_counts counts;
    if (place_importer_commit(importer, &counts, &folder->complaint) != STATUS_OK) {
        fail_msg("%.*s", (int)folder->complaint.length, folder->complaint.data);
    }
    place_importer_close(importer);
    return counts;
}

/* Imports one place. */
static struct place_importer_counts import_one(struct folder *folder,
    const char *source,
    const char *id,
    const char *name,
    double latitude,
    const char *vicinity)
{
    struct place_importer *const importer = open_importer(folder, source);
    add(folder, importer, id, name, latitude, vicinity);
    return commit(folder, importer);
}

static struct place_results results; /* large */

/* Checks all names near +47+9.5, nearest first, written `A B C`. */
static void assert_names(struct folder *folder, const char *wanted)
{
    struct place_store *store;
    assert_int_equal(place_store_open(folder->database, &store, &folder->complaint), STATUS_OK);
    const struct place_query query = {
        .centre = {47, 9.5},
        .radius_m = 50000,
        .results_max = 20,
        .order = RANKING_BY_DISTANCE,
        .deadline = INSTANT_NEVER,
    };
    assert_int_equal(place_store_find(store, &query, &results), STATUS_OK);
    found_places_expect(&results, wanted);
    place_store_close(store);
}

static ino_t inode_of(const char *path)
{
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    return file.st_ino;
}

static void a_place_comes_back_whole(void **state)
{
    struct folder *const folder = *state;
    const struct place_importer_counts counts =
        import_one(folder, "osm", "node/7", "Caf\xC3\xA9", 47.1, "Gasse 1");

    assert_int_equal(counts.added, 1);
    struct place_store *store;
    const struct place_query query = {
        .centre = {47.1, 9.5}, .radius_m = 10, .results_max = 1, .deadline = INSTANT_NEVER};
    assert_int_equal(place_store_open(folder->database, &store, &folder->complaint), STATUS_OK);
    assert_int_equal(place_store_find(store, &query, &results), STATUS_OK);
    const struct place *const place = &results.places[0];
    assert_true(slice_equals(place->id, slice_of("osm:node/7")));
    assert_true(slice_equals(place->name, slice_of("Caf\xC3\xA9")));
    assert_true(slice_equals(place->vicinity, slice_of("Gasse 1")));
    assert_true(
        slice_equals(place->types, slice_of("cafe food store point_of_interest establishment")));
    assert_true(slice_equals(place->attribution, slice_of("<b>Us</b>")));
    place_store_close(store);
}

static void importing_again_changes_nothing(void **state)
{
    struct folder *const folder = *state;
    import_one(folder, "osm", "node/7", "A", 47.1, "");
    const ino_t before = inode_of(folder->database);
    const struct place_importer_counts counts = import_one(folder, "osm", "node/7", "A", 47.1, "");

    assert_int_equal(counts.unchanged, 1);
    assert_int_equal(counts.added + counts.replaced, 0);
    assert_int_equal(inode_of(folder->database), before);
    assert_names(folder, "A");
}

static void the_same_id_is_replaced_and_moves(void **state)
{
    struct folder *const folder = *state;
    import_one(folder, "osm", "node/7", "Old", 47.1, "Gasse 1");
    import_one(folder, "osm", "node/8", "Other", 47.2, "");
    const struct place_importer_counts counts =
        import_one(folder, "osm", "node/7", "New", 47.3, "");

    assert_int_equal(counts.replaced, 1);
    assert_int_equal(counts.added, 0);
    assert_names(folder, "Other New");
    assert_true(slice_equals(results.places[1].vicinity, slice_of("Gasse 1"))); /* still known */
}

static void the_same_id_of_another_source_is_another_place(void **state)
{
    struct folder *const folder = *state;
    import_one(folder, "osm", "node/7", "One", 47.1, "");
    import_one(folder, "mine", "node/7", "Two", 47.2, "");

    assert_names(folder, "One Two");
}

static void of_two_with_one_id_the_later_stays(void **state)
{
    struct folder *const folder = *state;
    struct place_importer *const importer = open_importer(folder, "osm");
    add(folder, importer, "way/1", "First", 47.1, "");
    add(folder, importer, "way/1", "Second", 47.1, "");
    const struct place_importer_counts counts = commit(folder, importer);

    assert_int_equal(counts.repeated, 1);
    assert_int_equal(counts.added, 1);
    assert_names(folder, "Second");
}

static void what_is_not_committed_leaves_the_old_data(void **state)
{
    struct folder *const folder = *state;
    import_one(folder, "osm", "node/7", "Old", 47.1, "");
    struct place_importer *const importer = open_importer(folder, "osm");
    add(folder, importer, "node/7", "New", 47.1, "");
    place_importer_close(importer);

    assert_names(folder, "Old");
}

static void stopped_at_the_very_end_it_leaves_the_old_data(void **state)
{
    struct folder *const folder = *state;
    import_one(folder, "osm", "node/7", "Old", 47.1, "");
    struct place_importer *const importer = open_importer(folder, "osm");
    add(folder, importer, "node/7", "New", 47.1, "");
    folder->is_stopped = true;
    struct place_importer_counts counts;

    assert_int_equal(place_importer_commit(importer, &counts, &folder->complaint), STATUS_CLOSED);
    place_importer_close(importer);
    assert_names(folder, "Old");
}

static void there_is_one_import_at_a_time(void **state)
{
    struct folder *const folder = *state;
    struct place_importer *const first = open_importer(folder, "osm");
    struct place_importer *second = NULL;
    const struct place_importer_settings settings = settings_of(folder, "osm");

    assert_int_equal(
        place_importer_open(&settings, &second, &folder->complaint), STATUS_ADDRESS_IN_USE);
    add(folder, first, "node/7", "A", 47.1, "");
    commit(folder, first);
    assert_names(folder, "A");
}

static void what_a_killed_import_left_is_no_hindrance(void **state)
{
    struct folder *const folder = *state;
    char leftover[96];
    snprintf(leftover, sizeof leftover, "%s.new", folder->database);
    const int file = open(leftover, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, "half of something", 17), 17);
    close(file);

    import_one(folder, "osm", "node/7", "A", 47.1, "");
    assert_names(folder, "A");
}

static void the_mode_of_the_file_stays(void **state)
{
    struct folder *const folder = *state;
    import_one(folder, "osm", "node/7", "A", 47.1, "");
    assert_int_equal(chmod(folder->database, 0640), 0);
    import_one(folder, "osm", "node/8", "B", 47.2, "");

    struct stat file;
    assert_int_equal(stat(folder->database, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0640);
}

static void a_link_is_followed_and_stays(void **state)
{
    struct folder *const folder = *state;
    char link_path[96];
    snprintf(link_path, sizeof link_path, "%s/link", folder->path);
    import_one(folder, "osm", "node/7", "A", 47.1, "");
    assert_int_equal(symlink(folder->database, link_path), 0);
    struct place_importer_settings settings = settings_of(folder, "osm");
    settings.path = link_path;
    struct place_importer *importer = NULL;
    assert_int_equal(place_importer_open(&settings, &importer, &folder->complaint), STATUS_OK);
    add(folder, importer, "node/8", "B", 47.2, "");
    commit(folder, importer);

    struct stat file;
    assert_int_equal(lstat(link_path, &file), 0);
    assert_true(S_ISLNK(file.st_mode));
    assert_names(folder, "A B");
    assert_int_equal(unlink(link_path), 0);
}

static void a_source_needs_a_credit_once(void **state)
{
    struct folder *const folder = *state;
    struct place_importer_settings settings = settings_of(folder, "mine");
    struct place_importer *importer = NULL;
    settings.attribution = NULL;
    assert_int_equal(
        place_importer_open(&settings, &importer, &folder->complaint), STATUS_NOT_FOUND);

    import_one(folder, "mine", "node/7", "A", 47.1, "");
    assert_int_equal(place_importer_open(&settings, &importer, &folder->complaint), STATUS_OK);
    place_importer_close(importer);
}

static void sources_beyond_the_limit_are_refused(void **state)
{
    struct folder *const folder = *state;
    char name[16];
    for (int i = 0; i < PLACE_SCHEMA_SOURCES_MAX; i++) {
        snprintf(name, sizeof name, "source%d", i);
        struct place_importer *const importer = open_importer(folder, name);
        commit(folder, importer);
    }
    struct place_importer *importer = NULL;
    const struct place_importer_settings settings = settings_of(folder, "another");

    assert_int_equal(place_importer_open(&settings, &importer, &folder->complaint), STATUS_FULL);
    assert_names(folder, "");
}

static void what_is_no_places_database_is_told_and_left_alone(void **state)
{
    struct folder *const folder = *state;
    const int file = open(folder->database, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(file, "no database at all", 18), 18);
    close(file);
    struct place_importer *importer = NULL;
    const struct place_importer_settings settings = settings_of(folder, "osm");

    assert_int_equal(
        place_importer_open(&settings, &importer, &folder->complaint), STATUS_MALFORMED);
    assert_true(folder->complaint.length > 0);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct folder *const folder = *state;
    struct place_importer_settings settings = settings_of(folder, "osm");
    struct place_importer *importer = NULL;
    settings.path = "/tmp/place_importer_test.nowhere/places.sqlite";

    assert_int_equal(place_importer_open(&settings, &importer, &folder->complaint), STATUS_IO);
    assert_true(folder->complaint.length > 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_place_comes_back_whole),
        IN_FOLDER(importing_again_changes_nothing),
        IN_FOLDER(the_same_id_is_replaced_and_moves),
        IN_FOLDER(the_same_id_of_another_source_is_another_place),
        IN_FOLDER(of_two_with_one_id_the_later_stays),
        IN_FOLDER(what_is_not_committed_leaves_the_old_data),
        IN_FOLDER(stopped_at_the_very_end_it_leaves_the_old_data),
        IN_FOLDER(there_is_one_import_at_a_time),
        IN_FOLDER(what_a_killed_import_left_is_no_hindrance),
        IN_FOLDER(the_mode_of_the_file_stays),
        IN_FOLDER(a_link_is_followed_and_stays),
        IN_FOLDER(a_source_needs_a_credit_once),
        IN_FOLDER(sources_beyond_the_limit_are_refused),
        IN_FOLDER(what_is_no_places_database_is_told_and_left_alone),
        IN_FOLDER(a_folder_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
