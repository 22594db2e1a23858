/* Does every look-up end once, in time, with places or with words that help? */
#include "common/buffer.h"
#include "common/message_codec.h"
#include "gateway/lookups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Worker 0 has lanes 0 and 1, worker 1 has lane 2. */
enum { WORKERS = 2, LANES = 3, TIMEOUT_MS = 5000, ALL_MS = TIMEOUT_MS + LOOKUPS_MARGIN_MS };

static struct {
    struct lookups *lookups;
    struct instant now;
    struct buffer trace;
    struct buffer json;   /* of the last answer */
    struct nearby nearby; /* the last that was sent */
    uint64_t ticket;
} scene;

static void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void trace(const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 overlooks va_start */
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < sizeof text);
    if (scene.trace.length > 0) {
        assert_int_equal(buffer_append_text(&scene.trace, " "), STATUS_OK);
    }
    assert_int_equal(buffer_append_text(&scene.trace, text), STATUS_OK);
}

static void perform(void)
{
    const struct lookups_effect *effect;
    while ((effect = lookups_next_effect(scene.lookups)) != NULL) {
        switch (effect->kind) {
        case LOOKUPS_SEND:
            assert_int_equal(nearby_decode(effect->bytes, &scene.nearby), STATUS_OK);
            trace("%zu<%u", effect->lane, scene.nearby.results_max);
            break;
        case LOOKUPS_CANCEL:
            trace("cancel:%zu", effect->lane);
            break;
        case LOOKUPS_REDIAL:
            trace("redial:%zu", effect->lane);
            break;
        case LOOKUPS_DONE:
            buffer_reset(&scene.json);
            assert_int_equal(buffer_append(&scene.json, effect->json), STATUS_OK);
            trace("%.*s%s%u",
                (int)effect->at_line.length,
                effect->at_line.data,
                effect->fault == NULL ? "=" : "?",
                (unsigned)effect->origin.ticket);
            break;
        case LOOKUPS_WORKER_UP:
            trace("up:%zu", effect->worker);
            break;
        case LOOKUPS_WORKER_DOWN:
            trace("down:%zu", effect->worker);
            break;
        case LOOKUPS_FAULT:
            trace("fault:%zu", effect->lane);
            break;
        }
    }
}

static void expect(const char *wanted)
{
    const struct slice actual = buffer_slice(&scene.trace);
    if (!slice_equals(actual, slice_of(wanted))) {
        fail_msg("wanted \"%s\", got \"%.*s\"", wanted, (int)actual.length, actual.data);
    }
    buffer_reset(&scene.trace);
}

static void expect_json(const char *wanted)
{
    assert_int_equal(buffer_append_text(&scene.json, ""), STATUS_OK);
    assert_int_equal(scene.json.length, strlen(wanted));
    assert_memory_equal(scene.json.data, wanted, scene.json.length);
}

