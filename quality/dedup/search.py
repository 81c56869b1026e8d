"""Finds all pairs of rows that share enough shingles: LSH names candidates, exact sets decide.

The same functions serve arrays in memory and arrays mapped from disk, one band at a time, so that
a band can be a task of its own on any thread, process or machine.
"""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from quality.dedup.kernels import Hashes, Places, minhash_rows
from quality.dedup.kernels_buckets import SIZE_RATIO, bucket_rows, compare_large, compare_small
from quality.dedup.minhash import Bands, band_keys, choose_bands, permutations
from quality.dedup.shingles import Fingerprints, fingerprint

#: A bucket of up to MAX_PARTNERS + 1 rows is compared in full.
MAX_PARTNERS = 64
# A pair that shared one of the first bands is not compared again.
CHECKED_BANDS = 4
# Signature values beyond the band by which a large bucket is sorted.
_TAIL = 4


class Limits(NamedTuple):
    """When two rows are alike.

    Attributes:
        threshold: Jaccard similarity, in (0, 1].
        containment: share of the shorter row's shingles that stand in a row at most twice as
            long, in (0, 1]; such a pair is alike whatever its Jaccard. None: off.
        max_partners: rows with which a row of a large bucket is compared, per band.
    """

    threshold: float
    containment: float | None = None
    max_partners: int = MAX_PARTNERS

    @property
    def lowest(self) -> float:
        """The lowest Jaccard similarity that two alike rows can have."""
        if self.containment is None:
            return self.threshold
        # It reaches a row of half the size, whose Jaccard is c / (3 - c).
        return min(self.threshold, self.containment / (1 + SIZE_RATIO - self.containment))

    @property
    def contained(self) -> float:
        """The containment for the kernels, above 1 where it is off."""
        return 2.0 if self.containment is None else self.containment


class Found(NamedTuple):
    """Pairs of one band, or of all.

    Attributes:
        pairs: int64, shape (m, 3): row, later row, shared shingles; sorted, without repeats.
        compared: how many pairs of shingle sets were compared for them.
        crowded: bool, shape (n,): rows that stood in a bucket too large to compare in full.
    """

    pairs: Places
    compared: int
    crowded: npt.NDArray[np.bool_]


class Earlier(NamedTuple):
    """What the first bands have seen, so that later ones need not look again.

    Attributes:
        keys: uint64, shape (k, n).
        crowded: bool, shape (k, n).
    """

    keys: Hashes
    crowded: npt.NDArray[np.bool_]


def nothing_earlier(n_rows: int) -> Earlier:
    """Return the `Earlier` of the first bands."""
    return Earlier(np.empty((0, n_rows), np.uint64), np.empty((0, n_rows), np.bool_))


def alike_in_small_buckets(
    keys: Hashes, fingerprints: Fingerprints, limits: Limits, earlier: Earlier, n_past: int = 0
) -> Found:
    """Compare the rows that share a key of one band, where not too many do.

    Args:
        keys: uint64, shape (n,): one band of `band_keys`.
        fingerprints: the n rows.
        limits: when two rows are alike.
        earlier: bands that are done.
        n_past: rows before this number belong to earlier versions and do not pair among themselves.
    """
    rows, starts = bucket_rows(keys)
    size = limits.max_partners + 1
    pairs, compared = compare_small(
        *(rows, starts, *fingerprints, *earlier, n_past, size, limits.threshold, limits.contained)
    )
    crowded = np.zeros(keys.size, np.bool_)
    crowded[rows[np.repeat(np.diff(starts) > size, np.diff(starts))]] = True
    return Found(_unique(pairs), compared, crowded)


def alike_in_large_buckets(
    keys: Hashes,
    fingerprints: Fingerprints,
    limits: Limits,
    rank: Places,
    tail: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
    n_past: int = 0,
) -> Found:
    """Compare the rows of large buckets without ever comparing one in full.

    A bucket of k rows holds k·(k-1)/2 pairs, which templated data makes ruinous. Here each row is
    compared with the first `max_partners` / 2 rows of its bucket in the order of survival, and with
    as many neighbours after sorting the bucket by further signature values, where the most similar
    rows stand side by side. Every band draws other neighbours. Two rows of a large bucket are
    missed only if neither is among its first and they are no neighbours in any band they share.

    Args:
        keys: as in `alike_in_small_buckets`.
        fingerprints: the n rows.
        limits: when two rows are alike.
        rank: int64, shape (n,): place of each row in the order of survival.
        tail: permutations beyond this band's own, by which neighbours are found.
        n_past: as in `alike_in_small_buckets`.
    """
    rows, starts = bucket_rows(keys)
    sizes = np.diff(starts)
    large = sizes > limits.max_partners + 1
    crowded = np.zeros(keys.size, np.bool_)
    if not large.any():
        return Found(np.empty((0, 3), np.int64), 0, crowded)
    rows = rows[np.repeat(large, sizes)]
    crowded[rows] = True
    buckets = np.repeat(np.arange(large.sum()), sizes[large])
    ends = np.cumsum(sizes[large])
    by_rank = rows[np.lexsort((rank[rows], buckets))]
    values = minhash_rows(*fingerprints, rows, *tail)
    by_tail = rows[np.lexsort((rank[rows], *values.T[::-1], buckets))]
    pairs, compared = compare_large(
        by_rank,
        by_tail,
        np.concatenate(([0], ends)).astype(np.int64),
        *fingerprints,
        n_past,
        limits.max_partners // 2,
        limits.threshold,
        limits.contained,
    )
    return Found(_unique(pairs), compared, crowded)


