"""Does a herd keep its promises while its network, nodes, gateways and workers are hurt? (a short run; see README.md)"""

import os

from nemesis.nemesis import Nemesis

SECONDS = int(os.environ.get("HERD_NEMESIS_S", "300"))


def test_nothing_untrue_is_said_and_nothing_is_lost_whatever_happens(tmp_path):
    nemesis = Nemesis(tmp_path, os.environ.get("HERD_SEED", "1"), pause_s_max=4)
    try:
        violations = nemesis.run(SECONDS, round_s_max=50)
        assert not violations, "\n".join(violations)
    finally:
        nemesis.stop()