static bool json_has(const char *part)
{
    const size_t length = strlen(part);
    for (size_t i = 0; i + length <= scene.json.length; i++) {
        if (memcmp(scene.json.data + i, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static void wait_ms(int64_t milliseconds)
{
    scene.now = instant_after_ms(scene.now, milliseconds);
    lookups_tick(scene.lookups, scene.now);
    perform();
}

static void connect(size_t lane)
{
    lookups_lane_connected(scene.lookups, scene.now, lane);
    perform();
}

static void connect_all(void)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        connect(lane);
    }
    buffer_reset(&scene.trace);
}

static void lose(size_t lane)
{
    lookups_lane_lost(scene.lookups, scene.now, lane);
    perform();
}

static void break_off(size_t lane, enum status status)
{
    lookups_lane_failed(scene.lookups, scene.now, lane, status);
    perform();
}

/* Asks for as many results as its ticket says, so that a request shows whose it is. */
static void ask(void)
{
    const struct lookups_question question = {
        .origin = {.client = 1, .generation = 2, .ticket = scene.ticket++},
        .at_line = slice_of("AT"),
        .location = {.latitude = 1, .longitude = 2},
        .radius_m = 3,
        .results_max = (unsigned)(scene.ticket - 1) % 20,
    };
    lookups_ask(scene.lookups, scene.now, &question);
    perform();
}

static void respond_to_keep(size_t lane, const char *json, uint32_t keep_ms)
{
    struct buffer message = buffer_with_max(1024);
    const struct places places = {.keep_ms = keep_ms, .json = slice_of(json)};
    assert_int_equal(places_encode(&message, &places), STATUS_OK);
    lookups_lane_response(scene.lookups, scene.now, lane, buffer_slice(&message));
    perform();
    buffer_clear(&message);
}

static void respond(size_t lane, const char *json)
{
    respond_to_keep(lane, json, 0);
}

static void respond_wrongly(size_t lane)
{
    lookups_lane_response(scene.lookups, scene.now, lane, slice_of("garbage"));
    perform();
}

static int begin(void **state)
{
    (void)state;
    static const unsigned threads[WORKERS] = {2, 1};
    scene.now = (struct instant){.ns = 1000 * (int64_t)NS_PER_SECOND};
    scene.trace = buffer_with_max((size_t)1024 * 1024);
    scene.json = buffer_with_max(4096);
    scene.ticket = 0;
    const struct lookups_settings settings = {.worker_count = WORKERS,
        .threads = threads,
        .timeout_ms = TIMEOUT_MS,
        .cache_bytes_max = 1000,
        .now = scene.now};
    return lookups_create(&settings, &scene.lookups) == STATUS_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    lookups_destroy(scene.lookups);
    buffer_clear(&scene.trace);
    buffer_clear(&scene.json);
    return 0;
}

/* The question with this number of results once more. */
static void ask_again(uint64_t ticket)
{
    const uint64_t next = scene.ticket;
    scene.ticket = ticket;
    ask();
    scene.ticket = next;
}

static void an_answer_that_may_be_kept_is_given_again_until_its_time_is_over(void **state)
{
    (void)state;
    connect_all();
    ask();
    respond_to_keep(2, "{\"kept\"}", 1000);
    buffer_reset(&scene.trace);

    wait_ms(999);
    ask_again(0);
    expect("AT=0"); /* nobody was asked */
    expect_json("{\"kept\"}");
    assert_int_equal(lookups_view(scene.lookups).cached, 1);
    assert_int_equal(lookups_view(scene.lookups).answered, 1);
    assert_int_equal(lookups_view(scene.lookups).cache_answers, 1);

    ask(); /* another question */
    expect("0<1");
    wait_ms(1);
    ask_again(0);
    expect("2<0");
}

static void an_answer_that_may_not_be_kept_is_asked_for_again(void **state)
{
    (void)state;
    connect(2);
    ask();
    respond(2, "{}");
    buffer_reset(&scene.trace);

    ask_again(0);
    expect("2<0");
    assert_int_equal(lookups_view(scene.lookups).cache_answers, 0);
}

static void a_kept_answer_is_there_when_no_worker_is(void **state)
{
    (void)state;
    connect(2);
    ask();
    respond_to_keep(2, "{}", 60000);
    lose(2);
    buffer_reset(&scene.trace);

    ask_again(0);
    expect("AT=0");
}

static void a_lookup_is_sent_answered_and_given_back_with_its_line(void **state)
{
    (void)state;
    connect(0);
    expect("up:0");
    ask();
    expect("0<0");
    assert_float_equal(scene.nearby.location.latitude, 1, 0);
    assert_float_equal(scene.nearby.location.longitude, 2, 0);
    assert_float_equal(scene.nearby.radius_m, 3, 0);
    assert_int_equal(scene.nearby.timeout_ms, TIMEOUT_MS);
    respond(0, "{}");
    expect("AT=0");
    expect_json("{}");
}

static void the_least_busy_worker_is_asked_first(void **state)
{
    (void)state;
    connect_all();
    ask();
    ask();
    ask();
    expect("2<0 0<1 1<2");
    respond(1, "{}");
    respond(2, "{}");
    ask();
    expect("AT=2 AT=0 2<3");
}

static void while_all_are_busy_lookups_wait_in_order(void **state)
{
    (void)state;
    connect(2);
    ask();
    ask();
    ask();
    expect("up:1 2<0");
    assert_int_equal(lookups_view(scene.lookups).waiting, 2);
    respond(2, "{}");
    expect("AT=0 2<1");
    respond(2, "{}");
    expect("AT=1 2<2");
}

static void a_lost_worker_has_its_lookups_repeated_by_another(void **state)
{
    (void)state;
    connect_all();
    ask();
    ask();
    expect("2<0 0<1");
    wait_ms(1000);
    break_off(2, STATUS_DISCONNECTED);
    expect("down:1 1<0");
    assert_int_equal(scene.nearby.timeout_ms, TIMEOUT_MS - 1000);
    lose(2);
    respond(1, "{}");
    expect("AT=0");
    assert_int_equal(lookups_view(scene.lookups).repeated, 1);
    connect(2);
    expect("up:1");
}

static void without_a_worker_lookups_wait_for_one(void **state)
{
    (void)state;
    ask();
    expect("");
    wait_ms(1900);
    connect(0);
    expect("up:0 0<0");
}

static void without_a_worker_the_answer_says_so_in_time(void **state)
{
    (void)state;
    connect_all();
    lose(0);
    lose(1);
    lose(2);
    ask();
    wait_ms(ALL_MS - 1);
    assert_int_equal(lookups_view(scene.lookups).waiting, 1);
    buffer_reset(&scene.trace); /* lanes were redialled meanwhile */
    assert_true(
        !instant_is_before(instant_after_ms(scene.now, 1), lookups_deadline(scene.lookups)));
    wait_ms(1);
    expect("AT?0");
    expect_json("{\n   \"error_message\" : \"No places worker of this herd is running; try again "
                "when one is.\",\n   \"html_attributions\" : [],\n   \"results\" : [],\n"
                "   \"status\" : \"UNKNOWN_ERROR\"\n}");
}

static void a_worker_that_hangs_is_given_up_and_asked_last(void **state)
{
    (void)state;
    connect(0);
    connect(1);
    ask();
    expect("up:0 0<0");
    wait_ms(ALL_MS);
    expect("cancel:0 fault:0 AT?0 redial:2");
    assert_true(json_has("did not answer in time"));
    connect(2);
    ask();
    ask();
    expect("up:1 2<1 1<2"); /* the hanging one only because the other is busy */
    break_off(0, STATUS_TIMED_OUT);
    respond(1, "{}");
    expect("AT=2");
}

static void a_worker_that_hung_is_asked_again_when_it_has_answered_after_all(void **state)
{
    (void)state;
    connect_all();
    ask();
    expect("2<0");
    wait_ms(ALL_MS);
    lose(2);
    break_off(2, STATUS_TIMED_OUT);
    connect(2);
    expect("cancel:2 fault:2 AT?0 down:1 up:1");
    ask();
    ask();
    expect("0<1 2<2");
}

static void a_worker_that_was_dialled_anew_stays_suspect_for_a_while(void **state)
{
    (void)state;
    connect_all();
    ask();
    wait_ms(ALL_MS);
    lose(2);
    break_off(2, STATUS_TIMED_OUT);
    wait_ms(LOOKUPS_REDIAL_MS_MIN);
    connect(2);
    expect("2<0 cancel:2 fault:2 AT?0 down:1 redial:2 up:1");
    ask();
    ask();
    expect("0<1 1<2");
    respond(0, "{}");
    respond(1, "{}");
    wait_ms(LOOKUPS_SUSPECT_MS);
    ask();
    expect("AT=1 AT=2 2<3");
}

static void a_late_answer_is_dropped_and_frees_its_lane(void **state)
{
    (void)state;
    connect(0);
    ask();
    wait_ms(ALL_MS);
    buffer_reset(&scene.trace);
    ask();
    expect("");
    respond(0, "{}");
    expect("0<1");
    respond(0, "{}");
    expect("AT=1");
}

static void busy_workers_make_a_lookup_end_with_their_names(void **state)
{
    (void)state;
    connect(0);
    ask();
    wait_ms(100);
    ask();
    wait_ms(ALL_MS - 200);
    respond(0, "{}"); /* the first, just in time; the second has 200 ms left */
    buffer_reset(&scene.trace);
    assert_int_equal(scene.nearby.timeout_ms, 100);
    ask();
    wait_ms(200);
    expect("cancel:0 fault:0 AT?1");
    wait_ms(ALL_MS);
    assert_true(json_has("All places workers were busy"));
}

static void wrong_answers_are_repeated_three_times_at_most(void **state)
{
    (void)state;
    connect_all();
    ask();
    expect("2<0");
    respond_wrongly(2);
    expect("fault:2 0<0");
    respond_wrongly(0);
    expect("fault:0 2<0"); /* both are suspect: by turns */
    respond_wrongly(2);
    expect("fault:2 AT?0");
    assert_true(json_has("failed at this look-up"));
}

static void too_many_lookups_are_answered_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < LOOKUPS_MAX; i++) {
        ask();
    }
    expect("");
    ask();
    expect("AT?4096");
    assert_true(json_has("Too many look-ups"));
}

