"""Deduplicates Parquet files that need not fit into memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from flows.dedup.engine import Engine, MethodResult, Plan
from flows.dedup.explain import explain
from flows.dedup.mapping import thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.shards import list_shards, read_shard
from quality.dedup.kernels import Places
from quality.dedup.lexical import Cut
from quality.dedup.minhash import Bands
from quality.dedup.search import Limits


def dedup_parquet(
    paths: Sequence[Path],
    out: Path,
    *,
    columns: tuple[str, ...] = ("text",),
    threshold: float = 0.7,
    shingle: int = 3,
    guards: bool = True,
    bands: tuple[int, int] | None = None,
    exact: bool = False,
    workers: int = 2,
    work: Path,
) -> list[MethodResult]:
    """Deduplicate Parquet files by their wording and write what stays and what goes.

    Args:
        paths: files with a String column `id` and String `columns`.
        out: directory of kept.parquet and dropped.parquet.
        columns: what is compared.
        threshold: Jaccard similarity.
        shingle: words in a shingle.
        guards: whether differing numbers, negations and the like forbid a pair.
        bands: (bands, rows of a band); None: chosen for the threshold.
        exact: whether exact duplicates are dropped first.
        workers: threads.
        work: directory of intermediate files; a run that was killed goes on from there.

    Raises:
        InputError: if a file is not Parquet.
    """
    rows = Rows([], list_shards(paths))
    plan = Plan(
        exact=columns if exact else None,
        cut=Cut(columns, shingle),
        limits=Limits(threshold),
        guards=guards,
        banding=None if bands is None else Bands(*bands),
    )
    engine = Engine(rows, plan, work, thread_mapper(workers))
    results = engine.run()
    out.mkdir(parents=True, exist_ok=True)
    write_kept(rows, engine.dead, out / "kept.parquet")
    explain(rows, results, columns).write_parquet(out / "dropped.parquet")
    return results


def write_kept(rows: Rows, dead: Places, path: Path) -> None:
    """Write the rows that stay, shard by shard."""
    writer = None
    try:
        for shard in rows.shards:
            frame = read_shard(shard)
            low, high = np.searchsorted(dead, (shard.first, shard.first + shard.rows))
            is_kept = np.ones(frame.height, dtype=np.bool_)
            is_kept[dead[low:high] - shard.first] = False
            table = frame.filter(pl.Series(is_kept)).to_arrow()
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
