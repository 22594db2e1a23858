"""Does every line of a client get exactly the answer that the protocol says?"""

import re
import socket
import subprocess
import time

import pytest

from support.client import ask, nanoseconds, parse_at, parse_places
from support.topology import GOLOMAN, free_ports

UCLA = b"+34.068930-118.445127"
TIME = b"1520023934.918963997"
LINE_MAX = 8 * 1024


@pytest.fixture(scope="module")
def herd(make_lasting_herd):
    herd = make_lasting_herd(GOLOMAN).start()
    assert herd.ask("Goloman", b"IAMAT known %s %s\n" % (UCLA, TIME)).startswith(b"AT Goloman ")
    return herd


# ---- IAMAT ----

GOOD_IAMAT = [
    # the fields as clients write them, each echoed byte for byte
    (b"IAMAT kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997", b"kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997"),
    # locations
    (b"IAMAT l1 +34-118 1520023934", b"l1 +34-118 1520023934"),
    (b"IAMAT l2 -34.1+118.25 1520023934", b"l2 -34.1+118.25 1520023934"),
    (b"IAMAT l3 +0-0 1520023934", b"l3 +0-0 1520023934"),
    (b"IAMAT l4 +90+180 1520023934", b"l4 +90+180 1520023934"),
    (b"IAMAT l5 -90-180 1520023934", b"l5 -90-180 1520023934"),
    (b"IAMAT l6 +90.000000+180.000000000000000000000 1", b"l6 +90.000000+180.000000000000000000000 1"),
    (b"IAMAT l7 +57.712831+012.022590 967179000.000", b"l7 +57.712831+012.022590 967179000.000"),
    (b"IAMAT l8 +089.99999999999999999999999-179.99999999999999999999999 1", b"l8 +089.99999999999999999999999-179.99999999999999999999999 1"),
    # times
    (b"IAMAT t1 +34-118 0", b"t1 +34-118 0"),
    (b"IAMAT t2 +34-118 1520023934.9", b"t2 +34-118 1520023934.9"),
    (b"IAMAT t3 +34-118 1520023934.918", b"t3 +34-118 1520023934.918"),
    (b"IAMAT t4 +34-118 1520023934.9189639", b"t4 +34-118 1520023934.9189639"),
    (b"IAMAT t5 +34-118 1520023934.918963997123456789", b"t5 +34-118 1520023934.918963997123456789"),
    (b"IAMAT t6 +34-118 0000001520023934.000", b"t6 +34-118 0000001520023934.000"),
    (b"IAMAT t7 +34-118 4102444800", b"t7 +34-118 4102444800"),
    (b"IAMAT t8 +34-118 9223372036.854775807", b"t8 +34-118 9223372036.854775807"),
    (b"IAMAT t9 +34-118 9223372036.8547758079", b"t9 +34-118 9223372036.8547758079"),
    # white space: every kind, any amount, around every field
    (b"  IAMAT   w1  +34-118   1520023934  ", b"w1 +34-118 1520023934"),
    (b"\tIAMAT\tw2\t+34-118\t1520023934\t", b"w2 +34-118 1520023934"),
    (b"\vIAMAT\vw3\v+34-118\v1520023934\v", b"w3 +34-118 1520023934"),
    (b"\fIAMAT\fw4\f+34-118\f1520023934\f", b"w4 +34-118 1520023934"),
    (b"\rIAMAT\rw5\r+34-118\r1520023934\r", b"w5 +34-118 1520023934"),
    (b"IAMAT \t\v\f\r w6 +34-118 1520023934", b"w6 +34-118 1520023934"),
    (b"IAMAT w7 +34-118 1520023934\r", b"w7 +34-118 1520023934"),
    # ids: any bytes that are not white space
    (b"IAMAT \xff\xfe\x80\x01 +34-118 1520023934", b"\xff\xfe\x80\x01 +34-118 1520023934"),
    (b"IAMAT a\x00b +34-118 1520023934", b"a\x00b +34-118 1520023934"),
    ("IAMAT kiwi🥝 +34-118 1520023934".encode(), "kiwi🥝 +34-118 1520023934".encode()),
    (b"IAMAT \xc2\xa0\xc2\x85 +34-118 1520023934", b"\xc2\xa0\xc2\x85 +34-118 1520023934"),
    (b"IAMAT \x1c\x1d\x1e\x1f\x7f +34-118 1520023934", b"\x1c\x1d\x1e\x1f\x7f +34-118 1520023934"),
    (b"IAMAT IAMAT +34-118 1520023934", b"IAMAT +34-118 1520023934"),
    (b"IAMAT ? +34-118 1520023934", b"? +34-118 1520023934"),
    (b'IAMAT "\\% +34-118 1520023934', b'"\\% +34-118 1520023934'),
    (b"IAMAT " + b"x" * 8000 + b" +34-118 1520023934", b"x" * 8000 + b" +34-118 1520023934"),
]


