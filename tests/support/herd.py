"""Herds of real processes: starts them, hurts them, and ends exactly what it started."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

from support.client import Client, ask, parse_at
from support.topology import free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HERD_BUILD") or ROOT / "build" / "release").resolve()
IS_SANITIZED = bool(os.environ.get("HERD_SANITIZED"))

# A deadline is there to end a hopeless wait; only tests marked `measures` look at how long something took.
READY_DEADLINE_S = 60 if IS_SANITIZED else 20
STOP_DEADLINE_S = 20 if IS_SANITIZED else 5

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def wait_until(condition, what, deadline_s=READY_DEADLINE_S):
    """Asks again and again until the answer is true, and returns it."""
    until = time.monotonic() + deadline_s
    while True:
        if value := condition():
            return value
        assert time.monotonic() < until, f"not within {deadline_s} s: {what}"
        time.sleep(0.002)


def end_with_parent():
    """For a process that is about to exec: should the one that started it be killed, so is it."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def http_get(address, path, timeout=5):
    """(status, text) of an admin page."""
    host, port = address.rsplit(":", 1)
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=timeout)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


class Process:
    """One gateway, node or worker, by the name it has in the topology."""

    def __init__(self, herd, program, name, admin):
        self.herd = herd
        self.program = program
        self.name = name
        self.admin = admin
        self.log_path = herd.folder / f"{name}.log"
        self.stderr_path = herd.folder / f"{name}.stderr"
        self.network = herd.network if herd.network and name in herd.network.addresses else None
        self.popen = None
        self.was_killed = False
        self.was_ready = False

    def start(self, *, descriptors=None):
        """Starts it without waiting for anything."""
        assert not self.is_running(), f"{self.name} runs already"

        def before_exec():
            end_with_parent()
            if self.network:
                self.network.enter(self.name)
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        command = [BUILD / "bin" / self.program, "--topology", self.herd.path, "--name", self.name, "--log", self.log_path]
        with open(self.stderr_path, "ab") as stderr:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, cwd=self.herd.folder,
                start_new_session=True, preexec_fn=before_exec,
            )
        self.was_killed = self.was_ready = False
        return self

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def is_ready(self):
        assert self.is_running(), f"{self.name} ended with {self.popen.returncode}:\n{self.stderr()}"
        try:
            is_ready = self._page("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            is_ready = False
        self.was_ready = self.was_ready or is_ready
        return is_ready

    def wait_ready(self):
        wait_until(self.is_ready, f"{self.name} is ready")
        return self

    def kill(self):
        """kill -9, and the process is gone when this returns."""
        self.was_killed = True
        self.popen.kill()
        self.popen.wait(STOP_DEADLINE_S)

    def restart(self):
        if self.is_running():
            self.kill()
        return self.start()

    def pause(self):
        self.popen.send_signal(signal.SIGSTOP)

    def resume(self):
        self.popen.send_signal(signal.SIGCONT)

    def terminate(self, with_signal=signal.SIGTERM):
        self.popen.send_signal(with_signal)

    def wait_exit(self, deadline_s=STOP_DEADLINE_S):
        """The exit status."""
        return self.popen.wait(deadline_s)

    def _page(self, path):
        with self.network.inside(self.name) if self.network else contextlib.nullcontext():
            return http_get(self.admin, path)

    def status(self):
        return json.loads(self._page("/status")[1])

    def metrics(self):
        return self._page("/metrics")[1]

    def memory_bytes(self):
        """The most memory that it ever had."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def log(self):
        return self.log_path.read_bytes() if self.log_path.exists() else b""

    def stderr(self):
        return self.stderr_path.read_text(errors="replace") if self.stderr_path.exists() else ""


class Herd:
    """The processes of one topology, in a folder of their own; those that are places of a network run there."""

    def __init__(self, folder, topology, network=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.topology = topology
        self.network = network
        self.path = self.folder / "topology.json"
        self.write_topology()
        self.nodes = self._processes("herd-node", topology["nodes"])
        self.gateways = self._processes("gateway", topology["gateways"])
        self.workers = self._processes("places-worker", topology["places"]["workers"])
        self.processes = {**self.nodes, **self.gateways, **self.workers}
        self.servers = list(topology["nodes"])

    def _processes(self, program, described):
        return {name: Process(self, program, name, one.get("admin")) for name, one in described.items()}

    def __getitem__(self, name):
        return self.processes[name]

    def start(self):
        for process in self.processes.values():
            process.start()
        return self.wait_ready()

    def wait_ready(self):
        """Until every process is ready, and known to those that ask it: only then does each port answer by its own name."""
        for process in self.processes.values():
            process.wait_ready()
        wait_until(self.is_linked, "all processes know each other")
        return self

    def is_linked(self):
        """Gateways ask every node and every worker, and nodes hear their neighbours."""
        gateways = [gateway.status() for gateway in self.gateways.values()]
        links = [link for node in self.nodes.values() for link in node.status()["links"]]
        return all(link["connected"] for link in links) and all(
            one["up"] for gateway in gateways for one in gateway["nodes"] + gateway["workers"]
        )

    def are_equal(self, servers=None):
        """Whether these servers, or all, hold the same, by what they say."""
        return len({self[server].status()["digest"] for server in servers or self.servers}) == 1

    def has_converged(self):
        """The same, and each node has heard it of every neighbour."""
        statuses = [node.status() for node in self.nodes.values()]
        return len({status["digest"] for status in statuses}) == 1 and all(
            link["connected"] and link["equal"] and link["behind"] == 0 for status in statuses for link in status["links"]
        )

    def stop(self):
        """Ends what still runs, and complains about whoever did not end well."""
        running = [process for process in self.processes.values() if process.is_running()]
        for process in running:
            process.resume()
            process.terminate()
        wrong = []
        for process in running:
            try:
                status = process.wait_exit()
                # One that has only just been started may not listen to signals yet.
                if status != 0 and (process.was_ready or status != -signal.SIGTERM):
                    wrong.append(f"{process.name} ended with {process.popen.returncode}")
            except subprocess.TimeoutExpired:
                process.kill()
                wrong.append(f"{process.name} did not end when asked to")
        for process in self.processes.values():
            if re.search(r"Sanitizer|runtime error|Assertion", process.stderr()):
                wrong.append(f"{process.name}: {process.stderr()[:20000]}")
            if process not in running and process.popen and not process.was_killed and process.popen.returncode != 0:
                wrong.append(f"{process.name} had ended before, with {process.popen.returncode}")
        assert not wrong, "\n".join(wrong)

    def write_topology(self):
        self.path.write_text(json.dumps(self.topology, indent=4))

    def add_worker(self, name, threads=2):
        """In the file, and not started yet."""
        host = next(iter(self.nodes.values())).admin.rsplit(":", 1)[0]
        ports = free_ports(host)
        described = {"requests": f"tcp://{host}:{next(ports)}", "admin": f"{host}:{next(ports)}", "threads": threads}
        self.topology["places"]["workers"][name] = described
        self.workers[name] = self.processes[name] = Process(self, "places-worker", name, described["admin"])
        self.write_topology()
        return self.workers[name]

    def remove_worker(self, name):
        """From the file; its process goes on and stays among the processes."""
        del self.topology["places"]["workers"][name]
        self.write_topology()
        return self.workers.pop(name)

    def digest(self):
        command = [BUILD / "bin" / "herd-topology", "digest", self.path]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def reload(self, *names):
        """Tells these, or all that run, and waits until they have read the file."""
        told = [self[name] for name in names] or [one for one in self.processes.values() if one.is_running()]
        for process in told:
            process.terminate(signal.SIGHUP)
        digest = self.digest()
        for process in told:
            wait_until(lambda one=process: one.status()["topology"]["digest"] == digest, f"{process.name} has read the file")

    def port_of(self, server="*", gateway=None):
        """The address where clients reach this server."""
        name = gateway or next(iter(self.gateways))
        listeners = self.topology["gateways"][name]["listeners"]
        host, port = next(one["address"] for one in listeners if one["server"] == server).rsplit(":", 1)
        return host.strip("[]"), int(port)

    def address_of(self, server, way):
        """The address where a node takes `requests` or `gossip`."""
        host, port = self.topology["nodes"][server][way].removeprefix("tcp://").rsplit(":", 1)
        return host, int(port)

    def connect(self, server="*", gateway=None):
        return Client(self.port_of(server, gateway))

    def ask(self, server, data, gateway=None):
        return ask(self.port_of(server, gateway), data)

    def knows(self, server, at_line, gateway=None):
        """Whether WHATSAT at this server answers with exactly this AT line."""
        answer = self.ask(server, b"WHATSAT %s 1 0\n" % parse_at(at_line).id, gateway)
        return answer.startswith(at_line)

    def wait_known(self, at_line, *servers, gateway=None):
        """Until these servers, or all, know it."""
        for server in servers or self.servers:
            wait_until(lambda at=server: self.knows(at, at_line, gateway), f"{server} knows {at_line}")

    def assert_every_server_hears_every_other(self, gateway=None):
        """A report to each server is known by all, also when this has been asked before."""
        for server in self.servers:
            report = b"heard-from-%s-%d +34.068930-118.445127 1520023934.918963997" % (server.encode(), time.monotonic_ns())
            at_line = self.ask(server, b"IAMAT %s\n" % report, gateway)
            assert parse_at(at_line).server == server.encode(), f"at the port of {server}: {at_line}"
            self.wait_known(at_line, gateway=gateway)

    def answers_itself(self, server, gateway=None):
        """Whether this server answers at its port, and not another for it."""
        return parse_at(self.ask(server, b"IAMAT who +34-118 1\n", gateway)).server == server.encode()

    def wait_own_answers(self, *servers):
        """A server that is ready still has to be found by the gateway: until that has found these, or all."""
        for server in servers or self.servers:
            wait_until(lambda at=server: self.answers_itself(at), f"{server} answers itself")

    def last_words(self):
        """The ends of what the processes wrote, for the report of a failure."""
        for process in self.processes.values():
            for path in (process.stderr_path, process.log_path):
                if path.exists() and path.stat().st_size:
                    lines = path.read_bytes().decode(errors="replace").splitlines()[-25:]
                    yield path.name, "\n".join(line[:300] for line in lines)
