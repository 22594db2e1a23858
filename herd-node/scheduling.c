/* The batch policy of Linux, which takes no privilege. */
#include "herd-node/scheduling.h"

#include <sched.h>

void scheduling_wait_for_turns(void)
{
    const struct sched_param parameter = {.sched_priority = 0};
    (void)sched_setscheduler(0, SCHED_BATCH, &parameter);
}
