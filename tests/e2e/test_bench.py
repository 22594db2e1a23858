"""The load generator itself: it counts what is right, and nothing that is wrong, missing or unasked gets past it."""

import contextlib
import http.server
import itertools
import json
import re
import socket
import subprocess
import threading

import pytest

from support.echo import stateless_echo
from support.herd import BUILD
from support.topology import free_ports, loopback_address


def bench(address, *options):
    """(exit status, result) of herd-bench."""
    command = [BUILD / "bin" / "herd-bench", "--connect", "{}:{}".format(*address), "--json", "--quiet", "--grace", "1", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def echo():
    """The address of a herd-echo."""
    with stateless_echo() as (address, _):
        yield address


@contextlib.contextmanager
def server(answer):
    """A server of one connection: answer(line) gives the bytes to send, or None to hang up."""
    with socket.create_server((loopback_address(), 0)) as listener:
        def serve():
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    reply = answer(line)
                    if reply is None:
                        return
                    connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()
        thread.join(10)


def right(line):
    return b"AT Hands +0.000000001 " + line.removeprefix(b"IAMAT ")


def test_a_stateless_echo_answers_every_report_rightly(echo):
    status, result = bench(echo, "--count", "20000", "--connections", "7", "--ids", "1000")

    assert status == 0
    assert result["right"] == result["said"] == 20000
    assert result["servers"] == [{"name": "Echo", "answers": 20000}]
    assert result["iamat"]["count"] == 20000


def test_an_open_loop_says_as_much_as_its_rate_and_no_more(echo):
    status, result = bench(echo, "--rate", "2000", "--duration", "1", "--connections", "3")

    assert status == 0
    assert result["right"] == 2000


def test_idle_connections_are_answered_once_and_then_stay_silent(echo):
    status, result = bench(echo, "--count", "100", "--idle", "50")

    assert status == 0
    assert result["said"] == 100


def test_refusals_are_counted_and_shown(echo):
    status, result = bench(echo, "--count", "1000", "--mix", "iamat=1,whatsat=1")

    assert status == 0
    assert result["refused"] + result["right"] == 1000 and result["refused"] > 300
    assert all(example.startswith("refused: WHATSAT ") for example in result["examples"])


@pytest.mark.parametrize("answer, counted_as", [
    (lambda line: right(line).replace(b"-", b"+"), "wrong"),
    (lambda line: right(line)[:-2] + b"x\n", "wrong"),
    (lambda line: right(line) + b"hello\n", "wrong"),
    (lambda line: b"", "missing"),
    (lambda line: right(line)[:-1], "missing"),
    (lambda line: None, "missing"),
])
def test_what_is_not_right_is_told_by_count_and_exit_status(answer, counted_as):
    with server(answer) as address:
        status, result = bench(address, "--count", "3", "--window", "2")

    assert status == 1
    assert result[counted_as] > 0


def test_one_answer_too_many_is_unasked():
    with server(lambda line: right(line) + b"hello\n") as address:
        status, result = bench(address, "--count", "1", "--window", "1", "--rate", "1")

    assert status == 1
    assert result["unasked"] == 1


def test_nobody_listening_is_one_line_and_exit_status_1():
    host = loopback_address()
    command = [BUILD / "bin" / "herd-bench", "--connect", f"{host}:{next(free_ports(host))}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr == b"herd-bench: before the measurement: connection lost\n"


class BusyNode(http.server.BaseHTTPRequestHandler):
    """The admin endpoint of a node whose loop does not answer now and then, and at last always does."""

    known = 200, b'{"reports":1,"digest":"0fe1"}'
    busy = 503, b"the loop does not answer\n"
    answers = itertools.chain([busy, known, busy], itertools.repeat(known))

    def do_GET(self):
        code, body = next(self.answers)
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_nodes_that_are_busy_are_asked_again(echo):
    with http.server.HTTPServer((loopback_address(), 0), BusyNode) as admin:
        thread = threading.Thread(target=admin.serve_forever, daemon=True)
        thread.start()
        address = "{}:{}".format(*admin.server_address)
        status, result = bench(echo, "--count", "1", "--admin", f"{address},{address}")
        admin.shutdown()
        thread.join()

    assert status == 0
    assert result["known_ns"] > 0


def test_the_cores_are_measured_to_the_end():
    result = subprocess.run(
        [BUILD / "bin" / "herd-cores", "1000"], capture_output=True, text=True, timeout=60, check=True)

    assert re.search(r"gossip_next_message, all of it +\d+ ns per report", result.stdout)
