/* Who provides places. */
#ifndef COMMON_PLACES_PROVIDER_H
#define COMMON_PLACES_PROVIDER_H

/* PROVIDER_X, and its name in the topology file. Their order is their number in messages. */
#define PLACES_PROVIDER_TABLE(X)                                                                   \
    X(EMBEDDED, "embedded")                                                                        \
    X(GOOGLE_LEGACY, "google-legacy")                                                              \
    X(GOOGLE, "google")                                                                            \
    X(OVERPASS, "overpass")

enum places_provider {
#define PLACES_PROVIDER_ENUMERATOR(name, text) PROVIDER_##name,
    PLACES_PROVIDER_TABLE(PLACES_PROVIDER_ENUMERATOR)
#undef PLACES_PROVIDER_ENUMERATOR
        PROVIDER_NONE, /* nobody was asked */
};

enum { PLACES_PROVIDERS = PROVIDER_NONE /* how many there are */ };

/* E.g. "google-legacy"; a static string. */
const char *places_provider_name(enum places_provider provider);

#endif
