"""Does deploy/herd bring a herd up, show it, mend it and take it down?"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

from support.client import ask, parse_at
from support.herd import BUILD, ROOT, Herd, wait_until
from support.topology import GOLOMAN, make_topology

UCLA = b"+34.068930-118.445127"


def is_running(pid):
    """Not so if it has ended and only its parent has not looked yet."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Deployment:
    """One topology in a folder of its own, and deploy/herd for it."""

    def __init__(self, folder, topology):
        self.herd = Herd(folder, topology)  # never started: it knows ports and names
        self.folder = folder
        self.run_folder = folder / "run"

    def __call__(self, *arguments, cwd=None, topology=None, environment=None):
        command = [ROOT / "deploy" / "herd", *arguments, "--topology", topology or self.herd.path, "--run", self.run_folder]
        return subprocess.run(
            command, cwd=cwd or self.folder, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "HERD_BUILD": str(BUILD), **(environment or {})},
        )

    def done(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def pids(self):
        """{name: pid} of the pid files."""
        return {path.stem: int(path.read_text()) for path in (self.run_folder / "pids").glob("*.pid")}

    def living(self):
        return {name for name, pid in self.pids().items() if is_running(pid)}

    @contextlib.contextmanager
    def paused(self, name):
        pid = self.pids()[name]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

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
    lines = output.splitlines()
    told, found = (index for index, line in enumerate(lines) if line.startswith("AT Goloman "))
    assert lines[told] == lines[found] and lines[found - 1].startswith(f"to {deployment.herd.servers[-1]}: WHATSAT"), output
    places = json.loads("\n".join(lines[found + 1:]))
    assert places["status"] == "OK" and len(places["results"]) == 2
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

    assert not any(map(is_running, pids.values()))
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


def test_a_process_that_is_named_twice_is_started_once(deployment):
    deployment.done("up")

    assert deployment.done("restart", "Hands", "Welsh", "Hands").splitlines()[-2:] == ["Hands started", "Welsh started"]
    assert deployment.done("stop", "Hands", "Hands") == "Hands stopped\n"
    assert deployment.done("start", "Hands", "Hands") == "Hands started\n"
    deployment.done("status", "--wait", "010")


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


@pytest.mark.parametrize("name", ["Hands", "places-1", "gateway"])
def test_a_process_whose_address_another_answers_at_has_not_started(deployment, tmp_path, name):
    deployment.done("up")
    second = Deployment(tmp_path / "second", make_topology("Solo"))

    result = second("start", name, topology=deployment.herd.path)

    assert result.returncode == 1 and f"{name} did not start: " in result.stderr and "address already in use" in result.stderr
    assert second.pids() == {}
    deployment.done("status", "--wait", "10")


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


@pytest.mark.parametrize("place, words, complaint", [
    (".", ["status"], "cannot look into the run folder {run}: Permission denied"),
    ("pids", ["down"], "cannot look into the run folder {run}: Permission denied"),
    ("logs/Hands.log", ["logs", "Hands"], "cannot read {run}/logs/Hands.log: Permission denied"),
])
def test_what_may_not_be_read_is_named_and_nothing_is_said_of_what_runs(deployment, place, words, complaint):
    (deployment.run_folder / "pids").mkdir(parents=True)
    (deployment.run_folder / "logs").mkdir()
    (deployment.run_folder / "logs" / "Hands.log").touch()
    unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    (deployment.run_folder / place).chmod(0)

    result = subprocess.run(
        [*unprivileged, ROOT / "deploy" / "herd", *words, "--topology", deployment.herd.path, "--run", deployment.run_folder],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "HERD_BUILD": str(BUILD)})

    (deployment.run_folder / place).chmod(0o700)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"deploy/herd: {complaint.format(run=deployment.run_folder)}\n"


