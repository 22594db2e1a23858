"""Clients in threads of their own, which go on until a test has seen what it wants to see."""

import threading

END_DEADLINE_S = 60


class ClientThreads:
    """
    A subclass adds its clients when it is made; they run within its `with`, and look at `stopping` to know its end.

    with SomeClients(herd) as clients:
        ...                        # clients.failures has what went wrong so far; the end complains of it
    """

    def __init__(self):
        self.stopping = threading.Event()
        self.failures = []
        self._threads = []

    def add(self, who, run, *args):
        self._threads.append(threading.Thread(target=self._guarded, args=(who, run, *args)))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self._threads:
            thread.join(END_DEADLINE_S)
            assert not thread.is_alive(), "a client waits for ever"
        assert not self.failures, "\n".join(self.failures[:10])

    def _guarded(self, who, run, *args):
        try:
            run(*args)
        except Exception as complaint:  # of whatever kind: in a thread, nobody else would hear of it
            self.failures.append(f"{who}: {type(complaint).__name__}: {complaint}")
