"""Do clients that misbehave cost anybody else anything?"""

import contextlib
import resource
import socket
import time

import pytest

from support.client import parse_at, parse_places
from support.herd import wait_until
from support.machine import processor_seconds_in_a_second
from support.topology import GOLOMAN

UCLA = b"+34.068930-118.445127"
MIB = 1024 * 1024
GATEWAY_MEMORY_MAX = 192 * MIB


@pytest.fixture(scope="module")
def herd(make_lasting_herd):
    herd = make_lasting_herd(GOLOMAN).start()
    herd.ask("Goloman", b"IAMAT known %s 1520023934\n" % UCLA)
    return herd


@pytest.fixture(scope="module", autouse=True)
def many_descriptors():
    """This process plays thousands of clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
    assert wanted >= 4096, f"these tests open thousands of connections; this system allows {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def assert_others_are_served(herd, times=20):
    """A fresh client is answered correctly, places included."""
    for number in range(times):
        answer = herd.ask("Hands", b"IAMAT other +34-118 %d\nWHATSAT known 10 3\n" % (1520023934 + number))
        at_line, _, places = answer.partition(b"\n")
        assert parse_at(at_line + b"\n").id == b"other"
        assert len(parse_places(places).json["results"]) == 3


def send_until_blocked(connection, data, deadline_s=10, limit=1024 * MIB):
    """Sends until the server takes no more for a while; returns how many bytes it took."""
    connection.settimeout(0.5)
    sent = 0
    until = time.monotonic() + deadline_s
    with contextlib.suppress(TimeoutError):
        while sent < limit and time.monotonic() < until:
            sent += connection.send(data)
        raise AssertionError(f"the server still takes commands after {sent} bytes whose answers nobody reads")
    return sent


def test_ten_thousand_commands_in_one_write_are_all_answered_in_order(herd):
    commands = b"".join(b"IAMAT bulk%d +34-118 %d\n" % (number % 1000, number) for number in range(10_000))

    answers = herd.ask("Goloman", commands).splitlines(keepends=True)

    assert len(answers) == 10_000
    for number, line in enumerate(answers):
        assert parse_at(line)[2:] == (b"bulk%d" % (number % 1000), b"+34-118", b"%d" % number)


def test_ten_thousand_mixed_commands_in_one_write_are_all_answered_in_order(herd):
    commands = b"".join(
        b"WHATSAT known 1 1\n" if number % 10 == 0 else b"nonsense %d\n" % number for number in range(10_000)
    )
    with herd.connect("Goloman") as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)
        client.send(commands)

        for number in range(10_000):
            if number % 10 == 0:
                assert parse_at(client.read_places().at_line).id == b"known"
            else:
                assert client.read_line() == b"? nonsense %d\n" % number


@pytest.mark.measures
def test_a_gigabyte_without_a_line_end_costs_no_memory(herd):
    chunk = b"x" * MIB
    with herd.connect("Goloman") as client:
        for number in range(1024):
            client.send(chunk)
            if number % 256 == 0:
                assert_others_are_served(herd, times=1)
        client.send(b"\nIAMAT after +34-118 1520023934\n")

        assert client.read_line() == b"? " + b"x" * 8192 + b"\n"
        assert parse_at(client.read_line()).id == b"after"
    assert herd["gateway"].memory_bytes() < GATEWAY_MEMORY_MAX


def test_clients_that_vanish_in_the_middle_of_a_whatsat_harm_nobody(herd):
    for number in range(300):
        client = herd.connect("Goloman")
        client.send(b"WHATSAT known 50 20\n" * (number % 7 + 1) + b"IAMAT vanished +34-118 1520023934\nWHATS")
        client.reset()

    assert_others_are_served(herd)


def test_clients_that_close_without_reading_harm_nobody(herd):
    for _ in range(100):
        with herd.connect("Goloman") as client:
            client.send(b"WHATSAT known 50 20\n" * 20)

    assert_others_are_served(herd)


@pytest.mark.measures
def test_clients_that_never_read_are_read_no_more_and_cost_bounded_memory(herd):
    with contextlib.ExitStack() as stack:
        for commands in (b"WHATSAT known 50 20\n" * 2000, b"IAMAT deaf +34-118 1520023934\n" * 2000, b"nonsense\n" * 4000):
            client = stack.enter_context(herd.connect("Goloman"))
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            send_until_blocked(client.socket, commands)

        assert_others_are_served(herd)
        assert herd["gateway"].memory_bytes() < GATEWAY_MEMORY_MAX


def test_a_client_that_reads_late_gets_every_answer(herd):
    count = 3000
    with herd.connect("Goloman") as client:
        client.socket.setblocking(False)
        commands = memoryview(b"".join(b"IAMAT late %s %d\nWHATSAT known 10 20\n" % (UCLA, number) for number in range(count)))
        unsent = commands
        with contextlib.suppress(BlockingIOError):
            while unsent:
                unsent = unsent[client.socket.send(unsent):]
        assert_others_are_served(herd, times=3)
        client.socket.settimeout(20)

        sent = len(commands) - len(unsent)
        whole = bytes(commands[:sent]).count(b"\n")
        client.send(commands[sent: sent + bytes(commands[sent:]).find(b"\n") + 1])
        for number in range(whole + 1 if len(unsent) else whole):
            if number % 2 == 0:
                assert parse_at(client.read_line()).time == b"%d" % (number // 2)
            else:
                assert parse_at(client.read_places().at_line).id == b"known"


def test_two_thousand_idle_connections_hinder_nobody(herd):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(herd.connect("Goloman")) for _ in range(2000)]

        assert_others_are_served(herd)

        for client in idle[:: len(idle) // 50]:
            assert parse_at(client.ask(b"IAMAT idle +34-118 1520023934")).server == b"Goloman"


def test_more_clients_than_there_is_room_for_are_all_refused_when_no_server_is_up(make_herd):
    herd = make_herd("Alone", limits={"answer_within_ms": 500}).start()
    herd["Alone"].kill()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(herd.connect("Alone")) for _ in range(3000)]
        line = b"IAMAT %s +34-118 1" % (b"x" * 8000)  # of which there is room for some 60
        for client in clients:
            client.send(line + b"\n")

        for client in clients:
            assert client.read_line() == b"? " + line + b"\n"


def test_half_a_command_that_never_ends_hinders_nobody(herd):
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(herd.connect("Goloman")).send(b"IAMAT half +34-1")

        assert_others_are_served(herd)


def test_when_descriptors_run_out_old_clients_are_served_and_new_ones_later(make_herd):
    herd = make_herd(GOLOMAN).start()
    gateway = herd["gateway"]
    herd.ask("Goloman", b"IAMAT known %s 1520023934\n" % UCLA)
    with contextlib.ExitStack() as stack:
        early = stack.enter_context(herd.connect("Goloman"))
        early.ask(b"nonsense")
        limit = gateway.descriptor_count() + 30
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (limit, limit))
        crowd = connect_many(stack, herd, "Goloman", 100)

        for number in range(100):
            assert parse_at(early.ask(b"IAMAT early +34-118 %d" % number)).time == b"%d" % number
        assert len(early.whatsat(b"known", 10, 3).names) == 3

        for client in crowd:
            client.close()
        wait_until(lambda: is_answered(herd), "a new client is served again")
        assert gateway.is_running()


def connect_many(stack, herd, server, count):
    """Tries so often; whom the gateway refuses may see it before the connection is made."""
    clients = []
    for _ in range(count):
        with contextlib.suppress(ConnectionResetError):
            clients.append(stack.enter_context(herd.connect(server)))
    return clients


def is_answered(herd):
    try:
        return herd.ask("Goloman", b"nonsense\n") == b"? nonsense\n"
    except OSError:
        return False


@pytest.mark.measures
def test_a_gateway_that_runs_out_of_descriptors_does_not_spin(make_herd):
    herd = make_herd("Alone").start()
    gateway = herd["gateway"]
    limit = gateway.descriptor_count() + 5
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.ExitStack() as stack:
        connect_many(stack, herd, "Alone", 50)

        assert processor_seconds_in_a_second(gateway.pid) < 0.5