def test_on_a_full_disk_the_cause_is_told_and_what_ran_is_still_found(deployment):
    (deployment.run_folder / "pids").mkdir(parents=True)
    complaint = f"deploy/herd: cannot use the run folder {deployment.run_folder}: No space left on device"
    (deployment.run_folder / "topology.new").symlink_to("/dev/full")
    first = deployment("up")
    (deployment.run_folder / "pids" / "Welsh.new").symlink_to("/dev/full")
    second = deployment("up")

    for result in (first, second):
        assert result.returncode == 1 and result.stderr.startswith(complaint) and len(result.stderr.splitlines()) == 1
    assert deployment.pids() == {}

    deployment.done("up")
    (deployment.run_folder / "topology.new").symlink_to("/dev/full")
    assert deployment("up").stderr.startswith(complaint)
    assert (deployment.run_folder / "topology").read_text() == f"{deployment.herd.path}\n"
    assert deployment.living() == set(deployment.herd.processes)


def test_a_process_that_may_not_be_stopped_is_named_and_still_found(deployment, tmp_path):
    deployment.done("up")
    before = deployment.pids()
    (tmp_path / "of another user").write_text("kill() { false; }\n")

    for words in (["stop", "Hands"], ["restart", "Hands"], ["down"]):
        result = deployment(*words, environment={"BASH_ENV": str(tmp_path / "of another user")})
        assert result.returncode == 1 and result.stdout == ""
        assert f"Hands still runs: its process {before['Hands']} belongs to another user" in result.stderr

    assert deployment.pids() == before


def test_a_symbolic_link_may_lead_to_another_topology_at_a_reload(deployment, tmp_path):
    link = tmp_path / "current.json"
    link.symlink_to(deployment.herd.path)
    deployment.done("up", topology=link)
    (tmp_path / "next").mkdir()
    after = Herd(tmp_path / "next", {**deployment.herd.topology})
    after.remove_worker("places-2")
    link.unlink()
    link.symlink_to(after.path)

    assert "gateway asks places-2 no more\n" in deployment.done("reload", topology=link)


def test_a_process_of_another_topology_file_is_told_from_one_that_does_not_react(deployment, tmp_path):
    deployment.done("up")
    (tmp_path / "copy").mkdir()
    copy = Herd(tmp_path / "copy", {**deployment.herd.topology})
    copy.remove_worker("places-2")

    result = deployment("up", topology=copy.path)

    assert result.returncode == 1
    assert "Hands was started with another topology file: deploy/herd restart Hands\n" in result.stderr
    assert (deployment.run_folder / "topology").read_text() == f"{deployment.herd.path}\n"


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


def test_down_ends_a_process_that_does_not_react(deployment):
    deployment.done("up")
    os.kill(deployment.pids()["Hands"], signal.SIGSTOP)

    output = deployment.done("down")

    assert "Hands stopped (killed: it did not end in time)" in output
    assert deployment.living() == set()


