/* SplitMix64 (Steele, Lea and Flood, 2014): one addition and one mixing function, and every seed is
 * a good one. */
#include "common/random.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

struct random random_from_seed(uint64_t seed)
{
    return (struct random){.state = seed};
}

uint64_t random_seed_from_system(void)
{
    uint64_t seed;
    if (getentropy(&seed, sizeof seed) != 0) {
        abort();
    }
    return seed;
}

uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    assert(bound > 0);
    /* The lowest 2^64 mod bound numbers would make some results likelier than others: draw again.
     */
    const uint64_t surplus = (0 - bound) % bound;
    uint64_t number = random_next(random);
    while (number < surplus) {
        number = random_next(random);
    }
    return number % bound;
}

bool random_chance(struct random *random, unsigned per_mille)
{
    return random_below(random, 1000) < per_mille;
}
