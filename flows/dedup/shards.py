"""Parquet files as shards: ranges of rows that are read, sketched and written one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from quality.dedup.kernels import Places
from schemas.errors import InputError

#: Rows in a shard: 16 MB of short texts, 80 MB while they are sketched.
SHARD_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive rows of one Parquet file.

    Attributes:
        path: the file.
        start: its first row in the file.
        rows: how many.
        number: place among all shards.
        first: number of its first row among the rows of all shards.
    """

    path: str
    start: int
    rows: int
    number: int
    first: int

    def part_of(self, rows: Places) -> Places:
        """Return which of its rows are among `rows`, counted from its first one.

        Args:
            rows: int64, ascending and without repeats: numbers among the rows of all shards.
        """
        low, high = np.searchsorted(rows, (self.first, self.first + self.rows))
        return rows[low:high] - self.first


def list_shards(
    paths: Sequence[Path], *, after: Sequence[Shard] = (), shard_rows: int = SHARD_ROWS
) -> list[Shard]:
    """Cut files into shards, in the order given.

    Args:
        paths: Parquet files.
        after: shards whose rows come first.
        shard_rows: rows in a shard, at most.

    Raises:
        InputError: if a file is not Parquet.
    """
    shards: list[Shard] = []
    first = sum(shard.rows for shard in after)
    for path in paths:
        for start, rows in _cuts(_count_rows(path), shard_rows):
            shards.append(Shard(str(path), start, rows, len(after) + len(shards), first))
            first += rows
    return shards


def read_shard(shard: Shard, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read some columns of a shard, or all."""
    scan = pl.scan_parquet(shard.path, glob=False).slice(shard.start, shard.rows)
    try:
        return (scan if columns is None else scan.select(columns)).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(Path(shard.path), error) from error


def gather(shards: Sequence[Shard], rows: Places, columns: Sequence[str]) -> pl.DataFrame:
    """Read some rows, shard by shard, so that only they are held.

    Args:
        shards: all shards.
        rows: int64, ascending and without repeats: numbers among the rows of all shards.
        columns: which columns.

    Returns:
        One line per row, in the order of `rows`.
    """
    parts = []
    for shard in shards:
        places = shard.part_of(rows)
        if places.size:
            parts.append(read_shard(shard, columns)[places])
    if not parts:
        if not shards:
            return pl.DataFrame()
        return pl.scan_parquet(shards[0].path, glob=False).select(columns).clear().collect()
    return pl.concat(parts)


def file_schema(path: Path) -> pl.Schema:
    """Return the columns of a Parquet file.

    Raises:
        InputError: if it is none.
    """
    try:
        return pl.scan_parquet(path, glob=False).collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, error) from error


def _count_rows(path: Path) -> int:
    try:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0][:200]
    return InputError(f"expected a Parquet file, got {reason!r} for {path}: give another one")


def _cuts(n_rows: int, shard_rows: int) -> list[tuple[int, int]]:
    return [(start, min(shard_rows, n_rows - start)) for start in range(0, n_rows, shard_rows)]