def assert_accepted(answer, server, echo, before_ns, after_ns):
    """AT, the server, the exact difference of its clock and the client's time, and the fields as they were written."""
    match = re.fullmatch(rb"AT (\S+) ([+-]\d+\.\d{9}) (.*)\n", answer, flags=re.S)
    assert match and match[1] == server.encode() and match[3] == echo, answer[:300]
    received_ns = nanoseconds(match[2]) + nanoseconds(echo.rsplit(b" ", 1)[1])
    assert before_ns <= received_ns <= after_ns, "the difference is not that of the server's clock and the client's time"


@pytest.mark.parametrize("line, echo", GOOD_IAMAT, ids=[repr(line[:60]) for line, _ in GOOD_IAMAT])
def test_a_valid_iamat_is_answered_with_its_own_fields(herd, line, echo):
    before_ns = time.time_ns()
    answer = herd.ask("Hands", line + b"\n")
    after_ns = time.time_ns()

    assert_accepted(answer, "Hands", echo, before_ns, after_ns)


# ---- Invalid lines ----

BAD_LINES = [
    # empty, and words that are no command
    b"",
    b"   ",
    b"\t",
    b"x",
    b"iamat kiwi +34-118 1520023934",
    b"IamAt kiwi +34-118 1520023934",
    b"whatsat known 10 5",
    b"IAMATkiwi +34-118 1520023934",
    b"IAMAT2 kiwi +34-118 1520023934",
    b"IAMA kiwi +34-118 1520023934",
    b"HELP",
    b"GET / HTTP/1.1",
    b"AT Goloman +0.263873386 kiwi.cs.ucla.edu +34.068930-118.445127 1520023934.918963997",
    b"? known",
    b"\x00",
    b"\xff\xfe\xfd",
    b"\xe2\x80\x83IAMAT\xe2\x80\x83kiwi +34-118 1520023934",
    b"\x00IAMAT kiwi +34-118 1520023934",
    b"IAMAT\xc2\xa0kiwi +34-118 1520023934",
    b"%s%n%s%n",
    # wrong number of fields
    b"IAMAT",
    b"IAMAT kiwi",
    b"IAMAT kiwi +34-118",
    b"IAMAT kiwi +34-118 1520023934 x",
    b"IAMAT kiwi +34 -118 1520023934",
    b"IAMAT kiwi  1520023934",
    b"WHATSAT",
    b"WHATSAT known",
    b"WHATSAT known 10",
    b"WHATSAT known 10 5 x",
    # locations
    b"IAMAT kiwi 34-118 1520023934",
    b"IAMAT kiwi +34118 1520023934",
    b"IAMAT kiwi +34 1520023934",
    b"IAMAT kiwi +34- 1520023934",
    b"IAMAT kiwi +-118 1520023934",
    b"IAMAT kiwi +34.-118 1520023934",
    b"IAMAT kiwi +34.0-118. 1520023934",
    b"IAMAT kiwi +.5-118 1520023934",
    b"IAMAT kiwi +34.0.0-118 1520023934",
    b"IAMAT kiwi +34,0-118 1520023934",
    b"IAMAT kiwi +34-118- 1520023934",
    b"IAMAT kiwi +34-118+12 1520023934",
    b"IAMAT kiwi +34-118/ 1520023934",
    b"IAMAT kiwi +34/-118 1520023934",
    b"IAMAT kiwi ++34-118 1520023934",
    b"IAMAT kiwi +34--118 1520023934",
    b"IAMAT kiwi +1e1+0 1520023934",
    b"IAMAT kiwi +0x1+0 1520023934",
    b"IAMAT kiwi +inf+nan 1520023934",
    b"IAMAT kiwi +34-118\x00 1520023934",
    b"IAMAT kiwi +90.0000000000000000000000000001+0 1520023934",
    b"IAMAT kiwi -91+0 1520023934",
    b"IAMAT kiwi +0+180.0000000000000000000000000001 1520023934",
    b"IAMAT kiwi +0-181 1520023934",
    b"IAMAT kiwi +0+99999999999999999999999999999999 1520023934",
    "IAMAT kiwi −34−118 1520023934".encode(),
    "IAMAT kiwi +٣٤-118 1520023934".encode(),
    # times
    b"IAMAT kiwi +34-118 -1",
    b"IAMAT kiwi +34-118 +1520023934",
    b"IAMAT kiwi +34-118 1520023934.",
    b"IAMAT kiwi +34-118 .5",
    b"IAMAT kiwi +34-118 .",
    b"IAMAT kiwi +34-118 1.5.5",
    b"IAMAT kiwi +34-118 1,5",
    b"IAMAT kiwi +34-118 1e9",
    b"IAMAT kiwi +34-118 0x5a99f57e",
    b"IAMAT kiwi +34-118 inf",
    b"IAMAT kiwi +34-118 nan",
    b"IAMAT kiwi +34-118 now",
    b"IAMAT kiwi +34-118 2018-03-02T20:52:14Z",
    b"IAMAT kiwi +34-118 1520023934\x00",
    b"IAMAT kiwi +34-118 9223372036.854775808",
    b"IAMAT kiwi +34-118 9223372037",
    b"IAMAT kiwi +34-118 18446744073709551616",
    b"IAMAT kiwi +34-118 99999999999999999999999999999999999999999",
    # radius and bound
    b"WHATSAT known -1 5",
    b"WHATSAT known 50.000000000000000000000001 5",
    b"WHATSAT known 51 5",
    b"WHATSAT known 99999999999999999999999999999 5",
    b"WHATSAT known ten 5",
    b"WHATSAT known 1e1 5",
    b"WHATSAT known 0x10 5",
    b"WHATSAT known 1.2.3 5",
    b"WHATSAT known nan 5",
    b"WHATSAT known 10 -1",
    b"WHATSAT known 10 21",
    b"WHATSAT known 10 5.0",
    b"WHATSAT known 10 five",
    b"WHATSAT known 10 0x5",
    b"WHATSAT known 10 18446744073709551617",
    b"WHATSAT known 10 5\x00",
    # ids that nobody reported
    b"WHATSAT unknown 10 5",
    b"WHATSAT Known 10 5",
    b"WHATSAT known\x00 10 5",
    b"WHATSAT know 10 5",
]


