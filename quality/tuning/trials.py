"""Every rule tried at every threshold on labelled rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.tuning.crossfit import FEWEST_HITS, Judged, judge_candidates
from quality.tuning.intervals import fewest_hits
from quality.tuning.rules import Entry, Flags, candidate_entries, find_dropped

#: Chance that any bound of any rule that is tried is wrong.
ERROR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule at several thresholds.

    Attributes:
        candidates: entries of a recipe, from the strictest to the loosest.
        hits: rows that each of them drops, Boolean of shape (candidates, rows).
        judged: those that were chosen for some precision, from the loosest to the strictest.
        error: chance that a bound of one of these is wrong.
        is_told: whether the loosest drops enough rows for labels to tell anything.
    """

    candidates: tuple[dict[str, Any], ...]
    hits: Flags
    judged: tuple[Judged, ...]
    error: float
    is_told: bool

    def passing(self, floor: float) -> Judged | None:
        """Return the loosest threshold whose precision is at least `floor`, None if none is."""
        if not self.is_told:
            return None
        return next((found for found in self.judged if found.low >= floor), None)

    def nearest(self) -> Judged | None:
        """Return the threshold with the highest bound, of equal ones the loosest."""
        return max(self.judged, key=lambda found: found.low, default=None)

    def needed(self, floor: float) -> int:
        """Return how many rows it takes, all of them bad, for a bound to reach `floor`."""
        return max(FEWEST_HITS, fewest_hits(floor, error=self.error))


def try_rules(
    rows: pl.DataFrame, entries: Sequence[Entry], bad: Flags, parts: npt.NDArray[np.int64]
) -> list[Trial]:
    """Try rules on labelled rows.

    The chance of error is shared out over the rules that drop enough rows to be told apart, which
    is seen without looking at a label.

    Args:
        rows: frame with the columns that the rules read.
        entries: filters of a recipe.
        bad: which rows are bad, shape (rows,).
        parts: part of each row, shape (rows,).

    Returns:
        One trial an entry.
    """
    tried = [_candidates(rows, entry) for entry in entries]
    told = [int(hits[-1].sum()) >= FEWEST_HITS for _, hits, _ in tried]
    error = ERROR / max(1, sum(told))
    return [
        Trial(
            candidates=tuple(candidates),
            hits=hits,
            judged=tuple(judge_candidates(hits, bad, parts, given=given, error=error)),
            error=error,
            is_told=is_told,
        )
        for (candidates, hits, given), is_told in zip(tried, told, strict=True)
    ]


def _candidates(rows: pl.DataFrame, entry: Entry) -> tuple[list[dict[str, Any]], Flags, int | None]:
    """Return the candidates that drop different rows, what they drop, and the place of `entry`."""
    every = candidate_entries(rows, entry)
    hits = find_dropped(rows, every)
    given = next((place for place, one in enumerate(every) if one == entry), None)
    kept: dict[int, int] = {}
    for place, count in enumerate(hits.sum(axis=1).tolist()):
        if count not in kept or place == given:
            kept[count] = place
    places = list(kept.values())
    return (
        [every[place] for place in places],
        hits[places],
        None if given is None else places.index(given),
    )
