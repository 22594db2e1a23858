"""Does what one server accepts become known to all, along the edges of the graph?"""

import time

import pytest

from support.client import parse_at
from support.herd import wait_until
from support.node_socket import still_heard
from support.topology import ALFORD, GOLOMAN, HILL, distances_from, servers_of

UCLA = b"+34.068930-118.445127"
SHIPPED = {"goloman": GOLOMAN, "hill": HILL, "alford": ALFORD}


@pytest.fixture(scope="module", params=SHIPPED, ids=list(SHIPPED))
def shipped(request, make_lasting_herd):
    graph = SHIPPED[request.param]
    return graph, make_lasting_herd(graph).start()


def test_a_report_to_any_server_is_known_by_all(shipped):
    _, herd = shipped

    herd.assert_every_server_hears_every_other()


def test_a_report_is_there_when_the_farthest_server_is_asked_at_once(shipped):
    graph, herd = shipped
    server, far = max(
        ((a, b) for a in servers_of(graph) for b in servers_of(graph)), key=lambda pair: distances_from(graph, pair[0])[pair[1]]
    )
    missed = 0
    with herd.connect(server) as near_client, herd.connect(far) as far_client:
        for number in range(200):
            client_id = b"quick%d" % number
            at_line = near_client.ask(b"IAMAT %s %s 1520023934" % (client_id, UCLA))
            answer = far_client.ask(b"WHATSAT %s 1 0" % client_id)
            if answer.startswith(b"? "):
                missed += 1
                continue
            assert answer == at_line
            while far_client.read_line() != b"\n":
                pass
    assert missed == 0, f"{missed} of 200 reports to {server} were not yet known at {far}"


def test_older_reports_change_nothing_anywhere(shipped):
    _, herd = shipped
    first, *_, last = herd.servers
    newest = herd.ask(first, b"IAMAT stays %s 1520023934.918963997\n" % UCLA)
    herd.wait_known(newest)

    for server in herd.servers:
        herd.ask(server, b"IAMAT stays +10+10 1520023934.918963996\n")
    marker = herd.ask(last, b"IAMAT marker-%s %s 1\n" % (last.encode(), UCLA))

    herd.wait_known(marker)
    assert all(herd.knows(server, newest) for server in herd.servers)


def test_of_reports_to_all_servers_at_once_the_newest_wins_everywhere(shipped):
    _, herd = shipped
    newest = None
    for number in range(50):
        for index, server in enumerate(herd.servers):
            at_line = herd.ask(server, b"IAMAT raced +%d+10 %d.%d\n" % (index, 1520023934 + number, index))
            newest = max(newest, (parse_at(at_line).time_ns, at_line)) if newest else (parse_at(at_line).time_ns, at_line)

    herd.wait_known(newest[1])


def test_of_equal_times_all_servers_choose_the_same_report(shipped):
    _, herd = shipped
    at_lines = {herd.ask(server, b"IAMAT tied %s 1520023934\n" % UCLA) for server in herd.servers}

    def chosen():
        return {herd.ask(server, b"WHATSAT tied 1 0\n").split(b"\n")[0] + b"\n" for server in herd.servers}

    agreed = wait_until(lambda: len(found := chosen()) == 1 and found, "all servers agree")
    assert agreed <= at_lines


def test_a_restarted_empty_node_catches_up(make_herd):
    herd = make_herd(GOLOMAN).start()
    commands = b"".join(b"IAMAT client%d %s %d\n" % (number, UCLA, 1520023934 + number) for number in range(5000))
    at_lines = herd.ask("Goloman", commands).splitlines(keepends=True)
    assert len(at_lines) == 5000

    for victim in ("Welsh", "Goloman", "Wilkes"):
        others = [server for server in herd.servers if server != victim]
        herd.wait_known(at_lines[-1], others[0])
        herd[victim].restart().wait_ready()
        herd.wait_own_answers(victim)

        for number in (0, 1234, 4999):
            herd.wait_known(at_lines[number], victim)


