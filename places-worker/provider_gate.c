/* A mailbox with a single mail in it: who takes the mail is in. */
#include "places-worker/provider_gate.h"

#include "common/mailbox.h"

#include <stdlib.h>

#define DAY_NS ((int64_t)24 * 60 * 60 * NS_PER_SECOND)

struct provider_gate {
    struct mailbox *mailbox;
    struct mail pass; /* what follows belongs to who has it */
    struct provider_limits limits;
    struct instant rests_until;
    int64_t paid_until_ns; /* each request pays for its part of a second, at most one ahead */
    int64_t day_began_ns;
    unsigned today;
};

enum status provider_gate_create(
    const struct provider_limits *limits, struct provider_gate **ret_gate)
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
    gate->limits = *limits;
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

enum provider_pass provider_gate_enter(struct provider_gate *gate, struct instant deadline)
{
    if (mailbox_wait_one(gate->mailbox, deadline) == NULL) {
        return PROVIDER_IS_BUSY;
    }
    if (instant_is_before(instant_now(), gate->rests_until)) {
        provider_gate_leave(gate);
        return PROVIDER_RESTS;
    }
    return PROVIDER_PASSES;
}

void provider_gate_leave(struct provider_gate *gate)
{
    gate->pass = (struct mail){.kind = MAIL_LOOKUP};
    mailbox_post_urgent(gate->mailbox, &gate->pass);
}

enum provider_pass provider_gate_count(struct provider_gate *gate, struct instant now)
{
    const int64_t part_ns = NS_PER_SECOND / gate->limits.per_second;
    if (gate->paid_until_ns < now.ns) {
        gate->paid_until_ns = now.ns;
    }
    if (gate->paid_until_ns - now.ns + part_ns > NS_PER_SECOND) {
        return PROVIDER_OVER_SECONDS;
    }
    if (gate->today == 0 || now.ns - gate->day_began_ns >= DAY_NS) {
        gate->day_began_ns = now.ns;
        gate->today = 0;
    }
    if (gate->today >= gate->limits.per_day) {
        return PROVIDER_OVER_DAYS;
    }
    gate->today++;
    gate->paid_until_ns += part_ns;
    return PROVIDER_PASSES;
}

void provider_gate_rest(struct provider_gate *gate, struct instant until)
{
    gate->rests_until = until;
}
