"""Processes of a measurement: started, waited for, asked what they cost, and ended by their own pid."""

import ctypes
import os
import signal
import socket
import subprocess
import time

READY_DEADLINE_S = 20
STOP_DEADLINE_S = 10

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def free_ports(count):
    """Ports of 127.0.0.1 that nobody listens on, below those that the kernel gives to connections."""
    found = []
    for port in range(21000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in free_ports.given:
            free_ports.given.add(port)
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports")


free_ports.given = set()


def cpu_s(pid):
    """Processor seconds of all threads of a process so far (the kernel's clock of that process)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def resident_bytes(pid):
    """(now, most since forget_peak) of the memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in status if line.startswith("Vm")}
    return sizes["VmRSS"], sizes["VmHWM"]


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")


def own_cpu_s():
    """Processor seconds of this process and of all its children that have ended."""
    return sum(os.times()[:4])


def machine_cpu_s():
    """Seconds that all processors of this machine have been busy."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, *_ = map(int, stat.readline().split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def wait_for_port(port, host="127.0.0.1"):
    until = time.monotonic() + READY_DEADLINE_S
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise RuntimeError(f"nobody listens on {host}:{port}") from None
            time.sleep(0.01)


class Daemon:
    """One process that listens on a port of its own."""

    def __init__(self, name, command, port, folder):
        self.name = name
        with open(folder / f"{name}.out", "wb") as out:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder,
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            )
        try:
            wait_for_port(port)
        except RuntimeError:
            self.stop()
            raise

    @property
    def pid(self):
        return self.popen.pid

    def stop(self):
        self.popen.terminate()
        try:
            self.popen.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
