"""Polars schemas of the frames that stages hand to each other, and their check."""

from collections.abc import Mapping
from typing import TypeAlias

import polars as pl

from schemas.errors import RunError

FrameSchema: TypeAlias = Mapping[str, pl.DataType | type[pl.DataType]]

MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})

#: One training example (or an attempt at one). `id` is a hash of `messages` and `rejected`.
ROWS: FrameSchema = {
    "id": pl.String,
    "source": pl.String,  # file name, `hf:owner/name` or the generator that made the row
    "file": pl.String,  # path as the user gave it; null for generated rows
    "row": pl.Int64,  # 0-based position in `file`; null for generated rows
    "license": pl.String,  # SPDX id as the recipe gives it; null = unknown
    "system": pl.String,  # "" where there is none
    "instruction": pl.String,  # first user turn (without its input, where the form separates it)
    "input": pl.String,  # "" where there is none
    "output": pl.String,  # all assistant turns, joined by a blank line
    "messages": pl.List(MESSAGE),  # the whole conversation, system turn first
    "rejected": pl.String,  # an answer that lost to the last turn; null where there is none
    "teacher": pl.String,  # model that wrote the answer; null for ingested rows
    "request_key": pl.String,  # journal key of the answering request
    "parents": pl.List(pl.String),  # ids of the rows or seeds this one was made from
    "arm": pl.String,  # what a generator chose to make it, such as an operator; null: nothing
    "about": pl.String,  # JSON: what its maker knows of it, such as quotes or tests; null: nothing
    "raw": pl.String,  # the record as it came, JSON
}

#: Columns of ROWS that a version has only where a row of it has a value.
OPTIONAL: tuple[str, ...] = ("rejected", "arm", "about")

#: One line of the ledger. `action`: keep, drop, quarantine, would_drop or abstain.
DECISIONS: FrameSchema = {
    "id": pl.String,
    "stage": pl.String,
    "rule": pl.String,
    "action": pl.String,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "matched_id": pl.String,
    "similarity": pl.Float64,
    "evidence": pl.String,
}

#: Verified duplicate pairs. `id_a` < `id_b`.
PAIRS: FrameSchema = {
    "id_a": pl.String,
    "id_b": pl.String,
    "similarity": pl.Float64,
}


def empty_frame(schema: FrameSchema) -> pl.DataFrame:
    """Return a frame of `schema` with no rows."""
    return pl.DataFrame(schema=dict(schema))


def check_frame(frame: pl.DataFrame, schema: FrameSchema, *, where: str) -> pl.DataFrame:
    """Return `frame` if it has every column of `schema` with its type; more columns may follow.

    Args:
        frame: the frame to check.
        schema: column name to Polars type.
        where: stage named in the error.

    Raises:
        RunError: if a column is missing or has another type.
    """
    for column, dtype in schema.items():
        if column not in frame.columns:
            msg = f"expected column {column!r} after {where}, got {frame.columns!r}"
            raise RunError(msg)
        if frame.schema[column] != dtype:
            got = frame.schema[column]
            msg = f"expected {column!r} of type {dtype} after {where}, got {got}"
            raise RunError(msg)
    return frame
