"""Does the herd go on when processes are killed under load, and do they take part again at once when they are back?"""

import contextlib
import itertools
import time

import pytest

from support.client import parse_at
from support.herd import IS_SANITIZED, wait_until
from support.load import Load
from support.machine import ForeignLoad
from support.topology import GOLOMAN, edges_of

UCLA = b"+34.068930-118.445127"
KILLS = 10 if IS_SANITIZED else 50
WORKER_KILLS = 10 if IS_SANITIZED else 100

# Every question is to be asked of a worker: an answer that was kept would hide that there is none.
NOTHING_KEPT = {"cache_seconds": 0}

# The promise. It is not judged where sanitizers make everything slow, or where others use much of the machine.
BACK_WITHIN_S = 0.5
LATE_MAX = 1
FOREIGN_SHARE_MAX = 0.2


def took(condition, what):
    """Waits until the condition is true; returns the seconds that passed."""
    started = time.monotonic()
    wait_until(condition, what)
    return time.monotonic() - started


def assert_back_in_time(times, foreign_load):
    share = foreign_load.share()
    print(f"back after {min(times):.3f} s at best, {sorted(times)[len(times) // 2]:.3f} s usually, {max(times):.3f} s at worst")
    print(f"others used {share:.0%} of the machine")
    if not IS_SANITIZED and share < FOREIGN_SHARE_MAX:
        late = [f"{one:.3f}" for one in times if one > BACK_WITHIN_S]
        assert len(late) <= LATE_MAX, f"back only after {', '.join(late)} s"


def assert_every_link_carries_reports(herd):
    """A report makes every node's log longer; each neighbour confirms, over its link, that it holds all of it."""
    before = {server: herd[server].status()["lseq"] for server in herd.servers}
    herd.ask("*", b"IAMAT everywhere %s %d\n" % (UCLA, time.time_ns() // 10**9))

    def confirmed():
        statuses = [herd[server].status() for server in herd.servers]
        return all(
            status["lseq"] > before[status["server"]]
            and all(link["connected"] and link["behind"] == 0 and link["equal"] for link in status["links"])
            for status in statuses
        )

    wait_until(confirmed, "every link confirms the last report")
    links = {(server, link["neighbour"]) for server in herd.servers for link in herd[server].status()["links"]}
    assert links == {pair for a, b in edges_of(GOLOMAN) for pair in ((a, b), (b, a))}


def test_nodes_are_killed_under_load(make_herd):
    herd = make_herd(GOLOMAN, places=NOTHING_KEPT).start()
    times, foreign_load = [], ForeignLoad(herd)
    with Load(herd, "gateway"):
        for number, victim in zip(range(KILLS), itertools.cycle(herd.servers)):
            other = herd.servers[(herd.servers.index(victim) + 1 + number % 4) % 5]
            herd[victim].kill()

            # The clients of the dead server are served by another at once.
            at = parse_at(herd.ask(victim, b"IAMAT stranded %s %d\n" % (UCLA, number)))
            assert at.server != victim.encode()

            # Back, it answers by its own name, hears from the others, and is heard.
            herd[victim].start()

            def takes_part(victim=victim, other=other, number=number):
                mine = herd.ask(victim, b"IAMAT back%d %s 1520023934\n" % (number, UCLA))
                if parse_at(mine).server != victim.encode():
                    return False
                theirs = herd.ask(other, b"IAMAT hello%d %s 1520023934\n" % (number, UCLA))
                took(lambda: herd.ask(other, b"WHATSAT back%d 1 0\n" % number).startswith(b"AT "), f"{other} hears {victim}")
                took(lambda: herd.knows(victim, theirs), f"{victim} hears {other}")
                return True

            times.append(took(takes_part, f"{victim} takes part again"))
        herd.wait_ready()
        herd.assert_every_server_hears_every_other()
    assert_every_link_carries_reports(herd)
    assert_back_in_time(times, foreign_load)


def test_gateways_are_killed_under_load(make_herd):
    herd = make_herd(GOLOMAN, gateways=("stays", "dies"), places=NOTHING_KEPT).start()
    times, foreign_load = [], ForeignLoad(herd)
    with Load(herd, "stays"), contextlib.ExitStack() as lost:
        for number in range(KILLS):
            client = lost.enter_context(herd.connect("Goloman", "dies"))
            client.send(b"IAMAT lost %s %d\nWHATSAT loaded 50 20\n" % (UCLA, number) * 50)
            herd["dies"].kill()

            herd["dies"].start()

            def takes_part():
                try:
                    return all(herd.answers_itself(server, "dies") for server in herd.servers) and b'"OK"' in herd.ask(
                        "Welsh", b"WHATSAT loaded 1 1\n", gateway="dies"
                    )
                except (OSError, AssertionError):
                    return False

            times.append(took(takes_part, "the gateway serves again"))
        herd.assert_every_server_hears_every_other("dies")
    assert_back_in_time(times, foreign_load)


def test_workers_are_killed_under_load(make_herd):
    herd = make_herd(GOLOMAN, places=NOTHING_KEPT).start()
    times, foreign_load = [], ForeignLoad(herd)
    with Load(herd, "gateway"), herd.connect("Hands") as client:
        for number, victim in zip(range(WORKER_KILLS), itertools.cycle(herd.workers)):
            client.send(b"".join(b"WHATSAT loaded %d.%d 20\n" % (20 + index, number) for index in range(20)))
            herd[victim].kill()
            for _ in range(20):
                assert client.read_places().json["status"] == "OK"

            herd[victim].start()

            times.append(took(herd[victim].is_ready, f"{victim} is ready"))
    assert_back_in_time(times, foreign_load)

    # Each of them answers, alone.
    for alone, away in (list(herd.workers), list(reversed(herd.workers))):
        herd[away].kill()
        with herd.connect("Hands") as client:
            assert client.whatsat(b"loaded", 10, 5).json["status"] == "OK", f"{alone} answers"
        herd[away].start().wait_ready()


@pytest.mark.parametrize("victims", [("Goloman", "Wilkes"), ("Hands", "Welsh", "places-1"), ("Holiday", "gateway")])
def test_several_processes_are_killed_at_once(make_herd, victims):
    herd = make_herd(GOLOMAN).start()
    for _ in range(3):
        herd.ask("*", b"IAMAT loaded %s 1520023934\n" % UCLA * 500)
        for victim in victims:
            herd[victim].kill()
        for victim in victims:
            herd[victim].start()
        herd.wait_ready()
        herd.wait_own_answers()

        herd.assert_every_server_hears_every_other()
