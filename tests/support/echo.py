"""The stateless server that answers IAMAT and knows nothing: what a herd, and its load generator, are compared with."""

import contextlib
import subprocess

from support.client import listens
from support.herd import BUILD, end_with_parent, wait_until
from support.topology import free_ports, loopback_address


@contextlib.contextmanager
def stateless_echo():
    """(address, pid) of a herd-echo."""
    host = loopback_address()
    address = host, next(free_ports(host))
    command = [BUILD / "bin" / "herd-echo", "--listen", "{}:{}".format(*address)]
    process = subprocess.Popen(command, preexec_fn=end_with_parent)
    try:
        wait_until(lambda: listens(address), "herd-echo listens")
        yield address, process.pid
    finally:
        process.kill()
        process.wait()
