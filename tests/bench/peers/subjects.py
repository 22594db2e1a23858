"""The subjects of the bench. Each one is started once, flooded several times in turn with the others, and stopped.

flood(seconds, ids) gives {"known_per_s": reports per second until all servers had all of them,
"cpu_us": {process: microseconds per report}}.
"""

import contextlib
import json
import socket
import subprocess
import time

from peers.daemon import Daemon, cpu_s, new_ports
from support.client import ask_places_at_once
from support.fake_places import FakePlaces
from support.herd import Herd
from support.topology import GOLOMAN, make_topology

CONNECTIONS = 50
WINDOW = 64
FLOOD_DEADLINE_S = 300


def run_json(command, deadline_s=FLOOD_DEADLINE_S):
    """What a program prints as JSON; its failure is ours."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, timeout=deadline_s, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout.decode()}")
    return json.loads(done.stdout)


class HerdSubject:
    """The servers of a graph (the five of goloman), their gateway and their places workers."""

    name = "herd"
    what = "IAMAT, 5 servers of goloman"

    def __init__(self, build, folder, graph=GOLOMAN, logs_traffic=False):
        self.build = build
        self.herd = Herd(folder / self.name, make_topology(graph, logs={"traffic": logs_traffic}))

    def start(self):
        self.herd.start()

    def stop(self):
        self.herd.stop()

    def address(self, server):
        return "{}:{}".format(*self.herd.port_of(server))

    def processes(self):
        return {name: process.pid for name, process in self.herd.processes.items()}

    def bench(self, *options, servers=None, **deadline):
        """herd-bench against these servers (all of them), as JSON."""
        return run_json(
            [self.build / "bin" / "herd-bench", "--json", "--quiet",
             "--connect", ",".join(self.address(server) for server in servers or self.herd.servers), *options],
            **deadline,
        )

    def measured(self, *options, **given):
        """The same, until all nodes know everything, with what every process cost."""
        pids = self.processes()
        result = self.bench(
            "--admin", ",".join(node.admin for node in self.herd.nodes.values()),
            "--cpu-of", ",".join(map(str, pids.values())), *options, **given,
        )
        right = max(result["right"], 1)
        result["cpu_us"] = {name: ns / 1000 / right for name, ns in zip(pids, result["cpu_of_ns"])}
        return result

    def flood(self, seconds, ids):
        return self.measured(
            "--connections", CONNECTIONS, "--window", WINDOW, "--ids", ids, "--introduce", "--duration", seconds)


@contextlib.contextmanager
def fresh_herd(bench, name, **given):
    """A herd for one measurement, which has done nothing before: one that has held many ids keeps their memory."""
    subject = HerdSubject(bench.build, bench.folder / name, **given)
    try:
        subject.start()
        yield subject
    finally:
        subject.stop()


class SlowPlaces:
    """A herd whose two workers ask a provider (Google's legacy service, played by this process) that takes its time."""

    threads = 128

    def __init__(self, folder, delay_s):
        self.provider = FakePlaces()
        self.provider.delay(delay_s)
        (folder / "key").write_text("none")
        self.herd = Herd(folder / "slow", make_topology("Solo", threads=self.threads, logs={"traffic": False}, places={
            "providers": ["google-legacy"], "google_legacy_url": self.provider.url,
            "google_key_file": str(folder / "key"), "requests_per_second": 100000, "requests_per_day": 10**9}))

    def __enter__(self):
        self.provider.__enter__()
        self.herd.start()
        return self

    def __exit__(self, *_):
        self.herd.stop()
        self.provider.__exit__()

    def ask(self, count):
        """(seconds until all were answered, how many were answered with places)."""
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(self.herd.connect("Solo")) for _ in range(10)]
            clients[0].ask(b"IAMAT here +34.068930-118.445127 1520023934.9")
            seconds, answers = ask_places_at_once(clients, b"here", count)
        return seconds, sum(answer.json["status"] == "OK" for answer in answers)


class EchoSubject:
    """One thread that parses IAMAT and prints AT, and knows nothing: the ceiling."""

    name = "echo"
    what = "IAMAT, stateless, one process"

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder
        self.daemon = None
        self.port = None

    def start(self):
        [self.port] = new_ports(1)
        command = [self.build / "bin" / "herd-echo", "--listen", f"127.0.0.1:{self.port}"]
        self.daemon = Daemon(self.name, command, self.port, self.folder)

    def stop(self):
        if self.daemon:
            self.daemon.stop()

    def bench(self, *options):
        return run_json([self.build / "bin" / "herd-bench", "--json", "--quiet", "--connect", f"127.0.0.1:{self.port}",
                         "--cpu-of", self.daemon.pid, *options])

    def flood(self, seconds, ids):
        result = self.bench("--connections", CONNECTIONS, "--window", WINDOW, "--ids", ids, "--duration", seconds)
        return {
            "known_per_s": result["right_per_s"],
            "cpu_us": {self.name: result["cpu_of_ns"][0] / 1000 / max(result["right"], 1)},
        }