def test_down_waits_for_an_up_and_ends_all_that_it_has_started(deployment):
    deployment.done("up")
    pids = deployment.pids()
    (deployment.run_folder / "pids").rename(deployment.run_folder / "later")
    (deployment.run_folder / "pids").mkdir()
    with open(deployment.run_folder / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as an up that has just begun
        down = subprocess.Popen(
            [ROOT / "deploy" / "herd", "down", "--run", deployment.run_folder], stdout=subprocess.PIPE, text=True)
        first = down.stdout.readline()
        (deployment.run_folder / "pids").rmdir()
        (deployment.run_folder / "later").rename(deployment.run_folder / "pids")

    down.communicate(timeout=60)
    assert first.startswith("waiting for another deploy/herd") and down.returncode == 0
    assert not any(map(is_running, pids.values()))


def test_down_needs_no_topology_where_the_run_folder_is_named(deployment):
    deployment.done("up")
    pids = deployment.pids()
    deployment.herd.path.rename(deployment.folder / "elsewhere.json")

    result = subprocess.run(
        [ROOT / "deploy" / "herd", "down", "--run", deployment.run_folder], capture_output=True, text=True, timeout=60, check=False)

    (deployment.folder / "elsewhere.json").rename(deployment.herd.path)
    assert result.returncode == 0, result.stderr
    assert not any(map(is_running, pids.values()))


def test_down_ends_what_the_topology_no_longer_has(deployment):
    deployment.done("up")
    pids = deployment.pids()
    deployment.herd.path.write_text(json.dumps(make_topology("Solo")))

    deployment.done("down")

    assert not any(map(is_running, pids.values()))


def test_a_stranger_behind_an_old_pid_file_is_left_alone(deployment):
    deployment.done("up")
    deployment.done("stop", "Welsh")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (deployment.run_folder / "pids" / "Welsh.pid").write_text(f"{stranger.pid}\n")

        assert "Welsh does not run" in deployment.done("stop", "Welsh")
        deployment.done("down")

        assert stranger.poll() is None
    finally:
        (deployment.run_folder / "pids" / "Welsh.pid").unlink(missing_ok=True)
        stranger.kill()
        stranger.wait()


def test_herds_run_side_by_side(deployment, tmp_path):
    other = Deployment(tmp_path / "other", make_topology("Solo"))
    deployment.done("up")
    try:
        other.done("up")
    finally:
        other.done("down")

    assert other.living() == set()
    assert deployment.living() == set(deployment.herd.processes)


def test_status_tells_of_each_process_and_that_the_herd_has_converged(deployment):
    deployment.done("up")
    deployment.ask("Welsh", b"IAMAT a %s 1\nIAMAT b %s 1\n" % (UCLA, UCLA))

    table = deployment.done("status", "--wait", "10")
    status = json.loads(deployment.done("status", "--json"))

    assert table.endswith("\nconverged: all servers know the same\n")
    assert status["converged"] is True and status["problems"] == []
    assert {one["name"]: one["pid"] for one in status["processes"]} == deployment.pids()
    for one in status["processes"]:
        assert one["state"] == "ready" and one["memory_bytes"] > 100_000
        assert re.search(rf"^{one['kind']} +{one['name']} +{one['pid']} +ready ", table, re.MULTILINE), table
        if one["kind"] == "node":
            assert one["status"]["reports"] == 3  # these two, and that of the first conversation


def test_status_tells_of_a_process_that_does_not_react(deployment):
    deployment.done("up")
    with deployment.paused("Welsh"):
        result = deployment("status", "--json")

    assert result.returncode == 1
    assert {one["name"]: one["state"] for one in json.loads(result.stdout)["processes"]}["Welsh"] == "not ready"


def test_restart_tells_of_a_neighbour_that_is_not_found(deployment):
    deployment.done("up")
    with deployment.paused("Holiday"):
        result = deployment("restart", "Welsh")

    assert (result.returncode, result.stderr) == (0, "Welsh has no link to Holiday yet\n")


def test_graph_marks_what_would_split_the_herd(deployment):
    output = deployment.done("graph")

    assert "Holiday*" in output and "Welsh !" in output
    assert "losing Holiday would split the herd into [Goloman Hands Wilkes] and [Welsh]" in output


def test_a_missing_database_is_named_and_nothing_is_left(tmp_path):
    deployment = Deployment(tmp_path / "deployment", make_topology("Solo", workers=1, places={"database": "nowhere.sqlite"}))

    result = deployment("up")

    assert result.returncode == 1
    assert "places-1 did not start" in result.stderr and "nowhere.sqlite" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and deployment.living() == set()


def up_in_a_terminal(deployment, build):
    return subprocess.Popen(
        [ROOT / "deploy" / "herd", "up", "--topology", deployment.herd.path, "--run", deployment.run_folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
        env={**os.environ, "HERD_BUILD": str(build)},
        # As a terminal starts it; tests that run in the background of a script would pass on that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_an_interrupted_up_stops_what_it_started(deployment, tmp_path):
    build = tmp_path / "with a worker that is never ready"
    (build / "bin").mkdir(parents=True)
    for program in ("herd-topology", "herd-node", "gateway"):
        (build / "bin" / program).symlink_to(BUILD / "bin" / program)
    (build / "bin" / "places-worker").write_text("#!/usr/bin/python3\nimport signal\nsignal.pause()\n")
    (build / "bin" / "places-worker").chmod(0o755)
    process = up_in_a_terminal(deployment, build)
    wait_until(lambda: len(deployment.pids()) == len(deployment.herd.processes), "all have started")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does at Ctrl-C

    complaint = process.communicate(timeout=60)[1]

    assert process.returncode == 1 and "interrupted" in complaint
    assert deployment.pids() == {}
    deployment.done("up")


def test_an_impatient_ctrl_c_at_any_moment_of_up_leaves_nothing(deployment):
    for _ in range(3):
        process = up_in_a_terminal(deployment, BUILD)
        wait_until(lambda: deployment.pids(), "the first has started")

        def has_ended_under_signals(up=process):
            os.killpg(up.pid, signal.SIGINT)
            return up.poll() is not None

        wait_until(has_ended_under_signals, "it ends")
        assert process.returncode == 1 and "interrupted" in process.communicate()[1]
        assert deployment.pids() == {}


@pytest.mark.parametrize(
    "words, complaint",
    [
        ([], "usage: deploy/herd"),
        (["fly"], "unknown command fly"),
        (["up", "--fast"], "unknown option --fast"),
        (["status", "--wait", "long"], "--wait long: not a number"),
        (["status", "--wait", "9999999999"], "--wait 9999999999: not a number"),
        (["status", "--wait"], "--wait needs a value"),
        (["start"], "start needs the NAME of a process"),
    ],
)
def test_a_wrong_command_line_is_told(words, complaint):
    result = subprocess.run([ROOT / "deploy" / "herd", *words], capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 2 and complaint in result.stderr


@pytest.mark.parametrize("words", [["status"], ["start", "Hands"], ["reload"], ["graph"]])
def test_that_nothing_is_built_yet_is_told(words, tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    environment = {name: value for name, value in os.environ.items() if name != "HERD_BUILD"}

    result = subprocess.run(
        [tmp_path / "deploy" / "herd", *words], capture_output=True, text=True, timeout=60, check=False, env=environment)

    assert (result.returncode, result.stderr) == (1, "deploy/herd: nothing is built yet: deploy/herd up does it\n")


def test_a_build_folder_without_programs_is_named(tmp_path):
    result = subprocess.run(
        [ROOT / "deploy" / "herd", "up"], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "HERD_BUILD": str(tmp_path)})

    assert (result.returncode, result.stderr) == (
        1, f"deploy/herd: there is no {tmp_path}/bin/herd-topology: HERD_BUILD is no build folder\n")


def test_unknown_names_are_told_with_those_there_are(deployment):
    process = deployment("start", "Wulkes")
    topology = deployment("status", topology="gollum")

    assert process.returncode == 1 and "has no process Wulkes; it has Goloman Hands" in process.stderr
    assert topology.returncode == 1 and "no topology gollum; shipped are alford goloman hill single" in topology.stderr


# ---- Workers that come and go ----

def gateway_asks(deployment):
    return [one["name"] for one in deployment.herd["gateway"].status()["workers"] if one["up"]]


def test_up_after_an_edit_starts_new_workers_and_the_others_learn_of_them(deployment):
    deployment.done("up")
    before = deployment.pids()
    deployment.herd.add_worker("places-3")
    assert "the topology has changed since Goloman Hands" in deployment("status").stdout

    deployment.done("up")

    assert {name: deployment.pids()[name] for name in before} == before
    assert gateway_asks(deployment) == ["places-1", "places-2", "places-3"]
    assert deployment.done("status").endswith("\nconverged: all servers know the same\n")


def test_reload_says_what_was_taken_over_and_what_is_left_to_do(deployment):
    deployment.done("up")
    before = deployment.pids()
    deployment.herd.remove_worker("places-1")
    deployment.herd.add_worker("places-3")
    deployment.herd.topology["limits"]["answer_within_ms"] = 2900
    deployment.herd.write_topology()

    assert deployment.done("reload").splitlines() == [
        "gateway asks places-3 from now on",
        "gateway asks places-1 no more",
        "places-3 is down",
        "changes of limits wait for the next restart of Goloman Hands Holiday Wilkes Welsh places-2 gateway",
        "places-1 runs and is not in the topology: deploy/herd stop places-1",
    ]

    deployment.done("start", "places-3")
    assert deployment.done("stop", "places-1") == "places-1 stopped\n"
    assert {name: pid for name, pid in deployment.pids().items() if name in before} == {
        name: pid for name, pid in before.items() if name != "places-1"}
    assert gateway_asks(deployment) == ["places-2", "places-3"]
    notes = json.loads(deployment.done("status", "--json"))["notes"]
    assert notes == ["changes of limits wait for the next restart of Goloman Hands Holiday Wilkes Welsh places-2 gateway"]

    for name in ("Goloman", "Hands", "Holiday", "Welsh", "Wilkes", "places-2", "gateway"):
        deployment.done("restart", name)
    assert json.loads(deployment.done("status", "--json"))["notes"] == []


def test_start_of_a_new_worker_says_that_others_do_not_know_of_it(deployment):
    deployment.done("up")
    deployment.herd.add_worker("places-3")

    output = deployment.done("start", "places-3")

    assert output.startswith("places-3 started\nthe topology has changed since Goloman ")
    assert deployment.done("reload") == "gateway asks places-3 from now on\n"


def test_reload_of_what_has_not_changed_says_so(deployment):
    deployment.done("up")

    assert deployment.done("reload") == "gateways ask the same workers as before\n"


def test_reload_refuses_a_broken_topology_and_tells_nobody(deployment):
    deployment.done("up")
    good = deployment.herd.path.read_text()
    deployment.herd.path.write_text(good.replace("Welsh", "We lsh", 1))

    result = deployment("reload")

    deployment.herd.path.write_text(good)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1 and "We lsh" in result.stderr
    assert "topology_refused" not in deployment.done("logs", "--lines", "1000")


def test_reload_names_who_has_not_reacted(deployment):
    deployment.done("up")
    with deployment.paused("Welsh"):
        result = deployment("reload")

    assert result.returncode == 1
    assert "Welsh has not read the topology" in result.stderr


def test_reload_of_a_herd_that_does_not_run_says_so(deployment):
    result = deployment("reload")

    assert result.returncode == 1 and "does not run" in result.stderr


def test_a_process_that_the_topology_no_longer_has_is_shown_and_can_be_stopped(deployment):
    deployment.done("up")
    deployment.herd.remove_worker("places-2")

    status = json.loads(deployment("status", "--json").stdout)
    assert status["strays"] == ["places-2"]
    assert "places-2 runs and is not in the topology: deploy/herd stop places-2" in status["notes"]

    deployment.done("stop", "places-2")
    assert "places-2" not in deployment.living()
    assert deployment("stop", "places-2").returncode == 1  # now it is neither here nor there


def test_of_two_packages_the_one_that_the_release_has_is_installed_whatever_the_language(tmp_path):
    candidate = '[ "$2" != first ] || if [ "${LC_ALL:-}" = C ]; then echo "  Candidate: 1"; else echo "  Kandidat: 1"; fi'
    for name, body in {"apt-cache": candidate, "apt-get": 'echo "${@: -1}"', "dpkg": "true", "dpkg-query": "true", "sudo": '"$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)

    result = subprocess.run(
        [ROOT / "deploy" / "install-packages", "first|second"], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"})

    assert result.returncode == 0 and result.stdout.splitlines()[-1] == "first", result.stdout + result.stderr
