"""The kept row that is nearest to each row, while more rows are being kept."""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]
Places: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

#: Digits kept of a cosine. Another batch of the encoder moves the seventh.
DECIMALS = 6
# Rows that are brought up to date together: neighbours in the order of the walk.
_CHUNK = 1_024
# Kept rows that a single row is compared with before its chunk is brought up to date.
_LAG = 512


class Near(NamedTuple):
    """A kept row, and its cosine, rounded to six decimals; -1 and 0 where there is none."""

    row: int
    similarity: float


class Nearest:
    """Finds for any row the nearest of the rows kept so far, exactly.

    Rows are compared with the kept ones when they are looked at, a chunk of neighbours at once, so
    rows that nobody looks at cost nothing. With k kept and v rows looked at it takes `k * v * d`
    multiplications, most of them in matrix products.
    """

    def __init__(self, vectors: Vectors) -> None:
        """Start with no row kept.

        Args:
            vectors: float32, shape (n, d), unit rows or zero rows, in the order of the walk; a
                zero row (no text) is near to nothing, and nothing to it.
        """
        self._vectors = vectors
        self._has_text: npt.NDArray[np.bool_] = np.any(vectors, axis=1)
        self._kept: list[int] = []
        # Grows by doubling; a list of rows would be copied at every comparison.
        self._stack = np.empty((_LAG, vectors.shape[1]), dtype=np.float32)
        self._best = np.full(len(vectors), -np.inf, dtype=np.float32)
        self._nearest = np.full(len(vectors), -1, dtype=np.int64)
        self._seen = np.zeros(-(-len(vectors) // _CHUNK), dtype=np.int64)

    def add(self, row: int) -> None:
        """Keep a row."""
        if not self._has_text[row]:
            return
        count = len(self._kept)
        if count == len(self._stack):
            self._stack = np.concatenate((self._stack, np.empty_like(self._stack)))
        self._stack[count] = self._vectors[row]
        self._kept.append(row)

    def look(self, row: int) -> Near:
        """Return the kept row nearest to `row`; of equally near ones the one kept first."""
        if not self._kept or not self._has_text[row]:
            return Near(-1, 0.0)
        chunk = row // _CHUNK
        if len(self._kept) - self._seen[chunk] > _LAG:
            self._catch_up(chunk)
        seen = int(self._seen[chunk])
        best, nearest = float(self._best[row]), int(self._nearest[row])
        if seen < len(self._kept):
            cosines = self._stack[seen : len(self._kept)] @ self._vectors[row]
            place = int(cosines.argmax())
            if cosines[place] > best:
                best, nearest = float(cosines[place]), self._kept[seen + place]
        return Near(nearest, round(best, DECIMALS))

    def look_at_all(self) -> tuple[Places, Floats]:
        """Return the nearest kept row and its cosine for every row; -1 and 0 where there is none.

        Returns:
            int64 and float64, both of shape (n,).
        """
        for chunk in range(len(self._seen)):
            self._catch_up(chunk)
        rows = np.where(self._has_text, self._nearest, -1)
        similarities = np.where(rows < 0, 0.0, self._best.astype(np.float64).round(DECIMALS))
        return rows, similarities

    def _catch_up(self, chunk: int) -> None:
        rows = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK)
        here = self._vectors[rows]
        for start in range(int(self._seen[chunk]), len(self._kept), _CHUNK):
            stop = min(start + _CHUNK, len(self._kept))
            cosines = here @ self._stack[start:stop].T
            places = cosines.argmax(axis=1)
            values = cosines[np.arange(len(here)), places]
            closer = values > self._best[rows]
            self._best[rows] = np.where(closer, values, self._best[rows])
            kept = np.array(self._kept[start:stop], dtype=np.int64)
            self._nearest[rows] = np.where(closer, kept[places], self._nearest[rows])
        self._seen[chunk] = len(self._kept)
