"""How many threads a native server may take of a machine that others use, too."""

import os
import time
from pathlib import Path
from typing import Final

MAX_THREADS: Final = 8  # a 135M model does not get faster beyond


def choose_threads(free_cores: float) -> int:
    """Return how many compute threads to start: at least 1, at most 8.

    A thread more than there are idle cores makes all of them slower, as each waits for the
    slowest (measured on one idle core: 84 tokens/s with one thread, 65 with two).

    Args:
        free_cores: idle cores, a fraction counts as busy from 0.25 missing.
    """
    return max(1, min(MAX_THREADS, int(free_cores + 0.25)))


def count_free_cores() -> float:
    """Return the cores this process may use less those that are busy right now."""
    if hasattr(os, "sched_getaffinity"):
        cores = _physical(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cgroup_cores(Path("/sys/fs/cgroup/cpu.max"))
    return min(cores, quota) - _count_busy_cores()


def _count_busy_cores(seconds: float = 0.5) -> float:
    """Measure for half a second; the load average still counts what ended a minute ago.

    An installation or a test run just before would halve the speed of a whole run, and so would the
    start of this process itself, which waits for the teacher afterwards: its own time is left out.
    """
    before, own = _read_cpu_ticks(), time.process_time()
    if before is None:
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    time.sleep(seconds)
    after, own = _read_cpu_ticks() or before, time.process_time() - own
    total = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])  # idle and waiting for the disk
    cores = os.cpu_count() or 1
    return max(0.0, cores * (1 - idle / total) - own / seconds) if total else 0.0


def _read_cpu_ticks(path: Path = Path("/proc/stat")) -> list[int] | None:
    """Return the kernel's ticks by state over all cores, null where there is no such file."""
    try:
        return [int(ticks) for ticks in path.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None


def _physical(cpus: set[int]) -> int:
    """Count cores, taking hyperthreads of one core together where the kernel tells."""
    cores: set[str] = set()
    for cpu in cpus:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text().strip())
        except OSError:
            cores.add(str(cpu))
    return len(cores)


def _cgroup_cores(path: Path) -> float:
    """Return the cores a container's quota allows, infinity where there is none."""
    try:
        quota, period = path.read_text().split()
        return float(quota) / float(period)
    except (OSError, ValueError):  # no such file, or "max 100000"
        return float("inf")
