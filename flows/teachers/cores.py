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
    start of this process and of Prefect's server below it, which wait for the teacher afterwards:
    their time is left out.
    """
    before, own = _read_cpu_ticks(), _read_own_ticks()
    if before is None:
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    time.sleep(seconds)
    after, own = _read_cpu_ticks() or before, _read_own_ticks() - own
    total = sum(after) - sum(before)
    busy = total - own - (sum(after[3:5]) - sum(before[3:5]))  # less idle and waiting for the disk
    return (os.cpu_count() or 1) * max(0, busy) / total if total else 0.0


def _read_cpu_ticks(path: Path = Path("/proc/stat")) -> list[int] | None:
    """Return the kernel's ticks by state over all cores, null where there is no such file."""
    try:
        return [int(ticks) for ticks in path.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None


def _read_own_ticks(proc: Path = Path("/proc")) -> int:
    """Return the ticks of this process and of those that it started, and so on."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for path in proc.glob("[0-9]*/stat"):
        try:
            # Behind the name, which may hold anything: state, parent ..., user and system time.
            fields = path.read_text().rpartition(")")[2].split()
            ticks[int(path.parent.name)] = int(fields[11]) + int(fields[12])
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
        except (OSError, ValueError, IndexError):  # it has just ended
            continue
    family = [os.getpid()]
    for pid in family:
        family.extend(children.get(pid, ()))
    return sum(ticks.get(pid, 0) for pid in family)


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