def tail_permutations(
    banding: Bands, band: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Return the permutations after those of a band, around the end where there are no more."""
    factors, terms = permutations(banding.num_perm)
    places = (np.arange(_TAIL) + (band + 1) * banding.rows) % banding.num_perm
    return factors[places], terms[places]


def alike_pairs(
    fingerprints: Fingerprints,
    limits: Limits,
    *,
    rank: Places,
    salts: Hashes | None = None,
    n_past: int = 0,
    banding: Bands | None = None,
) -> Found:
    """Find the pairs of rows that are alike, all in memory.

    Args:
        fingerprints: n rows.
        limits: when two rows are alike.
        rank: int64, shape (n,): place of each row in the order of survival.
        salts: uint64, shape (n,); rows of different salt are never alike. None: all may be.
        n_past: rows before this number belong to earlier versions and do not pair among themselves.
        banding: how signatures are cut; None: `choose_bands` for the lowest similarity asked for.

    Returns:
        The pairs. Up to `max_partners` + 1 rows are all compared, without any banding.
    """
    banding = banding or choose_bands(limits.lowest)
    n_rows = len(fingerprints)
    nothing = nothing_earlier(n_rows)
    if n_rows <= limits.max_partners + 1:
        has_text = np.diff(fingerprints.offsets) > 0
        key = np.ones(n_rows, np.uint64) if salts is None else salts * np.uint64(2) + np.uint64(1)
        return alike_in_small_buckets(
            np.where(has_text, key, np.uint64(0)), fingerprints, limits, nothing, n_past
        )
    keys = band_keys(fingerprints, banding, salts)
    first = [
        alike_in_small_buckets(keys[band], fingerprints, limits, nothing, n_past)
        for band in range(min(CHECKED_BANDS, banding.bands))
    ]
    earlier = Earlier(keys[: len(first)], np.stack([found.crowded for found in first]))
    every = first + [
        alike_in_small_buckets(keys[band], fingerprints, limits, earlier, n_past)
        for band in range(len(first), banding.bands)
    ]
    for band, small in enumerate(list(every)):
        if small.crowded.any():
            tail = tail_permutations(banding, band)
            every.append(
                alike_in_large_buckets(keys[band], fingerprints, limits, rank, tail, n_past)
            )
    return merge(every)


@cache
def load_kernels() -> None:
    """Compile every kernel of a search, or load it, in the thread that calls.

    Threads that all come to an unloaded kernel at once break Python 3.11: numba parses its source,
    and the parser counts its depth for all threads together (python/cpython#106905).
    """
    prints = fingerprint(pl.Series(["one row", "one row"]))
    keys = band_keys(prints, Bands(1, 1))[0]
    rank = np.arange(2, dtype=np.int64)
    tail = tail_permutations(Bands(1, 1), 0)
    alike_in_small_buckets(keys, prints, Limits(1.0), nothing_earlier(2))
    alike_in_large_buckets(keys, prints, Limits(1.0, None, 0), rank, tail)


def merge(parts: Iterable[Found]) -> Found:
    """Put the pairs of several bands together, one or more, holding one band at a time."""
    pairs, compared, crowded = [], 0, np.zeros(1, np.bool_)
    for part in parts:
        pairs.append(part.pairs)
        compared += part.compared
        crowded = crowded | part.crowded
    return Found(_unique(np.concatenate(pairs)), compared, crowded)


def jaccard(pairs: Places, fingerprints: Fingerprints) -> npt.NDArray[np.float64]:
    """Return the Jaccard similarity of found pairs: float64, shape (m,)."""
    sizes = np.diff(fingerprints.offsets)
    shared = pairs[:, 2]
    similarity: npt.NDArray[np.float64] = shared / (
        sizes[pairs[:, 0]] + sizes[pairs[:, 1]] - shared
    )
    return similarity


def _unique(pairs: Places) -> Places:
    """Sort pairs and drop repeats."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs = pairs[order]
    if len(pairs) < 2:
        return pairs
    is_new = np.concatenate(([True], (pairs[1:, :2] != pairs[:-1, :2]).any(axis=1)))
    found: Places = pairs[is_new]
    return found
