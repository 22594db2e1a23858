"""Hurts a herd of real processes in a network of namespaces, under load, and checks all that was said meanwhile.

A run consists of rounds. In each, clients report and ask through every listener of two gateways, a reader in each
node's own namespace asks that node what it holds, and faults come and go. Then the network heals, the load ends, the
herd converges, and the history is checked (history.py). Rounds use ids of their own, so a run can be as long as one
likes.
"""

import contextlib
import itertools
import pathlib
import random
import re
import time

from nemesis.history import SECOND, Command, Death, End, History, Sight, Version, check
from support.client import nanoseconds
from support.client_threads import ClientThreads
from support.herd import Herd, wait_until
from support.network import Network, partition
from support.node_socket import NodeReader
from support.topology import GOLOMAN, make_topology, servers_of, spread_over

ANSWER_WITHIN_MS = 2000
PLACES_WITHIN_MS = 1000
ANSWER_DEADLINE_S = (ANSWER_WITHIN_MS + PLACES_WITHIN_MS) / 1000 + 4  # the machine has other things to do as well
CONVERGE_DEADLINE_S = 60
IDS = 100
BATCH_MAX = 20
PAUSE_S_MAX = 0.05  # of a client between batches: most of the machine is for the herd


def nanosecond_text(time_ns):
    return b"%d.%09d" % divmod(time_ns, SECOND)


def version_held(held):
    return Version(nanoseconds(held.time), held.server, held.received_ns, held.location, held.time)


