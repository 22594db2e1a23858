"""A stopped neighbour, and what it costs the others."""

import time

from peers.daemon import resident_bytes
from peers.subjects import CONNECTIONS, WINDOW, fresh_herd
from support.herd import wait_until

STOPPED = "Welsh"
IDS = 100_000
DEADLINE_S = 120


def measure(bench):
    """SIGSTOP of one node under full load of the others: their memory and rate, and what it gets when it continues."""
    seconds = 5 if bench.given.quick else 60
    with fresh_herd(bench, "stopped") as subject:
        return stop_and_continue(subject, seconds, min(seconds, 10))


def flood(subject, servers, seconds):
    """Every id at least once, and then at random, until these servers know all."""
    return subject.bench(
        "--connections", CONNECTIONS, "--window", WINDOW, "--ids", IDS, "--introduce", "--duration", seconds,
        "--admin", ",".join(subject.herd[server].admin for server in servers), servers=servers)["known_per_s"]


def stop_and_continue(subject, seconds, seconds_before):
    herd = subject.herd
    node = herd[STOPPED]
    others = [server for server in herd.servers if server != STOPPED]

    flood(subject, others, 1)
    rate_before = flood(subject, others, seconds_before)
    wait_until(herd.are_equal, "all nodes are equal", DEADLINE_S)
    [link_before] = node.status()["links"]
    sent_before = sent_to_it(herd)
    bytes_before = {server: resident_bytes(herd[server].pid)[0] for server in others}
    changes_before = herd[others[0]].status()["lseq"]

    node.pause()
    rate = flood(subject, others, seconds)
    bytes_after = {server: resident_bytes(herd[server].pid)[0] for server in others}
    changes = herd[others[0]].status()["lseq"] - changes_before
    under_way = sent_to_it(herd) - sent_before

    node.resume()
    continued = time.monotonic()
    wait_until(herd.are_equal, "all nodes are equal again", DEADLINE_S)
    equal_s = time.monotonic() - continued
    [link] = node.status()["links"]
    return {
        "seconds": seconds,
        "known_per_s_before": rate_before,
        "known_per_s": rate,
        "changes": changes,
        "bytes_before": bytes_before,
        "bytes_after": bytes_after,
        "equal_s": equal_s,
        "changed_ids": IDS,
        "under_way": under_way,
        "received": link["reports_received"] - link_before["reports_received"],
        "redundant": link["reports_redundant"] - link_before["reports_redundant"],
    }


def sent_to_it(herd):
    """Reports on their way to the stopped node, counted by its only neighbour."""
    [neighbour] = herd.topology["nodes"][STOPPED]["neighbours"]
    return next(link["reports_sent"] for link in herd[neighbour].status()["links"] if link["neighbour"] == STOPPED)


def show(row):
    sizes = ", ".join(f"{name} {row['bytes_before'][name] / 2**20:.1f} - {row['bytes_after'][name] / 2**20:.1f}"
                      for name in row["bytes_before"])
    print(f"stopped: {STOPPED} for {row['seconds']} s, meanwhile {row['changes']:,} changes of {row['changed_ids']:,} ids; "
          f"known on the others {row['known_per_s']:,.0f}/s (before: {row['known_per_s_before']:,.0f}/s); their memory "
          f"before and after, MiB: {sizes}; continued, it was equal after {row['equal_s']:.2f} s: of "
          f"{row['changed_ids']:,} changed reports it received {row['received'] - row['under_way']:,}, and "
          f"{row['under_way']:,} that were under way when it stopped, {row['redundant']:,} redundant")
