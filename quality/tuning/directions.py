"""Preference pairs held against a score: which end of it is the good one."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.tuning.intervals import Rate, estimate_rate


class Direction(NamedTuple):
    """What pairs say of a score.

    Attributes:
        better_is_higher: of the pairs whose scores differ, those whose better answer has the
            higher one.
        tied: pairs with equal scores.
        abstained: pairs in which an answer has no score.
    """

    better_is_higher: Rate
    tied: int
    abstained: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        shares = self.better_is_higher.as_dict()
        return {**shares, "tied": self.tied, "abstained": self.abstained}


def compare_pairs(scores: pl.Series, target: npt.NDArray[np.float64]) -> Direction:
    """Compare the scores of better and worse answers.

    Args:
        scores: numeric, of the answers of one pair after the other, the better one first.
        target: Float64 of shape (answers,); pairs of two equal targets say nothing and are left
            out.

    Example:
        >>> scores = pl.Series([0.9, 0.1, 0.2, 0.2, None, 0.5])
        >>> found = compare_pairs(scores, np.array([1.0, 0.0] * 3))
        >>> found.better_is_higher.found, found.better_is_higher.of, found.tied, found.abstained
        (1, 1, 1, 1)
    """
    values = scores.cast(pl.Float64).fill_null(np.nan).to_numpy()
    differs = target[0::2] != target[1::2]
    gaps = (values[0::2] - values[1::2])[differs]
    higher, lower = int((gaps > 0).sum()), int((gaps < 0).sum())
    tied = int((gaps == 0).sum())
    return Direction(estimate_rate(higher, higher + lower), tied, len(gaps) - higher - lower - tied)
