"""What goes on in a herd while something else is measured: reports that are followed, and load."""

import threading
import time

INTERVAL_S = 0.01
ASKED_EVERY_S = 0.001
KNOWN_WITHIN_S = 60


def summary(delays_s):
    """Median, 99th percentile and maximum in milliseconds."""
    ordered = sorted(delays_s)
    p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
    return {"count": len(ordered), "p50_ms": p50 * 1e3, "p99_ms": p99 * 1e3, "max_ms": ordered[-1] * 1e3}


def print_summary(row):
    return f"p50 {row['p50_ms']:.1f}, p99 {row['p99_ms']:.1f}, max {row['max_ms']:.1f} ms"


class _Thread:
    """Runs until the block ends; what goes wrong in it is raised there."""

    def __enter__(self):
        self.stopping = threading.Event()
        self.complaint = None
        self.thread = threading.Thread(target=self._guarded, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        if self.complaint:
            raise self.complaint

    def _guarded(self):
        try:
            self.run()
        except Exception as complaint:
            self.complaint = complaint


class Probe(_Thread):
    """Reports of one id to one server, a hundred a second, each when it is due, while another server is asked for it.

    A report counts as known when the other shows it or a later one, so none has to wait for the one before.
    """

    def __init__(self, herd, reported_to, asked):
        self.herd, self.reported_to, self.asked = herd, reported_to, asked
        self.name = b"probe-%d" % time.monotonic_ns()
        self.due = []  # of report number 0, 1, ... which has its number for a time
        self.known = []  # when it was known, likewise
        self.all_reported = threading.Event()

    def run(self):
        asker = threading.Thread(target=self._ask)
        asker.start()
        try:
            with self.herd.connect(self.reported_to) as reporter:
                reader = threading.Thread(target=reporter.reader.read)
                reader.start()
                due = time.monotonic()
                while not self.stopping.wait(max(0, due - time.monotonic())):
                    self.due.append(due)
                    reporter.send(b"IAMAT %s +34.068930-118.445127 %d\n" % (self.name, len(self.due) - 1))
                    due += INTERVAL_S
                self.all_reported.set()
                reporter.half_close()
                reader.join()
        finally:
            self.all_reported.set()
            asker.join()

    def _ask(self):
        with self.herd.connect(self.asked) as asker:
            until = None
            while until is None or (len(self.known) < len(self.due) and time.monotonic() < until):
                newest = self._shown(asker)
                now = time.monotonic()
                self.known += [now] * (newest + 1 - len(self.known))
                if self.all_reported.wait(ASKED_EVERY_S) and until is None:
                    until = now + KNOWN_WITHIN_S

    def _shown(self, asker):
        """The number of the newest report that the server knows; -1: none."""
        answer = asker.ask(b"WHATSAT %s 0 0" % self.name)
        if answer.startswith(b"? "):
            return -1
        while asker.read_line() != b"\n":
            pass
        return int(answer.split()[-1])

    def between(self, since, until):
        """Of the reports that were due then; when the block has ended."""
        if len(self.known) < len(self.due):
            raise RuntimeError(f"{self.asked} never showed {len(self.due) - len(self.known)} reports to {self.reported_to}")
        return summary([known - due for due, known in zip(self.due, self.known) if since <= due < until])


class LiveTraffic(_Thread):
    """So many reports a second, each when it is due, through these servers; every answer is checked."""

    def __init__(self, subject, servers, rate):
        self.subject, self.servers, self.rate = subject, servers, rate

    def run(self):
        seed = 0
        while not self.stopping.is_set():
            seed += 1
            self.subject.bench("--connections", len(self.servers), "--rate", self.rate, "--ids", 1000, "--duration", 1,
                               "--seed", seed, servers=self.servers)
