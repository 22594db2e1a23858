/* Does report_table keep the greatest report of every id, in the order of change, for all who
 * follow it? */
#include "common/random.h"
#include "herd-node/report_table.h"
#include "tests/support/faults.h"

#include <xxhash.h>

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LOCATION "+34.068930-118.445127"

static struct report_table *table_of(uint64_t reports_max, unsigned cursor_count, uint64_t seed)
{
    struct report_table *table;
    assert_int_equal(report_table_create(reports_max, cursor_count, seed, &table), STATUS_OK);
    return table;
}

static struct report_table *any_table(void)
{
    return table_of(1000, 4, 1);
}

/* A report as it comes from a codec: all of it checked. */
static struct report report_of(
    const char *id, const char *location, const char *time, const char *server)
{
    struct report report;
    assert_int_equal(report_from_parts(slice_of(id),
                         slice_of(location),
                         slice_of(time),
                         slice_of(server),
                         1234567890,
                         &report),
        STATUS_OK);
    return report;
}

static struct report simple_report(const char *id, const char *time)
{
    return report_of(id, LOCATION, time, "Goloman");
}

static enum upsert put(struct report_table *table, const char *id, const char *time)
{
    struct report report = simple_report(id, time);
    return report_table_upsert(table, &report, 0);
}

static void assert_same_report(const struct report *got, const struct report *wanted)
{
    assert_true(slice_equals(got->id, wanted->id));
    assert_true(slice_equals(got->location, wanted->location));
    assert_true(slice_equals(got->time, wanted->time));
    assert_true(slice_equals(got->server, wanted->server));
    assert_int_equal(got->time_ns, wanted->time_ns);
    assert_int_equal(got->received_ns, wanted->received_ns);
}

static void assert_holds(const struct report_table *table, const struct report *wanted)
{
    struct report got;
    assert_true(report_table_find(table, wanted->id, &got));
    assert_same_report(&got, wanted);
}

static bool same_digest(const struct report_table *a, const struct report_table *b)
{
    struct digest left = report_table_digest(a);
    struct digest right = report_table_digest(b);
    return left.low == right.low && left.high == right.high;
}

/* ---- Keeping the greater ---- */

static void a_new_table_knows_nothing(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    struct report report;
    struct report_table_item item;

    assert_false(report_table_find(table, slice_of("kiwi"), &report));
    assert_int_equal(report_table_count(table), 0);
    assert_int_equal(report_table_head(table), 0);
    assert_int_equal(report_table_digest(table).low, 0);
    assert_int_equal(report_table_digest(table).high, 0);
    assert_false(report_table_peek(table, 0, UINT64_MAX, &item));
    report_table_destroy(table);
}

static void no_table_can_be_destroyed(void **state)
{
    (void)state;
    report_table_destroy(NULL);
}

static void a_report_is_found_exactly_as_it_was_given(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    struct report report = report_of("kiwi", "+34-118", "1520023934.918963997123", "Hands");

    assert_int_equal(report_table_upsert(table, &report, 0), UPSERT_NEWER);

    assert_holds(table, &report);
    report_table_destroy(table);
}

static void what_it_keeps_is_its_own(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    char id[] = "kiwi";
    char location[] = "+34-118";
    char time[] = "15";
    char server[] = "Hands";
    struct report report = report_of(id, location, time, server);
    report_table_upsert(table, &report, 0);

    memset(id, 'x', 4);
    memset(location, 'x', 7);
    memset(time, 'x', 2);
    memset(server, 'x', 5);

    struct report wanted = report_of("kiwi", "+34-118", "15", "Hands");
    assert_holds(table, &wanted);
    report_table_destroy(table);
}

static void a_newer_report_replaces_an_older_one_and_moves_to_the_end(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    put(table, "kiwi", "10");
    put(table, "lime", "10");

    assert_int_equal(put(table, "kiwi", "11"), UPSERT_NEWER);

    struct report_table_item item;
    struct report wanted = simple_report("kiwi", "11");
    assert_holds(table, &wanted);
    assert_int_equal(report_table_count(table), 2);
    assert_int_equal(report_table_head(table), 3);
    assert_true(report_table_peek(table, 0, 3, &item));
    assert_int_equal(item.lseq, 2);
    report_table_advance(table, 0);
    assert_true(report_table_peek(table, 0, 3, &item));
    assert_int_equal(item.lseq, 3);
    assert_same_report(&item.report, &wanted);
    report_table_destroy(table);
}

