"""Figures with their uncertainty, for the benchmarks of quality."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
_SEED = 0
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Places], float]


def measure_auc(scores: Floats, positive: Flags) -> float:
    """Return the chance that a positive has the higher score; ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(positive.sum())
    surplus = ranks[positive].sum() - positives * (positives + 1) / 2
    return float(surplus / (positives * (len(positive) - positives)))


def mean_of(values: Floats) -> Statistic:
    """Return the mean as a function of resampled positions."""
    return lambda at: float(values[at].mean())


def auc_of(scores: Floats, positive: Flags) -> Statistic:
    """Return the AUC as a function of resampled positions."""
    return lambda at: measure_auc(scores[at], positive[at])


def bounds(values: Statistic, size: int, *, resamples: int = RESAMPLES) -> list[float]:
    """Return value, low and high end of a statistic of resampled positions."""
    generator = np.random.default_rng(_SEED)
    draws = [values(generator.integers(0, size, size)) for _ in range(resamples)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return [round(float(value), 4) for value in (values(np.arange(size)), low, high)]


def interval(values: Statistic, size: int, *, resamples: int = RESAMPLES) -> str:
    """Return `value [low, high]` of a statistic of resampled positions."""
    value, low, high = bounds(values, size, resamples=resamples)
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def held_still(
    measure: Callable[[Places], float | None], lengths: Floats, *, bins: int
) -> Statistic:
    """Return a figure averaged over bins of length, each weighed by its items.

    A bin in which the figure cannot be had (all or none are marked) is left out.
    """
    edges = np.quantile(lengths, np.linspace(0, 1, bins + 1)[1:-1])
    places = np.digitize(lengths, edges)

    def average(at: Places) -> float:
        total = weight = 0.0
        for one in range(bins):
            inside = at[places[at] == one]
            found = measure(inside)
            if found is not None:
                total, weight = total + len(inside) * found, weight + len(inside)
        return total / weight

    return average


def auc_within(scores: Floats, marked: Flags) -> Callable[[Places], float | None]:
    """Return the AUC as a function of positions; null where all or none are marked."""

    def measure(at: Places) -> float | None:
        here = marked[at]
        return None if here.all() or not here.any() else measure_auc(scores[at], here)

    return measure
