/* The names of the providers, as the topology file has them. */
#ifndef PLACES_WORKER_PROVIDER_NAME_H
#define PLACES_WORKER_PROVIDER_NAME_H

#include "common/topology.h"

/* E.g. "google-legacy"; a static string. */
const char *provider_name(enum places_provider provider);

#endif
