"""Deduplicates Parquet files that need not fit into memory."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from flows.dedup.engine import Engine, MethodResult, Plan
from flows.dedup.explain import explain
from flows.dedup.mapping import thread_mapper
from flows.dedup.rows import Rows
from flows.dedup.shards import file_schema, list_shards, read_shard
from flows.store import code_version, hash_json
from quality.dedup.kernels import Places
from quality.dedup.lexical import Cut
from quality.dedup.minhash import Bands
from quality.dedup.search import Limits
from schemas.errors import InputError


def dedup_parquet(  # noqa: PLR0913  all but the first two are keywords with defaults
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
        work: directory of intermediate files, each question's in one of its own; a run that was
            killed goes on from there.

    Raises:
        InputError: if a file is not Parquet, columns are missing or differ, or ids repeat.
    """
    wanted = ("id", *columns)
    schema = _common_schema(paths, wanted)
    rows = Rows([], list_shards(paths))
    _require_unique_ids(rows)
    plan = Plan(
        exact=columns if exact else None,
        cut=Cut(columns, shingle),
        limits=Limits(threshold),
        guards=guards,
        banding=None if bands is None else Bands(*bands),
    )
    engine = Engine(rows, plan, work / work_key(paths, repr(plan)), thread_mapper(workers))
    results = engine.run()
    out.mkdir(parents=True, exist_ok=True)
    # Writing lets go of the interpreter's lock, which explaining holds: they fit together.
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write_kept, rows, engine.dead, out / "kept.parquet", schema)
        if workers == 1:
            written.result()
        explain(rows, results, columns).write_parquet(out / "dropped.parquet")
        written.result()
    return results


def write_kept(rows: Rows, dead: Places, path: Path, schema: pl.Schema) -> None:
    """Write the rows that stay, shard by shard, whole or not at all.

    Args:
        rows: all rows.
        dead: int64, ascending: the rows that go.
        path: where to.
        schema: columns in the order in which they are written.
    """
    layout = schema.to_frame().to_arrow().schema
    draft = path.with_name(f".{path.name}.draft")
    with pq.ParquetWriter(draft, layout, compression="zstd") as writer:
        for shard in rows.shards:
            frame = read_shard(shard, schema.names())
            is_kept = np.ones(frame.height, dtype=np.bool_)
            is_kept[shard.part_of(dead)] = False
            writer.write_table(frame.filter(pl.Series(is_kept)).to_arrow().cast(layout))
    draft.rename(path)


def work_key(paths: Sequence[Path], asked: str) -> str:
    """Name a directory of intermediate files after everything that shapes what is in it."""
    stamps = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    return hash_json([stamps, asked, code_version()])[:24]


def _common_schema(paths: Sequence[Path], wanted: Sequence[str]) -> pl.Schema:
    """Return the columns of all files, which must be the same ones.

    Raises:
        InputError: if they differ or one is missing.
    """
    schemas = [file_schema(path) for path in paths]
    for path, schema in zip(paths, schemas, strict=True):
        missing = [name for name in wanted if name not in schema]
        if missing:
            msg = (
                f"expected a column {missing[0]!r}, got {', '.join(schema)} in {path}: "
                "name other columns or files"
            )
            raise InputError(msg)
        if schema != schemas[0]:
            msg = (
                f"expected the columns of {paths[0]} in every file, got others in {path}: "
                "deduplicate them as `feingold dedup` does, or make them alike"
            )
            raise InputError(msg)
    return schemas[0]


def _require_unique_ids(rows: Rows) -> None:
    """Raise unless every row has an id of its own: a decision names its rows by id alone."""
    parts = [read_shard(shard, ["id"])["id"].hash().to_numpy() for shard in rows.shards]
    hashes = np.concatenate([np.empty(0, np.uint64), *parts])
    if len(np.unique(hashes)) < len(hashes):
        msg = "expected unique ids, got one more than once: number the rows first"
        raise InputError(msg)
