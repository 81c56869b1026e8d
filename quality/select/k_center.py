"""Rows far from each other: farthest-first, so that no row is far from a kept one."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from quality.select.nearest import DECIMALS, Floats, Places, Vectors

# Rows that compete for the next places. Their cosines are known at once: 2,048² float32 = 16 MiB.
_CANDIDATES = 2_048
_CHUNK = 8_192


def farthest_first(vectors: Vectors, weights: Floats | None = None) -> Iterator[int]:
    """Yield rows, each the farthest from all that were yielded before.

    The first is the first with a text. Exact: a row outside the candidates of a round was no
    farther away than the round's bound when all rows were last compared, and can only have come
    nearer since.

    Args:
        vectors: float32, shape (n, d), unit rows or zero rows, the best row first. Zero rows (no
            text) are no centres: they come last, in their order.
        weights: float64, shape (n,), above 0; distances count that many times. None: all 1.

    Yields:
        Every row number once. With k yielded it took `n * k * d` multiplications.

    Source:
        Gonzalez 1985, https://doi.org/10.1016/0304-3975(85)90224-5: without weights, no k rows
        cover all others within less than half the chord, `sqrt(2 - 2 * cosine)`, that these do;
        weights from 0.5 to 1 make it a quarter or less. Sener & Savarese 2018,
        https://arxiv.org/abs/1708.00489, choose training data so. Differs: starts at the best row.

    Example:
        >>> east, north = np.float32([1, 0]), np.float32([0, 1])
        >>> list(farthest_first(np.stack([east, east, north])))
        [0, 2, 1]
    """
    has_text: npt.NDArray[np.bool_] = np.any(vectors, axis=1)
    is_open = has_text.copy()
    scale = np.ones(len(vectors)) if weights is None else weights
    nearest = np.full(len(vectors), -1.0)
    fresh = np.flatnonzero(is_open)[:1].tolist()
    yield from fresh
    while fresh:
        is_open[fresh] = False
        _approach(vectors, nearest, fresh)
        fresh = []
        for row in _best_of_round(vectors, nearest, scale, is_open):
            fresh.append(row)
            yield row
    yield from np.flatnonzero(is_open).tolist()
    yield from np.flatnonzero(~has_text).tolist()


def _approach(vectors: Vectors, nearest: Floats, centres: list[int]) -> None:
    """Raise each row's cosine with its nearest centre by new centres."""
    new = vectors[centres].T
    for start in range(0, len(vectors), _CHUNK):
        rows = slice(start, start + _CHUNK)
        np.maximum(nearest[rows], (vectors[rows] @ new).max(axis=1), out=nearest[rows])


def _best_of_round(
    vectors: Vectors, nearest: Floats, scale: Floats, is_open: npt.NDArray[np.bool_]
) -> Iterator[int]:
    """Yield the farthest rows while they are certain to be the farthest of all."""
    gains = np.where(is_open, _distances(nearest) * scale, 0.0)
    rows, bound = _candidates(gains)
    here, near, gain = vectors[rows], nearest[rows], gains[rows]
    cosines = here @ here.T
    while len(rows):
        place = int(gain.argmax())
        if gain[place] <= 0 or gain[place] < bound:
            return
        yield int(rows[place])
        np.maximum(near, cosines[place], out=near)
        gain = np.minimum(gain, _distances(near) * scale[rows])
        gain[place] = 0.0


def _distances(nearest: Floats) -> Floats:
    """Return 1 - cosine, at least 0; rounded, since a copy's cosine is 1 but for the last bit."""
    distances: Floats = np.clip(1 - nearest, 0, None).round(DECIMALS)
    return distances


def _candidates(gains: Floats) -> tuple[Places, float]:
    """Return the rows of highest gain, ascending, and the highest gain of any other row."""
    if len(gains) <= _CANDIDATES:
        return np.arange(len(gains)), 0.0
    order = np.argsort(-gains, kind="stable")
    return np.sort(order[:_CANDIDATES]), float(gains[order[_CANDIDATES]])
