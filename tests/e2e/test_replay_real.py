"""Do real receivers' reports, spread over all servers, end as the same newest report everywhere?"""

import pathlib

import pytest

from support.client import parse_at
from support.herd import wait_until
from support.topology import GOLOMAN

REPORTS = pathlib.Path(__file__).parent / "data" / "gps-receivers.iamat"


@pytest.fixture(scope="module")
def replayed(make_lasting_herd):
    """The herd, and {receiver: the AT line of its report with the greatest time} as it was answered."""
    herd = make_lasting_herd(GOLOMAN).start()
    lines = REPORTS.read_bytes().splitlines()
    newest = {}
    clients = [herd.connect(server) for server in herd.servers]
    for start in range(0, len(lines), 100):
        part = lines[start: start + 100]
        for index, line in enumerate(part):
            clients[(start + index) % 5].send(line + b"\n")
        for index, line in enumerate(part):
            at_line = clients[(start + index) % 5].read_line()
            at = parse_at(at_line)
            assert b"IAMAT %s %s %s" % at[2:] == line and at.server.decode() == herd.servers[(start + index) % 5]
            # Of equal times the greater server name wins, and then the greater bytes.
            version = (at.time_ns, at.server, at.location, at_line)
            newest[at.id] = max(newest.get(at.id, version), version)
    for client in clients:
        client.close()
    return herd, {client_id: version for client_id, version in newest.items()}


def test_all_servers_give_the_same_newest_report_of_every_receiver(replayed):
    herd, newest = replayed
    assert len(newest) == 124
    question = b"".join(b"WHATSAT %s 1 0\n" % client_id for client_id in newest)

    def answers(server):
        return [line + b"\n" for line in herd.ask(server, question).splitlines() if line.startswith((b"AT ", b"? "))]

    wait_until(lambda: len({tuple(answers(server)) for server in herd.servers}) == 1, "all servers answer alike")
    for answer, (time_ns, *_) in zip(answers("Goloman"), newest.values(), strict=True):
        assert parse_at(answer).time_ns == time_ns

    for answer, (*_, at_line) in zip(answers("Welsh"), newest.values(), strict=True):
        assert (parse_at(answer).server, parse_at(answer)[2:]) == (parse_at(at_line).server, parse_at(at_line)[2:])


def test_the_places_around_a_reported_location_are_real(replayed):
    herd, _ = replayed
    herd.ask("Hands", b"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997\n")

    with herd.connect("Hands") as client:
        names = client.whatsat(b"kiwi.cs.ucla.edu", 10, 20).names

    assert {"Westwood", "Bel Air", "Santa Monica Municipal Airport"} <= set(names)


def test_receivers_all_over_the_world_have_well_formed_places(replayed):
    herd, newest = replayed
    with herd.connect("Wilkes") as client:
        found = 0
        for client_id in newest:
            answer = client.whatsat(client_id, 50, 20)
            assert answer.json["status"] == ("OK" if answer.names else "ZERO_RESULTS")
            found += len(answer.names)
    assert found > 1000
