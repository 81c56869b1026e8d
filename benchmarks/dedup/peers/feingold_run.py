"""feingold: from Parquet to Parquet, kept and dropped rows, every pair verified; no guards.

The guards (differing numbers, negations ...) are off: no other contender has such a thing, and the
rows that they rescue would count as missed.
"""

import tempfile
from pathlib import Path

import polars as pl

from benchmarks.dedup.peers.measure import Task, run
from flows.dedup.files import dedup_parquet
from quality.dedup.shingles import WORD_SHINGLE


def work(task: Task) -> None:
    with tempfile.TemporaryDirectory(dir=task.kept.parent) as folder:
        out = Path(folder, "out")
        dedup_parquet(
            [task.source],
            out,
            columns=("text",),
            threshold=task.threshold,
            shingle=task.ngram,
            guards=False,
            bands=(task.bands, task.rows) if task.bands else None,
            workers=task.workers,
            work=Path(folder, "work"),
        )
        (out / "kept.parquet").replace(task.kept)


def warm_up() -> None:
    """Load the compiled kernels and datasketch's permutations, as the peers import theirs."""
    texts = [f"a row of {number} plain words that says nothing new at all" for number in range(70)]
    rows = pl.DataFrame({"id": [str(number) for number in range(70)], "text": texts})
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "rows.parquet")
        rows.write_parquet(source)
        for guards in (False, True):
            place = Path(folder, str(guards))
            dedup_parquet([source], place, guards=guards, work=place / "work")


if __name__ == "__main__":
    warm_up()
    run("feingold", "feingold", work, default_ngram=WORD_SHINGLE, max_workers=64)