static void an_older_report_changes_nothing(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    put(table, "kiwi", "10");
    struct digest digest = report_table_digest(table);

    struct report older = simple_report("kiwi", "9.999999999");
    assert_int_equal(report_table_upsert(table, &older, 7), UPSERT_OLDER);

    struct report_table_item item;
    struct report wanted = simple_report("kiwi", "10");
    assert_holds(table, &wanted);
    assert_int_equal(report_table_head(table), 1);
    assert_true(report_table_digest(table).low == digest.low);
    assert_true(report_table_digest(table).high == digest.high);
    assert_true(report_table_peek(table, 0, 1, &item));
    assert_int_equal(item.known, 0);
    report_table_destroy(table);
}

static void known_bits_join_for_the_same_report_and_are_replaced_with_it(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    struct report first = simple_report("kiwi", "10");
    struct report second = simple_report("kiwi", "11");
    struct report_table_item item;

    report_table_upsert(table, &first, 1);
    assert_int_equal(report_table_upsert(table, &first, UINT32_C(1) << 31), UPSERT_SAME);
    assert_true(report_table_peek(table, 0, 9, &item));
    assert_int_equal(item.known, UINT32_C(1) << 31 | 1);
    assert_int_equal(item.lseq, 1); /* nothing changed */

    assert_int_equal(report_table_upsert(table, &second, 4), UPSERT_NEWER);
    assert_true(report_table_peek(table, 0, 9, &item));
    assert_int_equal(item.known, 4);
    report_table_destroy(table);
}

/* ---- The merge ---- */

enum { VERSIONS = 5 };

/* Versions of two reports, equal in all but one thing where possible. */
static void versions_of(struct report ret_versions[VERSIONS])
{
    ret_versions[0] = report_of("kiwi", "+34-118", "10", "Hands");
    ret_versions[1] = report_of("kiwi", "+34-118", "10", "Welsh");
    ret_versions[2] = report_of("kiwi", "+34-119", "10", "Hands");
    ret_versions[3] = report_of("kiwi", "+34-118", "10.0", "Hands");
    ret_versions[4] = report_of("kiwi", "+34-118", "9", "Wilkes");
}

static struct report_table *merged(const struct report *versions, const size_t *order, size_t count)
{
    struct report_table *table = any_table();
    for (size_t i = 0; i < count; i++) {
        report_table_upsert(table, &versions[order[i]], 0);
    }
    return table;
}

static void merging_is_commutative(void **state)
{
    (void)state;
    struct report versions[VERSIONS];
    versions_of(versions);
    for (size_t a = 0; a < VERSIONS; a++) {
        for (size_t b = 0; b < VERSIONS; b++) {
            struct report_table *one = merged(versions, (size_t[]){a, b}, 2);
            struct report_table *other = merged(versions, (size_t[]){b, a}, 2);
            assert_true(same_digest(one, other));
            report_table_destroy(one);
            report_table_destroy(other);
        }
    }
}

/* max(a, max(b, c)) = max(max(a, b), c), where the inner one is the value of another table. */
static void merging_is_associative(void **state)
{
    (void)state;
    struct report versions[VERSIONS];
    versions_of(versions);
    for (size_t i = 0; i < (size_t)VERSIONS * VERSIONS * VERSIONS; i++) {
        size_t a = i % VERSIONS;
        size_t b = i / VERSIONS % VERSIONS;
        size_t c = i / VERSIONS / VERSIONS;
        struct report_table *left = merged(versions, (size_t[]){a, b, c}, 3);
        struct report_table *inner = merged(versions, (size_t[]){b, c}, 2);
        struct report_table *right = merged(versions, &a, 1);
        struct report value;
        assert_true(report_table_find(inner, slice_of("kiwi"), &value));
        report_table_upsert(right, &value, 0);
        assert_true(same_digest(left, right));
        report_table_destroy(left);
        report_table_destroy(inner);
        report_table_destroy(right);
    }
}

static void merging_is_idempotent(void **state)
{
    (void)state;
    struct report versions[VERSIONS];
    versions_of(versions);
    for (size_t a = 0; a < VERSIONS; a++) {
        struct report_table *once = merged(versions, &a, 1);
        struct report_table *twice = merged(versions, (size_t[]){a, a}, 2);
        assert_true(same_digest(once, twice));
        assert_int_equal(report_table_head(twice), 1);
        report_table_destroy(once);
        report_table_destroy(twice);
    }
}

