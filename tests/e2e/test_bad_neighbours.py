"""Is whoever has no business among the neighbours refused, counted and told, and does nothing that it says get in?"""

import contextlib
import itertools
import pathlib
import re
import socket
import time

import pytest

from support.client import ask
from support.herd import wait_until
from support.node_socket import BUS, REQ, VERSION, NodeSocket, gossip, pack
from support.topology import GOLOMAN

UCLA = b"+34.068930-118.445127"
EVIL = ("Wilkes", 1520023934 * 10**9, b"victim", b"+10+10", b"4000000000")
STRANGE_INCARNATION = 0x5EC0D

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def herd(make_lasting_herd):
    herd = make_lasting_herd(GOLOMAN).start()
    herd.ask("Hands", b"IAMAT victim %s 1520023934\n" % UCLA)
    wait_until(herd.has_converged, "all servers are equal")
    return herd


def message(**changes):
    """A perfect batch of Wilkes for Hands, if nothing is changed, with a report that would win."""
    fields = {
        "herd": "test", "sender": "Wilkes", "receiver": "Hands", "incarnation": STRANGE_INCARNATION,
        "number": next(numbers), "head": 1, "count": 1, "to": 1, "reports": [EVIL],
    }
    return gossip(**{**fields, **changes})


def counters(herd, server="Hands"):
    status = herd[server].status()
    return {name: status[name] for name in ("gossip_refused", "gossip_malformed", "reports", "digest", "lseq")}


def assert_refused(herd, messages, counter):
    """All of them are counted there, and the table is as before."""
    before = counters(herd)
    with NodeSocket(herd.address_of("Hands", "gossip"), BUS) as stranger:
        for one in messages:
            stranger.send(one)
        expected = {**before, counter: before[counter] + len(messages)}
        wait_until(lambda: counters(herd)[counter] >= expected[counter], f"{len(messages)} messages are counted as {counter}")
    assert counters(herd) == expected
    assert herd.ask("Hands", b"WHATSAT victim 1 0\n").split(b" ")[4] == UCLA
    assert herd.has_converged()


REFUSED = {
    "another-herd": {"herd": "hill"},
    "an-unknown-name": {"sender": "Campbell"},
    "a-node-that-is-no-neighbour": {"sender": "Welsh"},
    "its-own-name": {"sender": "Hands"},
    "meant-for-another": {"receiver": "Goloman"},
    "a-second-process": {},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=list(REFUSED))
def test_who_has_no_business_here_is_refused(herd, changes):
    assert_refused(herd, [message(**changes) for _ in range(3)], "gossip_refused")


MALFORMED = {
    "the-version-before": message(version=VERSION - 1),
    "a-later-version": message(version=VERSION + 1),
    "another-kind": message(kind=1),
    "nothing": b"",
    "half": message()[:-20],
    "more": message() + b"\x00",
    "a-wish-that-is-neither-yes-nor-no": message(wants_lazy=2),
    "no-location": message(reports=[("Wilkes", 1, b"victim", b"north", b"4000000000")]),
    "no-time": message(reports=[("Wilkes", 1, b"victim", b"+10+10", b"soon")]),
    "an-id-with-a-space": message(reports=[("Wilkes", 1, b"the victim", b"+10+10", b"4000000000")]),
    "a-server-nobody-named": message() + pack(7, 1, b"victim", b"+10+10", b"4000000000"),
    "a-good-report-and-a-bad-one": message(reports=[EVIL, ("Wilkes", 1, b"other", b"+91+10", b"1")]),
}


@pytest.mark.parametrize("bytes_sent", MALFORMED.values(), ids=list(MALFORMED))
def test_what_is_malformed_is_refused_as_a_whole(herd, bytes_sent):
    assert_refused(herd, [bytes_sent] * 3, "gossip_malformed")


