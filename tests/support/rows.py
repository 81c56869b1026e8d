"""Small frames of ROWS and DECISIONS."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from quality.ids import content_id
from schemas.frames import DECISIONS, ROWS


def make_row(instruction: str, output: str = "A plain answer.", **more: Any) -> dict[str, Any]:
    """One row with a content id, as ingest makes it."""
    given = more.get("input", "")
    question = f"{instruction}\n\n{given}" if given else instruction
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": output},
    ]
    row: dict[str, Any] = dict.fromkeys(ROWS)
    row |= {
        "id": content_id(messages),
        "source": "test",
        "file": "test.jsonl",
        "row": 0,
        "system": "",
        "instruction": instruction,
        "input": "",
        "output": output,
        "messages": messages,
        "raw": "{}",
    }
    return row | more


def make_rows(rows: Sequence[Mapping[str, Any]], **columns: Any) -> pl.DataFrame:
    """A frame of ROWS, with further columns behind."""
    frame = pl.DataFrame(list(rows), schema=dict(ROWS), orient="row")
    return frame.with_columns(
        pl.Series(name, list(values), strict=False) for name, values in columns.items()
    )


def make_decisions(lines: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """A frame of DECISIONS; what a line leaves out is null."""
    blank = dict.fromkeys(DECISIONS)
    return pl.DataFrame(
        [{**blank, "stage": "test", **line} for line in lines],
        schema=dict(DECISIONS),
        orient="row",
    )
