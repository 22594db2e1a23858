"""What clients and nodes of a herd said while it was hurt, and whether all of it is true.

Pure: a history goes in, violations come out. All times are nanoseconds of one wall clock. `check` runs every rule.
"""

import itertools
from collections import defaultdict
from typing import NamedTuple, Optional

from support.client import nanoseconds, parse_at

SECOND = 10**9


class Version(NamedTuple):
    """A report without its id; the order is that of the herd: the greater wins."""

    time_ns: int
    server: bytes
    received_ns: int
    location: bytes
    time: bytes


def version_of(at_line):
    at = parse_at(at_line)
    return Version(at.time_ns, at.server, at.time_ns + at.difference_ns, at.location, at.time)


class Command(NamedTuple):
    """A line of a client and its answer: of a WHATSAT the first line. None: the connection broke before."""

    gateway: str
    line: bytes
    asked_ns: int
    answered_ns: int
    answer: Optional[bytes]

    @property
    def id(self):
        return self.line.split(b" ")[1]

    @property
    def is_report(self):
        return self.line.startswith(b"IAMAT ")

    @property
    def version(self):
        """What the answer tells; None: nothing."""
        return version_of(self.answer) if self.answer and self.answer.startswith(b"AT ") else None


class Sight(NamedTuple):
    """What a node itself said that it holds of an id."""

    server: str
    incarnation: int
    id: bytes
    asked_ns: int
    answered_ns: int
    version: Optional[Version]


class Death(NamedTuple):
    """kill -9 of a process: sent and known to be done."""

    name: str
    sent_ns: int
    done_ns: int


class End(NamedTuple):
    """A node after quiet: its digest and what it holds."""

    digest: str
    held: dict


class History:
    def __init__(self, servers, answer_within_s):
        self.servers = [server.encode() for server in servers]
        self.answer_within_s = answer_within_s
        self.commands = []
        self.surplus = []  # (gateway, bytes that answer nothing)
        self.sights = []
        self.deaths = []
        self.ends = {}  # by server

    def died_between(self, name, from_ns, until_ns):
        return any(death.name == name and death.done_ns >= from_ns and death.sent_ns <= until_ns for death in self.deaths)

    def reports(self):
        return [command for command in self.commands if command.is_report]


class Accepted:
    """Which versions there can be: answered ones, and those whose answer got lost or that were tried more than once."""

    def __init__(self, history):
        self.servers = set(history.servers)
        self.answered = set()
        self.asked_ns = {}  # of (id, location, time), at first
        for command in history.reports():
            _, client_id, location, time = command.line.split(b" ")
            key = client_id, location, time
            self.asked_ns[key] = min(self.asked_ns.get(key, command.asked_ns), command.asked_ns)
            if command.version:
                self.answered.add((client_id, command.version))

    def why_not(self, client_id, version, seen_ns):
        """None, if there can be such a report when it was seen."""
        if (client_id, version) in self.answered:
            return None
        asked_ns = self.asked_ns.get((client_id, version.location, version.time))
        if asked_ns is None:
            return "nobody reported that"
        if version.server not in self.servers:
            return "there is no such server"
        if version.time_ns != nanoseconds(version.time):
            return "its time is another"
        if not asked_ns <= version.received_ns <= seen_ns:
            return "it was received before it was sent, or after it was seen"
        return None


# ---- The rules ----

def every_command_is_answered_in_time(history):
    for command in history.commands:
        took_s = (command.answered_ns - command.asked_ns) / SECOND
        if took_s > history.answer_within_s:
            yield f"{command.line!r} at {command.gateway} took {took_s:.3f} s"
        # A client may need a moment to see that its gateway is gone.
        if command.answer is None and not history.died_between(
            command.gateway, command.asked_ns - SECOND, command.answered_ns
        ):
            yield f"{command.line!r} got no answer from {command.gateway}, which lived"


def nothing_is_answered_that_was_not_asked(history):
    servers = set(history.servers)
    for gateway, answer in history.surplus:
        yield f"{gateway} said {answer!r} unasked"
    for command in history.commands:
        if command.answer in (None, b"? " + command.line + b"\n"):
            continue
        try:
            at = parse_at(command.answer)
        except AssertionError as complaint:
            yield f"{command.line!r}: {complaint}"
            continue
        if at.id != command.id or at.server not in servers:
            yield f"{command.line!r} was answered {command.answer!r}"
        elif command.is_report and b" ".join((b"IAMAT",) + at[2:]) != command.line:
            yield f"{command.line!r} was answered {command.answer!r}"
        elif command.is_report and not command.asked_ns <= command.version.received_ns <= command.answered_ns:
            yield f"{command.line!r} was received at another time than it was sent: {command.answer!r}"


