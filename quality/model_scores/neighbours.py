"""The nearest neighbours of every vector, exactly, one block of cosines at a time."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from schemas.errors import RunError

Places = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]

#: As many as Breunig et al. 2000 advise at least, so that one odd row beside moves little.
NEIGHBOURS = 10
# One block of cosines: 2,048 * 2,048 float32 = 16 MiB.
_BLOCK = 2_048
_ABSENT = -2.0


class Nearest(NamedTuple):
    """The nearest rows of every row.

    Attributes:
        rows: int64, shape (n, k), the nearest first; -1 for a row without neighbours.
        cosines: float64, shape (n, k); NaN for a row without neighbours.
    """

    rows: Places
    cosines: npt.NDArray[np.float64]


def nearest_neighbours(vectors: Vectors, neighbours: int = NEIGHBOURS) -> Nearest:
    """Find the rows with the highest cosine to each row, itself left out.

    Every pair is looked at once, so time grows with the square of the rows. Of rows equally near
    the first ones are taken.

    Args:
        vectors: float32, shape (n, d), unit rows; a zero row (a text without words) has no
            neighbours and is nobody's.
        neighbours: how many, at least 1.

    Returns:
        Neighbours of each row; of none, where there are no more than `neighbours` other rows that
        are not zero. Memory: the vectors once more, 12 bytes a neighbour and 16 MiB.

    Raises:
        RunError: if `vectors` is no matrix, or a row is neither of length 1 nor zero.

    Example:
        >>> vectors = np.array([[1, 0], [0.8, 0.6], [0, 1], [0, 0]], dtype=np.float32)
        >>> nearest_neighbours(vectors, 1).rows.ravel().tolist()
        [1, 0, 1, -1]
    """
    _check(vectors)
    rows = np.full((len(vectors), neighbours), -1, dtype=np.int64)
    cosines = np.full((len(vectors), neighbours), np.nan)
    filled = np.flatnonzero(vectors.any(axis=1))
    if len(filled) <= neighbours:
        return Nearest(rows, cosines)
    here = vectors[filled]
    near = np.full((len(here), neighbours), -1, dtype=np.int64)
    best = np.full((len(here), neighbours), _ABSENT, dtype=np.float32)
    for start in range(0, len(here), _BLOCK):
        block = here[start : start + _BLOCK]
        for first in range(start, len(here), _BLOCK):
            _keep_nearest(block @ here[first : first + _BLOCK].T, start, first, near, best)
    rows[filled], cosines[filled] = filled[near], np.clip(best, -1, 1)
    return Nearest(rows, cosines)


def _check(vectors: Vectors) -> None:
    if vectors.ndim != 2:
        msg = f"expected vectors of shape (n, d), got {vectors.shape}"
        raise RunError(msg)
    norms = np.linalg.norm(vectors, axis=1)
    if not np.all((norms == 0) | (np.abs(norms - 1) < 1e-3)):
        msg = f"expected vectors of length 1 (or 0), got {norms.min():.4f}..{norms.max():.4f}"
        raise RunError(msg)


@njit(cache=True, nogil=True)
def _insert(near: Places, best: Vectors, row: int, other: int, cosine: float) -> None:
    """Put a neighbour into a row's list, which is sorted, and push the last one out."""
    place = best.shape[1] - 1
    while place > 0 and best[row, place - 1] < cosine:
        best[row, place] = best[row, place - 1]
        near[row, place] = near[row, place - 1]
        place -= 1
    best[row, place] = cosine
    near[row, place] = other


@njit(cache=True, nogil=True)
def _keep_nearest(cosines: Vectors, start: int, first: int, near: Places, best: Vectors) -> None:
    """Offer every pair of a block to both of its rows."""
    last = best.shape[1] - 1
    for i in range(cosines.shape[0]):
        row = start + i
        for j in range(cosines.shape[1]):
            other = first + j
            # A block on the diagonal meets each pair twice and each row with itself.
            if other <= row:
                continue
            cosine = cosines[i, j]
            if cosine > best[row, last]:
                _insert(near, best, row, other, cosine)
            if cosine > best[other, last]:
                _insert(near, best, other, row, cosine)
