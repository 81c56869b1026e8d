"""Runs a contender in an empty home folder and counts what its process tree used.

Standard library only: it is imported in the environment of each contender as well.
"""

import json
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Ended(NamedTuple):
    """A process that has ended.

    Attributes:
        exit_code: negative: the signal that ended it.
        wall_seconds: from its start to its end.
        tree_cpu_seconds: user and system time of the whole tree, imports and exit included.
        figures: the JSON object in its last line; `error` where it failed or printed none.
    """

    exit_code: int
    wall_seconds: float
    tree_cpu_seconds: float
    figures: dict[str, Any]


def run_isolated(
    command: Sequence[str], home: Path, *, settings: Mapping[str, str], limit_seconds: float
) -> Ended:
    """Run a command that prints its figures as the last line, and nothing of it outlives this.

    Args:
        command: the program and its arguments.
        home: an empty folder: working directory, home and place of temporary files.
        settings: environment variables besides the few that every process needs.
        limit_seconds: after which it is killed.
    """
    said, complained = home / "stdout", home / "stderr"
    with said.open("wb") as stdout, complained.open("wb") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=home,
            env={**_environment(str(home)), **settings},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        with _killing_after(limit_seconds, process.pid):
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    last = said.read_text(errors="replace").strip().rpartition("\n")[2]
    if process.returncode == 0 and last.startswith("{"):
        figures = json.loads(last)
    else:
        figures = {"error": complained.read_text(errors="replace")[-4000:]}
    return Ended(process.returncode, wall, usage.ru_utime + usage.ru_stime, figures)


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _environment(home: str) -> dict[str, str]:
    """Only what is needed, so that no setting, proxy or cache of the user changes a run."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
    }


@contextmanager
def _killing_after(seconds: float, group: int) -> Iterator[None]:
    """Kill the process group when the time is up, and what is left of it at the end."""
    timer = threading.Timer(seconds, _kill, (group,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