/* ---- Digest ---- */

static void equal_tables_have_equal_digests_whatever_their_order_and_seed(void **state)
{
    (void)state;
    enum { IDS = 200 };
    struct report_table *one = table_of(1000, 0, 1);
    struct report_table *other = table_of(1000, 0, 2);
    char id[16];
    for (unsigned i = 0; i < IDS; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        put(one, id, "10");
        put(one, id, "11");
        (void)snprintf(id, sizeof id, "client-%u", IDS - 1 - i);
        put(other, id, "11");
        put(other, id, "10");
    }

    assert_true(same_digest(one, other));
    report_table_destroy(one);
    report_table_destroy(other);
}

static void every_part_of_a_report_is_in_the_digest(void **state)
{
    (void)state;
    struct report reports[] = {
        report_of("kiwi", "+34-118", "10", "Hands"),
        report_of("kiwj", "+34-118", "10", "Hands"),
        report_of("kiwi", "+34-117", "10", "Hands"),
        report_of("kiwi", "+34-118", "11", "Hands"),
        report_of("kiwi", "+34-118", "10.0", "Hands"),
        report_of("kiwi", "+34-118", "10", "Welsh"),
        report_of("kiwi", "+34-118", "10", "Hands"),
        report_of("ki", "+34-118", "10", "Hands"),
    };
    reports[6].received_ns++;
    for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
        for (size_t k = 0; k < i; k++) {
            struct report_table *one = any_table();
            struct report_table *other = any_table();
            report_table_upsert(one, &reports[i], 0);
            report_table_upsert(other, &reports[k], 0);
            assert_false(same_digest(one, other));
            report_table_destroy(one);
            report_table_destroy(other);
        }
    }
}

/* ---- Limits ---- */

static void a_full_table_refuses_new_ids_and_still_takes_news_of_known_ones(void **state)
{
    (void)state;
    struct report_table *table = table_of(2, 1, 1);
    put(table, "kiwi", "10");
    put(table, "lime", "10");
    struct digest digest = report_table_digest(table);

    assert_int_equal(put(table, "plum", "10"), UPSERT_REFUSED);
    assert_int_equal(report_table_count(table), 2);
    assert_int_equal(report_table_head(table), 2);
    assert_true(report_table_digest(table).low == digest.low);
    assert_int_equal(put(table, "kiwi", "9"), UPSERT_OLDER);
    assert_int_equal(put(table, "kiwi", "11"), UPSERT_NEWER);
    report_table_destroy(table);
}

static void a_server_beyond_the_last_one_is_refused(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    char id[16];
    char server[16];
    for (unsigned i = 0; i <= REPORT_TABLE_SERVERS_MAX; i++) {
        (void)snprintf(id, sizeof id, "client-%u", i);
        (void)snprintf(server, sizeof server, "server-%u", i);
        struct report report = report_of(id, LOCATION, "10", server);
        enum upsert wanted = i < REPORT_TABLE_SERVERS_MAX ? UPSERT_NEWER : UPSERT_REFUSED;
        assert_int_equal(report_table_upsert(table, &report, 0), wanted);
    }

    struct report known_id = report_of("client-0", LOCATION, "11", "server-255");
    assert_int_equal(report_table_upsert(table, &known_id, 0), UPSERT_REFUSED);
    assert_int_equal(report_table_count(table), REPORT_TABLE_SERVERS_MAX);
    report_table_destroy(table);
}

static void an_id_may_have_any_bytes_but_white_space(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    for (int first = 0; first < 256; first++) {
        char id[2] = {(char)first, '\xff'};
        struct report report;
        enum status status = report_from_parts(slice_of_bytes(id, 2),
            slice_of(LOCATION),
            slice_of("10"),
            slice_of("Hands"),
            1,
            &report);
        assert_int_equal(status, slice_is_space((char)first) ? STATUS_MALFORMED : STATUS_OK);
        if (status == STATUS_OK) {
            assert_int_equal(report_table_upsert(table, &report, 0), UPSERT_NEWER);
            assert_holds(table, &report);
        }
    }
    assert_int_equal(report_table_count(table), 256 - 6);
    report_table_destroy(table);
}

