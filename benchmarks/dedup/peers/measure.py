"""What every contender shares: arguments, input, output and the line of figures it prints.

    python -m benchmarks.dedup.peers.rensa_run INPUT.parquet KEPT.parquet --bands 16 --rows 8

Standard library and pyarrow only: it runs in the environment of each contender. An option that is
left out means the tool's own default.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.isolated import cpu_seconds


class Task(NamedTuple):
    """What a contender is asked to do; None stands for its own default."""

    source: Path
    kept: Path
    threshold: float
    bands: int | None
    rows: int | None
    ngram: int
    num_perm: int | None
    workers: int


def read(task: Task) -> tuple[pa.Table, list[str]]:
    """Read the input; returns it and its texts."""
    table = pq.read_table(task.source)
    return table, table["text"].to_pylist()


def write(table: pa.Table, is_kept: list[bool], task: Task) -> None:
    """Write the kept rows."""
    pq.write_table(table.filter(pa.array(is_kept)), task.kept)


def shingles(text: str, ngram: int) -> list[str]:
    """Return the word n-grams of a lower-cased text; a shorter text is one shingle.

    Without the last, most tools would hold all short texts for equal.
    """
    words = text.lower().split()
    return [" ".join(words[at : at + ngram]) for at in range(max(1, len(words) - ngram + 1))]


def run(
    tool: str,
    distribution: str,
    work: Callable[[Task], None],
    *,
    default_ngram: int = 5,
    max_workers: int = 1,
) -> None:
    """Do the work once and print its figures as one JSON line.

    Args:
        tool: name of the contender.
        distribution: the installed package whose version is printed.
        work: reads the input, removes the duplicates and writes the kept rows.
        default_ngram: words in a shingle where the caller does not say.
        max_workers: processes or threads that the tool can use; 1 where it cannot divide its work.
    """
    task = _parse(tool, default_ngram, max_workers)
    start, cpu = time.perf_counter(), cpu_seconds()
    work(task)
    wall, spent = time.perf_counter() - start, cpu_seconds() - cpu
    figures = {
        "tool": tool,
        "version": version(distribution),
        "rows": pq.ParquetFile(task.source).metadata.num_rows,
        "kept": pq.ParquetFile(task.kept).metadata.num_rows,
        "ngram": task.ngram,
        "wall_s": round(wall, 3),
        "cpu_s": round(spent, 3),
        "process_cpu_s": round(cpu_seconds(), 3),
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "peak_child_rss_mb": round(peak_child_rss_mb(), 1),
        "workers": task.workers,
    }
    print(f"\n{json.dumps(figures)}", flush=True)


def peak_rss_mb() -> float:
    """Peak of this process: VmHWM, since ru_maxrss also counts the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def peak_child_rss_mb() -> float:
    """Peak of the largest child that has ended; 0 without children. Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _parse(tool: str, default_ngram: int, max_workers: int) -> Task:
    parser = argparse.ArgumentParser(prog=tool)
    parser.add_argument("source", type=Path)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--threshold", type=float, default=0.7)
    parser.add_argument("--bands", type=int)
    parser.add_argument("--rows", type=int, help="values in a band")
    parser.add_argument("--ngram", type=int, default=default_ngram)
    parser.add_argument("--num-perm", type=int)
    parser.add_argument("--workers", type=int, default=1)
    task = Task(**vars(parser.parse_args()))
    return task._replace(
        source=task.source.resolve(),
        kept=task.kept.resolve(),
        workers=min(task.workers, max_workers),
    )