def test_what_one_server_got_survives_its_death_elsewhere(make_herd):
    herd = make_herd(GOLOMAN).start()
    at_line = herd.ask("Hands", b"IAMAT survivor %s 1520023934\n" % UCLA)
    herd.wait_known(at_line, "Wilkes")

    herd["Hands"].kill()

    herd.wait_known(at_line, "Goloman", "Holiday", "Welsh", "Wilkes")


def test_reports_go_round_a_dead_server_where_the_graph_allows(make_herd):
    herd = make_herd(GOLOMAN).start()
    herd["Wilkes"].kill()

    at_line = herd.ask("Hands", b"IAMAT detour %s 1520023934\n" % UCLA)

    herd.wait_known(at_line, "Welsh")


def test_what_a_cut_off_server_missed_it_learns_when_the_way_is_back(make_herd):
    herd = make_herd(GOLOMAN).start()
    herd["Holiday"].kill()
    with_holiday_away = herd.ask("Goloman", b"IAMAT missed %s 1520023934\n" % UCLA)
    from_welsh = herd.ask("Welsh", b"IAMAT lonely %s 1520023934\n" % UCLA)
    assert herd.ask("Welsh", b"WHATSAT missed 1 0\n") == b"? WHATSAT missed 1 0\n"

    herd["Holiday"].start()

    herd.wait_known(with_holiday_away, "Welsh")
    herd.wait_known(from_welsh, "Hands")


def test_a_paused_server_learns_what_it_missed(make_herd):
    herd = make_herd(GOLOMAN, limits={"answer_within_ms": 500}).start()
    herd["Welsh"].pause()
    for number in range(200):
        at_line = herd.ask("Goloman", b"IAMAT paused %s %d\n" % (UCLA, 1520023934 + number))

    herd["Welsh"].resume()

    herd.wait_known(at_line, "Welsh")


def test_a_link_that_confirms_nothing_is_dialled_anew(make_herd):
    """Although its neighbour is heard: the way there may be dead for good."""
    herd = make_herd("Hands-Wilkes").start()
    with still_heard(herd, "Wilkes", at="Hands"):
        herd.ask("Hands", b"IAMAT kiwi %s 1520023934\n" % UCLA)
        wait_until(lambda: herd["Hands"].status()["links_redialled"] > 0, "the link is dialled anew")
    wait_until(herd.has_converged, "both servers are equal")


def test_a_silent_neighbour_is_dialled_anew_and_not_more_than_once_a_second(make_herd):
    herd = make_herd("Hands-Wilkes").start()
    herd["Wilkes"].pause()
    started = time.monotonic()
    wait_until(lambda: herd["Hands"].status()["links_redialled"] > 2, "the link is dialled anew, and again")
    assert herd["Hands"].status()["links_redialled"] <= time.monotonic() - started

    herd["Wilkes"].resume()

    wait_until(herd.has_converged, "both servers are equal")


def test_a_herd_of_one_server_works(make_herd):
    herd = make_herd("Alone", workers=1).start()

    at_line = herd.ask("Alone", b"IAMAT single %s 1520023934\n" % UCLA)

    assert herd.knows("Alone", at_line)


def test_many_servers_in_a_row_pass_reports_along(make_herd):
    names = [f"Server{number:02}" for number in range(12)]
    herd = make_herd(" ".join(f"{a}-{b}" for a, b in zip(names, names[1:])), workers=1).start()

    at_line = herd.ask(names[0], b"IAMAT along %s 1520023934\n" % UCLA)

    herd.wait_known(at_line, names[-1])


def test_two_gateways_serve_one_herd(make_herd):
    herd = make_herd(GOLOMAN, gateways=("east", "west")).start()

    at_line = herd.ask("Hands", b"IAMAT twogates %s 1520023934\n" % UCLA, gateway="east")

    assert herd.ask("Hands", b"WHATSAT twogates 1 0\n", gateway="west").startswith(at_line)
