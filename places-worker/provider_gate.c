/* A mailbox with a single mail in it: who takes the mail is in, once the machine's turn is his. The
 * counts have a lock, because limits are divided anew while somebody is in. */
#include "places-worker/provider_gate.h"

#include "common/mailbox.h"
#include "places-worker/machine_turn.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define DAY_S  ((int64_t)24 * 60 * 60)
#define DAY_NS (DAY_S * NS_PER_SECOND)

enum {
    TRY_EVERY_MS = 10
}; /* a turn on the network takes ten times that, and trying costs some us */

struct provider_gate {
    struct mailbox *mailbox;
    struct machine_turn *turn; /* borrowed, or NULL */
    struct mail pass;
    struct instant rests_until; /* belongs to who has the pass */

    pthread_mutex_t lock;          /* of all that follows */
    struct provider_limits limits; /* of all workers */
    int64_t price_ns;              /* the time between two requests, if they came evenly */
    int64_t paid_until_ns;         /* each request pays its price, at most a second ahead */
    int64_t at_start;              /* requests of the first day that need not be waited for */
    int64_t per_day;               /* the part that holds today, ... */
    int64_t per_day_next;          /* and tomorrow */
    int64_t part_since_s;          /* since when in this day */
    int64_t earned;                /* in this day, by larger parts before */
    int64_t day;
    int64_t today; /* requests */
};

static int64_t price_of(const struct provider_limits *limits)
{
    return (int64_t)NS_PER_SECOND * limits->workers / limits->per_second;
}

static int64_t day_part_of(const struct provider_limits *limits)
{
    return limits->per_day / limits->workers +
           (limits->worker < limits->per_day % limits->workers ? 1 : 0);
}

enum status provider_gate_create(const struct provider_limits *limits,
    struct machine_turn *turn,
    struct provider_gate **ret_gate)
{
    struct provider_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return STATUS_NO_MEMORY;
    }
    const int failed = pthread_mutex_init(&gate->lock, NULL);
    assert(failed == 0); /* a plain mutex needs no resource */
    const enum status status = mailbox_create(1, &gate->mailbox);
    if (status != STATUS_OK) {
        provider_gate_destroy(gate);
        return status;
    }
    gate->turn = turn;
    gate->limits = *limits;
    gate->price_ns = price_of(limits);
    gate->per_day = gate->per_day_next = day_part_of(limits);
    const int64_t hourly = gate->per_day / 24;
    gate->at_start = hourly > PROVIDER_START_MIN ? hourly : PROVIDER_START_MIN;
    gate->rests_until = (struct instant){.ns = INT64_MIN};
    gate->paid_until_ns = INT64_MIN;
    provider_gate_leave(gate);
    *ret_gate = gate;
    return STATUS_OK;
}

void provider_gate_destroy(struct provider_gate *gate)
{
    if (gate == NULL) {
        return;
    }
    mailbox_destroy(gate->mailbox);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

static bool rests(const struct provider_gate *gate)
{
    return instant_is_before(instant_now(), gate->rests_until);
}

/* For who has the pass. Nobody else can post it, so a wait for it is a wait for the time. */
static enum provider_pass wait_for_turn(struct provider_gate *gate, struct instant deadline)
{
    while (!machine_turn_try(gate->turn)) {
        const struct instant now = instant_now();
        if (!instant_is_before(now, deadline)) {
            return PROVIDER_IS_BUSY;
        }
        struct mail *const none = mailbox_wait_one(
            gate->mailbox, instant_earlier(deadline, instant_after_ms(now, TRY_EVERY_MS)));
        assert(none == NULL);
    }
    gate->rests_until = machine_turn_rests_until(gate->turn);
    return rests(gate) ? PROVIDER_RESTS : PROVIDER_PASSES;
}

enum provider_pass provider_gate_enter(struct provider_gate *gate, struct instant deadline)
{
    if (mailbox_wait_one(gate->mailbox, deadline) == NULL) {
        return PROVIDER_IS_BUSY;
    }
    enum provider_pass pass = rests(gate) ? PROVIDER_RESTS : PROVIDER_PASSES;
    if (pass == PROVIDER_PASSES && gate->turn != NULL) {
        pass = wait_for_turn(gate, deadline);
    }
    if (pass != PROVIDER_PASSES) {
        provider_gate_leave(gate);
    }
    return pass;
}

void provider_gate_leave(struct provider_gate *gate)
{
    if (gate->turn != NULL) {
        machine_turn_leave(gate->turn);
    }
    gate->pass = (struct mail){.kind = MAIL_LOOKUP};
    mailbox_post_urgent(gate->mailbox, &gate->pass);
}

/* ---- Counting, under the lock ---- */

/* Which second of its day it is; a new day begins with nothing counted. */
static int64_t second_of_day(struct provider_gate *gate, struct instant now)
{
    const int64_t since_start_ns = instant_ns_between(gate->limits.started, now);
    if (since_start_ns / DAY_NS > gate->day) {
        gate->day = since_start_ns / DAY_NS;
        gate->part_since_s = gate->earned = gate->today = 0;
        gate->per_day = gate->per_day_next;
    }
    return since_start_ns / NS_PER_SECOND - gate->day * DAY_S;
}

static int64_t earned_until(const struct provider_gate *gate, int64_t second)
{
    return gate->earned + gate->per_day * (second - gate->part_since_s) / DAY_S;
}

/* How many requests may have been sent by now, of those of this day. */
static int64_t due_today(const struct provider_gate *gate, int64_t second)
{
    const int64_t whole = earned_until(gate, DAY_S);
    const int64_t due = gate->at_start + earned_until(gate, second);
    return gate->day == 0 && due < whole ? due : whole;
}

static enum provider_pass count(struct provider_gate *gate, struct instant now)
{
    const int64_t ahead_max_ns = gate->price_ns > NS_PER_SECOND ? gate->price_ns : NS_PER_SECOND;
    if (gate->paid_until_ns < now.ns) {
        gate->paid_until_ns = now.ns;
    }
    if (gate->paid_until_ns - now.ns + gate->price_ns > ahead_max_ns) {
        return PROVIDER_OVER_SECONDS;
    }
    const int64_t second = second_of_day(gate, now);
    if (gate->today >= due_today(gate, second)) {
        return PROVIDER_OVER_DAYS;
    }
    gate->today++;
    gate->paid_until_ns += gate->price_ns;
    return PROVIDER_PASSES;
}

enum provider_pass provider_gate_count(struct provider_gate *gate, struct instant now)
{
    pthread_mutex_lock(&gate->lock);
    const enum provider_pass pass = count(gate, now);
    pthread_mutex_unlock(&gate->lock);
    return pass;
}

void provider_gate_divide(
    struct provider_gate *gate, unsigned workers, unsigned worker, struct instant now)
{
    pthread_mutex_lock(&gate->lock);
    const int64_t second = second_of_day(gate, now);
    gate->limits.workers = workers;
    gate->limits.worker = worker;
    gate->price_ns = price_of(&gate->limits);
    gate->per_day_next = day_part_of(&gate->limits);
    if (gate->per_day_next < gate->per_day) {
        gate->earned = earned_until(gate, second);
        gate->part_since_s = second;
        gate->per_day = gate->per_day_next;
    }
    pthread_mutex_unlock(&gate->lock);
}

void provider_gate_rest(struct provider_gate *gate, struct instant until)
{
    gate->rests_until = until;
    if (gate->turn != NULL) {
        machine_turn_rest(gate->turn, until);
    }
}
