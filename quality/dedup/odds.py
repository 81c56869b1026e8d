"""The chance that a pair reaches a cosine, learnt from the pairs that were forecast and then read.

A forecast is judged by what came true of it: the pairs whose rows have been read since are the
only ones it learns from, with the features as they were before. So the chances are honest about
rows that are still unread, and their sum is the number of pairs still to be found.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Fewer pairs than this teach nothing.
_FEWEST = 200
_FEWEST_VALUES = 50
_RIDGE = 1e-2


class PairOdds:
    """Normal forecast errors around a linear mean, apart for pairs with one and two unread rows."""

    def __init__(self, threshold: float, n_features: int) -> None:
        """Start without any knowledge of the data.

        Args:
            threshold: the cosine.
            n_features: columns of the features; the first is 1, the second the forecast cosine.
        """
        self._threshold = threshold
        # By the number of unread rows: weights, and standard deviation of the error. Before any
        # pair was read, as on Alpaca: forecasts are too high, and vaguer with both rows unread.
        self._weights = {1: np.zeros(n_features), 2: np.zeros(n_features)}
        self._weights[1][:2], self._weights[2][:2] = (-0.03, 1.0), (-0.06, 1.0)
        self._deviations = {1: 0.07, 2: 0.10}

    def learn(self, features: Floats, unread: Counts, cosines: Floats) -> None:
        """Learn from pairs that were read after their features had been taken.

        Args:
            features: shape (m, n_features), as they were.
            unread: unread rows of each pair, as they were, shape (m,).
            cosines: what the encoder said, shape (m,).
        """
        for sides in self._weights:
            seen = unread == sides
            if np.count_nonzero(seen) < _FEWEST:
                continue
            given = features[seen]
            gram = given.T @ given + _RIDGE * np.eye(given.shape[1])
            weights = np.linalg.solve(gram, given.T @ cosines[seen])
            self._weights[sides] = weights
            self._deviations[sides] = max(1e-3, float((cosines[seen] - given @ weights).std()))

    def chances(self, features: Floats, unread: Counts) -> Floats:
        """Return the chance of each pair to reach the threshold; 0 where both rows were read.

        Args:
            features: shape (m, n_features).
            unread: unread rows of each pair, 0, 1 or 2, shape (m,).
        """
        chances = np.zeros(len(features))
        for sides, weights in self._weights.items():
            there = unread == sides
            deviations = (features[there] @ weights - self._threshold) / self._deviations[sides]
            chances[there] = _normal_share(deviations)
        return chances


def missed_share(values: Floats, cut: float) -> float:
    """Estimate which share of a normal distribution lies below the cut that its values passed.

    Candidate pairs end at some forecast, and true pairs may lie below: where the true pairs that
    were found crowd at the cut, many do.

    Args:
        values: first forecasts of the true pairs found, shape (m,), none below `cut`.
        cut: the forecast at which candidate pairs end.

    Returns:
        The share, in 0..1; 0 for fewer than 50 values, which say nothing.

    Source:
        Maximum likelihood of a normal distribution truncated on one side (Cohen 1950), on a grid.
    """
    if len(values) < _FEWEST_VALUES:
        return 0.0
    mean, variance = float(values.mean()), float(values.var())
    # In standard deviations of the values: the true mean lies lower, the true width is larger.
    width = max(variance**0.5, 1e-6)
    means, widths = np.meshgrid(
        mean + width * np.linspace(-4, 0.5, 91), width * np.linspace(0.7, 3, 93)
    )
    below = _normal_share((cut - means) / widths)
    squares = (variance + (mean - means) ** 2) / widths**2
    likelihood = -squares / 2 - np.log(widths) - np.log(np.maximum(1 - below, 1e-12))
    return float(below.flat[likelihood.argmax()])


def _normal_share(deviations: Floats) -> Floats:
    """Return the standard normal distribution function at `deviations`, within 1e-3."""
    # numpy has no error function. Beyond 8 deviations nothing changes.
    grid = np.linspace(-8, 8, 3_201)
    table = np.array([(1 + math.erf(at / math.sqrt(2))) / 2 for at in grid])
    shares: Floats = np.interp(deviations, grid, table)
    return shares
