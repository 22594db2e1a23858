"""Does every server write down its input, its output, and the neighbours it gains and loses?"""

import re

import pytest

from support.herd import wait_until
from support.topology import GOLOMAN

UCLA = b"+34.068930-118.445127"
VALUE = rb'(?:[^\s"=]+|"(?:[^"\\\n]|\\.)*")'
LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z event=\w+(?: \w+=" + VALUE + rb")*\n")


@pytest.fixture(scope="module")
def herd(make_lasting_herd):
    return make_lasting_herd(GOLOMAN, logs={"traffic": True}).start()


def logged(process, *words, deadline_s=10):
    """Waits for a line that has all of these words."""
    def found():
        return next((line for line in process.log().splitlines() if all(word in line for word in words)), None)

    return wait_until(found, f"{process.name} logs {words}", deadline_s)


def test_every_line_is_one_event_with_its_time_first(herd):
    herd.ask("Hands", b'IAMAT "quoted\\ %s 1520023934\nWHATSAT "quoted\\ 1 1\n\xff\xfe "\x00=\x1b[31m\nnonsense\r\n' % UCLA)
    logged(herd["gateway"], b"nonsense")
    logged(herd["Hands"], b"quoted")

    for process in herd.processes.values():
        logged(process, b"event=started")
        lines = process.log().splitlines(keepends=True)
        for line in lines[:-1] + [line for line in lines[-1:] if line.endswith(b"\n")]:
            assert LINE.fullmatch(line), f"{process.name}: {line!r}"


def test_what_a_server_is_told_and_answers_is_in_its_log(herd):
    herd.ask("Hands", b"IAMAT logged-client %s 1520023934.5\nWHATSAT logged-client 10 1\nlogged-nonsense\n" % UCLA)

    # The server's own file says which reports it took and which it was asked for ...
    logged(herd["Hands"], b"event=accept", b"id=logged-client", UCLA, b"1520023934.5")
    logged(herd["Hands"], b"event=locate", b"id=logged-client")
    # ... and that of its gateway each line, in and out, with the client, who came to a server.
    client = re.search(rb" client=\d+ ", logged(herd["gateway"], b"event=input", b"IAMAT logged-client"))[0]
    logged(herd["gateway"], b"event=client_connected", client, b"server=Hands")
    logged(herd["gateway"], b"event=output", client, b'line="AT Hands +')
    logged(herd["gateway"], b"event=input", client, b'line="WHATSAT logged-client 10 1"')
    logged(herd["gateway"], b"event=output", client, b'line="AT Hands +', b"places_bytes=")
    logged(herd["gateway"], b"event=input", client, b"line=logged-nonsense")
    logged(herd["gateway"], b"event=output", client, b'line="? logged-nonsense"')
    logged(herd["gateway"], b"event=client_disconnected", client.rstrip())


def test_neighbours_gained_and_lost_are_in_the_log_of_those_who_talk_to_them(make_herd):
    herd = make_herd(GOLOMAN).start()
    logged(herd["Holiday"], b"event=link_up", b"neighbour=Welsh")
    logged(herd["Holiday"], b"event=neighbour_met", b"neighbour=Welsh", b"is_restarted=0")

    herd["Welsh"].restart()

    logged(herd["Holiday"], b"event=link_down", b"neighbour=Welsh")
    logged(herd["Holiday"], b"event=neighbour_met", b"neighbour=Welsh", b"is_restarted=1")
    assert b"neighbour=Welsh" not in herd["Hands"].log()


def test_the_log_says_why_a_command_was_refused_for_want_of_a_node(make_herd):
    herd = make_herd("Alone", limits={"answer_within_ms": 200}, workers=1).start()
    herd["Alone"].kill()

    herd.ask("Alone", b"IAMAT refused-client %s 1\n" % UCLA)

    logged(herd["gateway"], b"event=node_down", b"server=Alone")
    logged(herd["gateway"], b"event=command_expired", b'cause="no server is up"')


def test_start_and_stop_are_logged(make_herd):
    herd = make_herd("Alone", workers=1).start()
    herd.stop()

    for process in herd.processes.values():
        assert b" event=started " in process.log(), process.name
        assert b" event=stopped " in process.log(), process.name


def sizes_of_logs(herd, name):
    """Of the log and its rotated files; None if one of them was renamed meanwhile."""
    try:
        return [path.stat().st_size for path in herd.folder.glob(f"{name}.log*")]
    except FileNotFoundError:
        return None


def test_logs_are_rotated_and_never_fill_a_disk(make_herd):
    limit = 64 * 1024
    herd = make_herd("Alone", workers=1, logs={"traffic": True, "file_size_max": limit, "files_max": 2}).start()
    for _ in range(20):
        herd.ask("Alone", b"".join(b"IAMAT rotated%d %s 1\n" % (number, UCLA) for number in range(500)))

    for name in ("gateway", "Alone"):
        wait_until(lambda n=name: (herd.folder / f"{n}.log.2").exists(), f"the log of {name} is rotated")
        sizes = wait_until(lambda n=name: sizes_of_logs(herd, n), f"the logs of {name} are not renamed while one looks")
        assert len(sizes) <= 3 and max(sizes) <= limit
