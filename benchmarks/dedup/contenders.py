"""Who takes part, the environment of each, and how one run is made."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.dedup.data import CACHE
from benchmarks.isolated import run_isolated

PEERS = Path(__file__).with_name("peers")
# No library may use more threads than there are workers.
_THREADS = (
    *("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"),
    "OPENBLAS_NUM_THREADS",
)

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
    load = os.getloadavg()[0]
    settings = dict.fromkeys(_THREADS, str(workers))
    ended = run_isolated(command, Path(home), settings=settings, limit_seconds=limit_seconds)
    run: Run = {
        "exit_code": ended.exit_code,
        "load_before": round(load, 2),
        "tree_cpu_s": round(ended.tree_cpu_seconds, 3),
    }
    return run | ended.figures


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
