"""Makes topology files: herds of any graph, each on a loopback address of its own, so that no two can meet."""

import itertools
import os
import random
import socket

GOLOMAN = "Goloman-Hands Goloman-Holiday Goloman-Wilkes Hands-Wilkes Holiday-Welsh Holiday-Wilkes"
HILL = "Hill-Jaquez Hill-Smith Singleton-Jaquez Singleton-Smith Singleton-Campbell Smith-Campbell"
ALFORD = "Alford-Hamilton Alford-Welsh Ball-Holiday Ball-Welsh Hamilton-Holiday"

_system_random = random.SystemRandom()
_addresses = set()


def loopback_address():
    """127.x.y.z that no other herd of this machine is likely to use; one per call."""
    while True:
        address = "127." + ".".join(str(_system_random.randint(1, 254)) for _ in range(3))
        if address not in _addresses:
            _addresses.add(address)
            return address


def free_ports(host):
    """Ports below those that the kernel gives to connections, so that none is taken while its process is away."""
    for port in itertools.count(10000 + os.getpid() % 7000):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                if host == "::":
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # of IPv4 too
                probe.bind((host, port))
            except OSError:
                continue
        yield port


def edges_of(graph):
    """[("Goloman", "Hands"), ...] from "Goloman-Hands ..."; a word without a dash is a lone server."""
    return [tuple(word.split("-")) for word in graph.split() if "-" in word]


def servers_of(graph):
    """In the order in which they are first named."""
    return list(dict.fromkeys(graph.replace("-", " ").split()))


def neighbours_of(graph, server):
    return [b if a == server else a for a, b in edges_of(graph) if server in (a, b)]


def distances_from(graph, server):
    """{server: hops}."""
    distances = {server: 0}
    ring = [server]
    while ring:
        ring = [n for s in ring for n in neighbours_of(graph, s) if distances.setdefault(n, distances[s] + 1) > distances[s]]
        ring = list(dict.fromkeys(ring))
    return distances


def make_topology(graph=GOLOMAN, *, gateways=("gateway",), workers=2, threads=2, limits=None, places=None, logs=None):
    """A whole topology as a dictionary; every gateway listens for every server and, last, for any."""
    host = loopback_address()
    ports = free_ports(host)

    def address():
        return f"{host}:{next(ports)}"

    return {
        "herd": "test",
        "nodes": {
            server: {
                "requests": f"tcp://{address()}",
                "gossip": f"tcp://{address()}",
                "admin": address(),
                "neighbours": neighbours_of(graph, server),
            }
            for server in servers_of(graph)
        },
        "gateways": {
            name: {
                "admin": address(),
                "listeners": [{"address": address(), "server": server} for server in servers_of(graph) + ["*"]],
            }
            for name in gateways
        },
        "places": {
            "providers": ["embedded"],
            "workers": {
                f"places-{number}": {"requests": f"tcp://{address()}", "admin": address(), "threads": threads}
                for number in range(1, workers + 1)
            },
            **(places or {}),
        },
        "limits": limits or {},
        "logs": logs or {},
    }


def spread_over(network, topology):
    """The same herd, but each node at its own place of the network; gateways and workers stay together."""
    for number, (server, node) in enumerate(topology["nodes"].items(), 1):
        address = network.addresses[server]
        node.update(requests=f"tcp://{address}:7000", gossip=f"tcp://{address}:7001", admin=f"127.77.0.{number}:7002")
    return topology
