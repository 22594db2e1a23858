"""An empty node learns everything again, while the others go on."""

import time

from peers.daemon import forget_peak, resident_bytes
from peers.subjects import fresh_herd
from support.herd import wait_until
from trials.probe import LiveTraffic, Probe, print_summary

# Who restarts, and between which two others live reports are followed meanwhile. Welsh has one neighbour, the others
# have three.
RESTARTS = {"Welsh": ("Hands", "Holiday"), "Goloman": ("Hands", "Welsh"), "Wilkes": ("Hands", "Welsh")}
LIVE_PER_S = 2000
CALM_S = 2
DEADLINE_S = 120


def measure(bench):
    """kill -9 of a node and its start with an empty memory, three times, under live traffic."""
    reports = 100_000 if bench.given.quick else 1_000_000
    with fresh_herd(bench, "catchup") as subject:
        subject.measured("--connections", 20, "--ids", reports, "--introduce", "--count", 1000, deadline_s=600)
        return {"reports": reports, "restarts": [restart(subject, *names) for names in RESTARTS.items()]}


def restart(subject, victim, probed):
    herd = subject.herd
    node = herd[victim]
    others = [server for server in herd.servers if server != victim]
    with Probe(herd, *probed) as probe, LiveTraffic(subject, others, LIVE_PER_S):
        begun = time.monotonic()
        time.sleep(CALM_S)  # what the delays are compared with
        before = {server: resident_bytes(herd[server].pid)[0] for server in herd.servers}
        for server in others:
            forget_peak(herd[server].pid)
        wanted = herd[others[0]].status()["reports"]

        killed = time.monotonic()
        node.kill()
        started = time.monotonic()
        node.start()
        wait_until(lambda: has_caught_up(node, wanted), f"{victim} has caught up", DEADLINE_S)
        held = time.monotonic()
    quiet = time.monotonic()
    wait_until(herd.are_equal, "all digests agree", DEADLINE_S)
    return {
        "victim": victim,
        "held_s": held - started,
        "equal_s": time.monotonic() - quiet,
        "delay_before": probe.between(begun, killed),
        "delay_meanwhile": probe.between(killed, held),
        "victim_bytes": {"before": before[victim], "peak": resident_bytes(node.pid)[1]},
        "others_bytes": {
            server: {"before": before[server], "peak": resident_bytes(herd[server].pid)[1]} for server in others},
    }


def has_caught_up(node, reports):
    time.sleep(0.02)  # to be asked takes time, which it needs for better things
    return node.is_ready() and node.status()["reports"] >= reports


def show(row):
    print(f"catch-up: {row['reports']:,} reports, restarted empty under {LIVE_PER_S:,} live reports/s")
    for one in row["restarts"]:
        sizes = [one["victim_bytes"], *one["others_bytes"].values()]
        own, *others = [(size["before"] / 2**20, size["peak"] / 2**20) for size in sizes]
        worst = max(others, key=lambda size: size[1] - size[0])
        print(f"{'':2}{one['victim']:8} ready with all of them after {one['held_s']:.2f} s, digests agreed "
              f"{one['equal_s']:.2f} s after the live traffic; live reports {print_summary(one['delay_meanwhile'])} "
              f"(before: {print_summary(one['delay_before'])}); memory of its own {own[0]:.0f} MiB, now at most "
              f"{own[1]:.0f}, of the others {worst[0]:.0f}, at most {worst[1]:.0f}")
