"""Does whoever cannot start say why in one line, and does whoever is asked to stop do so in time?"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from support.client import listens, parse_at, parse_places
from support.herd import BUILD, IS_SANITIZED, wait_until
from support.node_socket import NodeReader, still_heard
from support.topology import GOLOMAN, make_topology

UCLA = b"+34.068930-118.445127"
PROGRAMS = {"gateway": "gateway", "herd-node": "Goloman", "places-worker": "places-1"}
STOPS_WITHIN_S = 10 if IS_SANITIZED else 2


def run(program, *arguments, cwd, environment=None):
    """Runs a program that is expected to end by itself."""
    return subprocess.run(
        [BUILD / "bin" / program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=20, check=False,
        env={**os.environ, **(environment or {})},
    )


def assert_refused(result, *words):
    """Exit status 1, and one line on standard error that has all of the words."""
    assert result.returncode == 1, (result.returncode, result.stderr)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0], lines[0]


def write(folder, topology):
    path = pathlib.Path(folder) / "topology.json"
    path.write_text(topology if isinstance(topology, str) else json.dumps(topology, indent=2))
    return path


# ---- The topology file ----

def without(topology, *keys):
    inner = topology
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]


def change(topology, value, *keys):
    inner = topology
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value


BROKEN_TOPOLOGIES = {
    "an unknown key": (lambda t: change(t, 1, "limits", "line_bytes_maximum"), ["line_bytes_maximum"]),
    "a missing key": (lambda t: without(t, "nodes", "Hands", "gossip"), ["Hands", "gossip"]),
    "an unknown neighbour": (lambda t: t["nodes"]["Hands"]["neighbours"].append("Nobody"), ["Nobody"]),
    "a one-sided edge": (lambda t: t["nodes"]["Hands"]["neighbours"].append("Welsh"), ["Hands", "Welsh"]),
    "a neighbour named twice": (lambda t: t["nodes"]["Hands"]["neighbours"].append("Wilkes"), ["Wilkes"]),
    "its own neighbour": (lambda t: t["nodes"]["Hands"]["neighbours"].append("Hands"), ["Hands"]),
    "a graph in two parts": (
        lambda t: (t["nodes"]["Welsh"]["neighbours"].remove("Holiday"), t["nodes"]["Holiday"]["neighbours"].remove("Welsh")),
        ["Welsh", "connected"],
    ),
    "an address used twice": (
        lambda t: change(t, t["nodes"]["Hands"]["gossip"], "nodes", "Welsh", "gossip"), ["Hands", "Welsh", "gossip"],
    ),
    "a listener of an unknown server": (
        lambda t: change(t, "Nobody", "gateways", "gateway", "listeners", 0, "server"), ["Nobody"],
    ),
    "a broken url": (lambda t: change(t, "tcp:/127.0.0.1", "nodes", "Hands", "requests"), ["tcp:/127.0.0.1"]),
    "a broken address": (lambda t: change(t, "127.0.0.1", "gateways", "gateway", "listeners", 0, "address"), ["127.0.0.1"]),
    "a number out of range": (lambda t: change(t, 0, "limits", "answer_within_ms"), ["answer_within_ms"]),
    "a word for a number": (lambda t: change(t, "many", "limits", "connections_max"), ["connections_max"]),
    "an unknown provider": (lambda t: change(t, ["magic"], "places", "providers"), ["magic"]),
    "a name with white space": (lambda t: change(t, t["nodes"].pop("Welsh"), "nodes", "We lsh"), ["We lsh"]),
    "no nodes": (lambda t: change(t, {}, "nodes"), ["nodes"]),
}


@pytest.mark.parametrize("program, name", PROGRAMS.items(), ids=list(PROGRAMS))
@pytest.mark.parametrize("break_it, words", BROKEN_TOPOLOGIES.values(), ids=list(BROKEN_TOPOLOGIES))
def test_a_broken_topology_is_refused_with_file_and_cause(tmp_path, program, name, break_it, words):
    topology = make_topology(GOLOMAN)
    break_it(topology)
    path = write(tmp_path, topology)

    result = run(program, "--topology", path, "--name", name, "--log", tmp_path / "log", cwd=tmp_path)

    assert_refused(result, str(path), *words)


BROKEN_TEXTS = {
    "empty": "",
    "no JSON": "herd: goloman\n",
    "cut off": '{"herd": "goloman", "nodes": {',
    "not an object": "[]",
    "a key twice": '{"herd": "a", "herd": "b"}',
    "NUL": '{"herd": "a\\u0000b"}',
    "deeply nested": "[" * 100_000,
}


@pytest.mark.parametrize("text", BROKEN_TEXTS.values(), ids=list(BROKEN_TEXTS))
def test_what_is_no_topology_is_refused(tmp_path, text):
    path = write(tmp_path, text)

    assert_refused(run("herd-node", "--topology", path, "--name", "Goloman", "--log", "log", cwd=tmp_path), str(path))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_missing_topology_is_refused(tmp_path, program):
    path = tmp_path / "nowhere.json"

    assert_refused(run(program, "--topology", path, "--name", "x", "--log", "log", cwd=tmp_path), str(path))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_name_that_the_topology_does_not_have_is_refused(tmp_path, program):
    path = write(tmp_path, make_topology(GOLOMAN))

    assert_refused(run(program, "--topology", path, "--name", "Nobody", "--log", "log", cwd=tmp_path), "Nobody")


# ---- The command line ----

@pytest.mark.parametrize("program", PROGRAMS)
def test_help_names_every_option(tmp_path, program):
    result = run(program, "--help", cwd=tmp_path)

    assert result.returncode == 0 and result.stderr == ""
    for option in ("--topology", "--name", "--log", "--help"):
        assert option in result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("arguments", [[], ["--topology"], ["--nonsense"], ["stray"]], ids=str)
def test_a_wrong_command_line_is_refused_and_points_to_help(tmp_path, program, arguments):
    assert_refused(run(program, *arguments, cwd=tmp_path), "--help")


# ---- What the machine does not grant ----

def taken_addresses():
    return {
        "a client port": ("gateway", lambda t: t["gateways"]["gateway"]["listeners"][2]["address"]),
        "the gateway's admin port": ("gateway", lambda t: t["gateways"]["gateway"]["admin"]),
        "the node's request port": ("herd-node", lambda t: t["nodes"]["Goloman"]["requests"].removeprefix("tcp://")),
        "the node's gossip port": ("herd-node", lambda t: t["nodes"]["Goloman"]["gossip"].removeprefix("tcp://")),
        "the node's admin port": ("herd-node", lambda t: t["nodes"]["Goloman"]["admin"]),
        "the worker's port": ("places-worker", lambda t: t["places"]["workers"]["places-1"]["requests"].removeprefix("tcp://")),
        "the worker's admin port": ("places-worker", lambda t: t["places"]["workers"]["places-1"]["admin"]),
    }


@pytest.mark.parametrize("program, address_of", taken_addresses().values(), ids=list(taken_addresses()))
def test_a_port_in_use_is_named(tmp_path, program, address_of):
    topology = make_topology(GOLOMAN)
    path = write(tmp_path, topology)
    host, port = address_of(topology).rsplit(":", 1)
    with socket.create_server((host, int(port))):
        result = run(program, "--topology", path, "--name", PROGRAMS[program], "--log", "log", cwd=tmp_path)

    assert_refused(result, f"{host}:{port}", "in use")


def test_a_missing_places_database_is_named(tmp_path):
    path = write(tmp_path, make_topology(GOLOMAN, places={"database": "missing.sqlite"}))

    result = run("places-worker", "--topology", path, "--name", "places-1", "--log", "log", cwd=tmp_path)

    assert_refused(result, "missing.sqlite")


def test_a_file_that_is_no_places_database_is_named(tmp_path):
    (tmp_path / "nonsense.sqlite").write_text("nonsense" * 1000)
    path = write(tmp_path, make_topology(GOLOMAN, places={"database": "nonsense.sqlite"}))

    result = run("places-worker", "--topology", path, "--name", "places-1", "--log", "log", cwd=tmp_path)

    assert_refused(result, "nonsense.sqlite")


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("log", ["missing/folder/log", "file/log", "folder"], ids=["no folder", "a file for a folder", "a folder"])
def test_a_log_that_cannot_be_written_is_named(tmp_path, program, log):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    path = write(tmp_path, make_topology(GOLOMAN))

    assert_refused(run(program, "--topology", path, "--name", PROGRAMS[program], "--log", log, cwd=tmp_path), log)


# ---- Getting ready ----

def test_a_node_answers_nobody_before_it_is_ready_and_then_whoever_asked(make_herd):
    """It knows nothing yet and would call everybody unknown; nor may those who asked have to ask again."""
    herd = make_herd("Hands-Wilkes")
    node = herd["Hands"].start()  # alone: it waits a while for its neighbour
    address = herd.address_of("Hands", "requests")
    wait_until(lambda: listens(address), "it listens")
    with contextlib.closing(NodeReader(address, "test", "Hands", timeout_s=20)) as gateway:
        assert not node.is_ready()

        assert gateway.locate([b"nobody"])[1] == [None]

        assert node.is_ready()


# ---- Stopping ----

@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_every_process_of_a_herd_at_work_exits_0_in_time(make_herd, with_signal):
    herd = make_herd(GOLOMAN).start()
    herd.ask("*", b"IAMAT kiwi %s 1520023934\n" % UCLA * 2000)
    with herd.connect("Hands") as idle:
        idle.ask(b"nonsense")

        started = time.monotonic()
        for process in herd.processes.values():
            process.terminate(with_signal)

        for process in herd.processes.values():
            assert process.wait_exit(10) == 0, process.name
        assert time.monotonic() - started < STOPS_WITHIN_S


@pytest.mark.parametrize("kind", ["gateway", "Hands", "places-1"])
def test_a_process_alone_without_any_other_exits_0_in_time(make_herd, kind):
    herd = make_herd(GOLOMAN)
    process = herd[kind].start()
    if kind != "gateway":
        process.wait_ready()
    else:
        wait_until(lambda: listens(herd.port_of("Hands")), "the gateway accepts")
        assert herd.ask("Hands", b"nonsense\n") == b"? nonsense\n"

    started = time.monotonic()
    process.terminate()

    assert process.wait_exit(10) == 0
    assert time.monotonic() - started < STOPS_WITHIN_S


def test_a_gateway_that_stops_delivers_what_it_owes(make_herd):
    herd = make_herd(GOLOMAN).start()
    herd.ask("Hands", b"IAMAT known %s 1520023934\n" % UCLA)
    with herd.connect("Hands") as client:
        for number in range(300):
            client.send(b"WHATSAT known 10 20\nIAMAT owed%d %s %d\n" % (number, UCLA, number))
        parse_at(client.read_places().at_line)
        first = parse_at(client.read_line())
        assert first.id == b"owed0"

        herd["gateway"].terminate()

        # What was read is answered, each answer whole and in order; then the connection ends.
        rest = client.read_to_end()
        assert herd["gateway"].wait_exit(10) == 0
    answers = 1
    while rest:
        places, _, rest = rest.partition(b"\n\n")
        parse_places(places + b"\n\n")
        line, _, rest = rest.partition(b"\n")
        assert parse_at(line + b"\n").id == b"owed%d" % answers
        answers += 1
    assert answers > 1


def test_a_node_that_stops_hands_over_what_it_accepted(make_herd):
    herd = make_herd(GOLOMAN).start()
    for round_number in range(5):
        at_lines = herd.ask("Welsh", b"".join(b"IAMAT parting%d %s %d\n" % (n, UCLA, round_number) for n in range(1000)))
        herd["Welsh"].terminate()
        assert herd["Welsh"].wait_exit(10) == 0
        last = at_lines.splitlines(keepends=True)[-1]

        assert herd.knows("Holiday", last)

        herd["Welsh"].start().wait_ready()


def test_a_node_that_stops_waits_for_a_neighbour_that_lacks_much(make_herd):
    """More than the window of a link holds, so that it cannot have been sent before."""
    herd = make_herd("Hands-Wilkes", limits={"drain_ms": 20000}, logs={"traffic": False}).start()
    with still_heard(herd, "Wilkes", at="Hands"):
        at_lines = herd.ask("Hands", b"".join(b"IAMAT parting%d %s 1\n" % (n, UCLA) for n in range(20000)))
        herd["Hands"].terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            herd["Hands"].wait_exit(0.3)
    assert herd["Hands"].wait_exit(20) == 0
    assert herd.knows("Wilkes", at_lines.splitlines(keepends=True)[-1])
    assert herd["Wilkes"].status()["reports"] == 20000


def test_a_node_that_stops_waits_no_longer_than_it_may(make_herd):
    herd = make_herd("Hands-Wilkes", limits={"drain_ms": 500}).start()
    with still_heard(herd, "Wilkes", at="Hands"):
        herd.ask("Hands", b"IAMAT parting %s 1\n" % UCLA)
        started = time.monotonic()
        herd["Hands"].terminate()

        assert herd["Hands"].wait_exit(10) == 0
        assert time.monotonic() - started < STOPS_WITHIN_S


def test_a_second_signal_ends_a_process_at_once(make_herd):
    herd = make_herd(GOLOMAN).start()
    process = herd["gateway"]
    process.terminate()
    process.terminate()

    process.wait_exit(10)
    process.was_killed = True
