"""Export: rows as the files that trainers read."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.disk import write_atomically
from flows.ingest import check_format
from quality.formats import FORMATS
from schemas.errors import InputError
from schemas.frames import ROWS, check_frame


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        path: the file.
        written: number of rows in it.
        left_out: reason to number of rows that the format cannot hold.
    """

    path: Path
    written: int
    left_out: Mapping[str, int]


def export_rows(rows: pl.DataFrame, format: str, out: Path) -> Exported:  # noqa: A002
    """Write rows in a training format; the file appears whole or not at all.

    Args:
        rows: frame of ROWS.
        format: a name in FORMATS.
        out: the file. `.json` (an array in the style of alpaca_data.json), `.jsonl`, `.parquet`,
            `.csv` and `.tsv` say how it is written; else Alpaca is an array and the others lines.

    Raises:
        InputError: if the format is unknown, or `out` is a directory or not writable.
        RunError: if the disk is full.
    """
    form = FORMATS[check_format(format, also=())]
    if out.is_dir():
        msg = f"expected a file to write, got the directory {str(out)!r}: add a file name"
        raise InputError(msg)
    check_frame(rows, {"messages": ROWS["messages"]}, where="the stage to export")
    reasons = rows.select(form.reason_left_out().alias("reason"))["reason"].drop_nulls()
    left_out = dict(sorted(reasons.value_counts().iter_rows()))
    frame = form.render(rows)
    default = ".json" if format == "alpaca" else ".jsonl"
    if pl.Object in frame.dtypes and out.suffix.lower() in _TABLES:
        msg = (
            f"expected a .jsonl or .json file for {format}, whose objects nest without limit, got "
            f"{out.name!r}: change its ending"
        )
        raise InputError(msg)
    write = _WRITERS.get(out.suffix.lower(), _WRITERS[default])
    write_atomically(out, write(frame))
    return Exported(out, frame.height, left_out)


def _array_bytes(frame: pl.DataFrame) -> bytes:
    """Return a JSON array, indented by one space and not escaped, as alpaca_data.json is."""
    return json.dumps(frame.to_dicts(), indent=1, ensure_ascii=False).encode("utf-8")


def _lines_bytes(frame: pl.DataFrame) -> bytes:
    lines = (json.dumps(record, ensure_ascii=False) for record in frame.iter_rows(named=True))
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _parquet_bytes(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _csv_bytes(frame: pl.DataFrame, *, separator: str = ",") -> bytes:
    """Return a table; lists, which a table cannot hold, are written as JSON."""
    nested = [name for name, dtype in frame.schema.items() if dtype.is_nested()]
    flat = frame.with_columns(
        pl.Series(name, [_json(value) for value in frame[name].to_list()], dtype=pl.String)
        for name in nested
    )
    return flat.write_csv(separator=separator, quote_style="necessary").encode("utf-8")


def _json(value: Any) -> str:  # noqa: ANN401  any JSON value
    return json.dumps(value, ensure_ascii=False)


def _tsv_bytes(frame: pl.DataFrame) -> bytes:
    return _csv_bytes(frame, separator="\t")


_TABLES: Final = frozenset({".parquet", ".csv", ".tsv"})
_WRITERS: Final[Mapping[str, Callable[[pl.DataFrame], bytes]]] = {
    ".json": _array_bytes,
    ".jsonl": _lines_bytes,
    ".parquet": _parquet_bytes,
    ".csv": _csv_bytes,
    ".tsv": _tsv_bytes,
}
