"""Preference pairs as plain examples: each answer under a marker that says how good it is."""

import json
from typing import Any, Final, Literal

import polars as pl

from quality.ids import content_id
from schemas.frames import ROWS
from schemas.recipe.markers import MarkerOptions

#: Field of the column `about` that holds the side of a marked row.
FIELD: Final = "marker"


def mark_preferences(rows: pl.DataFrame, markers: MarkerOptions) -> pl.DataFrame:
    """Turn every pair into two rows: the chosen answer under `good`, the other under `bad`.

    Args:
        rows: ROWS with content ids.
        markers: their texts and their place.

    Returns:
        ROWS. In the place of a pair stand its two rows: `arm` is `good` or `bad`, `parents` holds
        the id of the pair, `about` the side, `raw` the whole record. Rows that are no pairs are as
        they were.

    Source:
        Koala (BAIR 2023), after Keskar et al. 2019 (CTRL), https://arxiv.org/abs/1909.05858, and
        Liu et al. 2023, https://arxiv.org/abs/2302.02676. Differs: one marker a row, in a place of
        the prompt that is the user's choice.
    """
    if rows["rejected"].is_null().all():
        return rows
    made: list[dict[str, Any]] = []
    for row in rows.iter_rows(named=True):
        if row["rejected"] is None:
            made.append(row)
        else:
            made += [_mark(row, "good", markers), _mark(row, "bad", markers)]
    return pl.DataFrame(made, schema=dict(ROWS), orient="row")


def markers_of(rows: pl.DataFrame) -> pl.Series:
    """Return `good`, `bad` or null for each row, as String."""
    return rows.select(pl.col("about").str.json_path_match(f"$.{FIELD}")).to_series()


def _mark(
    row: dict[str, Any], side: Literal["good", "bad"], markers: MarkerOptions
) -> dict[str, Any]:
    marker = markers.good if side == "good" else markers.bad
    answer = row["messages"][-1]["content"] if side == "good" else row["rejected"]
    turns = [dict(turn) for turn in row["messages"]]
    turns[-1]["content"] = answer
    made = row | {"rejected": None, "arm": side, "parents": [row["id"]]}
    made["about"] = json.dumps({FIELD: side})
    if markers.place == "system":
        made["system"] = _join(row["system"], marker)
        turns = [turn for turn in turns if turn["role"] != "system"]
        turns.insert(0, {"role": "system", "content": made["system"]})
    else:
        made |= _into_question(row, turns, marker, at_start=markers.place == "start")
    made["messages"] = turns
    made["output"] = "\n\n".join(t["content"] for t in turns if t["role"] == "assistant")
    return made | {"id": content_id(turns)}


def _into_question(
    row: dict[str, Any], turns: list[dict[str, str]], marker: str, *, at_start: bool
) -> dict[str, str]:
    """Put a marker into the last user turn; return the columns that change with it."""
    asked = [turn for turn in turns if turn["role"] == "user"]
    words = asked[-1]["content"]
    asked[-1]["content"] = _join(marker, words) if at_start else _join(words, marker)
    if len(asked) > 1:
        return {}
    if at_start:
        return {"instruction": _join(marker, row["instruction"])}
    column = "input" if row["input"] else "instruction"
    return {column: _join(row[column], marker)}


def _join(first: str, second: str) -> str:
    return f"{first}\n\n{second}" if first else second