static void repeated_lookups_do_not_hold_up_the_deadlines_of_others(void **state)
{
    (void)state;
    connect_all();
    ask();
    wait_ms(1000);
    ask();
    ask();
    lose(0); /* the others of worker 0 fail: the youngest last */
    break_off(2, STATUS_DISCONNECTED);
    break_off(1, STATUS_DISCONNECTED);
    break_off(0, STATUS_DISCONNECTED);
    buffer_reset(&scene.trace);
    wait_ms(ALL_MS - 1000);
    assert_int_equal(lookups_view(scene.lookups).unanswered, 1);
    wait_ms(1000);
    assert_int_equal(lookups_view(scene.lookups).unanswered, 3);
}

static void without_any_worker_in_the_topology_the_answer_still_comes(void **state)
{
    (void)state;
    lookups_destroy(scene.lookups);
    const struct lookups_settings settings = {.timeout_ms = TIMEOUT_MS, .now = scene.now};
    assert_int_equal(lookups_create(&settings, &scene.lookups), STATUS_OK);
    ask();
    wait_ms(ALL_MS);
    expect("AT?0");
}

static void a_lane_that_stays_lost_is_redialled_ever_more_seldom(void **state)
{
    (void)state;
    connect_all();
    lose(2);
    buffer_reset(&scene.trace);
    wait_ms(LOOKUPS_REDIAL_MS_MIN - 1);
    expect("");
    wait_ms(1);
    expect("redial:2");
    wait_ms(2 * LOOKUPS_REDIAL_MS_MIN - 1);
    expect("");
    wait_ms(1);
    expect("redial:2");
    for (int i = 0; i < 4; i++) {
        wait_ms(LOOKUPS_REDIAL_MS_MAX);
        expect("redial:2");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lookup_is_sent_answered_and_given_back_with_its_line),
        TEST(an_answer_that_may_be_kept_is_given_again_until_its_time_is_over),
        TEST(an_answer_that_may_not_be_kept_is_asked_for_again),
        TEST(a_kept_answer_is_there_when_no_worker_is),
        TEST(the_least_busy_worker_is_asked_first),
        TEST(while_all_are_busy_lookups_wait_in_order),
        TEST(a_lost_worker_has_its_lookups_repeated_by_another),
        TEST(without_a_worker_lookups_wait_for_one),
        TEST(without_a_worker_the_answer_says_so_in_time),
        TEST(a_worker_that_hangs_is_given_up_and_asked_last),
        TEST(a_worker_that_hung_is_asked_again_when_it_has_answered_after_all),
        TEST(a_worker_that_was_dialled_anew_stays_suspect_for_a_while),
        TEST(a_late_answer_is_dropped_and_frees_its_lane),
        TEST(busy_workers_make_a_lookup_end_with_their_names),
        TEST(wrong_answers_are_repeated_three_times_at_most),
        TEST(too_many_lookups_are_answered_at_once),
        TEST(repeated_lookups_do_not_hold_up_the_deadlines_of_others),
        TEST(without_any_worker_in_the_topology_the_answer_still_comes),
        TEST(a_lane_that_stays_lost_is_redialled_ever_more_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
