"""Sources of saved chats: conversations cleaned one by one, and those that begin the same."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from flows.collect import Ingested
from quality.conversations.cleaning import Cleaned, Fault, clean_conversation
from quality.formats.frame import messages_series
from quality.formats.parse import conversation
from quality.ids import content_id
from schemas.frames import DECISIONS, ROWS, FrameSchema, empty_frame
from schemas.recipe import ConversationOptions

#: Column while sources are read: for each turn its number in the parsed record, and behind them
#: the number of turns that it had; null where nobody will ask.
PLACES: Final = "_places"
#: Column while sources are read: number of the source in the recipe.
ENTRY: Final = "_entry"
#: ROWS with both.
READING: FrameSchema = {**ROWS, PLACES: pl.List(pl.Int64), ENTRY: pl.Int32}


@dataclass(frozen=True, slots=True)
class Shaped:
    """The conversations of one file.

    Attributes:
        rows: what stays, with PLACES.
        dropped: what does not, as it was read.
        decisions: a line for each of `dropped`, in its order; ids are theirs.
        cleaned: step to the number of turns that it changed.
    """

    rows: pl.DataFrame
    dropped: pl.DataFrame
    decisions: pl.DataFrame
    cleaned: Counter[str]


def shape_conversations(read: Ingested, options: ConversationOptions | None) -> Shaped:
    """Clean the conversations of a file.

    Args:
        read: rows as a reader gives them.
        options: null: every row stays as it came.
    """
    rows = read.rows
    if options is None:
        places = pl.lit(None, pl.List(pl.Int64)).alias(PLACES)
        return Shaped(rows.with_columns(places), rows.clear(), empty_frame(DECISIONS), Counter())
    found = [clean_conversation(messages, options) for messages in rows["messages"].to_list()]
    is_fine = pl.Series([one.fault is None for one in found], dtype=pl.Boolean)
    dropped = rows.filter(~is_fine)
    faults = [one.fault for one in found if one.fault is not None]
    kept = [one for one in found if one.fault is None]
    counts: Counter[str] = sum((Counter(one.changed) for one in kept), Counter())
    return Shaped(
        _rewrite(rows.filter(is_fine), kept), dropped, _fault_lines(dropped["id"], faults), counts
    )


def _rewrite(rows: pl.DataFrame, cleaned: Sequence[Cleaned]) -> pl.DataFrame:
    """Return rows with the words that are left of them; those without a change stay as they are."""
    counts = rows["messages"].list.len()
    places = [
        [*(turn.place for turn in one.turns), count]
        for one, count in zip(cleaned, counts, strict=True)
    ]
    rows = rows.with_columns(pl.Series(PLACES, places, dtype=pl.List(pl.Int64)))
    is_changed = pl.Series([bool(one.changed) for one in cleaned], dtype=pl.Boolean)
    if not is_changed.any():
        return rows
    numbered = rows.with_row_index("_row")
    changed = _with_turns(numbered.filter(is_changed), [one for one in cleaned if one.changed])
    return pl.concat([numbered.filter(~is_changed), changed]).sort("_row").drop("_row")


def _with_turns(rows: pl.DataFrame, cleaned: Sequence[Cleaned]) -> pl.DataFrame:
    parsed = [
        conversation({"role": turn.role, "content": turn.content} for turn in one.turns)
        for one in cleaned
    ]
    about = [json.dumps({"cleaned": dict(sorted(one.changed.items()))}) for one in cleaned]
    values: dict[str, Any] = {
        "id": [
            content_id(row.messages, rejected)
            for row, rejected in zip(parsed, rows["rejected"], strict=True)
        ],
        "system": [row.system for row in parsed],
        "instruction": [row.instruction for row in parsed],
        "input": [row.input for row in parsed],
        "output": [row.output for row in parsed],
        "about": about,
    }
    columns = [pl.Series(name, value, dtype=pl.String) for name, value in values.items()]
    return rows.with_columns(*columns, messages_series([row.messages for row in parsed]))


def _fault_lines(ids: pl.Series, faults: Sequence[Fault]) -> pl.DataFrame:
    lines = pl.DataFrame(
        {
            "id": ids,
            "rule": [fault.rule for fault in faults],
            "evidence": [fault.evidence for fault in faults],
        },
        schema={"id": pl.String, "rule": pl.String, "evidence": pl.String},
    ).with_columns(stage=pl.lit("ingest"), action=pl.lit("drop"))
    return pl.concat([empty_frame(DECISIONS), lines], how="diagonal").select(list(DECISIONS))