@pytest.mark.parametrize("line", BAD_LINES, ids=[repr(line[:60]) for line in BAD_LINES])
def test_an_invalid_line_comes_back_after_a_question_mark(herd, line):
    assert herd.ask("Hands", line + b"\n") == b"? " + line + b"\n"


def test_all_invalid_lines_at_once_come_back_in_order(herd):
    answer = herd.ask("Hands", b"".join(line + b"\n" for line in BAD_LINES))

    assert answer == b"".join(b"? " + line + b"\n" for line in BAD_LINES)


# ---- Line ends ----

def test_cr_lf_ends_a_line_as_lf_does(herd):
    answer = herd.ask("Welsh", b"nonsense\r\n\r\nIAMAT crlf +34-118 1520023934\r\nWHATSAT crlf 1 0\r\n")

    assert answer.startswith(b"? nonsense\n? \nAT Welsh ")
    parse_places(answer.removeprefix(b"? nonsense\n? \n").partition(b"\n")[2])
    assert b"\r" not in answer


def test_a_last_line_without_its_end_is_answered(herd):
    assert herd.ask("Welsh", b"nonsense") == b"? nonsense\n"
    assert herd.ask("Welsh", b"more\nnonsense") == b"? more\n? nonsense\n"
    assert parse_at(herd.ask("Welsh", b"IAMAT unterminated +34-118 1520023934")).id == b"unterminated"


