"""Rules held against labelled rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.tuning.intervals import Rate, estimate_rate
from quality.tuning.rules import Entry, Flags, find_dropped

_MIDDLE: Final = 0.5


def find_bad(target: npt.NDArray[np.float64]) -> Flags:
    """Tell which targets are those of bad rows: below the middle of 0..1."""
    return target < _MIDDLE


@dataclass(frozen=True, slots=True)
class Marked:
    """Labelled rows with their scores.

    Attributes:
        rows: frame with the columns that rules read.
        bad: which rows are bad, shape (rows,).
    """

    rows: pl.DataFrame
    bad: Flags


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """What a rule does to labelled rows.

    Attributes:
        precision: of the rows it drops, those that are bad.
        recall: of the bad rows, those that it drops.
        false_positive_rate: of the good rows, those that it drops.
    """

    precision: Rate
    recall: Rate
    false_positive_rate: Rate

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "precision": self.precision.as_dict(),
            "recall": self.recall.as_dict(),
            "false_positive_rate": self.false_positive_rate.as_dict(),
        }


def rate_rules(marked: Marked, entries: Sequence[Entry]) -> list[LabelFigures]:
    """Hold rules against labelled rows.

    Args:
        marked: labelled rows.
        entries: filters of a recipe.
    """
    hits = find_dropped(marked.rows, entries)
    n_bad = int(marked.bad.sum())
    figures = []
    for dropped in hits:
        found, of = int((dropped & marked.bad).sum()), int(dropped.sum())
        figures.append(
            LabelFigures(
                precision=estimate_rate(found, of),
                recall=estimate_rate(found, n_bad),
                false_positive_rate=estimate_rate(of - found, len(marked.bad) - n_bad),
            )
        )
    return figures
