"""Whether a judge says the same again, and whether judges agree with each other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from quality.intervals import Floats, Interval, bootstrap, share


class Agreement(NamedTuple):
    """How two sets of verdicts on the same things agree.

    Attributes:
        exact: share of single values that is equal.
        kappa: quadratic-weighted kappa; null where one value was all that was ever given, so that
            agreement says nothing.
        mean_difference: mean absolute difference, in steps of the scale; null for none.
    """

    exact: Interval
    kappa: Interval
    mean_difference: float | None


def agreement(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> Agreement:
    """Compare two verdicts on each of some things.

    Args:
        first: for each thing one or more values on an ordered scale, the same number for all.
        second: the others, in the same order.

    Returns:
        `n` and the intervals count things, not values: the values of one thing go together.

    Source:
        Cohen 1968, "Weighted kappa". With quadratic weights it needs no list of categories: it is
        1 - mean squared difference / the same under independence.

    Example:
        >>> found = agreement([[1], [3], [5], [5]], [[1], [3], [5], [4]])
        >>> found.exact
        Interval(value=0.75, low=0.3006, high=0.9544, n=4)
        >>> found.kappa.value, found.mean_difference
        (0.95, 0.25)
    """
    left, right = np.array(first, np.float64), np.array(second, np.float64)
    if not len(left):
        return Agreement(share(0, 0), share(0, 0), None)
    gaps = np.abs(left - right)
    return Agreement(
        share(float((gaps == 0).mean(axis=1).sum()), len(gaps)),
        bootstrap(lambda at: _kappa(left[at], right[at]), len(left)),
        round(float(gaps.mean()), 4),
    )


def _kappa(left: Floats, right: Floats) -> float:
    by_chance = left.var() + right.var() + (left.mean() - right.mean()) ** 2
    if not by_chance:
        return float("nan")
    return float(1 - ((left - right) ** 2).mean() / by_chance)
