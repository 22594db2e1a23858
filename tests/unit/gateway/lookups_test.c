/* Does every look-up end once, in time, with places or with words that help? */
#include "common/buffer.h"
#include "common/message_codec.h"
#include "gateway/lookups.h"
#include "tests/support/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Worker 0 has lanes 0 and 1, worker 1 has lane 2. */
enum { WORKERS = 2, LANES = 3, TIMEOUT_MS = 5000, ALL_MS = TIMEOUT_MS + LOOKUPS_MARGIN_MS };

static char name_0[] = "0";
static char name_1[] = "1";
static char name_2[] = "2";
static char url[] = "tcp://127.0.0.1:1001";
static char other_url[] = "tcp://127.0.0.1:1002";

static const struct topology_worker workers[WORKERS] = {
    {.name = name_0, .requests_url = url, .threads = 2},
    {.name = name_1, .requests_url = url, .threads = 1},
};

static struct {
    struct lookups *lookups;
    struct instant now;
    struct buffer trace;
    struct buffer json;   /* of the last answer */
    struct nearby nearby; /* the last that was sent */
    const char *fault;    /* the last that was told */
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

/* The place of a lane, with a prime for each lane that had it before. */
static const char *name_of(uint64_t lane)
{
    static char text[32];
    (void)snprintf(text,
        sizeof text,
        "%zu%.*s",
        lookups_place_of(lane),
        (int)(lane >> LOOKUPS_PLACE_BITS),
        "''''''");
    return text;
}

/* The nth lane at a place, from 0. */
static uint64_t nth_lane(unsigned nth, uint64_t place)
{
    return (uint64_t)nth << LOOKUPS_PLACE_BITS | place;
}

static void perform(void)
{
    const struct lookups_effect *effect;
    while ((effect = lookups_next_effect(scene.lookups)) != NULL) {
        switch (effect->kind) {
        case LOOKUPS_DIAL:
            trace("dial:%s", name_of(effect->lane));
            break;
        case LOOKUPS_SEND:
            assert_int_equal(nearby_decode(effect->bytes, &scene.nearby), STATUS_OK);
            trace("%s<%u", name_of(effect->lane), scene.nearby.results_max);
            break;
        case LOOKUPS_CANCEL:
            trace("cancel:%s", name_of(effect->lane));
            break;
        case LOOKUPS_CLOSE:
            trace("close:%s", name_of(effect->lane));
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
        case LOOKUPS_WORKER_ADDED:
            trace("added:%s", effect->worker);
            break;
        case LOOKUPS_WORKER_REMOVED:
            trace("removed:%s", effect->worker);
            break;
        case LOOKUPS_WORKER_UP:
            trace("up:%s", effect->worker);
            break;
        case LOOKUPS_WORKER_DOWN:
            trace("down:%s", effect->worker);
            break;
        case LOOKUPS_FAULT:
            scene.fault = effect->fault;
            trace("fault:%s", name_of(effect->lane));
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

static void connect(uint64_t lane)
{
    lookups_lane_connected(scene.lookups, scene.now, lane);
    perform();
}

static void connect_all(void)
{
    for (uint64_t lane = 0; lane < LANES; lane++) {
        connect(lane);
    }
    buffer_reset(&scene.trace);
}

static void lose(uint64_t lane)
{
    lookups_lane_lost(scene.lookups, scene.now, lane);
    perform();
}

static void break_off(uint64_t lane, enum status status)
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

static void respond_with(uint64_t lane, const struct places *places)
{
    struct buffer message = buffer_with_max(1024);
    assert_int_equal(places_encode(&message, places), STATUS_OK);
    lookups_lane_response(scene.lookups, scene.now, lane, buffer_slice(&message));
    perform();
    buffer_clear(&message);
}

static void respond_to_keep(uint64_t lane, const char *json, uint32_t keep_ms)
{
    respond_with(lane, &(struct places){.keep_ms = keep_ms, .json = slice_of(json)});
}

static void respond(uint64_t lane, const char *json)
{
    respond_to_keep(lane, json, 0);
}

/* Of this version of the messages, and nothing more. */
static void respond_in_version(uint64_t lane, char version)
{
    lookups_lane_response(scene.lookups, scene.now, lane, slice_of_bytes(&version, 1));
    perform();
}

static void respond_wrongly(uint64_t lane)
{
    respond_in_version(lane, MESSAGE_VERSION);
}

static void set_workers(const struct topology_worker *wanted, size_t count)
{
    assert_int_equal(lookups_set_workers(scene.lookups, scene.now, wanted, count), STATUS_OK);
    perform();
}

static int begin(void **state)
{
    (void)state;
    scene.now = (struct instant){.ns = 1000 * (int64_t)NS_PER_SECOND};
    scene.trace = buffer_with_max((size_t)1024 * 1024);
    scene.json = buffer_with_max(4096);
    scene.ticket = 0;
    const struct lookups_settings settings = {.timeout_ms = TIMEOUT_MS, .cache_bytes_max = 1000};
    assert_int_equal(lookups_create(&settings, &scene.lookups), STATUS_OK);
    set_workers(workers, WORKERS);
    buffer_reset(&scene.trace);
    return 0;
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
    assert_int_equal(lookups_view(scene.lookups).cached[PROVIDER_EMBEDDED][PLACES_OK], 1);
    assert_int_equal(lookups_view(scene.lookups).answered, 1);
    assert_int_equal(lookups_view(scene.lookups).cache_answers, 1);

    ask(); /* another question */
    expect("0<1");
    wait_ms(1);
    ask_again(0);
    expect("2<0");
}

static void kept_answers_count_for_the_provider_and_the_status_they_had(void **state)
{
    (void)state;
    connect(2);
    ask();
    respond_with(2, &(struct places){.provider = PROVIDER_GOOGLE, .keep_ms = 1000});
    ask();
    const struct places none = {
        .provider = PROVIDER_OVERPASS, .status = PLACES_ZERO_RESULTS, .keep_ms = 1000};
    respond_with(2, &none);

    ask_again(0);
    ask_again(1);
    ask_again(1);

    struct lookups_view view = lookups_view(scene.lookups);
    assert_int_equal(view.cached[PROVIDER_GOOGLE][PLACES_OK], 1);
    assert_int_equal(view.cached[PROVIDER_OVERPASS][PLACES_ZERO_RESULTS], 2);
    view.cached[PROVIDER_GOOGLE][PLACES_OK] = 0;
    view.cached[PROVIDER_OVERPASS][PLACES_ZERO_RESULTS] = 0;
    static const uint64_t nothing[PLACES_PROVIDERS][PLACES_STATUSES];
    assert_memory_equal(view.cached, nothing, sizeof nothing);
    assert_int_equal(view.answered, 2);
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
    expect("cancel:0 fault:0 AT?0 dial:2");
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
    expect("2<0 cancel:2 fault:2 AT?0 down:1 dial:2 up:1");
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

static void a_worker_of_another_version_is_told_apart_from_one_that_errs(void **state)
{
    (void)state;
    connect_all();
    ask();
    expect("2<0");
    respond_in_version(2, MESSAGE_VERSION - 1);
    expect("fault:2 0<0");
    assert_string_equal(scene.fault, "the answer is of another protocol version");
    respond_wrongly(0);
    assert_string_equal(scene.fault, "the answer is malformed");
}

static void a_worker_that_dies_with_many_lanes_is_one_failure(void **state)
{
    (void)state;
    const struct topology_worker many = {.name = name_2, .requests_url = url, .threads = 5};
    set_workers(&many, 1);
    for (uint64_t place = 0; place < 5; place++) {
        connect(place < LANES ? nth_lane(1, place) : place);
    }
    buffer_reset(&scene.trace);

    /* Of each lane the loss is known only when it is told. */
    ask();
    expect("2'<0");
    break_off(nth_lane(1, 2), STATUS_DISCONNECTED);
    break_off(nth_lane(1, 1), STATUS_DISCONNECTED);
    break_off(nth_lane(1, 0), STATUS_DISCONNECTED);
    break_off(3, STATUS_DISCONNECTED);
    break_off(4, STATUS_DISCONNECTED);
    expect("1'<0 0'<0 3<0 4<0 down:2");

    connect(3);
    expect("up:2 3<0");
    respond(3, "{}");
    expect("AT=0");
}

static void a_lookup_that_ends_workers_does_not_end_them_all(void **state)
{
    (void)state;
    connect(2);
    ask();
    for (int i = 1; i < LOOKUPS_TRIES_MAX; i++) {
        break_off(2, STATUS_DISCONNECTED);
        lose(2);
        connect(2);
    }
    expect("up:1 2<0 down:1 up:1 2<0 down:1 up:1 2<0");

    break_off(2, STATUS_DISCONNECTED);

    expect("down:1 AT?0");
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
    const struct lookups_settings settings = {.timeout_ms = TIMEOUT_MS};
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
    expect("dial:2");
    wait_ms(2 * LOOKUPS_REDIAL_MS_MIN - 1);
    expect("");
    wait_ms(1);
    expect("dial:2");
    for (int i = 0; i < 4; i++) {
        wait_ms(LOOKUPS_REDIAL_MS_MAX);
        expect("dial:2");
    }
}

/* ---- Workers that come and go ---- */

static void workers_of_the_topology_are_dialled_and_seen(void **state)
{
    (void)state;
    set_workers(NULL, 0);
    expect("removed:0 close:0 close:1 removed:1 close:2");
    assert_int_equal(lookups_worker_count(scene.lookups), 0);

    set_workers(workers, WORKERS);

    expect("dial:2' dial:1' added:0 dial:0' added:1"); /* the place that was used last first */
    assert_int_equal(lookups_worker_count(scene.lookups), 2);
    assert_string_equal(lookups_view_worker(scene.lookups, 0).name, "0");
    assert_string_equal(lookups_view_worker(scene.lookups, 1).name, "1");
}

static void a_worker_that_is_the_same_keeps_its_lanes_and_what_it_does(void **state)
{
    (void)state;
    connect_all();
    ask();
    expect("2<0");

    const struct topology_worker turned[WORKERS] = {workers[1], workers[0]};
    set_workers(turned, WORKERS);
    expect("");
    assert_string_equal(lookups_view_worker(scene.lookups, 0).name, "1");
    assert_true(lookups_view_worker(scene.lookups, 0).is_up);
    assert_int_equal(lookups_view_worker(scene.lookups, 0).lanes_busy, 1);
    respond(2, "{}");
    expect("AT=0");
}

static void a_new_worker_is_asked_once_it_is_connected(void **state)
{
    (void)state;
    connect_all();
    const struct topology_worker three[] = {
        workers[0], workers[1], {.name = name_2, .requests_url = url, .threads = 1}};
    set_workers(three, 3);
    expect("dial:3 added:2");
    ask();
    expect("2<0");

    connect(3);
    ask();
    expect("up:2 3<1");
}

static void a_new_worker_takes_what_waits(void **state)
{
    (void)state;
    ask();
    const struct topology_worker three[] = {
        workers[0], workers[1], {.name = name_2, .requests_url = url, .threads = 1}};
    set_workers(three, 3);
    connect(3);
    expect("dial:3 added:2 up:2 3<0");
}

static void a_worker_that_is_removed_answers_what_it_was_asked_and_nothing_more(void **state)
{
    (void)state;
    connect_all();
    ask();
    ask();
    expect("2<0 0<1");

    set_workers(&workers[1], 1); /* without worker 0 */
    expect("removed:0 close:1");
    assert_int_equal(lookups_view(scene.lookups).leaving, 1);
    ask();
    expect(""); /* the other one is busy */
    respond(0, "{\"late\"}");
    expect("AT=1 close:0");
    expect_json("{\"late\"}");
    assert_int_equal(lookups_view(scene.lookups).leaving, 0);
    assert_int_equal(lookups_view(scene.lookups).repeated, 0);
    respond(2, "{}");
    expect("AT=0 2<2");
}

static void a_removed_worker_that_dies_has_its_lookups_repeated_and_not_held_against_them(
    void **state)
{
    (void)state;
    connect_all();
    ask();
    ask();
    expect("2<0 0<1");
    set_workers(&workers[1], 1);
    buffer_reset(&scene.trace);

    break_off(0, STATUS_DISCONNECTED);
    lose(0);
    expect("close:0"); /* nobody asks whether it is up */
    respond(2, "{}");
    expect("AT=0 2<1");
    assert_int_equal(lookups_view(scene.lookups).repeated, 1);
    for (int i = 1; i < LOOKUPS_TRIES_MAX; i++) {
        respond_wrongly(2);
        expect("fault:2 2<1");
    }
    respond_wrongly(2);
    expect("fault:2 AT?1");
}

static void whether_a_removed_worker_is_up_concerns_nobody(void **state)
{
    (void)state;
    connect_all();
    ask();
    set_workers(&workers[0], 1); /* without worker 1, whose only lane is busy */
    expect("2<0 removed:1");

    lose(2);
    connect(2);
    expect("");
    lose(0);
    lose(1);
    expect("down:0");
    break_off(2, STATUS_DISCONNECTED);
    wait_ms(ALL_MS);
    assert_true(json_has("No places worker of this herd is running"));
}

static void a_removed_worker_that_hangs_is_left_at_the_deadline(void **state)
{
    (void)state;
    connect(0);
    ask();
    set_workers(NULL, 0);
    buffer_reset(&scene.trace);
    assert_true(
        !instant_is_before(instant_after_ms(scene.now, ALL_MS), lookups_deadline(scene.lookups)));

    wait_ms(ALL_MS);

    expect("fault:0 AT?0 close:0");
    assert_true(json_has("did not answer in time"));
    assert_int_equal(lookups_view(scene.lookups).leaving, 0);
    assert_false(instant_is_before(lookups_deadline(scene.lookups), INSTANT_NEVER));
}

static void a_lane_that_was_given_up_is_closed_with_its_worker(void **state)
{
    (void)state;
    connect(0);
    ask();
    wait_ms(ALL_MS);
    buffer_reset(&scene.trace);

    set_workers(&workers[1], 1);

    expect("removed:0 close:0 close:1");
    respond(0, "{}"); /* at last, and too late in every way */
    break_off(0, STATUS_DISCONNECTED);
    expect("");
}

static void with_a_removed_worker_none_may_be_left(void **state)
{
    (void)state;
    connect_all();
    set_workers(NULL, 0);
    buffer_reset(&scene.trace);
    ask();
    wait_ms(ALL_MS);
    expect("AT?0");
    assert_true(json_has("No places worker of this herd is running"));
}

static void a_worker_with_another_address_or_number_of_threads_is_another_one(void **state)
{
    (void)state;
    connect_all();
    const struct topology_worker moved = {.name = name_1, .requests_url = other_url, .threads = 1};
    set_workers(&moved, 1);
    expect("removed:0 close:0 close:1 removed:1 close:2 dial:2' added:1");

    const struct topology_worker grown = {.name = name_1, .requests_url = other_url, .threads = 2};
    set_workers(&grown, 1);
    expect("removed:1 close:2' dial:2'' dial:1' added:1");
}

static void late_news_of_a_lane_are_not_taken_for_those_of_its_successor(void **state)
{
    (void)state;
    connect_all();
    const struct topology_worker moved = {.name = name_1, .requests_url = other_url, .threads = 1};
    set_workers(&moved, 1);
    buffer_reset(&scene.trace);

    connect(2); /* the one before */
    expect("");
    assert_false(lookups_view_worker(scene.lookups, 0).is_up);
    connect(nth_lane(1, 2));
    ask();
    expect("up:1 2'<0");
    respond(2, "{\"an answer to another question\"}");
    break_off(2, STATUS_DISCONNECTED);
    lose(2);
    expect("");
    respond(nth_lane(1, 2), "{}");
    expect("AT=0");
    expect_json("{}");
}

static void a_worker_may_return_before_its_last_lookup_is_answered(void **state)
{
    (void)state;
    connect_all();
    ask();
    set_workers(&workers[0], 1);
    expect("2<0 removed:1");

    set_workers(workers, WORKERS);
    expect("dial:3 added:1");
    connect(3);
    ask();
    ask();
    ask();
    expect("up:1 0<1 3<2 1<3");
    respond(2, "{}");
    expect("AT=0 close:2");
}

static void as_many_workers_as_a_topology_may_have_can_be_replaced_at_once(void **state)
{
    (void)state;
    struct topology_worker many[TOPOLOGY_WORKERS_MAX];
    char names[TOPOLOGY_WORKERS_MAX][8];
    for (size_t i = 0; i < TOPOLOGY_WORKERS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "m%zu", i);
        many[i] = (struct topology_worker){
            .name = names[i], .requests_url = url, .threads = TOPOLOGY_THREADS_MAX};
    }
    set_workers(many, TOPOLOGY_WORKERS_MAX);
    for (uint64_t place = 0; place < LOOKUPS_MAX; place++) {
        connect(place < LANES ? nth_lane(1, place) : place);
    }
    for (int i = 0; i < LOOKUPS_MAX; i++) {
        ask();
    }
    assert_int_equal(lookups_view(scene.lookups).waiting, 0);

    for (size_t i = 0; i < TOPOLOGY_WORKERS_MAX; i++) {
        many[i].requests_url = other_url;
    }
    set_workers(many, TOPOLOGY_WORKERS_MAX);

    assert_int_equal(lookups_view(scene.lookups).leaving, LOOKUPS_MAX);
    assert_int_equal(lookups_worker_count(scene.lookups), TOPOLOGY_WORKERS_MAX);
    wait_ms(ALL_MS);
    assert_int_equal(lookups_view(scene.lookups).leaving, 0);
    assert_int_equal(lookups_view(scene.lookups).unanswered, LOOKUPS_MAX);
}

static void without_memory_all_workers_stay_as_they_are(void **state)
{
    (void)state;
    connect_all();
    const struct topology_worker others[] = {{.name = name_2, .requests_url = url, .threads = 1},
        {.name = name_1, .requests_url = other_url, .threads = 1}};
    unsigned nth = 1;
    for (;; nth++) {
        faults_begin(nth);
        const enum status status = lookups_set_workers(scene.lookups, scene.now, others, 2);
        if (!faults_end()) {
            assert_int_equal(status, STATUS_OK);
            break;
        }
        assert_int_equal(status, STATUS_NO_MEMORY);
        assert_null(lookups_next_effect(scene.lookups));
        assert_string_equal(lookups_view_worker(scene.lookups, 0).name, "0");
        assert_true(lookups_view_worker(scene.lookups, 1).is_up);
    }
    assert_int_equal(nth, 3);
    perform();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lookup_is_sent_answered_and_given_back_with_its_line),
        TEST(an_answer_that_may_be_kept_is_given_again_until_its_time_is_over),
        TEST(kept_answers_count_for_the_provider_and_the_status_they_had),
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
        TEST(a_worker_of_another_version_is_told_apart_from_one_that_errs),
        TEST(a_worker_that_dies_with_many_lanes_is_one_failure),
        TEST(a_lookup_that_ends_workers_does_not_end_them_all),
        TEST(too_many_lookups_are_answered_at_once),
        TEST(repeated_lookups_do_not_hold_up_the_deadlines_of_others),
        TEST(without_any_worker_in_the_topology_the_answer_still_comes),
        TEST(a_lane_that_stays_lost_is_redialled_ever_more_seldom),
        TEST(workers_of_the_topology_are_dialled_and_seen),
        TEST(a_worker_that_is_the_same_keeps_its_lanes_and_what_it_does),
        TEST(a_new_worker_is_asked_once_it_is_connected),
        TEST(a_new_worker_takes_what_waits),
        TEST(a_worker_that_is_removed_answers_what_it_was_asked_and_nothing_more),
        TEST(a_removed_worker_that_dies_has_its_lookups_repeated_and_not_held_against_them),
        TEST(whether_a_removed_worker_is_up_concerns_nobody),
        TEST(a_removed_worker_that_hangs_is_left_at_the_deadline),
        TEST(a_lane_that_was_given_up_is_closed_with_its_worker),
        TEST(with_a_removed_worker_none_may_be_left),
        TEST(a_worker_with_another_address_or_number_of_threads_is_another_one),
        TEST(late_news_of_a_lane_are_not_taken_for_those_of_its_successor),
        TEST(a_worker_may_return_before_its_last_lookup_is_answered),
        TEST(as_many_workers_as_a_topology_may_have_can_be_replaced_at_once),
        TEST(without_memory_all_workers_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
