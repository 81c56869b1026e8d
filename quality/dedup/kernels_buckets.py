"""Compiled loops over LSH buckets: which rows share a key, and which of them are alike."""

from typing import Any

import numpy as np
from numba import njit

from quality.dedup.kernels import Hashes, Places

#: Containment counts between rows of which one is at most so many times as long.
SIZE_RATIO = 2
_ZERO = np.uint64(0)
_64 = np.uint64(64)


@njit(cache=True, nogil=True)
def bucket_rows(keys: Hashes) -> tuple[Places, Places]:
    """Group the rows of equal key; 0 is no key.

    Most rows share no key. A table of two bits a cell, four cells a row, tells most of them: only
    rows whose cell was met twice are dealt out into cells by the high bits of their key, and only
    inside such a cell keys are compared. That is several times faster than sorting.

    Args:
        keys: uint64, shape (n,), well mixed.

    Returns:
        Rows of the buckets of two rows and more, bucket after bucket, ascending within one: int64,
        shape (m,); and where each bucket starts: int64, shape (buckets + 1,).
    """
    bits = 4
    while (1 << bits) < keys.size:
        bits += 1
    shift = _64 - np.uint64(bits + 2)
    met = np.zeros(1 << bits, np.uint8)
    for row in range(keys.size):
        if keys[row] != _ZERO:
            cell = np.int64(keys[row] >> shift)
            once = 1 << (2 * (cell & 3))
            met[cell >> 2] |= once << 1 if met[cell >> 2] & once else once
    total = 0
    rows, named = np.empty(keys.size // 4 + 16, np.int64), np.empty(keys.size // 4 + 16, np.uint64)
    for row in range(keys.size):
        key = keys[row]
        cell = np.int64(key >> shift)
        if key != _ZERO and met[cell >> 2] & (2 << (2 * (cell & 3))):
            if total == rows.size:
                rows, named = _longer(rows), _longer(named)
            rows[total], named[total] = row, key
            total += 1
    rows, named, counts = _deal(rows[:total], named[:total])
    starts = np.empty(total // 2 + 1, np.int64)
    n_buckets, kept, first = 0, 0, 0
    for place in range(counts.size - 1):
        end = counts[place]
        if end - first > 1:
            _sort_cell(named, rows, first, end)
            at = first
            while at < end:
                after = at + 1
                while after < end and named[after] == named[at]:
                    after += 1
                if after - at > 1:
                    starts[n_buckets] = kept
                    n_buckets += 1
                    for member in range(at, after):
                        rows[kept] = rows[member]
                        kept += 1
                at = after
        first = end
    starts[n_buckets] = kept
    return rows[:kept].copy(), starts[: n_buckets + 1].copy()


@njit(cache=True, nogil=True)
def _longer(values: Any) -> Any:
    longer = np.empty(2 * values.size, values.dtype)
    longer[: values.size] = values
    return longer


@njit(cache=True, nogil=True)
def _deal(rows: Any, keys: Any) -> Any:
    """Put rows and keys into cells by the high bits of the key; return where each cell ends."""
    bits = 1
    while (1 << bits) < keys.size:
        bits += 1
    shift = _64 - np.uint64(bits)
    ends = np.zeros((1 << bits) + 1, np.int64)
    for at in range(keys.size):
        ends[np.int64(keys[at] >> shift) + 1] += 1
    for cell in range(1 << bits):
        ends[cell + 1] += ends[cell]
    dealt, named = np.empty(keys.size, np.int64), np.empty(keys.size, np.uint64)
    for at in range(keys.size):
        place = np.int64(keys[at] >> shift)
        dealt[ends[place]], named[ends[place]] = rows[at], keys[at]
        ends[place] += 1  # from where the cell starts to where it ends
    return dealt, named, ends


@njit(cache=True, nogil=True)
def _sort_cell(keys: Any, rows: Any, start: Any, end: Any) -> None:
    """Sort a cell by key, then row: Shell sort, which is one insertion sort for a small cell."""
    gap = 1
    while 3 * gap + 1 < (end - start) // 4:
        gap = 3 * gap + 1
    while gap > 0:
        for at in range(start + gap, end):
            key, row, place = keys[at], rows[at], at
            while place - gap >= start and (
                keys[place - gap] > key or (keys[place - gap] == key and rows[place - gap] > row)
            ):
                keys[place], rows[place] = keys[place - gap], rows[place - gap]
                place -= gap
            keys[place], rows[place] = key, row
        gap //= 3


@njit(cache=True, nogil=True)
def shared_shingles(
    hashes: Any, offsets: Any, left: Any, right: Any, threshold: Any, containment: Any
) -> Any:
    """Count the shingles that two rows share; -1 where the rows are not alike enough.

    Alike: Jaccard >= threshold, or `containment` of the shorter row's shingles stand in the
    other, which is at most twice as long.
    """
    first, first_end = offsets[left], offsets[left + 1]
    second, second_end = offsets[right], offsets[right + 1]
    one, two = first_end - first, second_end - second
    if one == 0 or two == 0:
        return -1
    by_jaccard = threshold * (one + two) / (1.0 + threshold)
    is_near = max(one, two) <= SIZE_RATIO * min(one, two)
    by_containment = containment * min(one, two) if is_near else 1e18
    # A little less than needed: the division at the end decides, not this shortcut.
    enough = np.int64(np.ceil(min(by_jaccard, by_containment) - 1e-6))
    spare_one, spare_two, shared = one - enough, two - enough, 0
    if spare_one < 0 or spare_two < 0:
        return -1
    while first < first_end and second < second_end:
        mine, other = hashes[first], hashes[second]
        if mine == other:
            shared += 1
            first += 1
            second += 1
        elif mine < other:
            first += 1
            spare_one -= 1
            if spare_one < 0:
                return -1
        else:
            second += 1
            spare_two -= 1
            if spare_two < 0:
                return -1
    if shared / (one + two - shared) >= threshold or shared >= by_containment:
        return shared
    return -1


@njit(cache=True, nogil=True)
def shared_counts(hashes: Hashes, offsets: Places, left: Places, right: Places) -> Places:
    """Count the shingles that two rows share, for every pair: int64, shape (m,)."""
    found = np.zeros(left.size, np.int64)
    for at in range(left.size):
        found[at] = max(0, shared_shingles(hashes, offsets, left[at], right[at], 0.0, 2.0))
    return found


@njit(cache=True, nogil=True)
def _keep_alike(
    found: Any,
    used: Any,
    hashes: Any,
    offsets: Any,
    left: Any,
    right: Any,
    threshold: Any,
    containment: Any,
) -> Any:
    """Compare two rows and store them, the smaller one first, if they are alike.

    Returns:
        The pairs, an array that may have grown, and how many there are.
    """
    shared = shared_shingles(hashes, offsets, left, right, threshold, containment)
    if shared < 0:
        return found, used
    if used == found.shape[0]:
        grown = np.empty((2 * used, 3), np.int64)
        grown[:used] = found
        found = grown
    found[used, 0], found[used, 1] = min(left, right), max(left, right)
    found[used, 2] = shared
    return found, used + 1


@njit(cache=True, nogil=True)
def compare_small(
    rows: Places,
    starts: Places,
    hashes: Hashes,
    offsets: Places,
    earlier: Hashes,
    crowded: Any,
    n_past: int,
    max_size: int,
    threshold: float,
    containment: float,
) -> tuple[Places, int]:
    """Compare every pair of every bucket of up to `max_size` rows.

    Args:
        rows: from `bucket_rows`.
        starts: from `bucket_rows`.
        hashes: sorted shingle hashes, row after row.
        offsets: int64, shape (rows + 1,).
        earlier: keys of bands that are done: uint64, shape (k, rows); a pair that shared a small
            bucket there has been compared.
        crowded: bool, shape (k, rows): rows that stood in a larger bucket in those bands.
        n_past: rows before this number belong to earlier versions; two of them do not pair.
        max_size: larger buckets are left out.
        threshold: Jaccard similarity.
        containment: see `shared_shingles`; above 1: off.

    Returns:
        (left row, right row, shared shingles) of the pairs that are alike: int64, shape (m, 3);
        and how many pairs were compared.
    """
    found = np.empty((1024, 3), np.int64)
    used = compared = 0
    for bucket in range(starts.size - 1):
        start, end = starts[bucket], starts[bucket + 1]
        if end - start > max_size:
            continue
        for one in range(start, end):
            for two in range(one + 1, end):
                left, right = rows[one], rows[two]
                if right < n_past:
                    continue
                done = False
                for band in range(earlier.shape[0]):
                    if earlier[band, left] == earlier[band, right] and not crowded[band, left]:
                        done = True
                        break
                if done:
                    continue
                compared += 1
                found, used = _keep_alike(
                    found, used, hashes, offsets, left, right, threshold, containment
                )
    return found[:used].copy(), compared


@njit(cache=True, nogil=True)
def compare_large(
    by_rank: Places,
    by_tail: Places,
    starts: Places,
    hashes: Hashes,
    offsets: Places,
    n_past: int,
    n_anchors: int,
    threshold: float,
    containment: float,
) -> tuple[Places, int]:
    """Compare every row of a bucket with its first rows and with its neighbours.

    Args:
        by_rank: rows, bucket after bucket, in the order of survival within one.
        by_tail: the same buckets, rows of similar signatures side by side.
        starts: where each bucket starts: int64, shape (buckets + 1,).
        hashes: as in `compare_small`.
        offsets: as in `compare_small`.
        n_past: as in `compare_small`.
        n_anchors: how many first rows, and how many next neighbours.
        threshold: as in `compare_small`.
        containment: as in `compare_small`.

    Returns:
        As `compare_small`; a pair may come twice.
    """
    found = np.empty((1024, 3), np.int64)
    used = compared = 0
    for bucket in range(starts.size - 1):
        start, end = starts[bucket], starts[bucket + 1]
        for one in range(start, end):
            last = min(one + n_anchors, end - 1)
            for step in range(min(one - start, n_anchors)):
                left, right = by_rank[start + step], by_rank[one]
                if left < n_past and right < n_past:
                    continue
                compared += 1
                found, used = _keep_alike(
                    found, used, hashes, offsets, left, right, threshold, containment
                )
            for two in range(one + 1, last + 1):
                left, right = by_tail[one], by_tail[two]
                if left < n_past and right < n_past:
                    continue
                compared += 1
                found, used = _keep_alike(
                    found, used, hashes, offsets, left, right, threshold, containment
                )
    return found[:used].copy(), compared
