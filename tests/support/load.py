"""A steady load of clients, every answer of which is checked, while a test does something else."""

import itertools

from support.client import parse_at
from support.client_threads import ClientThreads
from support.herd import wait_until

UCLA = b"+34.068930-118.445127"

# Between two requests of a client: so much load that every kill finds work under way, and not so much that only the
# machine is tested.
PAUSE_S = 0.003


class Load(ClientThreads):
    """Clients that ask all the time and check every answer."""

    def __init__(self, herd, gateway):
        super().__init__()
        self.herd = herd
        self.gateway = gateway
        self.answered = 0
        for server in herd.servers:
            self.add(f"a client of {server} that reports", self._run, self._reports, server)
        for server in herd.servers[:2]:
            self.add(f"a client of {server} that asks", self._run, self._questions, server)

    def __enter__(self):
        self.herd.ask("*", b"IAMAT loaded %s 4000000000\n" % UCLA, gateway=self.gateway)
        for server in self.herd.servers:
            wait_until(
                lambda at=server: self.herd.ask(at, b"WHATSAT loaded 1 0\n", gateway=self.gateway).startswith(b"AT "),
                f"{server} knows the place that is asked about",
            )
        return super().__enter__()

    def _run(self, ask, server):
        with self.herd.connect(server, self.gateway) as client:
            for number in itertools.count():
                if self.stopping.wait(PAUSE_S):
                    return
                self.answered += ask(client, server.encode(), number)

    @staticmethod
    def _reports(client, server, number):
        lines = [b"%s-load%d %s %d.%d" % (server, index, UCLA, 1520023934 + number, index) for index in range(20)]
        client.send(b"".join(b"IAMAT " + line + b"\n" for line in lines))
        for line in lines:
            assert b"%s %s %s" % parse_at(client.read_line())[2:] == line
        return len(lines)

    @staticmethod
    def _questions(client, server, number):
        client.send(b"WHATSAT loaded 10 %d\n" % (number % 5) * 5)
        for _ in range(5):
            answer = client.read_places()
            assert parse_at(answer.at_line).id == b"loaded"
            assert answer.json["status"] == "OK", answer.text
        return 5
