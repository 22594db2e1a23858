"""Does every process say of itself how it is, where an operator and a monitor look?"""

import contextlib
import re
import resource
import socket

import pytest

from support.herd import http_get, wait_until
from support.machine import processor_seconds_in_a_second
from support.topology import GOLOMAN

UCLA = b"+34.068930-118.445127"
KINDS = {"gateway": "gateway", "Hands": "herd-node", "places-1": "places-worker"}


@pytest.fixture(scope="module")
def herd(make_lasting_herd):
    herd = make_lasting_herd(GOLOMAN).start()
    herd.ask("Hands", b"IAMAT kiwi %s 1520023934\nWHATSAT kiwi 10 5\nnonsense\n" % UCLA)
    return herd


@pytest.mark.parametrize("name", KINDS)
def test_a_process_that_serves_is_live_and_ready(herd, name):
    assert http_get(herd[name].admin, "/livez")[0] == 200
    assert http_get(herd[name].admin, "/readyz")[0] == 200


@pytest.mark.parametrize("name", KINDS)
def test_status_is_json_that_names_the_process(herd, name):
    status = herd[name].status()

    assert status["kind"] == KINDS[name] and status["herd"] == "test" and name in status.values()
    assert status["ready"] is True and status["uptime_ms"] > 0
    assert status["pid"] == herd[name].pid


@pytest.mark.parametrize("name", KINDS)
def test_metrics_are_prometheus_text(herd, name):
    text = herd[name].metrics()

    sample = r'[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? -?[0-9.e+]+'
    declared = set()
    for line in text.splitlines():
        if match := re.fullmatch(r"# TYPE (\w+) (counter|gauge|histogram)", line):
            assert match[1] not in declared, f"{match[1]} is declared twice"
            declared.add(match[1])
        elif not re.fullmatch(r"# HELP \w+ \S.*", line):
            assert re.fullmatch(sample, line), line
            base = re.sub(r"_(bucket|sum|count)$", "", re.match(r"\w+", line)[0])
            assert {base, re.match(r"\w+", line)[0]} & declared, f"{line} has no TYPE"
    assert text.endswith("\n") and len(declared) >= 5
    assert all(name.startswith("herd_") for name in declared)


@pytest.mark.parametrize("name", KINDS)
def test_an_unknown_page_is_not_found_and_a_post_not_allowed(herd, name):
    assert http_get(herd[name].admin, "/nowhere")[0] == 404
    assert http_get(herd[name].admin, "/status/../etc/passwd")[0] in (400, 404)


def test_counters_count_what_clients_do(herd):
    def total():
        return sum(herd[server].status()["operations"]["accepted_newer"] for server in herd.servers)

    before = total()
    herd.ask("Hands", b"".join(b"IAMAT counted%d %s 1\n" % (number, UCLA) for number in range(100)))

    assert total() == before + 100


def test_converged_nodes_show_the_same_digest(herd):
    herd.ask("Welsh", b"IAMAT digested %s 1\n" % UCLA)

    wait_until(herd.has_converged, "all digests are equal")
    assert len({herd[server].status()["reports"] for server in herd.servers}) == 1


def test_a_lost_neighbour_shows_at_the_nodes_that_talk_to_it_and_at_no_other(make_herd):
    herd = make_herd(GOLOMAN).start()

    def connected(server, neighbour):
        return next(link["connected"] for link in herd[server].status()["links"] if link["neighbour"] == neighbour)

    wait_until(lambda: all(connected("Holiday", one) for one in ("Goloman", "Welsh", "Wilkes")), "Holiday has its neighbours")
    wait_until(lambda: connected("Hands", "Wilkes"), "Hands has Wilkes")

    herd["Welsh"].kill()

    wait_until(lambda: not connected("Holiday", "Welsh"), "Holiday has lost Welsh")
    assert connected("Holiday", "Goloman") and connected("Hands", "Wilkes")
    assert [link["neighbour"] for link in herd["Hands"].status()["links"]] == ["Goloman", "Wilkes"]

    herd["Welsh"].start()
    wait_until(lambda: connected("Holiday", "Welsh"), "Holiday has found Welsh")


def test_a_gateway_without_any_node_is_not_ready(make_herd):
    herd = make_herd(GOLOMAN)
    gateway = herd["gateway"].start()

    status = wait_until(lambda: page(gateway, "/readyz"), "the admin page answers")
    assert status == 503 and page(gateway, "/livez") == 200

    for server in herd.servers:
        herd[server].start()
    for server in herd.servers:
        herd[server].wait_ready()
    gateway.wait_ready()


def page(process, path):
    try:
        return http_get(process.admin, path)[0]
    except OSError:
        return None


@pytest.mark.measures
@pytest.mark.parametrize("name", ("gateway", "Alone", "places-1"))
def test_an_endpoint_that_has_no_descriptor_left_does_not_spin_and_is_back_later(make_herd, name):
    process = make_herd("Alone", workers=1).start()[name]
    host, port = process.admin.split(":")
    limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    limit = process.descriptor_count()
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, limits[1]))
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(socket.create_connection((host, int(port))))

        assert processor_seconds_in_a_second(process.pid) < 0.3

    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
    wait_until(process.is_ready, "it answers again")