def test_nothing_is_answered_to_nothing(herd):
    assert herd.ask("Welsh", b"") == b""
    assert herd.ask("Welsh", b"x\n") == b"? x\n"


def test_netcat_gets_every_answer_and_the_end(herd):
    host, port = herd.port_of("Wilkes")
    result = subprocess.run(
        ["nc", "-N", host, str(port)], input=b"IAMAT netcat +34-118 1520023934\nWHATSAT netcat 10 5\nnonsense",
        capture_output=True, timeout=20, check=True,
    )

    at_line, _, rest = result.stdout.partition(b"\n")
    parse_at(at_line + b"\n")
    assert rest.endswith(b"\n\n? nonsense\n")
    assert parse_places(rest.removesuffix(b"? nonsense\n")).at_line == at_line + b"\n"


def test_a_line_that_comes_byte_by_byte_is_one_line(herd):
    with herd.connect("Holiday") as client:
        for byte in b"IAMAT slow +34.068930-118.445127 1520023934.918963997\r\nWHATSAT slow 10 2\n":
            client.send(bytes([byte]))

        at_line = client.read_line()
        assert parse_at(at_line)[2:] == (b"slow", UCLA, TIME)
        assert client.read_places().at_line == at_line


def test_a_line_split_at_every_byte_is_one_line(herd):
    line = b"IAMAT split +34-118 1520023934\n"
    with herd.connect("Holiday") as client:
        for cut in range(1, len(line)):
            client.send(line[:cut])
            client.send(line[cut:])
            assert parse_at(client.read_line()).id == b"split"


# ---- Long lines ----

@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_a_line_of_exactly_8_kib_is_a_line(herd, end):
    tail = b" +34-118 1520023934"
    client_id = b"x" * (LINE_MAX - len(b"IAMAT ") - len(tail))

    assert parse_at(herd.ask("Hands", b"IAMAT " + client_id + tail + end)).id == client_id
    assert herd.ask("Hands", b"y" * LINE_MAX + end) == b"? " + b"y" * LINE_MAX + b"\n"