/* Two ids that the index cannot tell apart but by looking at them: found by trying six million. */
static void ids_with_the_same_place_and_tag_stay_apart(void **state)
{
    (void)state;
    enum { SEED = 1 };
    static const char *const ids[] = {"client-29019", "client-2488573"};
    uint64_t hashes[2];
    for (size_t i = 0; i < 2; i++) {
        hashes[i] = XXH3_64bits_withSeed(ids[i], strlen(ids[i]), SEED);
    }
    assert_int_equal(hashes[0] >> 56, hashes[1] >> 56);
    assert_int_equal((uint32_t)hashes[0], (uint32_t)hashes[1]);
    struct report_table *table = table_of(1000, 0, SEED);

    assert_int_equal(put(table, ids[0], "10"), UPSERT_NEWER);
    assert_int_equal(put(table, ids[1], "5"), UPSERT_NEWER);

    struct report wanted[] = {simple_report(ids[0], "10"), simple_report(ids[1], "5")};
    assert_int_equal(report_table_count(table), 2);
    assert_holds(table, &wanted[0]);
    assert_holds(table, &wanted[1]);
    report_table_destroy(table);
}

static void the_longest_report_is_kept(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    static char id[REPORT_BYTES_MAX];
    memset(id, 'k', sizeof id);
    struct report report;
    assert_int_equal(report_from_parts(slice_of_bytes(id, sizeof id - 9),
                         slice_of("+34-118"),
                         slice_of("10"),
                         slice_of("Hands"),
                         1,
                         &report),
        STATUS_OK);

    assert_int_equal(report_table_upsert(table, &report, 0), UPSERT_NEWER);

    assert_holds(table, &report);
    report_table_destroy(table);
}

static void three_hundred_thousand_ids_are_all_found(void **state)
{
    (void)state;
    enum { IDS = 300000 };
    struct report_table *table = table_of(IDS, 1, 7);
    char id[16];
    for (unsigned i = 0; i < IDS; i++) {
        (void)snprintf(id, sizeof id, "client-%06u", i);
        assert_int_equal(put(table, id, "10"), UPSERT_NEWER);
    }

    for (unsigned i = 0; i < IDS; i++) {
        (void)snprintf(id, sizeof id, "client-%06u", i);
        struct report report;
        assert_true(report_table_find(table, slice_of(id), &report));
    }
    struct report report;
    assert_false(report_table_find(table, slice_of("client-300000"), &report));
    assert_int_equal(put(table, "another", "10"), UPSERT_REFUSED);
    assert_true(report_table_memory(table) > IDS * UINT64_C(60));
    assert_true(report_table_memory(table) < IDS * UINT64_C(160));
    report_table_destroy(table);
}

/* Records of 64 bytes, of which the first MiB lacks eight for the last: the address sanitizer sees
 * one that goes beyond. */
static void no_record_goes_beyond_its_part_of_the_memory(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct report_table *table = table_of(COUNT, 0, 1);
    char id[16];
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(id, sizeof id, "%06u", i);
        struct report report = report_of(id, "+34-118", "1", "Goloman");
        assert_int_equal(report_table_upsert(table, &report, 0), UPSERT_NEWER);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(id, sizeof id, "%06u", i);
        struct report report = report_of(id, "+34-118", "1", "Goloman");
        assert_holds(table, &report);
    }
    report_table_destroy(table);
}

static void memory_that_runs_out_at_creation_is_said(void **state)
{
    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct report_table *table;
        faults_begin(nth);
        enum status status = report_table_create(10, 2, 1, &table);
        if (!faults_end()) {
            assert_int_equal(status, STATUS_OK);
            report_table_destroy(table);
            assert_true(nth > 3);
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
    }
}

/* Whatever fails, the table is as before, and the same report can be put in later. */
static void memory_that_runs_out_later_refuses_one_report(void **state)
{
    (void)state;
    struct report_table *table = table_of(100000, 1, 1);
    char id[16];
    unsigned refused = 0;
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(id, sizeof id, "client-%06u", i);
        struct report report = simple_report(id, "10");
        struct digest digest = report_table_digest(table);
        faults_begin(1);
        enum upsert upsert = report_table_upsert(table, &report, 0);
        bool has_failed = faults_end();
        assert_int_equal(upsert, has_failed ? UPSERT_REFUSED : UPSERT_NEWER);
        if (has_failed) {
            refused++;
            assert_true(report_table_digest(table).low == digest.low);
            assert_int_equal(report_table_head(table), i);
            assert_int_equal(report_table_upsert(table, &report, 0), UPSERT_NEWER);
        }
        assert_holds(table, &report);
    }
    assert_true(refused > 10);
    report_table_destroy(table);
}

