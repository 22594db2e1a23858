"""Speaks to the sockets of a node as another process of the herd would, byte by byte.

NNG's wire format (SP over TCP): both sides send eight bytes that name their protocol; then each message is its length
in eight bytes and its body. Of REQ and REP the body begins with the number of the request. What a message says is a
plain sequence of MessagePack scalars (common/README.md).
"""

import contextlib
import socket
import struct
import threading
from typing import NamedTuple

REQ, REP, BUS = 48, 49, 112
VERSION, KIND_REQUEST, KIND_RESPONSE, KIND_GOSSIP = 3, 1, 2, 5
LOCATE, UNKNOWN, FOUND = 2, 3, 4


def pack(*scalars):
    """Integers, names (str) and bytes, in order."""
    packed = []
    for scalar in scalars:
        if isinstance(scalar, int):
            packed.append(struct.pack(">BQ", 0xCF, scalar))
        elif isinstance(scalar, str):
            packed.append(struct.pack(">BB", 0xD9, len(scalar.encode())) + scalar.encode())
        else:
            packed.append(struct.pack(">BH", 0xC5, len(scalar)) + scalar)
    return b"".join(packed)


_NUMBERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
_TEXTS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}


def unpack(message):
    """Yields the scalars; names come as bytes too."""
    offset = 0
    while offset < len(message):
        kind = message[offset]
        offset += 1
        if kind < 0x80:
            yield kind
        elif kind in _NUMBERS:
            (number,) = struct.unpack_from(_NUMBERS[kind], message, offset)
            offset += struct.calcsize(_NUMBERS[kind])
            yield number
        else:
            length = kind & 0x1F
            if kind in _TEXTS:
                (length,) = struct.unpack_from(_TEXTS[kind], message, offset)
                offset += struct.calcsize(_TEXTS[kind])
            else:
                assert 0xA0 <= kind <= 0xBF, f"no scalar of this protocol: {kind:#x}"
            yield message[offset : offset + length]
            offset += length


def gossip(
    *, herd, sender, receiver, incarnation, number, head, count, to, reports, holding=(0, 0, 0, 0, 0), digest=(0, 0),
    wants_lazy=0, version=VERSION, kind=KIND_GOSSIP,
):
    """A message of a neighbour; each report is (server, received_ns, id, location, time)."""
    header = pack(version, kind, herd, sender, receiver, incarnation, number, *holding, head, count, *digest, wants_lazy, 0, to)
    return header + b"".join(pack(*report) for report in reports)


class NodeSocket:
    """One connection, with a deadline on everything."""

    def __init__(self, address, protocol, timeout_s=5):
        self.socket = socket.create_connection(address, timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")
        self.socket.sendall(b"\0SP\0" + struct.pack(">HH", protocol, 0))
        greeting = self._read(8)
        assert greeting[:4] == b"\0SP\0", greeting

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def _read(self, length):
        data = self.reader.read(length)
        if len(data) < length:
            raise EOFError("the node closed the connection")
        return data

    def send(self, body):
        self.socket.sendall(struct.pack(">Q", len(body)) + body)

    def receive(self):
        (length,) = struct.unpack(">Q", self._read(8))
        return self._read(length)


@contextlib.contextmanager
def still_heard(herd, silent, at):
    """As long as it lasts, the node hears HELLOs of that neighbour, which stands still; they confirm nothing."""
    incarnation = int(herd[silent].status()["incarnation"], 16)
    hello = gossip(
        herd="test", sender=silent, receiver=at, incarnation=incarnation, number=1, head=0, count=0, to=0, reports=[]
    )
    is_over = threading.Event()
    herd[silent].pause()

    def speak():
        with NodeSocket(herd.address_of(at, "gossip"), BUS) as voice, contextlib.suppress(OSError):
            while not is_over.wait(0.02):
                voice.send(hello)

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        yield
    finally:
        is_over.set()
        speaker.join()
        herd[silent].resume()


class Held(NamedTuple):
    """What a node holds of an id."""

    server: bytes
    received_ns: int
    location: bytes
    time: bytes


class NodeReader:
    """Asks one node, and no other, what it holds, as a gateway does."""

    def __init__(self, address, herd, server, timeout_s=5):
        self.herd, self.server = herd, server
        self.socket = NodeSocket(address, REQ, timeout_s)
        self.number = 0

    def close(self):
        self.socket.close()

    def locate(self, ids):
        """(incarnation of the node, [Held or None for each of the first ids])."""
        self.number += 1
        tag = struct.pack(">I", 0x80000000 | self.number)
        question = pack(VERSION, KIND_REQUEST, self.herd, self.server)
        self.socket.send(tag + question + b"".join(pack(LOCATE, one) for one in ids))
        answer = self.socket.receive()
        assert answer[:4] == tag, "the answer to another request"
        scalars = unpack(answer[4:])
        version, kind, herd, server, incarnation, _ = (next(scalars) for _ in range(6))
        expected = (VERSION, KIND_RESPONSE, self.herd.encode(), self.server.encode())
        assert (version, kind, herd, server) == expected, (version, kind, herd, server)
        found = []
        for outcome in scalars:
            assert outcome in (UNKNOWN, FOUND), outcome
            found.append(Held(*(next(scalars) for _ in range(4))) if outcome == FOUND else None)
        return incarnation, found