@pytest.mark.parametrize("length", [LINE_MAX + 1, LINE_MAX + 2, 2 * LINE_MAX, 3 * LINE_MAX + 1, 100_000])
def test_of_a_longer_line_8_kib_come_back_and_the_connection_goes_on(herd, length):
    line = (b"IAMAT kiwi +34-118 1520023934 " + b"0123456789" * (length // 10 + 1))[:length]

    answer = herd.ask("Hands", line + b"\nnext\n")

    assert answer == b"? " + line[:LINE_MAX] + b"\n? next\n"


def test_a_valid_command_padded_beyond_8_kib_is_too_long(herd):
    line = b"IAMAT padded +34-118 1520023934".ljust(LINE_MAX + 1)

    assert herd.ask("Hands", line + b"\n") == b"? " + line[:LINE_MAX] + b"\n"
    assert herd.ask("Hands", b"WHATSAT padded 1 1\n") == b"? WHATSAT padded 1 1\n"


def test_an_unterminated_long_line_is_answered(herd):
    assert herd.ask("Hands", b"z" * (LINE_MAX + 500)) == b"? " + b"z" * LINE_MAX + b"\n"


# ---- WHATSAT ----

@pytest.mark.parametrize("fields", [b"10 5", b"0 0", b"0 20", b"50 20", b"50.0 20", b"0.5 1", b"49.999999999999 20", b"10.000 3"])
def test_a_valid_whatsat_has_the_at_line_and_at_most_bound_results(herd, fields):
    answer = parse_places(herd.ask("Goloman", b"WHATSAT known " + fields + b"\n"))

    assert parse_at(answer.at_line)[2:] == (b"known", UCLA, TIME)
    assert answer.json["status"] in ("OK", "ZERO_RESULTS")
    assert len(answer.json["results"]) <= int(fields.split()[1])


def test_more_results_are_given_as_the_bound_allows(herd):
    counts = [len(parse_places(herd.ask("Goloman", b"WHATSAT known 10 %d\n" % bound)).json["results"]) for bound in range(21)]

    assert counts == list(range(21))


def test_real_places_have_the_form_of_a_nearby_search(herd):
    answer = parse_places(herd.ask("Goloman", b"WHATSAT known 10 20\n")).json

    assert list(answer) == sorted(answer) and answer["status"] == "OK"
    for place in answer["results"]:
        assert abs(place["geometry"]["location"]["lat"] - 34.06893) < 0.1
        assert abs(place["geometry"]["location"]["lng"] + 118.445127) < 0.12
        assert place["name"] and place["place_id"] and place["types"]


def test_an_empty_part_of_the_sea_has_zero_results(herd):
    herd.ask("Goloman", b"IAMAT nemo -48.876667-123.393333 1520023934\n")

    answer = parse_places(herd.ask("Goloman", b"WHATSAT nemo 50 20\n"))

    assert answer.json["status"] == "ZERO_RESULTS" and answer.json["results"] == []
    assert b'"status" : "ZERO_RESULTS"' in answer.text


def test_the_whole_answer_can_be_had_by_one_read(herd):
    with herd.connect("Goloman") as client:
        for _ in range(20):
            client.send(b"WHATSAT known 10 20\n")
            answer = client.socket.recv(1 << 20)

            parse_places(answer)


def test_the_at_line_is_the_same_whichever_server_is_asked(herd):
    at_line = herd.ask("Wilkes", b"IAMAT everywhere +34.068930-118.445127 1520023934.9189639\n")

    for server in herd.servers + ["*"]:
        assert parse_places(herd.ask(server, b"WHATSAT everywhere 10 2\n")).at_line == at_line, server


def test_an_older_report_is_answered_alike_and_changes_nothing(herd):
    with herd.connect("Holiday") as client:
        newest = client.ask(b"IAMAT mover +34-118 1520023934.918963997")
        for older in (b"1520023934.918963996", b"1520023934.918", b"1520023933", b"0"):
            assert parse_at(client.ask(b"IAMAT mover +10+10 " + older))[2:] == (b"mover", b"+10+10", older)
            assert client.whatsat(b"mover", 1, 0).at_line == newest


def test_a_newer_report_replaces_by_nanoseconds_of_the_clients_time(herd):
    with herd.connect("Holiday") as client:
        for newer in (b"1520023934.918963997", b"1520023934.918963998", b"1520023934.92", b"1520023935", b"2000000000.000000001"):
            at_line = client.ask(b"IAMAT runner +34-118 " + newer)
            assert client.whatsat(b"runner", 1, 0).at_line == at_line


def test_digits_beyond_nanoseconds_are_kept_and_do_not_order(herd):
    with herd.connect("Holiday") as client:
        client.ask(b"IAMAT finer +34-118 1520023934.918963997")
        client.ask(b"IAMAT finer +34-118 1520023934.9189639969999999")

        assert parse_at(client.whatsat(b"finer", 1, 0).at_line).time == b"1520023934.918963997"

    # Of the same nanosecond the later name wins, whatever digits follow.
    at_line = herd.ask("Wilkes", b"IAMAT finest +34-118 1520023934.918963997\n")
    herd.wait_known(at_line)
    herd.ask("Goloman", b"IAMAT finest +35-118 1520023934.9189639979\n")
    assert herd.knows("Goloman", at_line)


def test_a_future_time_has_a_negative_difference(herd):
    assert parse_at(herd.ask("Hands", b"IAMAT future +34-118 9000000000\n")).difference.startswith(b"-")
    assert parse_at(herd.ask("Hands", b"IAMAT past +34-118 1\n")).difference.startswith(b"+")


# ---- Order ----

def test_answers_come_in_the_order_of_the_commands_whatever_each_costs(herd):
    commands = []
    for number in range(200):
        commands += [
            b"IAMAT order%d +34.068930-118.445127 1520023934.%d" % (number, number),
            b"WHATSAT order%d %d 20" % (number, number % 51),
            b"nonsense %d" % number,
            b"WHATSAT nobody%d 10 5" % number,
            b"WHATSAT known 50 20",
        ]
    with herd.connect("Goloman") as client:
        client.send(b"\n".join(commands) + b"\n")

        for number in range(200):
            at_line = client.read_line()
            assert parse_at(at_line)[2:] == (b"order%d" % number, UCLA, b"1520023934.%d" % number)
            assert client.read_places().at_line == at_line
            assert client.read_line() == b"? nonsense %d\n" % number
            assert client.read_line() == b"? WHATSAT nobody%d 10 5\n" % number
            assert parse_at(client.read_places().at_line).id == b"known"


def test_a_command_sees_the_effect_of_those_before_it(herd):
    with herd.connect("*") as client:
        for number in range(100):
            client.send(b"IAMAT sees +34-118 %d\nWHATSAT sees 1 0\n" % (1520023934 + number))
            at_line = client.read_line()
            assert client.read_places().at_line == at_line


def test_connections_do_not_wait_for_each_other(herd):
    with herd.connect("Goloman") as busy, herd.connect("Goloman") as quick:
        busy.send(b"WHATSAT known 50 20\n" * 200)

        assert quick.ask(b"nonsense") == b"? nonsense\n"
        assert quick.ask(b"IAMAT quick +34-118 1520023934").startswith(b"AT Goloman ")
        for _ in range(200):
            busy.read_places()


# ---- Listeners ----

def test_each_port_is_its_server(herd):
    for server in herd.servers:
        assert parse_at(herd.ask(server, b"IAMAT who +34-118 1520023934\n")).server == server.encode()


def test_the_ipv6_wildcard_is_for_ipv4_clients_too(make_herd):
    has_ipv6 = socket.has_dualstack_ipv6()
    herd = make_herd("Alone")
    port = next(free_ports("::" if has_ipv6 else "0.0.0.0"))
    herd.topology["gateways"]["gateway"]["listeners"] = [{"address": f"[::]:{port}", "server": "Alone"}]
    herd.write_topology()
    if not has_ipv6:
        assert herd["gateway"].start().wait_exit() == 1
        assert f"[::]:{port}: " in herd["gateway"].stderr()
        return
    herd.start()

    assert parse_at(ask(("127.0.0.1", port), b"IAMAT who +34-118 1\n")).server == b"Alone"
    assert herd["gateway"].status()["listeners"] == [{"address": f"[::]:{port}", "server": "Alone", "open": True}]


def test_the_port_for_any_server_is_spread_over_them(herd):
    took = {parse_at(herd.ask("*", b"IAMAT any%d +34-118 1\n" % number)).server.decode() for number in range(50)}

    assert took == set(herd.servers)
