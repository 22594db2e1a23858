"""Does deploy/herd bring a herd up, show it, mend it and take it down?"""

import json
import os
import signal
import socket
import subprocess

import pytest

from support.client import ask, parse_at
from support.herd import BUILD, ROOT, Herd, wait_until
from support.topology import GOLOMAN, make_topology

UCLA = b"+34.068930-118.445127"


class Deployment:
    """One topology in a folder of its own, and deploy/herd for it."""

    def __init__(self, folder, topology):
        self.herd = Herd(folder, topology)  # never started: it knows ports and names
        self.folder = folder
        self.run_folder = folder / "run"

    def __call__(self, *arguments, cwd=None, topology=None):
        command = [ROOT / "deploy" / "herd", *arguments, "--topology", topology or self.herd.path, "--run", self.run_folder]
        return subprocess.run(
            command, cwd=cwd or self.folder, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "HERD_BUILD": str(BUILD)},
        )

    def done(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def pids(self):
        """{name: pid} of the pid files."""
        return {path.stem: int(path.read_text()) for path in (self.run_folder / "pids").glob("*.pid")}

    def living(self):
        return {name for name, pid in self.pids().items() if os.path.exists(f"/proc/{pid}")}

    def ask(self, server, data):
        return ask(self.herd.port_of(server), data)


@pytest.fixture
def deployment(tmp_path):
    deployment = Deployment(tmp_path / "deployment", make_topology(GOLOMAN))
    yield deployment
    deployment("down")
    left = deployment.living()
    for name in left:
        os.kill(deployment.pids()[name], signal.SIGKILL)
    assert not left, f"deploy/herd down left {left} behind"


def test_up_serves_clients_prints_the_ports_and_shows_a_conversation(deployment):
    output = deployment.done("up")

    for server in deployment.herd.servers:
        host, port = deployment.herd.port_of(server)
        assert f"{host}:{port}" in output
        assert parse_at(deployment.ask(server, b"IAMAT up %s 1\n" % UCLA)).server == server.encode()
    assert "\nAT Goloman +" in output and '"status" : "OK"' in output
    assert deployment.living() == set(deployment.herd.processes)


def test_up_twice_changes_nothing(deployment):
    deployment.done("up")
    before = deployment.pids()

    deployment.done("up")

    assert deployment.pids() == before


def test_up_mends_what_is_missing(deployment):
    deployment.done("up")
    before = deployment.pids()
    for name in ("Welsh", "places-2"):
        os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: deployment("status").returncode != 0, "the loss shows")

    deployment.done("up")

    after = deployment.pids()
    assert {name for name in before if before[name] != after[name]} == {"Welsh", "places-2"}


def test_down_ends_every_process_and_can_be_said_twice(deployment):
    deployment.done("up")
    pids = deployment.pids()

    deployment.done("down")
    deployment.done("down")

    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids.values())
    assert deployment.pids() == {}
    with pytest.raises(OSError):
        socket.create_connection(deployment.herd.port_of("Hands"), timeout=5)


def test_it_comes_up_again_after_down(deployment):
    deployment.done("up")
    deployment.done("down")

    deployment.done("up")

    assert parse_at(deployment.ask("Hands", b"IAMAT again %s 1\n" % UCLA)).server == b"Hands"


def test_status_is_well_only_while_all_is(deployment):
    assert deployment("status").returncode != 0
    deployment.done("up")

    status = json.loads(deployment.done("status", "--json", "--wait", "10"))
    assert status["well"] is True
    table = deployment.done("status")
    for name in deployment.herd.processes:
        assert name in table

    os.kill(deployment.pids()["Welsh"], signal.SIGKILL)
    wait_until(lambda: not json.loads(deployment("status", "--json").stdout)["well"], "the loss of Welsh shows")
    assert deployment("status").returncode != 0


@pytest.mark.parametrize("name", ["Wilkes", "gateway", "places-1"])
def test_single_processes_stop_start_and_restart(deployment, name):
    deployment.done("up")
    before = deployment.pids()

    deployment.done("stop", name)
    assert deployment.living() == set(before) - {name}

    deployment.done("start", name)
    started = deployment.pids()
    assert set(started) == set(before) and started[name] != before[name]

    deployment.done("restart", name)
    restarted = deployment.pids()
    assert restarted[name] != started[name]
    assert {one: pid for one, pid in restarted.items() if one != name} == {one: pid for one, pid in before.items() if one != name}
    assert parse_at(deployment.ask("Wilkes", b"IAMAT single %s 1\n" % UCLA)).server == b"Wilkes"


def test_logs_shows_what_processes_wrote(deployment):
    deployment.done("up")

    wait_until(lambda: "event=ready" in deployment.done("logs", "Hands"), "the log of Hands is shown")
    assert "event=started" in deployment.done("logs", "--lines", "1000")


def test_a_process_that_cannot_start_is_named_and_nothing_is_left(deployment):
    with socket.create_server(deployment.herd.port_of("Welsh")):
        result = deployment("up")

    assert result.returncode == 1
    host, port = deployment.herd.port_of("Welsh")
    complaint = result.stderr.strip().splitlines()
    assert len(complaint) == 1 and f"{host}:{port}" in complaint[0] and "gateway" in complaint[0]
    assert deployment.living() == set()


def test_a_broken_topology_is_told_in_one_line(deployment, tmp_path):
    topology = make_topology(GOLOMAN)
    topology["nodes"]["Hands"]["neighbours"].append("Nobody")
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(topology))

    result = deployment("up", topology=path)

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and "Nobody" in result.stderr and str(path) in result.stderr
    assert deployment.living() == set()


def test_a_run_folder_that_cannot_be_used_is_named(deployment):
    deployment.run_folder.write_text("a file, not a folder")

    result = deployment("up")

    deployment.run_folder.unlink()
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and str(deployment.run_folder) in result.stderr


def test_it_works_from_any_folder(deployment):
    deployment.done("up", cwd="/")

    deployment.done("status", cwd="/tmp")
    deployment.done("down", cwd=ROOT / "tests")


def test_an_up_that_was_killed_is_completed_by_the_next(deployment):
    process = subprocess.Popen(
        [ROOT / "deploy" / "herd", "up", "--topology", deployment.herd.path, "--run", deployment.run_folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        env={**os.environ, "HERD_BUILD": str(BUILD)},
    )
    wait_until(lambda: len(deployment.pids()) >= 3, "some have started")
    process.kill()
    process.wait()

    deployment.done("up")

    assert deployment.living() == set(deployment.herd.processes)
    deployment.done("status", "--wait", "10")


@pytest.mark.parametrize("name", ["goloman", "hill", "alford", "single"])
def test_the_shipped_topologies_are_sound(deployment, name):
    result = subprocess.run(
        [BUILD / "bin" / "herd-topology", "check", ROOT / "deploy" / "topologies" / f"{name}.json"],
        capture_output=True, text=True, check=False,
    )

    assert result.returncode == 0, result.stderr
