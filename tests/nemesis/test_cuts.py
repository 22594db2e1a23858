"""Are nodes together again soon after the network has healed, however long it was cut?"""

import time

from support.herd import Herd, wait_until
from support.network import Network, partition
from support.topology import make_topology, servers_of, spread_over

GRAPH = "Hands-Wilkes Wilkes-Holiday"

# What is not confirmed is sent again by TCP after 0.2, 0.6, 1.4, 3, 6.2, 12.6 and 25.4 s; so at the end of this cut
# it would be silent for another eleven seconds, and after a longer cut for up to two minutes.
CUT_S = 14
BACK_WITHIN_S = 8


def test_after_a_cut_links_are_back_long_before_tcp_tries_again(tmp_path):
    network = Network(servers_of(GRAPH))
    herd = Herd(tmp_path, spread_over(network, make_topology(GRAPH)), network)
    try:
        herd.start()
        network.set_losses(partition(["Hands"], ["Wilkes", "Holiday"]))
        time.sleep(CUT_S)
        assert [link["heard"] for link in herd["Hands"].status()["links"]] == [False]
        at_line = herd.ask("Holiday", b"IAMAT severed +34.068930-118.445127 1520023934\n")

        network.heal()

        wait_until(herd.has_converged, "all nodes hear each other and are equal", BACK_WITHIN_S)
        herd.wait_known(at_line, "Hands")
    finally:
        network.heal()
        try:
            herd.stop()
        finally:
            network.close()
