"""Rows next to a threshold: the last that it drops and the first that it keeps."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from quality.tuning.costs import ThresholdCost
from quality.tuning.rules import find_dropped, measure, threshold_of

_EXAMPLES: Final = 3
_THRESHOLDS: Final = 3
#: Share of the rows that is dropped at the threshold shown where none is in the recipe.
_TYPICAL: Final = 0.05
_LETTERS: Final = 44


def find_examples(rows: pl.DataFrame, costs: Sequence[ThresholdCost]) -> list[dict[str, Any]]:
    """Return rows just below and above thresholds.

    Args:
        rows: rows with scores and, where they are those of a version, texts.
        costs: thresholds; the present one is shown, or those asked for if they are few, or else
            the one that drops about a twentieth of the rows.

    Returns:
        One entry a row: `threshold`, `is_dropped`, `value`, `id`, `text`; the nearest first.
    """
    return [
        {"threshold": threshold_of(cost.entry), "is_dropped": is_dropped, **line}
        for cost in _shown(rows, costs)
        for is_dropped in (True, False)
        for line in _nearest(rows, cost, is_dropped=is_dropped)
    ]


def _shown(rows: pl.DataFrame, costs: Sequence[ThresholdCost]) -> Sequence[ThresholdCost]:
    if len(costs) <= _THRESHOLDS:
        return costs
    current = [cost for cost in costs if cost.is_current]
    wanted = rows.height * _TYPICAL
    return current or [min(costs, key=lambda cost: abs(cost.dropped - wanted))]


def _nearest(rows: pl.DataFrame, cost: ThresholdCost, *, is_dropped: bool) -> list[dict[str, Any]]:
    value, drops = measure(rows, cost.entry), find_dropped(rows, [cost.entry])[0]
    distance = (pl.col("value") - threshold_of(cost.entry)).abs()
    side = (
        rows.select("id", _text(rows).alias("text"))
        .with_columns(value.alias("value"), pl.Series("drops", drops))
        .filter(pl.col("drops") == is_dropped, pl.col("value").is_not_null())
        .sort(distance, "id")
    )
    return side.select("value", "id", "text").head(_EXAMPLES).to_dicts()


def _text(rows: pl.DataFrame) -> pl.Expr:
    """The beginnings of task and answer in one line; the place of the row where it has no text."""
    if "output" in rows.columns:
        parts = [
            pl.col(name).fill_null("").str.replace_all(r"\s+", " ").str.slice(0, _LETTERS)
            for name in ("instruction", "output")
        ]
        return pl.concat_str(parts, separator=" -> ")
    if {"file", "row"} <= set(rows.columns):
        return pl.format("{}, row {}", pl.col("file"), pl.col("row"))
    return pl.lit("")
