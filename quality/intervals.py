"""How sure a measured figure is: Wilson's interval for shares, the bootstrap for the rest."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

_Z: Final = 1.959964  # of 95 %
_SEED: Final = 0
_MOST_RESAMPLES: Final = 500
_FEWEST_RESAMPLES: Final = 100
_DRAWN: Final = 10_000_000  # items in all resamples together; more changes no digit that is shown
_TOGETHER: Final = 1_000_000  # items of the resamples that are in memory at once

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Interval(NamedTuple):
    """A figure and its 95 % interval; null where there is nothing to measure.

    Attributes:
        value: the figure.
        low: lower end.
        high: upper end.
        n: what it was measured on.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


_NOTHING: Final = Interval(None, None, None, 0)


def share(found: float, of: int) -> Interval:
    """Return a share and its Wilson interval.

    Args:
        found: how many; ties may count half, which makes the interval a little too wide.
        of: of how many.

    Example:
        >>> share(9, 10)
        Interval(value=0.9, low=0.5958, high=0.9821, n=10)
        >>> share(0, 0)
        Interval(value=None, low=None, high=None, n=0)
    """
    if not of:
        return _NOTHING
    low, high = wilson(found, of)
    return Interval(round(found / of, 4), round(low, 4), round(high, 4), of)


def wilson(found: float, of: int) -> tuple[float, float]:
    """Return the ends of Wilson's 95 % interval of a share; `of` is at least 1.

    Source:
        Wilson 1927, "Probable inference", https://doi.org/10.1080/01621459.1927.10502953.
    """
    value, weight = found / of, _Z**2 / of
    middle = (value + weight / 2) / (1 + weight)
    reach = _Z / (1 + weight) * math.sqrt(value * (1 - value) / of + weight / (4 * of))
    # The share itself is inside, whatever was rounded.
    return min(value, max(0.0, middle - reach)), max(value, min(1.0, middle + reach))


def mean(values: Floats) -> Interval:
    """Return a mean and its bootstrap interval.

    Args:
        values: float64, in an order that depends on nothing but what they are of.
    """
    size = len(values)
    if not size:
        return _NOTHING
    generator = np.random.default_rng(_SEED)
    together = max(1, _TOGETHER // size)
    wanted = range(0, _resamples(size), together)
    draws = [values[generator.integers(0, size, (together, size))].mean(axis=1) for _ in wanted]
    return _summarise(float(values.mean()), np.concatenate(draws), size)


def bootstrap(statistic: Callable[[Places], float], size: int) -> Interval:
    """Return a statistic and its percentile bootstrap interval.

    Args:
        statistic: of resampled positions, int64; NaN where it is not defined.
        size: number of items, in an order that depends on nothing but what they are.

    Returns:
        All null where the statistic itself is not defined.

    Source:
        Efron 1979. The draws are the same every time.
    """
    return bootstrap_each(lambda at: np.array([statistic(at)]), size)[0] if size else _NOTHING


def bootstrap_each(statistic: Callable[[Places], Floats], size: int) -> list[Interval]:
    """The same for several statistics of the same draws.

    Args:
        statistic: of resampled positions; one value each.
        size: number of items, at least 1.
    """
    values = statistic(np.arange(size))
    generator = np.random.default_rng(_SEED)
    draws = np.stack(
        [statistic(generator.integers(0, size, size)) for _ in range(_resamples(size))], axis=1
    )
    return [_summarise(float(value), line, size) for value, line in zip(values, draws, strict=True)]


def _resamples(size: int) -> int:
    return min(_MOST_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWN // size))


def _summarise(value: float, draws: Floats, size: int) -> Interval:
    known = draws[np.isfinite(draws)]
    if not math.isfinite(value):
        return Interval(None, None, None, size)
    if not len(known):
        return Interval(round(value, 4), None, None, size)
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(round(value, 4), round(float(low), 4), round(float(high), 4), size)
