"""Are random commands, right and wrong ones, whole and in pieces, answered as the rules of gateway/README.md say?"""

import concurrent.futures
import functools
import json
import re
import time
from decimal import Decimal
from typing import NamedTuple

from support.client import ask, nanoseconds, parse_at
from support.herd import IS_SANITIZED, wait_until
from support.topology import GOLOMAN

LINE_MAX = 8 * 1024
LINES = 150 if IS_SANITIZED else 600
CLIENTS = 10
SPACE = b" \t\r\f\v"
NUMBER = rb"\d+(?:\.\d+)?"


# ---- The rules, once more ----

def lines_of(stream):
    *whole, last = stream.split(b"\n")
    return [line.removesuffix(b"\r") for line in whole] + [last] * bool(last)


def is_location(text):
    match = re.fullmatch(rb"[+-](%s)[+-](%s)" % (NUMBER, NUMBER), text)
    return match is not None and Decimal(match[1].decode()) <= 90 and Decimal(match[2].decode()) <= 180


def is_time(text):
    return re.fullmatch(NUMBER, text) is not None and nanoseconds(text) < 2**63


def is_radius(text):
    return re.fullmatch(NUMBER, text) is not None and Decimal(text.decode()) <= 50


def is_bound(text):
    return re.fullmatch(rb"\d+", text) is not None and int(text) <= 20


def fields_of(line):
    """Of a valid command; None: it is none."""
    fields = [field for field in re.split(rb"[ \t\r\n\f\v]+", line) if field]
    if len(line) > LINE_MAX or len(fields) != 4:
        return None
    word, _, third, fourth = fields
    is_valid = (word == b"IAMAT" and is_location(third) and is_time(fourth)) or (
        word == b"WHATSAT" and is_radius(third) and is_bound(fourth)
    )
    return fields if is_valid else None


# ---- Random commands ----

class Writer:
    """Writes what a client sends; its ids are its own."""

    def __init__(self, chance):
        self.chance = chance
        self.prefix = bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=14))

    def digits(self, most):
        return bytes(self.chance.choices(b"0123456789", k=self.chance.randint(1, most)))

    def number(self, limit):
        """About the limit, or below it, in one of the ways to write it."""
        whole = b"%d" % self.chance.choice([limit, limit + 1] + [self.chance.randrange(limit + 1)] * 8)
        zeros = b"0" * self.chance.choice([0, 0, 0, 1, 30])
        fraction = self.chance.choice([b"", b".", b".0", b"." + b"0" * 40, b"." + b"0" * 40 + b"1"] + [b"." + self.digits(12)] * 9)
        return zeros + whole + fraction

    def id(self):
        return self.prefix + self.chance.choice([b"%d" % self.chance.randrange(20)] * 20 + [
            b"x" * self.chance.choice([100, 8000, 8120]),
            bytes(byte for byte in self.chance.randbytes(8) if byte not in SPACE + b"\n"),
        ])

    def location(self):
        if self.chance.random() < 0.2:
            return b"+34.06%s-118.44%s" % (self.digits(4), self.digits(4))  # where places are
        return b"".join(self.chance.choice([b"+", b"-"]) + self.number(limit) for limit in (90, 180))

    def time(self):
        edge = b"9223372036.85477580%d" % self.chance.randrange(10)
        return self.chance.choice([edge, self.digits(12)] + [b"15%s.%s" % (self.digits(8), self.digits(15))] * 8)

    def space(self):
        return bytes(self.chance.choices(SPACE, k=3)) if self.chance.random() < 0.1 else b" "

    def line(self):
        kind = self.chance.random()
        if kind < 0.55:
            fields = [b"IAMAT", self.id(), self.location(), self.time()]
        elif kind < 0.85:
            fields = [b"WHATSAT", self.id(), self.number(50), self.number(20).partition(b".")[0]]
        elif kind < 0.95:
            fields = [self.chance.randbytes(20).replace(b"\n", b"")]
        else:
            fields = [b"", b"y" * (LINE_MAX + self.chance.choice([-1, 0, 1, 9000])), b""]
        line = bytearray(self.space().join(fields))
        while self.chance.random() < 0.2:
            at = self.chance.randrange(len(line) + 1)
            line[at: at + self.chance.randrange(2)] = self.chance.randbytes(self.chance.randrange(2))
        return bytes(line)

    def stream(self):
        ends = [b"\n"] * 8 + [b"\r\n", b"\r\r\n"]
        return b"".join(self.line() + self.chance.choice(ends) for _ in range(LINES)) + self.chance.choice([b"", b"last"])


