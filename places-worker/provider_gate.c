/* A mailbox with a single mail in it: who takes the mail is in, once the machine's turn is his. */
#include "places-worker/provider_gate.h"

#include "common/mailbox.h"
#include "places-worker/machine_turn.h"

#include <assert.h>
#include <stdlib.h>

#define DAY_S  ((int64_t)24 * 60 * 60)
#define DAY_NS (DAY_S * NS_PER_SECOND)

enum {
    TRY_EVERY_MS = 10
}; /* a turn on the network takes ten times that, and trying costs some us */

struct provider_gate {
    struct mailbox *mailbox;
    struct machine_turn *turn; /* borrowed, or NULL */
    struct mail pass;          /* what follows belongs to who has it */
    struct instant started;
    struct instant rests_until;
    int64_t price_ns;      /* the time between two requests, if they came evenly */
    int64_t paid_until_ns; /* each request pays its price, at most a second ahead */
    int64_t per_day;
    int64_t day;
    int64_t today; /* requests */
};

enum status provider_gate_create(const struct provider_limits *limits,
    struct machine_turn *turn,
    struct provider_gate **ret_gate)
{
    struct provider_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL) {
        return STATUS_NO_MEMORY;
    }
    const enum status status = mailbox_create(1, &gate->mailbox);
    if (status != STATUS_OK) {
        provider_gate_destroy(gate);
        return status;
    }
    gate->turn = turn;
    gate->started = limits->started;
    gate->price_ns = (int64_t)NS_PER_SECOND * limits->workers / limits->per_second;
    gate->per_day = limits->per_day / limits->workers +
                    (limits->worker < limits->per_day % limits->workers ? 1 : 0);
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

/* How many requests may have been sent by now, of those of this day. */
static int64_t due_today(const struct provider_gate *gate, int64_t since_start_ns)
{
    if (since_start_ns >= DAY_NS) {
        return gate->per_day;
    }
    const int64_t hourly = gate->per_day / 24;
    const int64_t due = (hourly > PROVIDER_START_MIN ? hourly : PROVIDER_START_MIN) +
                        gate->per_day * (since_start_ns / NS_PER_SECOND) / DAY_S;
    return due < gate->per_day ? due : gate->per_day;
}

enum provider_pass provider_gate_count(struct provider_gate *gate, struct instant now)
{
    const int64_t ahead_max_ns = gate->price_ns > NS_PER_SECOND ? gate->price_ns : NS_PER_SECOND;
    if (gate->paid_until_ns < now.ns) {
        gate->paid_until_ns = now.ns;
    }
    if (gate->paid_until_ns - now.ns + gate->price_ns > ahead_max_ns) {
        return PROVIDER_OVER_SECONDS;
    }
    const int64_t since_start_ns = instant_ns_between(gate->started, now);
    if (since_start_ns / DAY_NS > gate->day) {
        gate->day = since_start_ns / DAY_NS;
        gate->today = 0;
    }
    if (gate->today >= due_today(gate, since_start_ns)) {
        return PROVIDER_OVER_DAYS;
    }
    gate->today++;
    gate->paid_until_ns += gate->price_ns;
    return PROVIDER_PASSES;
}

void provider_gate_rest(struct provider_gate *gate, struct instant until)
{
    gate->rests_until = until;
    if (gate->turn != NULL) {
        machine_turn_rest(gate->turn, until);
    }
}
