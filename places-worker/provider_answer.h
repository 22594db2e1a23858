/* What one provider makes of a look-up: the text of an answer, or why there is none. */
#ifndef PLACES_WORKER_PROVIDER_ANSWER_H
#define PLACES_WORKER_PROVIDER_ANSWER_H

#include "common/buffer.h"
#include "common/places_status.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROVIDER_MESSAGE_MAX = 4096 };

/* The provider does not mind how long its answer is kept. */
#define PROVIDER_KEEP_ANY UINT32_MAX

struct provider_answer {
    enum places_status status;
    struct buffer text;    /* answered: the JSON as the client gets it. Failed: what the provider
                              itself says of it in    that form, cut to the bound; or empty */
    struct buffer message; /* failed: why, for a person, in one sentence; never with a key in it */
    uint32_t keep_s;       /* answered: how long it may be kept, as far as its provider says */
};

/* Empty and without memory, with the status UNKNOWN_ERROR. */
struct provider_answer provider_answer_none(void);

/* Empties it and keeps the memory. */
void provider_answer_reset(struct provider_answer *answer);

/* Frees the memory. */
void provider_answer_clear(struct provider_answer *answer);

/* Whether these end a look-up; after anything else the next provider is asked. */
bool provider_answer_is_answered(const struct provider_answer *answer);

/* Makes it a failure with this message, cut off where it is too long; `text` is emptied. */
void provider_answer_fail(
    struct provider_answer *answer, enum places_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether `text` has the key in it: what a provider says in such words is not passed on. */
bool provider_answer_repeats(struct slice text, const char *key);

#endif
