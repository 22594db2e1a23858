"""Clients of the line protocol over plain sockets, and what their answers mean."""

import contextlib
import json
import re
import selectors
import socket
import struct
import time
from typing import NamedTuple

ANSWER_DEADLINE_S = 20


class At(NamedTuple):
    """An AT line, field by field."""

    server: bytes
    difference: bytes
    id: bytes
    location: bytes
    time: bytes

    @property
    def difference_ns(self):
        return nanoseconds(self.difference)

    @property
    def time_ns(self):
        return nanoseconds(self.time)


def nanoseconds(text):
    """The exact value of decimal seconds; digits after the ninth do not count."""
    match = re.fullmatch(rb"([+-]?)(\d+)(?:\.(\d+))?", text)
    assert match, f"not a number of seconds: {text!r}"
    whole = int(match[2]) * 10**9 + int((match[3] or b"")[:9].ljust(9, b"0"))
    return -whole if match[1] == b"-" else whole


def parse_at(line):
    match = re.fullmatch(rb"AT ([^ ]+) ([+-]\d+\.\d{9}) ([^ ]+) ([^ ]+) ([^ ]+)\n", line)
    assert match, f"not an AT line: {line[:300]!r}"
    return At(*match.groups())


class Places(NamedTuple):
    """The answer to a WHATSAT."""

    at_line: bytes
    text: bytes

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def names(self):
        return [place["name"] for place in self.json["results"]]


def parse_places(answer):
    """The whole answer to one WHATSAT, whose form is checked byte by byte."""
    at_line, newline, text = answer.partition(b"\n")
    parse_at(at_line + newline)
    assert text.endswith(b"\n\n"), f"does not end in two newlines: {answer[-60:]!r}"
    text = text[:-2]
    assert b"\n\n" not in text and not text.endswith(b"\n"), "more newlines than the protocol allows"
    return Places(at_line + newline, text)


class Client:
    """One connection, with a deadline on everything."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=ANSWER_DEADLINE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", buffering=1 << 16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Disconnects as a crashed client does, without a word."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def read_line(self):
        line = self.reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError(f"the server closed after {line[-200:]!r}")
        return line

    def read_places(self):
        """The answer to a WHATSAT of a known client."""
        lines = [self.read_line()]
        parse_at(lines[0])
        while lines[-1] != b"\n":
            lines.append(self.read_line())
        return parse_places(b"".join(lines))

    def read_to_end(self):
        return self.reader.read()

    def ask(self, line):
        """One command, one line of answer."""
        self.send(line + b"\n")
        return self.read_line()

    def whatsat(self, client_id, radius=10, bound=20):
        self.send(b"WHATSAT %s %d %d\n" % (client_id, radius, bound))
        return self.read_places()


def ask_places_at_once(clients, client_id, count):
    """So many look-ups, no two of them the same, pipelined over these clients; seconds, and all answers."""
    began = time.monotonic()
    shares = [range(index, count, len(clients)) for index in range(len(clients))]
    for client, share in zip(clients, shares):
        client.send(b"".join(b"WHATSAT %s 10.%04d 5\n" % (client_id, number) for number in share))
    answers = [client.read_places() for client, share in zip(clients, shares) for _ in share]
    return time.monotonic() - began, answers


def listens(address):
    """Whether somebody accepts connections there."""
    with contextlib.suppress(OSError):
        socket.create_connection(address, timeout=1).close()
        return True
    return False


def ask(address, data, piece=lambda: 1 << 20):
    """Sends all of it, at most piece() bytes at once, half-closes, and returns all that the server answers until it closes."""
    answer = []
    unsent = memoryview(data)
    until = time.monotonic() + ANSWER_DEADLINE_S
    with socket.create_connection(address, timeout=ANSWER_DEADLINE_S) as connection, contextlib.closing(
        selectors.DefaultSelector()
    ) as selector:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while True:
            assert time.monotonic() < until, f"no end of the answer, so far {b''.join(answer)[-200:]!r}"
            for _, events in selector.select(1):
                if events & selectors.EVENT_WRITE:
                    unsent = unsent[connection.send(unsent[: piece()]):] if unsent else unsent
                    if not unsent:
                        connection.shutdown(socket.SHUT_WR)
                        selector.modify(connection, selectors.EVENT_READ)
                if events & selectors.EVENT_READ:
                    more = connection.recv(1 << 20)
                    if not more:
                        return b"".join(answer)
                    answer.append(more)