def test_chance_bytes_and_torn_messages_are_refused(herd, seeded):
    valid, hello = message(), message(reports=[])
    messages = [seeded.randbytes(seeded.randrange(300)) for _ in range(500)]
    messages += [valid[:length] for length in range(len(valid)) if length != len(hello)]
    assert_refused(herd, messages, "gossip_malformed")


def test_a_message_beyond_the_largest_ends_its_connection_only(herd):
    before = counters(herd)
    with NodeSocket(herd.address_of("Hands", "gossip"), BUS) as stranger:
        stranger.socket.sendall((1 << 40).to_bytes(8, "big") + b"\0" * 1000)
        with pytest.raises((EOFError, OSError)):
            stranger.receive()
    assert counters(herd) == before and herd.has_converged()


@pytest.mark.parametrize("greeting", [b"GET / HTTP/1.0\r\n\r\n", b"\0SP\0\0\x30\0\0", b"\0", b""], ids=["http", "req", "short", "none"])
def test_who_does_not_speak_the_transport_harms_nobody(herd, greeting):
    before = counters(herd)
    for _ in range(20):
        with contextlib.suppress(OSError):  # it may be gone at any point
            ask(herd.address_of("Hands", "gossip"), greeting)
    herd.ask("Hands", b"WHATSAT victim 1 0\n")
    assert counters(herd) == before and herd.has_converged()


def test_a_gateway_of_another_herd_is_told_whom_it_met(herd):
    """Its request is not done; the answer names herd and server, so that it can see its mistake."""
    before = counters(herd)
    with NodeSocket(herd.address_of("Hands", "requests"), REQ) as stranger:
        stranger.send(b"\x80\0\0\1" + pack(1, 1, "hill", "Hands", 1, b"victim", b"+10+10", b"4000000000"))
        answer = stranger.receive()
    assert b"test" in answer and b"Hands" in answer
    assert counters(herd) == before


def test_refusals_are_logged_once_a_second_with_their_number(make_herd):
    herd = make_herd("Hands-Wilkes").start()
    started = time.monotonic()
    sent = 0

    def counts():
        return [int(count) for count in re.findall(rb"event=gossip_refused cause=\"another herd\" count=(\d+)", herd["Hands"].log())]

    with NodeSocket(herd.address_of("Hands", "gossip"), BUS) as stranger:
        while len(counts()) < 3:
            assert time.monotonic() - started < 20, "the log tells of it again and again"
            for _ in range(100):
                stranger.send(message(herd="hill"))
            sent += 100
            wait_until(lambda: counters(herd)["gossip_refused"] == sent, "all are counted")
        seconds = time.monotonic() - started

        assert len(counts()) <= seconds + 2
        assert sent // 2 < sum(counts()) <= sent, "each line counts those since the one before"


def test_a_second_process_under_a_living_name_changes_nothing_while_reports_flow(make_herd):
    herd = make_herd("Hands-Wilkes").start()
    with NodeSocket(herd.address_of("Hands", "gossip"), BUS) as stranger:
        for number in range(200):
            stranger.send(message())
            herd.ask("Wilkes", b"IAMAT client%d %s 1520023934\n" % (number, UCLA))
        wait_until(herd.has_converged, "both servers are equal")
    assert herd["Hands"].status()["reports"] == 200
    assert counters(herd)["gossip_refused"] == 200


def test_the_kernel_looks_after_neighbours_and_gateways_that_vanish_without_a_word(herd):
    """Else each of them, lost with its machine, would hold a descriptor for ever."""
    established, keepalive_timer = "01", "02"
    addresses = [herd.address_of("Hands", way) for way in ("requests", "gossip")]
    accepted_at = {f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}" for host, port in addresses}

    def timers():
        """Of all connections that Hands has accepted; while something is unconfirmed another timer runs."""
        lines = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        fields = [line.split() for line in lines]
        return {one[5].split(":")[0] for one in fields if one[3] == established and one[1] in accepted_at}

    wait_until(lambda: timers() == {keepalive_timer}, "each is probed after long silence")
