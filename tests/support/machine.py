"""How much of the machine others use: what took long is only our fault if the time was ours."""

import os
import resource
import time

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    """What a living process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def processor_seconds_in_a_second(pid):
    """What a living process uses while a second passes."""
    before_s = processor_seconds(pid)
    time.sleep(1)  # not to wait for anything
    return processor_seconds(pid) - before_s


def _all_processor_seconds():
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, file.readline().split()[1:9])
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS_PER_S


class ForeignLoad:
    """Of the processors' time since it was made: the share that others than this test and its herd have used."""

    def __init__(self, herd):
        self.herd = herd
        self.started = time.monotonic()
        self.foreign = self._foreign_seconds()

    def _foreign_seconds(self):
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        own += sum(processor_seconds(process.pid) for process in self.herd.processes.values() if process.is_running())
        return _all_processor_seconds() - own

    def share(self):
        elapsed = time.monotonic() - self.started
        return max(0, self._foreign_seconds() - self.foreign) / elapsed / os.cpu_count()