/* ---- Cursors ---- */

static void a_cursor_meets_reports_in_the_order_of_their_changes(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    put(table, "a", "1");
    put(table, "b", "1");
    put(table, "c", "1");
    put(table, "b", "2");
    struct report_table_item item;
    static const uint64_t wanted[] = {1, 3, 4};

    for (size_t i = 0; i < 3; i++) {
        assert_true(report_table_peek(table, 2, 4, &item));
        assert_int_equal(item.lseq, wanted[i]);
        report_table_advance(table, 2);
    }
    assert_false(report_table_peek(table, 2, UINT64_MAX, &item));
    report_table_destroy(table);
}

static void peek_looks_no_further_than_it_is_told_and_does_not_move(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    put(table, "a", "1");
    put(table, "b", "1");
    struct report_table_item item;
    report_table_advance(table, 0);

    assert_false(report_table_peek(table, 0, 1, &item));
    assert_true(report_table_peek(table, 0, 2, &item));
    assert_true(report_table_peek(table, 0, 2, &item));
    assert_int_equal(item.lseq, 2);
    report_table_destroy(table);
}

static void a_cursor_at_the_end_meets_what_changes_next(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    struct report_table_item item;
    put(table, "a", "1");
    report_table_seek(table, 0, 1);
    assert_false(report_table_peek(table, 0, 9, &item));

    put(table, "a", "2"); /* the very last one moves, to the same place */

    assert_true(report_table_peek(table, 0, 9, &item));
    assert_int_equal(item.lseq, 2);
    report_table_destroy(table);
}

static void a_cursor_goes_on_to_the_next_when_its_report_moves(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    struct report_table_item item;
    put(table, "a", "1");
    put(table, "b", "1");

    put(table, "a", "2"); /* cursor 0 stood before it */

    assert_true(report_table_peek(table, 0, 9, &item));
    assert_int_equal(item.lseq, 2);
    report_table_destroy(table);
}

static void a_report_that_changed_a_thousand_times_is_met_once(void **state)
{
    (void)state;
    struct report_table *table = any_table();
    struct report_table_item item;
    put(table, "still", "1");
    report_table_advance(table, 0);
    for (unsigned i = 1; i <= 1000; i++) {
        char time[16];
        (void)snprintf(time, sizeof time, "%u", i);
        put(table, "busy", time);
    }

    assert_true(report_table_peek(table, 0, UINT64_MAX, &item));
    assert_int_equal(item.lseq, 1001);
    report_table_advance(table, 0);
    assert_false(report_table_peek(table, 0, UINT64_MAX, &item));
    report_table_destroy(table);
}

static void seek_finds_every_place_from_every_other(void **state)
{
    (void)state;
    enum { CHANGES = 24 };
    struct report_table *table = any_table();
    char id[2] = "a";
    for (unsigned i = 0; i < CHANGES; i++) {
        char time[16];
        (void)snprintf(time, sizeof time, "%u", i);
        id[0] = (char)('a' + i * 7 % 10); /* some of them change twice: numbers are missing */
        put(table, id, time);
    }
    for (uint64_t from = 0; from <= CHANGES + 2; from++) {
        for (uint64_t to = 0; to <= CHANGES + 2; to++) {
            struct report_table_item item;
            report_table_seek(table, 0, from);
            report_table_seek(table, 0, to);
            bool is_found = report_table_peek(table, 0, UINT64_MAX, &item);
            /* The first behind `to`, found by walking from the start. */
            report_table_seek(table, 1, 0);
            struct report_table_item walked;
            bool is_walked;
            while ((is_walked = report_table_peek(table, 1, UINT64_MAX, &walked)) &&
                   walked.lseq <= to) {
                report_table_advance(table, 1);
            }
            assert_int_equal(is_found, is_walked);
            if (is_found) {
                assert_int_equal(item.lseq, walked.lseq);
            }
        }
    }
    report_table_destroy(table);
}

/* ---- Everything at once, against a plain model ---- */

enum { MODEL_IDS = 40, MODEL_CURSORS = 5 };

struct model {
    uint64_t lseq[MODEL_IDS]; /* 0: unknown */
    uint64_t time[MODEL_IDS];
    size_t padding[MODEL_IDS];
    uint64_t head;
    uint64_t places[MODEL_CURSORS]; /* the cursor is behind this lseq */
};

