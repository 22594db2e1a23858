"""Does a node that was stopped, or lost its memory, learn exactly what it lacks, and at no cost to the others?"""

import itertools
import re

import pytest

from support.client import parse_at
from support.client_threads import ClientThreads
from support.herd import IS_SANITIZED, wait_until
from support.node_socket import NodeReader
from support.topology import GOLOMAN

UCLA = b"+34.068930-118.445127"
STOPPED, ITS_NEIGHBOUR = "Welsh", "Holiday"  # the only one it has
WINDOW = 8  # messages that a node sends to a neighbour that confirms nothing

IDS = 500  # that report while a node is stopped
UNCHANGED = 500  # further ones, which do not report again
TIMES = 20  # that each of the former does
REPORTS = 5000 if IS_SANITIZED else 30000  # that an empty node has to learn
LIVE = 50  # at least so many at each of two servers before, and after

# What 200 000 changes would take if they were queued is more than 20 MB on each node.
MANY_TIMES = 400
GROWTH_MAX = 4 << 20


def link_of(herd, server, neighbour):
    return next(link for link in herd[server].status()["links"] if link["neighbour"] == neighbour)


def wait_equal(herd, servers=None):
    wait_until(lambda: herd.are_equal(servers), "all of them are equal")


def report_all(herd, server, ids, second):
    answers = herd.ask(server, b"".join(b"IAMAT id%d %s %d\n" % (number, UCLA, second) for number in ids))
    assert answers.count(b"AT ") == len(ids)


def has_redialled(herd):
    return f"event=link_redialled neighbour={STOPPED}".encode() in herd[ITS_NEIGHBOUR].log()


def fill_window(herd):
    """Lone reports, until no more is sent to the stopped neighbour; how many there were."""
    before = link_of(herd, ITS_NEIGHBOUR, STOPPED)["batches_sent"]
    for number in itertools.count():
        if link_of(herd, ITS_NEIGHBOUR, STOPPED)["batches_sent"] - before == WINDOW:
            return number
        assert not has_redialled(herd), "the link is broken, and its window was never full"
        parse_at(herd.ask(ITS_NEIGHBOUR, b"IAMAT filler%d %s 1\n" % (number, UCLA)))


def test_a_stopped_neighbour_gets_each_changed_report_once_when_it_continues(make_herd):
    herd = make_herd(GOLOMAN).start()
    others = [server for server in herd.servers if server != STOPPED]
    report_all(herd, "Goloman", range(IDS + UNCHANGED), 1)
    wait_until(herd.has_converged, "everything is confirmed, and the window is empty")
    before = link_of(herd, STOPPED, ITS_NEIGHBOUR)

    herd[STOPPED].pause()
    fillers = fill_window(herd)
    sent = link_of(herd, ITS_NEIGHBOUR, STOPPED)["reports_sent"]
    for second in range(2, 2 + TIMES):
        report_all(herd, "Goloman", range(IDS), second)
    wait_equal(herd, others)

    assert link_of(herd, ITS_NEIGHBOUR, STOPPED)["reports_sent"] == sent, "sent to one who confirms nothing"
    herd[STOPPED].resume()
    wait_equal(herd)

    after = link_of(herd, STOPPED, ITS_NEIGHBOUR)
    received = after["reports_received"] - before["reports_received"]
    redundant = after["reports_redundant"] - before["reports_redundant"]
    assert received - redundant == fillers + IDS
    # If all this took so long that the link was dialled anew, what was under way on the old one comes beside what
    # follows on the new one, looks lost until it is there, and all that was in flight comes twice; nothing else may.
    assert redundant <= (fillers + IDS if has_redialled(herd) else 0)


@pytest.mark.measures
def test_a_stopped_neighbour_costs_the_others_no_memory_however_much_changes(make_herd):
    herd = make_herd(GOLOMAN, logs={"traffic": False}).start()
    others = [server for server in herd.servers if server != STOPPED]

    def change_all(seconds):
        for second in seconds:
            report_all(herd, "Goloman", range(IDS), second)
        wait_equal(herd, others)

    change_all(range(1, MANY_TIMES // 2))
    wait_equal(herd)
    most_before = {server: herd[server].memory_bytes() for server in others}

    herd[STOPPED].pause()
    change_all(range(MANY_TIMES, 2 * MANY_TIMES))

    grown = {server: herd[server].memory_bytes() - most_before[server] for server in others}
    assert max(grown.values()) < GROWTH_MAX, grown
    herd[STOPPED].resume()
    wait_equal(herd)


class LiveReports(ClientThreads):
    """Clients of these servers that report a new id as soon as the one before is answered."""

    def __init__(self, herd, servers):
        super().__init__()
        self.herd = herd
        self.answered = {server: [] for server in servers}  # ids
        for server in servers:
            self.add(f"a client of {server}", self._run, server)

    def _run(self, server):
        with self.herd.connect(server) as client:
            while not self.stopping.wait(0.001):
                name = b"live-%s-%d" % (server.encode(), len(self.answered[server]))
                assert parse_at(client.ask(b"IAMAT %s %s 1520023934" % (name, UCLA))).id == name
                self.answered[server].append(name)

    def wait_for_more(self):
        wanted = {server: len(ids) + LIVE for server, ids in self.answered.items()}
        wait_until(
            lambda: self.failures or all(len(ids) >= wanted[server] for server, ids in self.answered.items()),
            "live reports are answered",
        )

    def ids(self):
        return [name for ids in self.answered.values() for name in ids]


def missing_at(herd, server, ids):
    """Those that the node itself does not hold."""
    reader = NodeReader(herd.address_of(server, "requests"), herd.topology["herd"], server)
    try:
        missing = []
        for first in range(0, len(ids), 200):
            asked = ids[first : first + 200]
            _, found = reader.locate(asked)
            missing += [name for name, held in itertools.zip_longest(asked, found) if held is None]
        return missing
    finally:
        reader.close()


def reports_when_ready(herd, server):
    """What it held at each of its starts at the moment when it said that it was ready."""
    return [int(count) for count in re.findall(rb"event=ready reports=(\d+)", herd[server].log())]


@pytest.mark.parametrize("victim", ["Welsh", "Goloman"])
def test_an_empty_node_gets_everything_back_while_live_reports_go_everywhere(make_herd, victim):
    herd = make_herd(GOLOMAN, logs={"traffic": False}).start()
    for first in range(0, REPORTS, 5000):
        report_all(herd, "Hands", range(first, first + 5000), 1520023934)
    wait_equal(herd)
    assert herd[victim].status()["reports"] == REPORTS

    with LiveReports(herd, ["Hands", "Wilkes"]) as live:
        live.wait_for_more()
        herd[victim].restart()
        live.wait_for_more()
        herd[victim].wait_ready()
        live.wait_for_more()
    wait_equal(herd)

    ids = live.ids()
    for server in herd.servers:
        assert herd[server].status()["reports"] == REPORTS + len(ids)
        assert missing_at(herd, server, ids) == []
    _, after_restart = wait_until(
        lambda: len(held := reports_when_ready(herd, victim)) == 2 and held, f"{victim} has logged that it is ready")
    assert after_restart >= REPORTS, "it was ready before it had caught up"
