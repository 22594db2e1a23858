"""The speed of the herd in proportion to what the same machine does without a herd, in the same run: a busy or slow
machine slows both alike, so only a change of the herd itself shows. tests/bench/run measures in earnest.
"""

import json
import subprocess

import pytest

from support.echo import stateless_echo
from support.herd import BUILD
from support.topology import GOLOMAN

pytestmark = pytest.mark.measures

# Processor time of all servers per report that all five know, in units of what a stateless echo takes to answer it.
# Measured: 7 to 8 on a quiet machine, 9.5 to 11.5 beside two processes that are always busy. So twice the usual cost
# fails, for certain on a machine that is used.
COST_MAX = 14


def cost_ns(addresses, pids, *options):
    """Nanoseconds of these processes per report, all of them answered rightly."""
    done = subprocess.run(
        [BUILD / "bin" / "herd-bench", "--connect", ",".join(f"{host}:{port}" for host, port in addresses),
         "--connections", "50", "--ids", "10000", "--introduce", "--duration", "1", "--json", "--quiet",
         "--cpu-of", ",".join(map(str, pids)), *options],
        stdout=subprocess.PIPE, timeout=60, check=True,
    )
    result = json.loads(done.stdout)
    assert result["refused"] == 0
    return sum(result["cpu_of_ns"]) / result["right"]


def test_a_report_known_to_all_costs_no_more_than_so_many_stateless_answers(make_herd):
    herd = make_herd(GOLOMAN, logs={"traffic": False}).start()
    servers = [herd.port_of(server) for server in herd.servers]
    pids = [process.pid for process in herd.processes.values()]
    admin = ",".join(node.admin for node in herd.nodes.values())
    with stateless_echo() as (address, pid):
        echo, whole = zip(*(
            (cost_ns([address], [pid]), cost_ns(servers, pids, "--admin", admin)) for _ in range(3)))

    assert min(whole) < COST_MAX * min(echo), f"herd {whole}, echo {echo} ns per report"