/* The id with the smallest lseq behind the place; MODEL_IDS: none. */
static size_t next_of(const struct model *model, uint64_t place)
{
    size_t next = MODEL_IDS;
    for (size_t id = 0; id < MODEL_IDS; id++) {
        if (model->lseq[id] > place && (next == MODEL_IDS || model->lseq[id] < model->lseq[next])) {
            next = id;
        }
    }
    return next;
}

struct model_text {
    char id[16];
    char time[600];
};

static struct report model_report(size_t id, uint64_t time, size_t padding, struct model_text *text)
{
    (void)snprintf(text->id, sizeof text->id, "id-%zu", id);
    int length = snprintf(text->time, 32, "%u.", (unsigned)time);
    memset(text->time + length, '0', padding + 1);
    text->time[(size_t)length + padding + 1] = '\0';
    return report_of(text->id, LOCATION, text->time, "Goloman");
}

static void model_put(struct report_table *table, struct model *model, struct random *random)
{
    size_t id = random_below(random, MODEL_IDS);
    uint64_t time = random_below(random, 1000);
    size_t padding = random_below(random, 500); /* records of all sizes come and go */
    struct model_text text;
    struct report report = model_report(id, time, padding, &text);
    bool is_newer = model->lseq[id] == 0 || time > model->time[id] ||
                    (time == model->time[id] && padding > model->padding[id]);
    bool is_same = model->lseq[id] != 0 && time == model->time[id] && padding == model->padding[id];

    enum upsert wanted = is_newer ? UPSERT_NEWER : is_same ? UPSERT_SAME : UPSERT_OLDER;
    assert_int_equal(report_table_upsert(table, &report, 0), wanted);
    if (is_newer) {
        model->lseq[id] = ++model->head;
        model->time[id] = time;
        model->padding[id] = padding;
    }
}

static void model_check(struct report_table *table, const struct model *model)
{
    for (unsigned cursor = 0; cursor < MODEL_CURSORS; cursor++) {
        struct report_table_item item;
        size_t next = next_of(model, model->places[cursor]);
        bool is_found = report_table_peek(table, cursor, UINT64_MAX, &item);
        assert_int_equal(is_found, next < MODEL_IDS);
        if (is_found) {
            struct model_text text;
            struct report wanted =
                model_report(next, model->time[next], model->padding[next], &text);
            assert_int_equal(item.lseq, model->lseq[next]);
            assert_same_report(&item.report, &wanted);
        }
    }
}

static void random_changes_seeks_and_steps_agree_with_a_plain_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct random random = random_from_seed(seed);
        struct report_table *table = table_of(MODEL_IDS, MODEL_CURSORS, seed);
        struct model model = {0};
        for (int step = 0; step < 2000; step++) {
            unsigned cursor = (unsigned)random_below(&random, MODEL_CURSORS);
            switch (random_below(&random, 4)) {
            case 0:
                model.places[cursor] = random_below(&random, model.head + 1);
                report_table_seek(table, cursor, model.places[cursor]);
                break;
            case 1: {
                size_t next = next_of(&model, model.places[cursor]);
                if (next < MODEL_IDS) {
                    model.places[cursor] = model.lseq[next];
                    report_table_advance(table, cursor);
                }
                break;
            }
            default:
                model_put(table, &model, &random);
            }
            model_check(table, &model);
        }
        assert_int_equal(report_table_head(table), model.head);
        report_table_destroy(table);
    }
}

/* However many there are, so also fewer than are under way at a time, and ids that come twice. */
static void many_at_once_become_what_they_become_one_by_one(void **state)
{
    (void)state;
    enum { COUNT_MAX = 60 };
    struct random random = random_from_seed(1);
    for (size_t count = 0; count <= COUNT_MAX; count++) {
        struct report_table *together = table_of(MODEL_IDS - 1, 1, 1);
        struct report_table *single = table_of(MODEL_IDS - 1, 1, 2);
        for (unsigned round = 0; round < 10; round++) {
            struct model_text texts[COUNT_MAX];
            struct report reports[COUNT_MAX];
            enum upsert upserts[COUNT_MAX];
            for (size_t i = 0; i < count; i++) {
                reports[i] = model_report(random_below(&random, MODEL_IDS),
                    random_below(&random, 100),
                    random_below(&random, 100),
                    &texts[i]);
            }
            report_table_upsert_all(together, reports, count, 0, upserts);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(upserts[i], report_table_upsert(single, &reports[i], 0));
            }
            assert_true(same_digest(together, single));
            assert_int_equal(report_table_head(together), report_table_head(single));
        }
        report_table_destroy(together);
        report_table_destroy(single);
    }
}

