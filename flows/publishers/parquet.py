"""Parquet as the Hub and every reader like it: plain types, chunked by content, indexed."""

import math
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

_SHARD_BYTES = 500_000_000
_ROW_GROUP_BYTES = 100_000_000


def write_shards(rows: pl.DataFrame, folder: Path, *, split: str = "train") -> None:
    """Write `rows` as `<split>-00000-of-0000N.parquet`, all with the same schema.

    Args:
        rows: any frame.
        folder: created where it is missing.
        split: first part of the file names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = list(_split(rows))
    for number, part in enumerate(parts):
        name = f"{split}-{number:05d}-of-{len(parts):05d}.parquet"
        _write(part, folder / name)


def _split(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut into shards of equal row counts, none over the limit on average."""
    count = max(1, math.ceil(rows.estimated_size() / _SHARD_BYTES))
    length = max(1, math.ceil(rows.height / count))
    for start in range(0, max(rows.height, 1), length):
        yield rows.slice(start, length)


def _write(rows: pl.DataFrame, path: Path) -> None:
    table = rows.to_arrow()
    # Polars writes large_string and LargeList, which the Hub's viewer and old readers trip over.
    plain = table.cast(pa.schema([field.with_type(_plain(field.type)) for field in table.schema]))
    per_row = max(1, rows.estimated_size() // max(1, rows.height))
    # Into memory first: chunking by content, Arrow aborts the process where the disk is full.
    sink = pa.BufferOutputStream()
    pq.write_table(
        plain,
        sink,
        compression="zstd",
        row_group_size=max(1, min(100_000, _ROW_GROUP_BYTES // per_row)),
        use_content_defined_chunking=True,
        write_page_index=True,
    )
    path.write_bytes(sink.getvalue())


def _plain(kind: pa.DataType) -> pa.DataType:
    """The plain type that holds the same values."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return kind
