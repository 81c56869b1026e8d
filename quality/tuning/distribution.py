"""How a score is distributed: counts, quantiles and a histogram of few bins."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

#: Shares of the rows whose score is at most the quantile.
QUANTILES: Final = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_BINS: Final = 12


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows with a score from `low` to `high`; one value where both are the same."""

    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """One score column.

    Attributes:
        rows: rows with a score.
        abstained: rows without one.
        quantiles: share to score, of QUANTILES; empty where no row has a score.
        histogram: bins of equal width from the 1 % to the 99 % quantile, what is beyond in the
            outermost; a bin a value where there are few values.
    """

    rows: int
    abstained: int
    quantiles: dict[float, float]
    histogram: tuple[Bin, ...]


def describe_scores(scores: pl.Series) -> Distribution:
    """Describe a score column.

    Args:
        scores: numeric; null, NaN and infinity abstain.

    Example:
        >>> found = describe_scores(pl.Series([0.0, 0.0, 1.0, None]))
        >>> found.rows, found.abstained, found.quantiles[0.5], [one.rows for one in found.histogram]
        (3, 1, 0.0, [2, 1])
    """
    numbers = scores.cast(pl.Float64).drop_nulls()
    known = numbers.filter(numbers.is_finite()).sort()
    if known.is_empty():
        return Distribution(0, scores.len(), {}, ())
    last = known.len() - 1
    quantiles = {share: float(known[round(share * last)]) for share in QUANTILES}
    return Distribution(known.len(), scores.len() - known.len(), quantiles, _histogram(known))


def _histogram(known: pl.Series) -> tuple[Bin, ...]:
    values = known.to_numpy()
    different, counts = np.unique(values, return_counts=True)
    if len(different) <= _BINS:
        pairs = zip(different.tolist(), counts.tolist(), strict=True)
        return tuple(Bin(value, value, count) for value, count in pairs)
    low, high = np.quantile(values, [0.01, 0.99])
    if low == high:
        low, high = values[0], values[-1]
    edges = np.linspace(low, high, _BINS + 1)
    found, _ = np.histogram(np.clip(values, low, high), edges)
    ends = zip(edges[:-1].tolist(), edges[1:].tolist(), found.tolist(), strict=True)
    return tuple(Bin(lower, upper, count) for lower, upper, count in ends)
