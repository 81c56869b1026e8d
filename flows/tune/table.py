"""The thresholds of `feingold tune` as a table for other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from flows.disk import write_atomically, write_frame
from schemas.errors import InputError
from schemas.frames import FrameSchema

#: One line per rule and threshold.
THRESHOLDS: FrameSchema = {
    "column": pl.String,
    "rule": pl.String,
    "drops": pl.String,  # low or high: which end of the score
    "threshold": pl.Float64,  # null where the rule has none
    "is_current": pl.Boolean,  # whether the recipe has it
    "dropped": pl.Int64,
    "share": pl.Float64,
    "more": pl.Int64,  # rows that no other rule of the recipe drops
    "labelled_dropped": pl.Int64,  # null without labels, as all that follow
    "labelled_bad": pl.Int64,
    "precision": pl.Float64,  # null where no labelled row is dropped
    "precision_low": pl.Float64,
    "precision_high": pl.Float64,
    "recall": pl.Float64,
    "false_positive_rate": pl.Float64,
}


def write_table(found: Mapping[str, Any], path: Path) -> None:
    """Write the thresholds of all columns.

    Args:
        found: what `tune` returned.
        path: `.parquet` or `.csv`.

    Raises:
        InputError: for another ending, or if it cannot be written.
    """
    check_table_path(path)
    lines = [
        _line(column["name"], table, at)
        for column in found["columns"]
        for table in column["tables"]
        for at in table["thresholds"]
    ]
    frame = pl.DataFrame(lines, schema=dict(THRESHOLDS), orient="row")
    if path.suffix == ".csv":
        write_atomically(path, frame.write_csv().encode())
    else:
        write_frame(frame, path)


def check_table_path(path: Path) -> None:
    """Refuse a table of another kind than Parquet and CSV.

    Raises:
        InputError: if the ending is another one.
    """
    if path.suffix not in (".parquet", ".csv"):
        msg = f"expected --out FILE.parquet or FILE.csv, got {str(path)!r}: rename it"
        raise InputError(msg)


def _line(column: str, table: Mapping[str, Any], at: Mapping[str, Any]) -> dict[str, Any]:
    line = {name: at.get(name) for name in THRESHOLDS if name in at}
    line |= {"column": column, "rule": table["rule"], "drops": table["drops"]}
    if at["labels"] is None:
        return line
    precision = at["labels"]["precision"]
    return {
        **line,
        "labelled_dropped": precision["of"],
        "labelled_bad": precision["found"],
        "precision": precision["value"],
        "precision_low": precision["low"],
        "precision_high": precision["high"],
        "recall": at["labels"]["recall"]["value"],
        "false_positive_rate": at["labels"]["false_positive_rate"]["value"],
    }
