"""Runs one program in the sandbox and tells what its function returned."""

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

from flows.sandbox.filter import make_filter

#: What programs may import; all of it only computes.
MODULES: Final = (
    "abc", "array", "bisect", "calendar", "cmath", "collections", "collections.abc", "copy",
    "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq", "itertools",
    "json", "math", "numbers", "operator", "random", "re", "statistics", "string", "struct",
    "textwrap", "time", "types", "typing", "unicodedata",
)  # fmt: skip
_INSIDE = Path(__file__).with_name("inside.py")
_OUTPUT_BYTES = 1_000_000
_CANNOT_SHUT_IN = 3  # exit status of `inside`
_LONGEST_CODE = 100_000  # characters

Outcome = Literal["ran", "broken", "too_slow", "ended", "no_result", "overdue"]
#: At once: more would share processors with each other, and time is limited.
_places = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use.

    Attributes:
        seconds: CPU time, whole seconds.
        wall_seconds: time on the clock.
        memory_mb: address space, in MiB.
    """

    seconds: int = 3
    wall_seconds: float = 20.0
    memory_mb: int = 512


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a program.

    Attributes:
        outcome: `ran`: every call has a result; `broken`: the program itself raised; `too_slow`:
            its CPU time was used up; `ended`: it ended, or was ended, before it told its results;
            `no_result`: what it told is none; `overdue`: the clock ran out first, which says
            nothing about the program.
        calls: for each call `{"value": ...}` or `{"error": ...}`; empty unless it ran. Untrusted.
        detail: one line, "" for nothing. Untrusted.
    """

    outcome: Outcome
    calls: Sequence[dict[str, Any]] = ()
    detail: str = ""


def run_program(
    code: str, function: str, calls: Sequence[Sequence[Any]], limits: Limits | None = None
) -> RunResult:
    """Run a program in the sandbox and call its function.

    Args:
        code: of the program, untrusted.
        function: that it should define.
        calls: the arguments of each call, JSON values; see `quality.verifiers.values`.
        limits: null for the usual ones.

    Raises:
        OSError: if no process can be started, or it cannot shut itself in.
    """
    limits = limits or Limits()
    lines = make_filter()
    if lines is None:
        msg = "programs run on Linux on x86_64 or aarch64 only"
        raise OSError(msg)
    if len(code) > _LONGEST_CODE or "\0" in code:
        return RunResult("broken", detail="too long, or not a text")
    job = {
        "code": code.encode("utf-8", "replace").decode(),
        "function": function,
        "calls": calls,
        "modules": MODULES,
        "filter": lines.hex(),
        "seconds": limits.seconds,
        "memory": limits.memory_mb * 2**20,
        "output": _OUTPUT_BYTES,
    }
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as told, _places:
        given.write(json.dumps(job).encode())
        given.seek(0)
        status = _wait(given, told, limits.wall_seconds)
        told.seek(0)
        return _read(status, told.read(_OUTPUT_BYTES + 1), len(calls))


def _wait(given: IO[bytes], told: IO[bytes], seconds: float) -> int | None:
    """Run the process to its end; null where the clock ran out."""
    # Not `-I`: it would ignore the hash seed, and what a set's order does to a result must not
    # differ from run to run. The environment has nothing else, and `-P -s -S` do the rest.
    command = [sys.executable, "-P", "-s", "-S", "-B", str(_INSIDE)]
    process = subprocess.Popen(  # noqa: S603  our own script; the program comes by stdin
        command,
        stdin=given,
        stdout=told,
        stderr=subprocess.DEVNULL,
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        cwd="/",
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(status: int | None, told: bytes, number: int) -> RunResult:
    if status is None:
        return RunResult("overdue")
    if status == _CANNOT_SHUT_IN:
        msg = "the kernel refuses to shut a process in (seccomp)"
        raise OSError(msg)
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return RunResult("too_slow")
    if status != 0 or not told:
        return RunResult("ended", detail=f"exit status {status}")
    try:
        found = json.loads(told)
    except (ValueError, RecursionError):
        return RunResult("no_result", detail="what it wrote is no result")
    if isinstance(found, dict) and isinstance(found.get("error"), str):
        return RunResult("broken", detail=" ".join(found["error"].split()))
    calls = found.get("calls") if isinstance(found, dict) else None
    if not isinstance(calls, list) or len(calls) != number:
        return RunResult("no_result", detail="what it wrote is no result")
    if not all(isinstance(call, dict) for call in calls):
        return RunResult("no_result", detail="what it wrote is no result")
    return RunResult("ran", calls)


_PROBE = """
def tries():
    import os
    found = []
    for attempt in (
        lambda: open("/proc/self/environ"),
        lambda: open("/tmp/feingold-probe", "w"),
        lambda: os.fork(),
        lambda: os.listdir("/"),
        lambda: __import__("_socket").socket(),
    ):
        try:
            attempt()
            found.append("done")
        except (OSError, ImportError):
            found.append("refused")
    return found
"""


@functools.cache
def find_obstacle() -> str | None:
    """Say why programs cannot be run here, null where they can: tried, not assumed."""
    try:
        found = run_program(_PROBE, "tries", [[]])
    except OSError as error:
        return str(error)
    if found.outcome != "ran" or found.calls[0].get("value") != ["refused"] * 5:
        return f"the sandbox does not hold here: {found.outcome} {found.calls or found.detail}"
    return None
