"""Do nodes that hear everything from several neighbours ask for it once, and is nothing lost or late when a way is gone?"""

import pytest

from support.herd import wait_until
from support.load import Load
from support.topology import ALFORD, GOLOMAN

UCLA = b"+34.068930-118.445127"


def lazy_links(herd):
    """(from, to) of those over which nodes that run push lazily."""
    statuses = [node.status() for node in herd.nodes.values() if node.is_running()]
    return {(status["server"], link["neighbour"]) for status in statuses for link in status["links"] if link["lazy"]}


def is_told(herd, server, neighbour):
    return f'herd_node_link_lazy{{neighbour="{neighbour}"}} 1\n' in herd[server].metrics()


@pytest.mark.parametrize("graph", [GOLOMAN, ALFORD], ids=["goloman", "alford"])
def test_links_that_only_bring_what_is_known_become_lazy(make_herd, graph):
    herd = make_herd(graph).start()
    with Load(herd, "gateway"):
        wait_until(lambda: len(lazy_links(herd)) >= 2, "links are lazy")
        wait_until(lambda: any(is_told(herd, *link) for link in lazy_links(herd)), "the metrics tell it")
    wait_until(herd.has_converged, "every link knows that all are equal")


def test_the_only_way_to_a_server_is_never_lazy(make_herd):
    herd = make_herd(GOLOMAN).start()
    seen = set()
    with Load(herd, "gateway"):
        wait_until(lambda: seen.update(lazy_links(herd)) or len(seen) >= 3, "several links have been lazy")
    assert not {("Welsh", "Holiday"), ("Holiday", "Welsh")} & seen


def test_when_a_way_is_gone_lazy_links_bring_what_came_over_it(make_herd):
    herd = make_herd(GOLOMAN).start()
    others = [server for server in herd.servers if server != "Goloman"]
    with Load(herd, "gateway"):
        wait_until(lambda: len(lazy_links(herd)) >= 2, "links are lazy")
        herd["Goloman"].kill()
        at_line = herd.ask("Hands", b"IAMAT wanderer %s 1520023934\n" % UCLA)
        herd.wait_known(at_line, *others)
        # What is left has no circle but for links to the dead: each of them is needed.
        wait_until(lambda: not lazy_links(herd), "no link is lazy")
    wait_until(lambda: herd.are_equal(others), "those that are left are equal")
    herd["Goloman"].start().wait_ready()
    wait_until(herd.has_converged, "all are equal")