def what_is_read_was_accepted(history):
    accepted = Accepted(history)
    reads = itertools.chain(
        ((c.gateway, c.id, c.version, c.answered_ns) for c in history.commands if not c.is_report and c.version),
        ((s.server, s.id, s.version, s.answered_ns) for s in history.sights if s.version),
    )
    for where, client_id, version, seen_ns in reads:
        if why := accepted.why_not(client_id, version, seen_ns):
            yield f"{where} says of {client_id!r} {version}: {why}"


def on_one_incarnation_an_id_never_goes_back(history):
    newest = {}
    for sight in sorted(history.sights, key=lambda sight: sight.asked_ns):
        key = sight.server, sight.incarnation, sight.id
        before = newest.get(key)
        if before is not None and before.answered_ns <= sight.asked_ns:
            if sight.version is None or sight.version < before.version:
                yield f"{sight.server} held {before.version} of {sight.id!r}, and later {sight.version}"
                continue
        if sight.version is not None:
            newest[key] = sight


def a_node_holds_what_it_accepted(history):
    """As long as it lives: what it has answered is in its table when it is asked next."""
    accepted = defaultdict(list)
    for command in history.reports():
        if command.version:
            accepted[command.version.server.decode(), command.id].append((command.answered_ns, command.version, command.asked_ns))
    for reports in accepted.values():
        reports.sort()
    sights = defaultdict(list)
    for sight in history.sights:
        sights[sight.server, sight.id].append(sight)
    for key, seen in sights.items():
        reports = iter(accepted.get(key, ()))
        report = next(reports, None)
        newest = None
        for sight in sorted(seen, key=lambda sight: sight.asked_ns):
            while report and report[0] <= sight.asked_ns:
                # What was accepted before a death binds nobody after it.
                is_lost = newest and history.died_between(sight.server, newest[2], report[0])
                if newest is None or is_lost or report[1] > newest[1]:
                    newest = report
                report = next(reports, None)
            if newest is None or history.died_between(sight.server, newest[2], sight.answered_ns):
                continue
            if sight.version is None or sight.version < newest[1]:
                yield f"{sight.server} accepted {newest[1]} of {sight.id!r}, and then held {sight.version}"


def after_quiet_all_are_equal(history):
    if {server.encode() for server in history.ends} != set(history.servers):
        yield f"only {', '.join(history.ends)} were asked in the end"
        return
    digests = {server: end.digest for server, end in history.ends.items()}
    if len(set(digests.values())) > 1:
        yield f"digests differ: {digests}"
    (first, reference), *others = history.ends.items()
    for server, end in others:
        for client_id in reference.held.keys() | end.held.keys():
            mine, theirs = reference.held.get(client_id), end.held.get(client_id)
            if mine != theirs:
                yield f"of {client_id!r} {first} holds {mine} and {server} {theirs}"


def what_a_living_node_knew_is_never_lost(history):
    """In the end each id is at least the newest that a node accepted, or was seen to hold, which did not die since."""
    last_death = {}
    for death in history.deaths:
        last_death[death.name] = max(last_death.get(death.name, 0), death.done_ns)
    floors = {}

    def known(server, client_id, version, asked_ns):
        if asked_ns > last_death.get(server, 0) and (client_id not in floors or floors[client_id] < version):
            floors[client_id] = version

    for command in history.reports():
        if command.version:
            known(command.version.server.decode(), command.id, command.version, command.asked_ns)
    for sight in history.sights:
        if sight.version:
            known(sight.server, sight.id, sight.version, sight.asked_ns)
    for server, end in history.ends.items():
        for client_id, version in floors.items():
            if end.held.get(client_id) is None or end.held[client_id] < version:
                yield f"{server} ended with {end.held.get(client_id)} of {client_id!r}, but {version} was known"


RULES = (
    every_command_is_answered_in_time,
    nothing_is_answered_that_was_not_asked,
    what_is_read_was_accepted,
    on_one_incarnation_an_id_never_goes_back,
    a_node_holds_what_it_accepted,
    after_quiet_all_are_equal,
    what_a_living_node_knew_is_never_lost,
)


def check(history, each_max=5):
    """The violations, at most so many of each rule."""
    violations = []
    for rule in RULES:
        violations += [f"{rule.__name__}: {one}" for one in itertools.islice(rule(history), each_max)]
    return violations