class RedisServers:
    """A primary and four replicas, without a disk. Known means: acknowledged by all four (WAIT)."""

    replicas = 4

    def __init__(self, folder):
        self.folder = folder / "redis"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.daemons = []
        self.ports = []

    def start(self):
        self.ports = new_ports(1 + self.replicas)
        for index, port in enumerate(self.ports):
            command = [
                "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--daemonize", "no", "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0",
                "--client-output-buffer-limit", "replica 0 0 0", "--dir", self.folder,
            ]
            if index > 0:
                command += ["--replicaof", f"127.0.0.1 {self.ports[0]}"]
            self.daemons.append(Daemon(f"redis-{index}", [str(word) for word in command], port, self.folder))
        self.wait_for_replicas()

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.stop()
        self.daemons = []

    def ask(self, connection, *words):
        """One command whose reply is one line; the line."""
        request = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        connection.sendall(request.encode())
        reply = b""
        while not reply.endswith(b"\r\n"):
            part = connection.recv(4096)
            if not part:
                raise RuntimeError("redis closed the connection")
            reply += part
        return reply.decode().strip()

    def wait_for_replicas(self):
        """Until all replicas acknowledge what was written before."""
        with socket.create_connection(("127.0.0.1", self.ports[0]), timeout=60) as connection:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                self.ask(connection, "SET", "written", "last")
                if self.ask(connection, "WAIT", str(self.replicas), "5000") == f":{self.replicas}":
                    return
        raise RuntimeError("the replicas of redis do not follow")


class RedisSubject:
    """One command of Redis, for each report of the same workload."""

    def __init__(self, build, servers, name, what, *options):
        self.build = build
        self.servers = servers
        self.name = name
        self.what = what
        self.options = options

    def flood(self, seconds, ids):
        daemons = self.servers.daemons
        before = {daemon.name: cpu_s(daemon.pid) for daemon in daemons}
        result = run_json([
            self.build / "bin" / "redis-flood", "--connect", f"127.0.0.1:{self.servers.ports[0]}",
            "--replicas", self.servers.replicas, "--ids", ids, "--duration-ms", int(seconds * 1000), *self.options,
        ])
        known = max(result["known"], 1)
        return {
            "known_per_s": result["known_per_s"],
            "cpu_us": {d.name: (cpu_s(d.pid) - before[d.name]) * 1e6 / known for d in daemons},
        }


def redis_subjects(build, servers):
    return [
        RedisSubject(build, servers, "redis SET", "SET, primary + 4 replicas"),
        RedisSubject(build, servers, "redis GEOADD", "GEOADD, primary + 4 replicas", "--geoadd"),
    ]


class NatsSubject:
    """A cluster of five; known means: delivered to a subscriber at each. It keeps nothing."""

    name = "nats"
    what = "PUB, cluster of 5, a subscriber at each"
    servers = 5

    def __init__(self, build, folder):
        self.build = build
        self.folder = folder / "nats"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.daemons = []
        self.ports = []

    def start(self):
        self.ports = new_ports(self.servers)
        cluster = [f"nats://127.0.0.1:{port}" for port in new_ports(self.servers)]
        for index, port in enumerate(self.ports):
            command = ["nats-server", "-a", "127.0.0.1", "-p", str(port), "--cluster_name", "bench",
                       "--cluster", cluster[index], "--routes", ",".join(cluster)]
            self.daemons.append(Daemon(f"nats-{index}", command, port, self.folder))

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()
        self.daemons = []

    def flood(self, seconds, ids):
        before = {daemon.name: cpu_s(daemon.pid) for daemon in self.daemons}
        result = run_json([
            self.build / "bin" / "nats-flood", "--connect", ",".join(f"127.0.0.1:{port}" for port in self.ports),
            "--window", CONNECTIONS * WINDOW, "--duration", max(int(seconds), 1),
        ])
        known = max(result["known"], 1)
        return {
            "known_per_s": result["known_per_s"],
            "cpu_us": {d.name: (cpu_s(d.pid) - before[d.name]) * 1e6 / known for d in self.daemons},
        }


class RoundTrips:
    """What a message takes there and back: over a TCP socket, over NNG REQ/REP, and to the stateless echo."""

    def __init__(self, build, folder):
        self.program = build / "bin" / "herd-roundtrip"
        self.folder = folder
        self.daemons = []
        self.ports = []

    def start(self):
        self.ports = new_ports(2)
        tcp, nng = self.ports
        self.daemons = [
            Daemon("roundtrip-tcp", [self.program, "--serve", "--at", f"127.0.0.1:{tcp}"], tcp, self.folder),
            Daemon("roundtrip-nng", [self.program, "--serve", "--nng", "--at", f"tcp://127.0.0.1:{nng}"], nng,
                   self.folder),
        ]

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()
        self.daemons = []

    def measure(self, count):
        """(TCP, NNG) median in microseconds."""
        tcp, nng = self.ports
        over_tcp = run_json([self.program, "--at", f"127.0.0.1:{tcp}", "--count", count])
        over_nng = run_json([self.program, "--nng", "--at", f"tcp://127.0.0.1:{nng}", "--count", count])
        return over_tcp["roundtrip"]["p50_ns"] / 1000, over_nng["roundtrip"]["p50_ns"] / 1000
