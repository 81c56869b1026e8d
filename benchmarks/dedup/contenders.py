"""Who takes part, the environment of each, and how one run is made."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.dedup.data import CACHE
from benchmarks.dedup.results import ROOT

PEERS = Path(__file__).with_name("peers")

Run = dict[str, Any]  # one contender, once: what the JSON file holds


class Contender(NamedTuple):
    """A module of `peers` and how to run it.

    Attributes:
        module: prints the figures.
        environment: it runs in that of `requirements-{environment}.txt`; None: in this one.
        words: the definition in `truth.WORDS` by which it is judged, the nearest to its own.
        workers: processes or threads it may use.
    """

    module: str
    environment: str | None
    words: str
    workers: int = 1


BASELINE = "feingold"
CONTENDERS = {
    BASELINE: Contender("feingold_run", None, "words"),
    "feingold (2 workers)": Contender("feingold_run", None, "words", workers=2),
    "polars unique": Contender("exact_run", None, "spaces"),
    "rensa R": Contender("rensa_run", "rensa", "spaces"),
    "rensa C": Contender("rensa_c_run", "rensa", "spaces"),
    "gaoya": Contender("gaoya_run", "gaoya", "spaces"),
    "datasketch fast": Contender("datasketch_fast", "datasketch", "spaces"),
    "datasketch naive": Contender("datasketch_naive", "datasketch", "spaces"),
    "datatrove": Contender("datatrove_run", "datatrove", "words"),
    "datatrove (2 workers)": Contender("datatrove_run", "datatrove", "words", workers=2),
    "text-dedup": Contender("text_dedup_run", "text-dedup", "signs"),
    "text-dedup (2 workers)": Contender("text_dedup_run", "text-dedup", "signs", workers=2),
}


def install(environment: str | None, folder: Path = CACHE.parent) -> Path:
    """Make an environment where it is missing or asks for something else.

    Returns:
        Its Python.
    """
    if environment is None:
        return Path(sys.executable)
    wanted = PEERS / f"requirements-{environment}.txt"
    venv = folder / f"dedup-{environment}"
    python, ready = venv / "bin" / "python", venv / "requirements.txt"
    if ready.is_file() and ready.read_bytes() == wanted.read_bytes():
        return python
    say(f"installing {', '.join(wanted.read_text().split())}")
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    # Isolated (-I), or a PYTHONPATH would have pip count this project as installed. The tables
    # alone go to stdout.
    pip = [str(python), "-I", "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "-r", str(wanted)], check=True, stdout=sys.stderr)
    shutil.copyfile(wanted, ready)
    return python


@contextmanager
def running(
    name: str, source: Path, options: Mapping[str, float], *, limit_seconds: float
) -> Iterator[tuple[Run, Path]]:
    """Run one contender in an empty home folder; gives its figures and what it kept.

    Args:
        name: key of CONTENDERS.
        source: the input.
        options: of the contender, see `peers/measure.py`; one left out is its own default.
        limit_seconds: after which it is killed.
    """
    contender = CONTENDERS[name]
    folder = CACHE / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as home:
        kept = Path(home, "kept.parquet")
        settings = dict(options, workers=contender.workers)
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
        module = f"benchmarks.dedup.peers.{contender.module}"
        command = [install(contender.environment), "-m", module, source, kept, *flags]
        run = _run(list(map(str, command)), home, contender.workers, limit_seconds)
        yield run | {"contender": name}, kept


def _run(command: list[str], home: str, workers: int, limit_seconds: float) -> Run:
    """Run a command and read its figures, with the CPU time of its whole process tree."""
    said, complained = Path(home, "stdout"), Path(home, "stderr")
    load = os.getloadavg()[0]
    with said.open("wb") as stdout, complained.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=_environment(home, workers),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        with _killing_after(limit_seconds, process.pid):
            _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    run: Run = {
        "exit_code": process.returncode,
        "load_before": round(load, 2),
        "tree_cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
    }
    figures = said.read_text(errors="replace").strip().rpartition("\n")[2]
    if process.returncode == 0 and figures.startswith("{"):
        return run | json.loads(figures)
    return run | {"error": complained.read_text(errors="replace")[-4000:]}


def _environment(home: str, workers: int) -> dict[str, str]:
    """Only what is needed, and no more threads than workers in any of the libraries."""
    threads = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "NO_COLOR": "1",
        **dict.fromkeys((*threads, "OPENBLAS_NUM_THREADS"), str(workers)),
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


def warm_up(source: Path, options: Mapping[str, float]) -> None:
    """Let feingold compile its kernels, which it stores: no run shall pay for that.

    On an input of the usual size: a small one may not reach every kernel.
    """
    start = time.perf_counter()
    with running(BASELINE, source, options, limit_seconds=600) as (run, _):
        if "error" in run:
            say(run["error"])
    say(f"warmed up in {time.perf_counter() - start:.0f} s")


def say(message: str) -> None:
    """Report progress; the tables alone go to stdout."""
    print(message, file=sys.stderr, flush=True)
