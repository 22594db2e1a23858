"""Processes of a measurement: started, waited for, asked what they cost, and ended by their own pid."""

import os
import subprocess
import time

from support.client import listens
from support.herd import end_with_parent, wait_until
from support.topology import free_ports

STOP_DEADLINE_S = 10

_free_ports = free_ports("127.0.0.1")


def new_ports(count):
    """Ports of 127.0.0.1 that nobody listens on; none is given twice."""
    return [next(_free_ports) for _ in range(count)]


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


class Daemon:
    """One process that listens on a port of its own."""

    def __init__(self, name, command, port, folder):
        self.name = name
        with open(folder / f"{name}.out", "wb") as out:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=folder,
                preexec_fn=end_with_parent,
            )
        try:
            wait_until(lambda: listens(("127.0.0.1", port)), f"{name} listens on port {port}")
        except AssertionError:
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