# ---- What comes back ----

class Known(NamedTuple):
    time_ns: int
    at_lines: set  # more than one only of reports of the same time


class Reader:
    """Takes the answers to one stream apart, line by line."""

    def __init__(self, server, answer, began_ns):
        self.server = server.encode()
        self.answer = answer
        self.began_ns = began_ns
        self.ended_ns = time.time_ns()
        self.at = 0
        self.known = {}

    def take(self, end):
        until = self.answer.find(end, self.at) + len(end)
        assert until >= self.at + len(end), f"no {end!r} in {self.answer[self.at:][:300]!r}"
        taken, self.at = self.answer[self.at: until], until
        return taken

    def expect(self, line):
        fields = fields_of(line)
        if fields is None or (fields[0] == b"WHATSAT" and fields[1] not in self.known):
            wanted = b"? " + line[:LINE_MAX] + b"\n"
            got = self.answer[self.at: self.at + len(wanted)]
            assert got == wanted
            self.at += len(wanted)
        elif fields[0] == b"IAMAT":
            self.expect_accepted(fields)
        else:
            at_line = self.take(b"\n")
            assert at_line in self.known[fields[1]].at_lines
            text = self.take(b"\n\n")[:-2]
            assert text and not text.endswith(b"\n")
            places = json.loads(text)
            assert len(places["results"]) <= int(fields[3]) and places["status"] in ("OK", "ZERO_RESULTS")

    def expect_accepted(self, fields):
        at_line = self.take(b"\n")
        at = parse_at(at_line)
        assert at.server == self.server and list(at[2:]) == fields[1:]
        assert self.began_ns <= at.time_ns + at.difference_ns <= self.ended_ns
        known = self.known.setdefault(at.id, Known(-1, set()))
        if at.time_ns > known.time_ns:
            self.known[at.id] = Known(at.time_ns, {at_line})
        elif at.time_ns == known.time_ns:
            known.at_lines.add(at_line)


def test_random_commands_are_answered_by_the_rules(make_herd, seeded):
    herd = make_herd(GOLOMAN).start()

    def converse(number, seed):
        server = herd.servers[number % len(herd.servers)]
        chance = type(seeded)(seed)
        stream = Writer(chance).stream()
        longest = chance.choice([200, 2000, LINE_MAX + 2, 1 << 20])
        piece = functools.partial(chance.randint, 1, longest)
        began_ns = time.time_ns()
        reader = Reader(server, ask(herd.port_of(server), stream, piece), began_ns)
        for line in lines_of(stream):
            reader.expect(line)
        assert reader.at == len(reader.answer), f"nobody asked for {reader.answer[reader.at:][:300]!r}"
        return reader.known

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        knowns = list(pool.map(converse, range(CLIENTS), [seeded.random() for _ in range(CLIENTS)]))

    wait_until(herd.has_converged, "all servers are equal")
    for server in herd.servers:
        ids = [(client_id, known) for each in knowns for client_id, known in each.items() if len(client_id) < LINE_MAX - 20]
        answer = herd.ask(server, b"".join(b"WHATSAT %s 0 0\n" % client_id for client_id, _ in ids))
        at_lines = [part.partition(b"\n")[0] + b"\n" for part in answer.split(b"\n\n")]
        assert all(at_line in known.at_lines for at_line, (_, known) in zip(at_lines, ids)) and len(at_lines) == len(ids) + 1
