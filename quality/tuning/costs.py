"""What rules and thresholds cost: the rows they drop, alone and beyond all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.filters import FILTERS
from quality.filters.engine import OnAbstain
from quality.tuning.marks import LabelFigures, Marked, rate_rules
from quality.tuning.rules import (
    Entry,
    Flags,
    candidate_entries,
    check_of,
    dropped_by,
    entries_at,
    find_dropped,
    judge_rows,
)

#: Rules for any column; what a column's own rule is, they do not say.
_BOUNDS: Final = ("min_score", "max_score")


@dataclass(frozen=True, slots=True)
class RuleCost:
    """What a rule of a recipe drops.

    Attributes:
        entry: the rule.
        dropped: rows that it drops.
        alone: rows that no other rule drops.
        abstained: rows for which it cannot tell.
    """

    entry: dict[str, Any]
    dropped: int
    alone: int
    abstained: int


@dataclass(frozen=True, slots=True)
class RuleCosts:
    """What all rules of a recipe drop.

    Attributes:
        rules: one entry a rule.
        dropped: rows that each of them drops, Boolean of shape (rules, rows).
    """

    rules: list[RuleCost]
    dropped: Flags


@dataclass(frozen=True, slots=True)
class ThresholdCost:
    """What a rule at one threshold drops.

    Attributes:
        entry: the rule with this threshold.
        is_current: whether the recipe has it so.
        dropped: rows that it drops.
        more: rows that no other rule of the recipe drops.
        by_source: source to rows dropped; empty where there is one source only.
        labels: what labelled rows say; null without labels.
    """

    entry: dict[str, Any]
    is_current: bool
    dropped: int
    more: int
    by_source: dict[str, int]
    labels: LabelFigures | None


def own_rule(column: str) -> str | None:
    """Return the rule that reads a score column and no other, null if there is none.

    Example:
        >>> own_rule("urls"), own_rule("quality"), own_rule("craft")
        ('unreadable_urls', 'min_quality', None)
    """
    for name, rule in FILTERS.items():
        if name not in _BOUNDS and rule().scorers == (column,):
            return name
    return None


def rules_for(column: str, rules: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the rules that a threshold of a score column would belong to.

    Those of the recipe come first; where it has none, the column's own rule; where there is none,
    a lower and an upper bound.

    Args:
        column: a score column.
        rules: filters of the recipe.
    """
    current = [dict(entry) for entry in rules if _reads(entry, column)]
    if current:
        return current
    own = own_rule(column)
    if own is not None:
        return [{"rule": own}]
    return [{"rule": name, "column": column} for name in _BOUNDS]


def cost_rules(
    rows: pl.DataFrame, rules: Sequence[Entry], *, on_abstain: OnAbstain = "keep"
) -> RuleCosts:
    """Count what each rule drops, alone and beyond the others.

    Args:
        rows: frame with the columns that the rules read.
        rules: filters of a recipe.
        on_abstain: what happens to a row for which a rule cannot tell.

    Example:
        >>> rows = pl.DataFrame({"quality": [0.1, 0.3], "craft": [0.0, 0.9]})
        >>> rules = [{"rule": "min_quality"}, {"rule": "min_score", "column": "craft"}]
        >>> [(cost.dropped, cost.alone) for cost in cost_rules(rows, rules).rules]
        [(1, 0), (1, 0)]
    """
    verdicts = judge_rows(rows, rules)
    dropped = dropped_by(verdicts, rows.height, on_abstain=on_abstain)
    alone = dropped & (dropped.sum(axis=0) == 1)
    costs = [
        RuleCost(
            dict(entry),
            dropped=int(dropped[place].sum()),
            alone=int(alone[place].sum()),
            abstained=verdicts[str(place)].null_count(),
        )
        for place, entry in enumerate(rules)
    ]
    return RuleCosts(costs, dropped)


def cost_thresholds(
    rows: pl.DataFrame,
    entry: Entry,
    others: Flags,
    *,
    values: Sequence[float] = (),
    marked: Marked | None = None,
) -> list[ThresholdCost]:
    """Count what a rule would drop at several thresholds.

    Args:
        rows: frame with the columns that the rule reads, and `source`.
        entry: filter of a recipe.
        others: rows that any other rule drops, shape (rows,).
        values: thresholds; none: quantiles and round numbers that drop a row.
        marked: labelled rows.

    Returns:
        From the strictest to the loosest; of thresholds that drop the same rows one, the present
        one if it is among them.
    """
    entries = (
        entries_at(entry, values) if values else candidate_entries(rows, entry, has_round=True)
    )
    hits = find_dropped(rows, entries)
    kept = list(range(len(entries))) if values else _different(entries, hits, entry)
    figures = rate_rules(marked, entries) if marked is not None else [None] * len(entries)
    sources = _Sources.of(rows)
    return [
        ThresholdCost(
            entry=entries[place],
            is_current=entries[place] == entry,
            dropped=int(hits[place].sum()),
            more=int((hits[place] & ~others).sum()),
            by_source=sources.count(hits[place]),
            labels=figures[place],
        )
        for place in kept
    ]


@dataclass(frozen=True, slots=True)
class _Sources:
    """The source of every row, by number."""

    names: list[str]
    numbers: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "_Sources":
        names = rows["source"].fill_null("")
        numbers = names.rank("dense").cast(pl.Int64).to_numpy() - 1
        return cls(names.unique().sort().to_list(), numbers)

    def count(self, dropped: Flags) -> dict[str, int]:
        """Count rows by source, where there are several."""
        if len(self.names) < 2:
            return {}
        counts = np.bincount(self.numbers[dropped], minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))


def _different(entries: Sequence[Entry], hits: Flags, current: Entry) -> list[int]:
    """Return the places of the entries that drop something, and each something else."""
    kept: dict[int, int] = {}
    for place, count in enumerate(hits.sum(axis=1).tolist()):
        if entries[place] == current or (count and count not in kept):
            kept[count] = place
    return list(kept.values())


def _reads(entry: Entry, column: str) -> bool:
    return column in check_of(entry).scorers or entry.get("column") == column
