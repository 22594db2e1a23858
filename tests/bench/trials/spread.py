"""How soon the farthest server knows, while nothing else happens."""

import time

REPORTED_TO, FARTHEST = "Hands", "Welsh"  # three hops of goloman


def measure(bench):
    """Reports on an idle herd: when the farthest server shows them, and whether who hears its AT finds it there."""
    probe = bench.herd.bench(
        "--probe-propagation", bench.herd.address(FARTHEST), "--rate", 200, "--duration", 2 if bench.given.quick else 10,
        servers=[REPORTED_TO])
    asked = 400 if bench.given.quick else 2000
    return {"known": probe["known"], "question": probe["question"], "asked": asked, "missed": missed(bench.herd.herd, asked)}


def missed(herd, count):
    """Of so many clients that hear their AT line and at once ask the farthest server: how many it does not know."""
    unknown = 0
    with herd.connect(REPORTED_TO) as near, herd.connect(FARTHEST) as far:
        for number in range(count):
            name = b"spread-%d-%d" % (number, time.monotonic_ns())
            at_line = near.ask(b"IAMAT %s +34.068930-118.445127 1520023934" % name)
            answer = far.ask(b"WHATSAT %s 0 0" % name)
            unknown += answer != at_line
            while answer.startswith(b"AT ") and far.read_line() != b"\n":
                pass
            time.sleep(0.002)  # the herd is idle again when the next one reports
    return unknown


def show(row):
    known, question = row["known"], row["question"]
    print(f"spread, idle herd: known at the farthest server ({REPORTED_TO} to {FARTHEST}, three hops) "
          f"p50 {known['p50_ns'] / 1e6:.2f}, p99 {known['p99_ns'] / 1e6:.2f} ms, seen by WHATSAT (p50 "
          f"{question['p50_ns'] / 1e6:.2f} ms each); of {row['asked']:,} that heard their AT and asked there at once, "
          f"{row['missed']} did not find it")
