/* Two counts, which move on when somebody looks. */
#include "gateway/crowd.h"

static struct crowd crowd_at(const struct crowd *crowd, struct instant now)
{
    const int64_t window = 1 + now.ns / (CROWD_WINDOW_MS * NS_PER_MS);
    if (window == crowd->window) {
        return *crowd;
    }
    return (struct crowd){
        .window = window,
        .before = window == crowd->window + 1 ? crowd->count : 0,
    };
}

void crowd_note(struct crowd *crowd, struct instant now, int64_t *seen_in)
{
    *crowd = crowd_at(crowd, now);
    if (*seen_in != crowd->window) {
        *seen_in = crowd->window;
        crowd->count++;
    }
}

size_t crowd_size(const struct crowd *crowd, struct instant now)
{
    const struct crowd present = crowd_at(crowd, now);
    return present.count > present.before ? present.count : present.before;
}