/* What shrinks and grows finds the room that others left. */
static void records_of_changing_sizes_do_not_grow_without_bound(void **state)
{
    (void)state;
    struct report_table *table = table_of(100, 1, 1);
    struct model_text text;
    uint64_t memory = 0;
    for (unsigned round = 0; round < 200; round++) {
        for (size_t id = 0; id < 100; id++) {
            struct report report =
                model_report(id, round + 1, ((size_t)37 * round + 11 * id) % 500, &text);
            assert_int_equal(report_table_upsert(table, &report, 0), UPSERT_NEWER);
        }
        if (round == 100) {
            memory = report_table_memory(table);
        }
    }

    assert_int_equal(report_table_memory(table), memory);
    report_table_destroy(table);
}

/* Reports that all grow step by step leave room of every size behind; it must not add up. */
static void reports_that_grow_and_grow_cost_a_small_multiple_of_their_size(void **state)
{
    (void)state;
    enum { IDS = 50, LENGTH = 8000 };
    struct report_table *table = table_of(IDS, 1, 1);
    static char time[LENGTH + 8];
    memset(time, '0', sizeof time);
    time[0] = '1';
    time[1] = '.';
    char id[16];
    for (size_t length = 3; length < LENGTH; length += 8) {
        for (unsigned i = 0; i < IDS; i++) {
            (void)snprintf(id, sizeof id, "client-%u", i);
            struct report report = simple_report(id, "1.0");
            report.time = slice_of_bytes(time, length);
            assert_int_equal(report_table_upsert(table, &report, 0),
                UPSERT_NEWER); /* more digits win, where all else is equal */
        }
    }

    assert_true(report_table_memory(table) < UINT64_C(24) * IDS * LENGTH);
    report_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_table_knows_nothing),
        cmocka_unit_test(no_table_can_be_destroyed),
        cmocka_unit_test(a_report_is_found_exactly_as_it_was_given),
        cmocka_unit_test(what_it_keeps_is_its_own),
        cmocka_unit_test(a_newer_report_replaces_an_older_one_and_moves_to_the_end),
        cmocka_unit_test(an_older_report_changes_nothing),
        cmocka_unit_test(known_bits_join_for_the_same_report_and_are_replaced_with_it),
        cmocka_unit_test(merging_is_commutative),
        cmocka_unit_test(merging_is_associative),
        cmocka_unit_test(merging_is_idempotent),
        cmocka_unit_test(equal_tables_have_equal_digests_whatever_their_order_and_seed),
        cmocka_unit_test(every_part_of_a_report_is_in_the_digest),
        cmocka_unit_test(a_full_table_refuses_new_ids_and_still_takes_news_of_known_ones),
        cmocka_unit_test(a_server_beyond_the_last_one_is_refused),
        cmocka_unit_test(an_id_may_have_any_bytes_but_white_space),
        cmocka_unit_test(ids_with_the_same_place_and_tag_stay_apart),
        cmocka_unit_test(the_longest_report_is_kept),
        cmocka_unit_test(three_hundred_thousand_ids_are_all_found),
        cmocka_unit_test(no_record_goes_beyond_its_part_of_the_memory),
        cmocka_unit_test(memory_that_runs_out_at_creation_is_said),
        cmocka_unit_test(memory_that_runs_out_later_refuses_one_report),
        cmocka_unit_test(a_cursor_meets_reports_in_the_order_of_their_changes),
        cmocka_unit_test(peek_looks_no_further_than_it_is_told_and_does_not_move),
        cmocka_unit_test(a_cursor_at_the_end_meets_what_changes_next),
        cmocka_unit_test(a_cursor_goes_on_to_the_next_when_its_report_moves),
        cmocka_unit_test(a_report_that_changed_a_thousand_times_is_met_once),
        cmocka_unit_test(seek_finds_every_place_from_every_other),
        cmocka_unit_test(random_changes_seeks_and_steps_agree_with_a_plain_model),
        cmocka_unit_test(many_at_once_become_what_they_become_one_by_one),
        cmocka_unit_test(records_of_changing_sizes_do_not_grow_without_bound),
        cmocka_unit_test(reports_that_grow_and_grow_cost_a_small_multiple_of_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