def resources(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return {
        "descriptors": process.descriptor_count(),
        "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
        "megabytes": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024,
    }


class Load(ClientThreads):
    """Clients and readers; what they saw is in the history when they have ended."""

    def __init__(self, herd, prefix, seed):
        super().__init__()
        self.herd = herd
        self.history = History(herd.servers, ANSWER_DEADLINE_S)
        self.ids = [b"%s-%d" % (prefix, number) for number in range(IDS)]
        for gateway, server in itertools.product(herd.gateways, herd.servers + ["*"]):
            chance = random.Random(f"{seed} {gateway} {server}")
            self.add(f"a client of {server} by {gateway}", self._client, gateway, server, chance)
        for server in herd.servers:
            self.add(f"a reader of {server}", self._reader, server, random.Random(f"{seed} {server}"))

    def _command(self, chance):
        """Mostly reports of now; also of the past, of the future, and of times that others use for the same id."""
        number = int(chance.random() ** 2 * IDS)
        client_id = self.ids[number]
        if chance.random() < 0.4:
            return b"WHATSAT %s 1 0" % client_id
        now = time.time_ns()
        if number % 10 == 0:
            when = b"%d" % (now // SECOND)  # the same for all that report it within a second
        elif number % 10 == 1:
            when = nanosecond_text(now + 3600 * SECOND)
        elif chance.random() < 0.1:
            when = nanosecond_text(now - chance.randrange(100 * SECOND))
        else:
            when = nanosecond_text(now)
        return b"IAMAT %s %+.6f%+.6f %s" % (client_id, chance.uniform(-90, 90), chance.uniform(-180, 180), when)

    def _client(self, gateway, server, chance):
        client = None
        while not self.stopping.wait(chance.random() * PAUSE_S_MAX):
            if client is None:
                with contextlib.suppress(OSError):  # its gateway is away
                    client = self.herd.connect(server, gateway)
                continue
            lines = [self._command(chance) for _ in range(chance.randint(1, BATCH_MAX))]
            if not self._ask(client, gateway, lines):
                client.close()
                client = None
        if client is not None:
            with contextlib.suppress(OSError):
                client.half_close()
                if surplus := client.read_to_end():
                    self.history.surplus.append((gateway, surplus))
            client.close()

    def _ask(self, client, gateway, lines):
        """Whether the connection still stands."""
        asked_ns = time.time_ns()
        answers = []
        try:
            client.send(b"".join(line + b"\n" for line in lines))
            for line in lines:
                answer = client.read_line()
                # The rest of a WHATSAT's answer is its places.
                while line.startswith(b"WHATSAT") and answer.startswith(b"AT ") and client.read_line() != b"\n":
                    pass
                answers.append((answer, time.time_ns()))
        except (OSError, EOFError):
            pass
        lost_ns = time.time_ns()
        for line, (answer, answered_ns) in itertools.zip_longest(lines, answers, fillvalue=(None, lost_ns)):
            self.history.commands.append(Command(gateway, line, asked_ns, answered_ns, answer))
        return len(answers) == len(lines)

    def _reader(self, server, chance):
        reader = None
        while not self.stopping.wait(chance.random() * PAUSE_S_MAX):
            ids = chance.sample(self.ids, 10)
            try:
                reader = reader or open_reader(self.herd, server)
                asked_ns = time.time_ns()
                incarnation, found = reader.locate(ids)
            except (OSError, EOFError):  # it is killed or paused
                if reader:
                    reader.close()
                reader = None
                continue
            answered_ns = time.time_ns()
            for client_id, held in zip(ids, found):
                version = held and version_held(held)
                self.history.sights.append(Sight(server, incarnation, client_id, asked_ns, answered_ns, version))


def open_reader(herd, server):
    """Beside the node itself, so that no fault of the network comes between."""
    with herd.network.inside(server):
        return NodeReader((herd.network.addresses[server], 7000), herd.topology["herd"], server)


class Faults:
    """Each fault is a method that does it and returns what undoes it; what is done is printed."""

    def __init__(self, herd, chance, history, say, pause_s_max):
        self.herd, self.network, self.chance = herd, herd.network, chance
        self.history, self.say, self.pause_s_max = history, say, pause_s_max
        self.losses = {}
        self.kinds = [
            self.two_parts, self.three_parts, self.one_way_cuts, self.deaf_or_dumb_node, self.loss_everywhere,
            self.paused_node, self.killed_node, self.two_nodes_killed, self.killed_gateway, self.killed_workers,
        ]

    def _lose(self, losses):
        self.losses = losses
        self.network.set_losses(losses)
        return lambda: self._lose({}) if self.losses is losses else None

    def _parts(self, count):
        places = list(self.network.places)
        self.chance.shuffle(places)
        cuts = sorted(self.chance.sample(range(1, len(places)), count - 1))
        parts = [places[a:b] for a, b in zip([0] + cuts, cuts + [len(places)])]
        self.say(" | ".join(",".join(part) for part in parts))
        return self._lose(partition(*parts))

    def two_parts(self):
        return self._parts(2)

    def three_parts(self):
        return self._parts(3)

    def one_way_cuts(self):
        ways = self.chance.sample(list(itertools.permutations(self.network.places, 2)), 4)
        self.say("cut " + " ".join(f"{a}->{b}" for a, b in ways))
        return self._lose({way: 100 for way in ways})

    def deaf_or_dumb_node(self):
        one = self.chance.choice(self.herd.servers)
        is_deaf = self.chance.random() < 0.5
        self.say(f"{one} {'hears nobody' if is_deaf else 'is heard by nobody'}")
        others = [place for place in self.network.places if place != one]
        return self._lose({(other, one) if is_deaf else (one, other): 100 for other in others})

    def loss_everywhere(self):
        percent = self.chance.choice([5, 15, 30])
        self.say(f"{percent} % of all packets are lost")
        return self._lose({way: percent for way in itertools.permutations(self.network.places, 2)})

    def paused_node(self):
        process = self.herd[self.chance.choice(self.herd.servers)]
        if not process.is_running():
            return None
        seconds = self.chance.uniform(1, self.pause_s_max)
        self.say(f"{process.name} is stopped for {seconds:.1f} s")
        process.pause()
        time.sleep(seconds)
        return process.resume

    def kill(self, *names):
        killed = [self.herd[name] for name in names if self.herd[name].is_running()]
        self.say("kill -9 " + " ".join(process.name for process in killed))
        sent_ns = time.time_ns()
        for process in killed:
            process.popen.kill()
        for process in killed:
            process.kill()
            self.history.deaths.append(Death(process.name, sent_ns, time.time_ns()))

        def restart():
            self.say("start " + " ".join(process.name for process in killed))
            for process in killed:
                process.start()

        return restart

    def killed_node(self):
        return self.kill(self.chance.choice(self.herd.servers))

    def two_nodes_killed(self):
        return self.kill(*self.chance.sample(self.herd.servers, 2))

    def killed_gateway(self):
        return self.kill(self.chance.choice(list(self.herd.gateways)))

    def killed_workers(self):
        workers = list(self.herd.workers)
        return self.kill(*self.chance.sample(workers, self.chance.randint(1, len(workers))))


class Nemesis:
    """A herd in a network, to be hurt in rounds."""

    def __init__(self, folder, seed, *, graph=GOLOMAN, pause_s_max=10, say=print):
        self.seed, self.pause_s_max = seed, pause_s_max
        self.started = time.monotonic()
        self.print = say
        self.network = Network(servers_of(graph))
        topology = make_topology(
            graph, gateways=("east", "west"), limits={"answer_within_ms": ANSWER_WITHIN_MS},
            places={"timeout_ms": PLACES_WITHIN_MS, "connect_timeout_ms": PLACES_WITHIN_MS // 2},
        )
        self.herd = Herd(folder, spread_over(self.network, topology), self.network)
        self.kinds_left = []

    def say(self, text):
        self.print(f"{time.monotonic() - self.started:8.3f} s  {text}", flush=True)

    def round(self, number, seconds):
        """Hurts, heals, and returns the violations."""
        chance = random.Random(f"{self.seed} {number}")
        until = time.monotonic() + seconds
        self.say(f"round {number}")
        with Load(self.herd, b"round%d" % number, f"{self.seed} {number}") as load:
            faults = Faults(self.herd, chance, load.history, self.say, self.pause_s_max)
            undo = []
            try:
                while time.monotonic() < until:
                    undo = [self._fault(faults, chance) for _ in range(1 if chance.random() < 0.7 else 2)]
                    time.sleep(min(chance.uniform(0.5, 6), max(0, until - time.monotonic())))
                    self._undo(undo)
                    time.sleep(chance.uniform(0.2, 2))
            finally:
                self._undo(undo)
                self.network.heal()
            self.say("healed")
            healed = time.monotonic()
            for process in self.herd.processes.values():
                process.wait_ready()
        self.wait_converged()
        self.say(f"converged {time.monotonic() - healed:.3f} s after the last fault was over")
        self._see_ends(load)
        history = load.history
        violations = check(history)
        self.say(
            f"{len(history.commands)} commands, {sum(c.answer is None for c in history.commands)} lost with their gateway, "
            f"{sum(bool(c.answer) and c.answer.startswith(b'? IAMAT') for c in history.commands)} reports not taken, "
            f"{len(history.sights)} sights of nodes, {len(history.deaths)} deaths: {len(violations)} violations"
        )
        return violations

    def _fault(self, faults, chance):
        """Deals kinds from a shuffled deck, so that each comes soon."""
        if not self.kinds_left:
            self.kinds_left = [kind.__name__ for kind in faults.kinds]
            chance.shuffle(self.kinds_left)
        return getattr(faults, self.kinds_left.pop())()

    @staticmethod
    def _undo(undo):
        while undo:
            if one := undo.pop():
                one()

    def wait_converged(self):
        wait_until(self.herd.has_converged, "the herd converges", CONVERGE_DEADLINE_S)

    def _see_ends(self, load):
        for server in self.herd.servers:
            reader = open_reader(self.herd, server)
            _, found = reader.locate(load.ids)
            reader.close()
            held = {client_id: version_held(one) for client_id, one in zip(load.ids, found, strict=True) if one}
            load.history.ends[server] = End(self.herd[server].status()["digest"], held)

    def run(self, seconds, round_s_max=120):
        """The violations of all rounds, until one has some."""
        self.herd.start()
        self.wait_converged()
        until = time.monotonic() + seconds
        for number in itertools.count(1):
            left = until - time.monotonic()
            if left <= 0:
                return []
            if violations := self.round(number, min(left, round_s_max)):
                return violations

    def run_kills(self, count, together=50):
        """Kills nodes and gateways one by one under load; what leaks in those that survive, and what was untrue."""
        self.herd.start()
        self.wait_converged()
        chance = random.Random(self.seed)
        survivors = [self.herd.servers[0], list(self.herd.gateways)[0], *self.herd.workers]
        victims = [name for name in [*self.herd.nodes, *self.herd.gateways] if name not in survivors]
        violations = []
        before = {}
        for number in range(0, count, together):
            with Load(self.herd, b"kills%d" % number, f"{self.seed} {number}") as load:
                faults = Faults(self.herd, chance, load.history, lambda text: None, 0)
                for _ in range(min(together, count - number)):
                    victim = chance.choice(victims)
                    faults.kill(victim)()
                    self.herd[victim].wait_ready()
            self.wait_converged()
            self._see_ends(load)
            violations += check(load.history)
            held = {name: resources(self.herd[name]) for name in survivors}
            before = before or held  # when all had met each other, and load
            self.say(f"{min(number + together, count)} kills: {held}")
        for name, now in held.items():
            # The cache of a worker fills meanwhile.
            for what, slack in (("descriptors", 20), ("threads", 2), ("megabytes", 24)):
                if now[what] > before[name][what] + slack:
                    violations.append(f"{name} had {before[name][what]} {what}, and after {count} kills {now[what]}")
        return violations

    def stop(self):
        self.network.heal()
        try:
            self.herd.stop()
        finally:
            self.network.close()
