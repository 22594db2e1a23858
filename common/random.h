/* Random numbers from a seed, so that any run can be replayed. Not for secrets. */
#ifndef COMMON_RANDOM_H
#define COMMON_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

struct random random_from_seed(uint64_t seed);

/* A seed from the operating system, different in each process; aborts when the system has none. */
uint64_t random_seed_from_system(void);

uint64_t random_next(struct random *random);

/* Uniform in 0 .. bound-1; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* True with the probability of `per_mille` in 1000. */
bool random_chance(struct random *random, unsigned per_mille);

#endif
