"""A network of namespaces on one bridge, whose ways can be cut or made lossy.

Everything is made in the namespaces of the process (support/in-own-network gives it some) and goes with them. The
process itself is one of the places, EDGE; each other place is a namespace with an address and a loopback of its own.

    Goloman  Hands  ...  EDGE (this process)
       |       |           |
    ===+=======+===========+===  the bridge, in a namespace that is no place
"""

import contextlib
import ctypes
import os
import pathlib
import subprocess

EDGE = "edge"

_NAMESPACES = pathlib.Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(descriptor)


def _run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


class Network:
    """Places by name. Cuts and losses are told as {(from, to): percent of packets lost}."""

    def __init__(self, names):
        is_own = _NAMESPACES.is_dir() and not any(_NAMESPACES.iterdir())
        assert is_own, "not in a network of its own: start it by tests/support/in-own-network"
        self.places = [*names, EDGE]
        self.addresses = {name: f"10.77.0.{number}" for number, name in enumerate(self.places, 1)}
        _run("ip", "netns", "add", "switch")
        _run("ip", "-n", "switch", "link", "add", "bridge", "type", "bridge")
        _run("ip", "-n", "switch", "link", "set", "bridge", "up")
        for number, name in enumerate(self.places, 1):
            self._join(number, name)

    def _join(self, number, name):
        port = f"port{number}"
        _run("ip", "-n", "switch", "link", "add", port, "type", "veth", "peer", "name", "eth0")
        if name == EDGE:
            within = ["ip"]
            _run("ip", "-n", "switch", "link", "set", "eth0", "netns", str(os.getpid()))
        else:
            within = ["ip", "-n", name]
            _run("ip", "netns", "add", name)
            _run("ip", "-n", "switch", "link", "set", "eth0", "netns", name)
        _run("ip", "-n", "switch", "link", "set", port, "master", "bridge", "up")
        _run(*within, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        _run(*within, "link", "set", "eth0", "up")
        _run(*within, "link", "set", "lo", "up")

    def close(self):
        """When nothing runs in its places any more; then another one may be made."""
        _run("ip", "link", "del", "eth0")
        for name in [*self.places[:-1], "switch"]:
            _run("ip", "netns", "del", name)

    def enter(self, name):
        """Takes the thread to a place; for a process that is about to exec."""
        if name != EDGE:
            _enter(_NAMESPACES / name)

    @contextlib.contextmanager
    def inside(self, name):
        """The sockets that this thread opens meanwhile are of that place, and stay so."""
        if name == EDGE:
            yield
            return
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _enter(_NAMESPACES / name)
        try:
            yield
        finally:
            assert _libc.setns(home, _CLONE_NEWNET) == 0
            os.close(home)

    def set_losses(self, losses):
        """From now on these and no others; 100 is a cut."""
        for place in self.places:
            rules = []
            for (source, target), percent in losses.items():
                if target == place:
                    chance = "" if percent >= 100 else f"numgen random mod 100 < {percent} "
                    rules.append(f"add rule inet losses input ip saddr {self.addresses[source]} {chance}drop")
            text = "\n".join([
                "add table inet losses",
                "delete table inet losses",
                "add table inet losses",
                "add chain inet losses input { type filter hook input priority 0; }",
                *rules,
                "",
            ])
            _run("nft", "-f", "-", input=text, preexec_fn=lambda at=place: self.enter(at))

    def heal(self):
        self.set_losses({})


def partition(*groups):
    """Losses that let only members of the same group hear each other."""
    group_of = {name: number for number, group in enumerate(groups) for name in group}
    return {(a, b): 100 for a in group_of for b in group_of if group_of[a] != group_of[b]}
