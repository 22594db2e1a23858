/* One word each. */
#include "places-worker/provider_name.h"

const char *provider_name(enum places_provider provider)
{
    switch (provider) {
    case PROVIDER_EMBEDDED:
        return "embedded";
    case PROVIDER_GOOGLE_LEGACY:
        return "google-legacy";
    case PROVIDER_GOOGLE:
        return "google";
    case PROVIDER_OVERPASS:
        return "overpass";
    }
    return "";
}
