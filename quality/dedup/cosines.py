"""All pairs of vectors above a cosine, exactly, one block at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quality.dedup.kernels import Places

Vectors = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint64]

#: Digits kept of a cosine. Another batch of the encoder moves the seventh.
DECIMALS = 6
# One block of cosines: 2,048 * 8,192 float32 = 64 MiB.
_BLOCK_ROWS = 2_048
_BLOCK_COLUMNS = 8_192
# Rows of a sample at once, against all of a group: 64 * 1,000,000 float32 = 256 MB.
_SAMPLE_ROWS = 64


class SimilarPairs(NamedTuple):
    """Pairs of row numbers and their cosines.

    Attributes:
        pairs: int64, shape (m, 2), first column < second.
        similarities: float64, shape (m,), rounded to six decimals.
    """

    pairs: Places
    similarities: npt.NDArray[np.float64]


def candidate_pairs(
    vectors: Vectors,
    threshold: float,
    *,
    keys: Keys | None = None,
    max_partners: int | None = None,
) -> SimilarPairs:
    """Find all pairs with a cosine of at least `threshold`, exactly.

    Time grows with the square of the largest group of equal keys: 52,002 Alpaca prompts have 5,101
    guard keys and the largest group holds 62 % of the rows, so two fifths of all pairs are
    compared. Rows whose vector is zero cost nothing.

    Args:
        vectors: float32, shape (n, d), unit rows or zero rows; zero rows pair with nothing.
        threshold: cosine above 0, compared after rounding to six decimals.
        keys: shape (n,); only rows of equal key are compared, None compares all.
        max_partners: partners kept per row among the rows before it; None keeps all.

    Returns:
        The pairs, sorted. Memory: a group's vectors, one block of cosines (64 MiB) and the pairs
        found.
    """
    found: list[Places] = [np.empty((0, 2), dtype=np.int64)]
    values: list[npt.NDArray[np.float64]] = [np.empty(0)]
    partners = np.zeros(len(vectors), dtype=np.int64)
    for rows, columns, cosines in _blocks(vectors, keys):
        # A little below the threshold, so that rounding decides and not the comparison.
        left, right = np.nonzero(cosines >= threshold - 10.0**-DECIMALS)
        similarity: npt.NDArray[np.float64] = cosines[left, right].astype(np.float64)
        similarity = similarity.round(DECIMALS)
        left, right = rows[left], columns[right]
        good = (left < right) & (similarity >= threshold)
        left, right, similarity = left[good], right[good], similarity[good]
        if max_partners is not None:
            free = _first_partners(right, partners, max_partners)
            left, right, similarity = left[free], right[free], similarity[free]
        found.append(np.stack((left, right), axis=1))
        values.append(similarity)
    pairs = np.concatenate(found)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return SimilarPairs(pairs[order], np.concatenate(values)[order])


def has_partner(
    vectors: Vectors, threshold: float, *, keys: Keys | None = None
) -> npt.NDArray[np.bool_]:
    """Mark the rows that `candidate_pairs` would pair, in memory that does not grow with pairs.

    Args:
        vectors: as in `candidate_pairs`.
        threshold: as in `candidate_pairs`; a cosine up to 1e-6 below it counts too.
        keys: as in `candidate_pairs`.

    Returns:
        bool, shape (n,).
    """
    found = np.zeros(len(vectors), dtype=np.bool_)
    for rows, columns, cosines in _blocks(vectors, keys):
        similar = cosines >= threshold - 10.0**-DECIMALS
        # Blocks start on the diagonal, where a row meets itself.
        if rows[0] == columns[0]:
            np.fill_diagonal(similar, val=False)
        found[rows[similar.any(axis=1)]] = True
        found[columns[similar.any(axis=0)]] = True
    return found


def cosine_for(
    vectors: Vectors,
    wanted: int,
    *,
    keys: Keys | None = None,
    lowest: float,
    rows: int = 1_000,
    most: int = 64,
) -> float:
    """Estimate the cosine that `wanted` pairs reach, from some of the rows.

    Args:
        vectors: as in `candidate_pairs`.
        wanted: number of pairs.
        keys: as in `candidate_pairs`.
        lowest: the answer is not below this; above 0.
        rows: every k-th row is looked at, so that about this many are.
        most: pairs of a row that count, the nearest. Else one template with a thousand look-alikes
            would be all that is wanted.

    Returns:
        A cosine; `lowest` where fewer than `wanted` pairs reach it.
    """
    every = max(1, len(vectors) // rows)
    found = [np.empty(0, dtype=np.float32)]
    for group in _groups(vectors, keys):
        some = group[group % every == 0]
        here = vectors[group]
        for start in range(0, len(some), _SAMPLE_ROWS):
            chosen = some[start : start + _SAMPLE_ROWS]
            cosines = vectors[chosen] @ here.T
            cosines[chosen[:, None] == group] = -1
            if len(group) > most:
                cosines = np.partition(cosines, len(group) - most, axis=1)[:, -most:]
            found.append(cosines[cosines >= lowest])
    values = np.concatenate(found)
    # Seen from both its rows, a pair counts twice.
    kept = 2 * wanted // every
    if kept >= len(values):
        return lowest
    return float(np.partition(values, len(values) - kept - 1)[len(values) - kept - 1])


def _groups(vectors: Vectors, keys: Keys | None) -> Iterator[Places]:
    """Yield the rows of each key with more than one, ascending, zero rows left out."""
    filled = np.flatnonzero(vectors.any(axis=1))
    if keys is None:
        starts = np.zeros(1, dtype=np.int64)
    else:
        filled = filled[np.argsort(keys[filled], kind="stable")]
        ordered = keys[filled]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    for group in np.split(filled, starts[1:]):
        if len(group) > 1:
            yield group


def _blocks(
    vectors: Vectors, keys: Keys | None
) -> Iterator[tuple[Places, Places, npt.NDArray[np.float32]]]:
    """Yield (rows, columns, cosines) for the blocks that touch each group's upper triangle."""
    for group in _groups(vectors, keys):
        here = vectors[group]
        for start in range(0, len(group), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            for first in range(start, len(group), _BLOCK_COLUMNS):
                columns = slice(first, first + _BLOCK_COLUMNS)
                yield group[rows], group[columns], here[rows] @ here[columns].T


def _first_partners(right: Places, partners: Places, max_partners: int) -> Places:
    """Select the pairs for which the later row still has room, and count them in `partners`.

    Blocks come in ascending order of the earlier row, so the best rows are met first.
    """
    order = np.argsort(right, kind="stable")
    ordered = right[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    lengths = np.diff(starts, append=len(ordered))
    nth = np.arange(len(ordered)) - np.repeat(starts, lengths)
    chosen = np.sort(order[partners[ordered] + nth < max_partners])
    partners += np.bincount(right[chosen], minlength=len(partners))
    return chosen
