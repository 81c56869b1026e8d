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
_RIDGE = 1e-2
# Deviations at which forecasts are compared with what came true.
_STEP = 0.5
_KNOTS = np.arange(-10, 10 + _STEP, _STEP)
# What one round later still counts of it, and how many tries without a hit are added.
_MEMORY = 0.8
_CAUTION = 20.0


class PairOdds:
    """A linear forecast with normal errors, and how often such forecasts came true.

    Both are kept apart for pairs with one and with two unread texts, since the second are vaguer.
    True duplicates among pairs that look unrelated are more than a normal tail holds: what counts
    is how many there were.
    """

    def __init__(self, threshold: float, n_features: int) -> None:
        """Start without any knowledge of the data.

        Args:
            threshold: the cosine.
            n_features: columns of the features; the first is 1, the second the forecast cosine.
        """
        self._threshold = threshold
        # By the number of unread texts: weights, and standard deviation of the error. Before any
        # pair was read, as on Alpaca: forecasts are too high, and vaguer with both texts unread.
        self._weights = {1: np.zeros(n_features), 2: np.zeros(n_features)}
        self._weights[1][:2], self._weights[2][:2] = (-0.03, 1.0), (-0.06, 1.0)
        self._deviations = {1: 0.07, 2: 0.10}
        # Pairs that were read, and those of them that reached the threshold, by their deviation.
        self._tries = {1: np.zeros(len(_KNOTS)), 2: np.zeros(len(_KNOTS))}
        self._hits = {1: np.zeros(len(_KNOTS)), 2: np.zeros(len(_KNOTS))}

    def learn(self, features: Floats, unread: Counts, cosines: Floats) -> None:
        """Learn from pairs that were read after their features had been taken.

        Args:
            features: shape (m, n_features), as they were.
            unread: unread texts of each pair, as they were, shape (m,).
            cosines: what the encoder said, shape (m,).
        """
        for sides in self._weights:
            seen = unread == sides
            given, said = features[seen], cosines[seen]
            # First the record of the old weights, which made the forecasts.
            places = np.rint((self._deviation(given, sides) - _KNOTS[0]) / _STEP).astype(np.int64)
            hits = places[said >= self._threshold]
            for kept, new in ((self._tries, places), (self._hits, hits)):
                kept[sides] *= _MEMORY
                kept[sides] += np.bincount(new, minlength=len(_KNOTS))
            if len(said) >= _FEWEST:
                gram = given.T @ given + _RIDGE * np.eye(given.shape[1])
                weights = np.linalg.solve(gram, given.T @ said)
                self._weights[sides] = weights
                self._deviations[sides] = max(1e-3, float((said - given @ weights).std()))

    def chances(self, features: Floats, unread: Counts) -> Floats:
        """Return the chance of each pair to reach the threshold; 0 where both texts were read.

        Args:
            features: shape (m, n_features).
            unread: unread texts of each pair, 0, 1 or 2, shape (m,).
        """
        chances = np.zeros(len(features))
        for sides in self._weights:
            there = unread == sides
            # Never less than the normal distribution says: few tries may well have no hit.
            known = self._hits[sides] / (self._tries[sides] + _CAUTION)
            expected = np.maximum(_normal_share(_KNOTS), np.maximum.accumulate(known))
            deviations = self._deviation(features[there], sides)
            chances[there] = np.maximum(
                _normal_share(deviations), np.interp(deviations, _KNOTS, expected)
            )
        return chances

    def _deviation(self, features: Floats, sides: int) -> Floats:
        """Return how far above the threshold the forecasts are, in standard deviations."""
        above = features @ self._weights[sides] - self._threshold
        found: Floats = np.clip(above / self._deviations[sides], _KNOTS[0], _KNOTS[-1])
        return found


def _normal_share(deviations: Floats) -> Floats:
    """Return the standard normal distribution function at `deviations`, within 1e-3."""
    # numpy has no error function. Beyond 8 deviations nothing changes.
    grid = np.linspace(-8, 8, 3_201)
    table = np.array([(1 + math.erf(at / math.sqrt(2))) / 2 for at in grid])
    shares: Floats = np.interp(deviations, grid, table)
    return shares
