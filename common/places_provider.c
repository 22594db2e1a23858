/* The names of the providers. */
#include "common/places_provider.h"

#include <assert.h>
#include <stddef.h>

const char *places_provider_name(enum places_provider provider)
{
    static const char *const names[] = {
#define PLACES_PROVIDER_NAME(name, text) [PROVIDER_##name] = (text),
        PLACES_PROVIDER_TABLE(PLACES_PROVIDER_NAME)
#undef PLACES_PROVIDER_NAME
            [PROVIDER_NONE] = "none",
    };
    assert((size_t)provider < sizeof names / sizeof names[0]);
    return names[provider];
}
