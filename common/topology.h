/*
 * The topology file: one JSON document that describes a whole herd, and is checked whole before
 * anything starts. deploy/README.md documents every key; deploy/topologies/ has the shipped ones.
 * What a running process does when the file has changed is told by reload.h.
 * The only user of jansson for configuration.
 */
#ifndef COMMON_TOPOLOGY_H
#define COMMON_TOPOLOGY_H

#include "common/buffer.h"
#include "common/places_provider.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOPOLOGY_NODES_MAX = 255,
    TOPOLOGY_NEIGHBOURS_MAX = 32, /* per node: one known-bit each in every report */
    TOPOLOGY_GATEWAYS_MAX = 64,
    TOPOLOGY_LISTENERS_MAX = 256, /* per gateway */
    TOPOLOGY_WORKERS_MAX = 64,
    TOPOLOGY_THREADS_MAX = 256, /* per worker */
    TOPOLOGY_PROVIDERS_MAX = PLACES_PROVIDERS,
    TOPOLOGY_NAME_MAX = 64, /* bytes of a name: it is part of file names and of every AT line */
    TOPOLOGY_FILE_MAX =
        4 * 1024 * 1024, /* bytes; the largest herd that these limits allow is half of it */
};

struct topology_node {
    char *name;
    char *requests_url; /* where gateways send requests */
    char *gossip_url;   /* where neighbours send gossip */
    char *admin;        /* IPv4:PORT, or NULL: no admin endpoint */
    size_t neighbour_count;
    size_t neighbours[TOPOLOGY_NEIGHBOURS_MAX]; /* indices of nodes, ascending */
};

struct topology_listener {
    char *address; /* as the file has it, 0.0.0.0:16670 or [::]:16670: */
    char *host;    /* numeric IPv4 or IPv6, without brackets */
    uint16_t port;
    bool is_any;           /* "*": spread over the nodes that are up */
    size_t node;           /* index of its server, unless is_any */
    bool refuse_when_down; /* "when_down": "refuse" closes the port while its server is down */
    bool is_shared;        /* another gateway of this herd listens on the same address */
};

struct topology_gateway {
    char *name;
    char *admin;
    size_t listener_count;
    struct topology_listener *listeners;
};

struct topology_worker {
    char *name;
    char *requests_url;
    char *admin;
    unsigned threads;
};

struct topology_places {
    size_t provider_count;
    enum places_provider providers[TOPOLOGY_PROVIDERS_MAX]; /* in fall-back order */
    size_t worker_count;
    struct topology_worker *workers;
    unsigned timeout_ms;         /* total, per look-up */
    unsigned connect_timeout_ms; /* part of it */
    bool rank_by_distance;       /* "rank": "distance"; else "prominence" */
    char *database; /* path of the embedded places, or NULL: as built. All paths in the file
                       are relative to its folder; here they are relative to the working folder */
    char *google_legacy_url; /* base URLs, never NULL (defaults), without a slash at the end */
    char *google_url;
    char *overpass_url;
    size_t cache_bytes_max;       /* of the answers that a worker keeps; 0: none */
    unsigned cache_seconds;       /* how long at most; less where the provider says so */
    unsigned grid_m;              /* positions are rounded to a grid of this; 0: they are not */
    unsigned requests_per_second; /* to each provider on the network, by all workers; likewise */
    unsigned requests_per_day;
    bool google_rating; /* what "google" asks for beside the rest; each raises the price */
    bool google_hours;
    bool google_photos;
    char *google_key_file; /* or NULL: the environment (HERD_GOOGLE_KEY) */
    char *ca_file;         /* or NULL: the system's */
};

struct topology_limits {
    size_t line_bytes_max;          /* of a client's line */
    unsigned answer_within_ms;      /* IAMAT, and the node's part of WHATSAT */
    size_t connections_max;         /* per gateway */
    size_t client_input_bytes_max;  /* per connection: commands read and not yet answered */
    size_t client_output_bytes_max; /* per connection: answers that the client does not read */
    uint64_t reports_max;           /* per node */
    unsigned lanes_per_node;        /* per gateway */
    unsigned drain_ms;              /* SIGTERM to exit */
};

struct topology_logs {
    bool traffic; /* every line of every client, in and out */
    size_t file_size_max;
    unsigned files_max;
};

/* The parts by which two topologies are compared. */
enum topology_part {
    TOPOLOGY_HERD,
    TOPOLOGY_NODES,
    TOPOLOGY_GATEWAYS,
    TOPOLOGY_PLACES, /* all but the workers */
    TOPOLOGY_WORKERS,
    TOPOLOGY_LIMITS,
    TOPOLOGY_LOGS,
    TOPOLOGY_PARTS
};

struct topology {
    char *path;                       /* the name it was read by */
    uint64_t digests[TOPOLOGY_PARTS]; /* of what is written there, in whatever order and spacing */
    char *herd;
    size_t node_count;
    struct topology_node *nodes;
    size_t gateway_count;
    struct topology_gateway *gateways;
    struct topology_places places;
    struct topology_limits limits;
    struct topology_logs logs;
};

/*
 * Reads and checks `path` (`-` is not special). On failure *complaint gets one line, `FILE:LINE:
 * KEY: cause` as far as known, without line end, and STATUS_MALFORMED, STATUS_NOT_FOUND,
 * STATUS_NOT_PERMITTED, STATUS_IO or STATUS_NO_MEMORY is returned. Checked: JSON, unknown, missing
 * or repeated keys, types and ranges, names (letters, digits, `.`, `_`, `-`; unique over all
 * processes), urls and addresses, addresses that collide, unknown or one-sided or repeated
 * neighbours, a graph that is not connected.
 */
enum status topology_read(
    const char *path, struct topology **ret_topology, struct buffer *complaint) MUST_USE;

/* The same from text in memory; `name` stands for the file's name, in complaints and where paths
 * are relative to it. */
enum status topology_parse(const char *name,
    struct slice text,
    struct topology **ret_topology,
    struct buffer *complaint) MUST_USE;
void topology_destroy(struct topology *topology);

/* As the file has it: "nodes", "places.workers" ... */
const char *topology_part_name(enum topology_part part);

/* Of the whole document; equal digests: nothing has changed but order and spacing. */
uint64_t topology_digest(const struct topology *topology);

/* Look-ups by name; false: there is none. */
bool topology_find_node(const struct topology *topology, const char *name, size_t *ret_index);
bool topology_find_gateway(const struct topology *topology, const char *name, size_t *ret_index);
bool topology_find_worker(const struct topology *topology, const char *name, size_t *ret_index);

/* The graph of the nodes, in their order; its names are borrowed from the topology. */
struct graph;
void topology_graph(const struct topology *topology, struct graph *ret_graph);

/*
 * Appends one line (with LF) for each node and each link whose loss alone would split the herd;
 * nothing where no single loss does.
 */
enum status topology_describe_weak_points(
    const struct topology *topology, struct buffer *text) MUST_USE;

#endif
