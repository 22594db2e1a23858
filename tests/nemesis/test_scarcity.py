"""Does a node go on when its disk is full, when its wall clock jumps, and when no descriptor is left?

Here and not among the end-to-end tests, because the small disks are mounted in namespaces of the run.
"""

import contextlib
import resource
import socket
import subprocess

import pytest

from support.client import parse_at
from support.herd import Herd, wait_until
from support.topology import make_topology

UCLA = b"+34.068930-118.445127"
GRAPH = "Hands-Wilkes Wilkes-Holiday"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a small disk; what all logs together hold back while it is full still fits when it is empty."""
    folder = tmp_path / "run"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def running(folder, topology):
    herd = Herd(folder, topology)
    try:
        yield herd.start()
    finally:
        herd.stop()


def fill(disk):
    """The file that takes all the room there is."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
    return filler


def test_a_full_disk_stops_nobody(small_disk):
    with running(small_disk, make_topology(GRAPH, logs={"traffic": True})) as herd:
        filler = fill(small_disk)
        for number in range(20):
            herd.ask("Hands", b"".join(b"IAMAT full%d %s %d\n" % (one, UCLA, number) for one in range(200)))

        herd.assert_every_server_hears_every_other()
        wait_until(lambda: "herd_node_log_lines_dropped_total 0\n" not in herd["Hands"].metrics(), "lost lines are counted")

        filler.unlink()
        herd.ask("Hands", b"IAMAT again %s 1\n" % UCLA)
        wait_until(lambda: b"id=again" in herd["Hands"].log(), "it logs again when there is room")


def test_a_node_restarts_on_a_full_disk(small_disk):
    with running(small_disk, make_topology(GRAPH)) as herd:
        fill(small_disk)

        herd["Wilkes"].restart().wait_ready()
        herd.wait_own_answers("Wilkes")

        herd.assert_every_server_hears_every_other()


def set_offset(file, seconds):
    """At once: libfaketime ends the process that finds the file empty."""
    draft = file.with_suffix(".draft")
    draft.write_text(f"{seconds:+d}\n")
    draft.replace(file)


CLOCK = {"a-year-ahead": 365 * 86400, "a-year-back": -365 * 86400}


@pytest.mark.parametrize("jump_s", CLOCK.values(), ids=list(CLOCK))
def test_a_wall_clock_that_jumps_stops_nobody(tmp_path, monkeypatch, jump_s):
    """All processes run under libfaketime, which reads the offset anew from a file; one node's jumps while it runs."""
    offsets = {}
    library = subprocess.run(
        ["find", "/usr/lib", "-name", "libfaketimeMT.so.1"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    herd = Herd(tmp_path, make_topology(GRAPH))
    monkeypatch.setenv("LD_PRELOAD", library)
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    monkeypatch.setenv("FAKETIME_FORCE_MONOTONIC_FIX", "0")  # which makes timed waits end at once, again and again
    try:
        for process in herd.processes.values():
            offsets[process.name] = tmp_path / f"{process.name}.offset"
            set_offset(offsets[process.name], 0)
            monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offsets[process.name]))
            process.start()
        monkeypatch.delenv("LD_PRELOAD")
        for process in herd.processes.values():
            process.wait_ready()
        herd.wait_own_answers()
        before = parse_at(herd.ask("Wilkes", b"IAMAT before %s 1520023934\n" % UCLA))

        set_offset(offsets["Wilkes"], jump_s)

        def difference_s():
            at = parse_at(herd.ask("Wilkes", b"IAMAT during %s 1520023934\n" % UCLA))
            assert at.server == b"Wilkes"
            return (at.difference_ns - before.difference_ns) / 10**9

        wait_until(lambda: abs(difference_s() - jump_s) < 600, "its clock has jumped")
        herd.assert_every_server_hears_every_other()
        set_offset(offsets["Wilkes"], 0)
        wait_until(lambda: abs(difference_s()) < 600, "its clock is back")
        herd.assert_every_server_hears_every_other()
        herd["Hands"].kill()
        monkeypatch.setenv("LD_PRELOAD", library)
        set_offset(offsets["Hands"], jump_s)
        monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offsets["Hands"]))
        herd["Hands"].start()
        monkeypatch.delenv("LD_PRELOAD")
        herd["Hands"].wait_ready()
        herd.wait_own_answers("Hands")
        herd.assert_every_server_hears_every_other()
    finally:
        monkeypatch.delenv("LD_PRELOAD", raising=False)
        herd.stop()


def test_a_node_without_descriptors_serves_whom_it_has_and_heals_when_there_are_some(tmp_path):
    with running(tmp_path, make_topology(GRAPH)) as herd:
        node = herd["Wilkes"]
        soft, hard = resource.prlimit(node.pid, resource.RLIMIT_NOFILE)
        limit = node.descriptor_count() + 3
        resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (limit, hard))
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(socket.create_connection(herd.address_of("Wilkes", "gossip")))
            herd.assert_every_server_hears_every_other()

            # A neighbour that restarts now may have to wait, but nobody stops.
            herd["Hands"].restart()
            for number in range(50):
                assert parse_at(herd.ask("Wilkes", b"IAMAT poor%d %s 1\n" % (number, UCLA))).server == b"Wilkes"
            assert node.is_running()
        resource.prlimit(node.pid, resource.RLIMIT_NOFILE, (soft, hard))

        herd["Hands"].wait_ready()
        herd.wait_own_answers("Hands")
        herd.assert_every_server_hears_every_other()
