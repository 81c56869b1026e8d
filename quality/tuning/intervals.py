"""Shares with their uncertainty: Wilson's interval to look at, an exact bound to promise."""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quality.intervals import wilson

_HALVINGS: Final = 50
_DIGITS: Final = 5


class Rate(NamedTuple):
    """A share and its 95 % interval; null where there is nothing to share."""

    value: float | None
    low: float | None
    high: float | None
    found: int
    of: int

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, rounded."""
        shares = {"value": self.value, "low": self.low, "high": self.high}
        rounded = {k: None if v is None else round(v, _DIGITS) for k, v in shares.items()}
        return {**rounded, "found": self.found, "of": self.of}


def estimate_rate(found: int, of: int) -> Rate:
    """Return `found / of` and its Wilson interval.

    Args:
        found: how many count.
        of: of how many.

    Example:
        >>> rate = estimate_rate(9, 10)
        >>> rate.value, round(rate.low, 4), round(rate.high, 4)
        (0.9, 0.5958, 0.9821)
    """
    if not of:
        return Rate(None, None, None, 0, 0)
    return Rate(found / of, *wilson(found, of), found, of)


def lower_bound(found: int, of: int, *, error: float) -> float:
    """Return the share that is exceeded, but for a chance of `error`.

    Args:
        found: how many count.
        of: of how many.
        error: chance that the true share is below the bound, in 0..1.

    Returns:
        The lower end of a one-sided interval; 0.0 where nothing was found.

    Source:
        Clopper & Pearson 1934, https://doi.org/10.1093/biomet/26.4.404: exact, so that it holds
        for a handful of rows, where Wilson's interval promises too much.

    Example:
        >>> round(lower_bound(29, 29, error=0.05), 3), lower_bound(0, 29, error=0.05)
        (0.902, 0.0)
    """
    if not found:
        return 0.0
    counts = np.arange(found, of + 1)
    ways = _log_ways(of, counts)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        if _tail(ways, counts, of, share) < error:
            low = share
        else:
            high = share
    return low


def fewest_hits(share: float, *, error: float) -> int:
    """Return how many rows, all of which count, it takes for `lower_bound` to reach `share`.

    Args:
        share: wanted, in 0..1; 1.0 is out of reach of any number of rows.
        error: as for `lower_bound`.

    Example:
        >>> fewest_hits(0.9, error=0.05), fewest_hits(0.5, error=0.05)
        (29, 5)
    """
    if share <= 0:
        return 1
    return math.ceil(math.log(error) / math.log(min(share, 1 - 1e-6)))


def _log_ways(of: int, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Logarithm of the ways to choose `counts` of `of`."""
    factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, of + 1)))))
    ways: npt.NDArray[np.float64] = factorials[of] - factorials[counts] - factorials[of - counts]
    return ways


def _tail(
    ways: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], of: int, share: float
) -> float:
    """Chance of at least the first of `counts` where each of `of` counts with chance `share`."""
    logs = ways + counts * math.log(share) + (of - counts) * math.log1p(-share)
    return float(np.exp(logs).sum())
