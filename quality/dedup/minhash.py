"""MinHash signatures and banding: which rows could be similar.

The signatures are datasketch 2.0's own (scheme affine32), computed for many rows at once;
`tests/quality/dedup/test_minhash.py` holds them byte-equal to `datasketch.MinHash`.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import xxhash
from datasketch import MinHash

NUM_PERM = 128
SEED = 1
#: Candidate partners per row and band. A bucket of up to MAX_PARTNERS + 1 rows yields every pair.
MAX_PARTNERS = 64

Signatures = npt.NDArray[np.uint32]
IndexPairs = npt.NDArray[np.int64]

# Shingles permuted at once: 16,384 * 128 uint32 = 8 MiB, which stays in the cache of most CPUs.
_CHUNK = 16_384


class Bands(NamedTuple):
    """How a signature is cut for LSH: `bands` of `rows` values each."""

    bands: int
    rows: int
    expected_recall: float


def choose_bands(threshold: float, num_perm: int = NUM_PERM, recall: float = 0.995) -> Bands:
    """Choose the most selective banding that finds a pair at `threshold` with chance `recall`.

    Takes the longest band that can reach the recall and then all bands there is room for: more
    bands cost time only, since every candidate is verified.

    Args:
        threshold: Jaccard similarity, in (0, 1].
        num_perm: length of the signatures.
        recall: wished chance that a pair exactly at `threshold` shares a band.

    Returns:
        The banding; `expected_recall` is 1 - (1 - threshold^rows)^bands. Where no banding reaches
        `recall`, bands of one value: the best there is.

    Raises:
        ValueError: if `threshold` is outside (0, 1].

    Source:
        datasketch `MinHashLSH`. Differs: datasketch balances false positives against false
        negatives over all similarities, which finds only 44 % of the pairs at 0.7.

    Example:
        >>> choose_bands(0.7)[:2]
        (32, 4)
    """
    if not 0 < threshold <= 1:
        msg = f"expected a threshold in (0, 1], got {threshold!r}"
        raise ValueError(msg)
    for rows in range(num_perm, 0, -1):
        bands = num_perm // rows
        expected = 1 - (1 - threshold**rows) ** bands
        if expected >= recall:
            break
    return Bands(bands, rows, expected)


def signatures(shingle_sets: Iterable[Iterable[str]], num_perm: int = NUM_PERM) -> Signatures:
    """Compute the MinHash of every shingle set.

    Args:
        shingle_sets: n sets of shingles, hashed as UTF-8 by xxh32.
        num_perm: number of permutations.

    Returns:
        uint32, shape (n, num_perm), equal to `datasketch.MinHash(num_perm, seed=1,
        hashfunc=xxhash.xxh32_intdigest)` updated with the shingles; the largest uint32 throughout
        for an empty set, which no shingle set can reach in practice.
    """
    sets = [list(shingles) for shingles in shingle_sets]
    result = np.full((len(sets), num_perm), np.iinfo(np.uint32).max, dtype=np.uint32)
    multiplier, offset = MinHash(num_perm=num_perm, seed=SEED, scheme="affine32").permutations
    filled = np.flatnonzero(np.fromiter(map(len, sets), dtype=np.int64, count=len(sets)))
    for chunk in _chunks(filled, sets):
        rows = [sets[row] for row in chunk]
        hashes = _mix(_hash([shingle for row in rows for shingle in row]))
        starts = np.cumsum([0, *map(len, rows[:-1])])
        permuted = hashes[:, None] * multiplier + offset
        result[chunk] = np.minimum.reduceat(permuted, starts, axis=0)
    return result


def candidate_pairs(
    minhashes: Signatures, banding: Bands, *, max_partners: int = MAX_PARTNERS
) -> IndexPairs:
    """Pair the rows that share a band, without ever comparing a large bucket in full.

    A bucket (the rows with one band in common) of k rows holds k·(k-1)/2 pairs, which templated
    data makes ruinous, and a star around one row misses the pairs among the others. Here, in a
    bucket of up to `max_partners` + 1 rows every pair is a candidate. In a larger one each row is
    paired with the first `max_partners` / 2 rows of the bucket, which are the ones that survive
    where the caller sorted by priority, and with its `max_partners` / 2 next neighbours after
    sorting the bucket by whole signatures from this band on, where the most similar rows stand
    side by side. Every band draws other neighbours. So at most `max_partners` * n candidates
    come from a band, and two rows of a large bucket are missed only if they are no neighbours in
    any of the bands that they share. A whole input of so few rows is compared in full.

    Args:
        minhashes: uint32, shape (n, num_perm), rows in order of preference.
        banding: `bands` * `rows` <= num_perm.
        max_partners: bound on candidates per row and band, 2 at least.

    Returns:
        int64, shape (m, 2), unique, first column < second, sorted.
    """
    n_rows = len(minhashes)
    # An empty row's signature is the largest value throughout; it belongs to no bucket.
    filled = (minhashes != np.iinfo(np.uint32).max).any(axis=1)
    if n_rows <= max_partners + 1:
        places = np.flatnonzero(filled)
        left, right = np.triu_indices(len(places), k=1)
        return np.stack((places[left], places[right]), axis=1)
    codes = np.empty(0, dtype=np.int64)
    for band in range(banding.bands):
        bucketed = _bucketed_rows(minhashes, filled, band * banding.rows, banding.rows)
        pairs = np.concatenate(
            (_neighbours(bucketed, max_partners), _anchored(bucketed, max_partners))
        )
        found = np.unique(pairs.min(axis=1) * n_rows + pairs.max(axis=1))
        codes = np.union1d(codes, found)
    return np.stack(np.divmod(codes, max(n_rows, 1)), axis=1)


def estimate_similarity(minhashes: Signatures, pairs: IndexPairs) -> npt.NDArray[np.float64]:
    """Return the share of equal signature values of each pair: float64, shape (m,)."""
    shares = [
        (minhashes[part[:, 0]] == minhashes[part[:, 1]]).mean(axis=1)
        for part in np.array_split(pairs, len(pairs) // _CHUNK + 1)
    ]
    return np.concatenate(shares)


def _chunks(
    filled: npt.NDArray[np.int64], sets: Sequence[list[str]]
) -> Iterable[npt.NDArray[np.int64]]:
    """Cut the row numbers so that a chunk has about `_CHUNK` shingles (one row at least)."""
    totals = np.cumsum([len(sets[row]) for row in filled])
    cuts = np.flatnonzero(np.diff(totals // _CHUNK, prepend=-1))
    for start, end in pairwise(chain(cuts.tolist(), [len(filled)])):
        yield filled[start:end]


def _hash(shingles: list[str]) -> npt.NDArray[np.uint32]:
    """Hash as datasketch would. Lone surrogates, which JSON can carry, must not raise."""
    digest = xxhash.xxh32_intdigest
    return np.fromiter(
        (digest(shingle.encode("utf-8", "surrogatepass")) for shingle in shingles),
        dtype=np.uint32,
        count=len(shingles),
    )


def _mix(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Apply MurmurHash3's finalizer, which datasketch's affine32 puts before its permutations."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))


def _bucketed_rows(
    minhashes: Signatures, filled: npt.NDArray[np.bool_], start: int, length: int
) -> pl.DataFrame:
    """List the rows that share one band with another row, bucket after bucket.

    Returns:
        `row` Int64, `bucket` UInt64, `size` UInt32; inside a bucket similar rows side by side.
    """
    values = np.roll(minhashes, -start, axis=1)
    names = [f"value{column}" for column in range(length)]
    # Beyond the band a few values order a bucket well enough.
    tail = [f"next{column}" for column in range(min(4, values.shape[1] - length))]
    columns = {name: values[:, column] for column, name in enumerate(names + tail)}
    # Two bands of equal hash only add candidates, and those are verified.
    return (
        pl.DataFrame(columns)
        .select(pl.int_range(pl.len()).alias("row"), pl.struct(names).hash().alias("bucket"), *tail)
        .filter(pl.Series(filled))
        .with_columns(size=pl.len().over("bucket"))
        .filter(pl.col("size") > 1)
        .sort("bucket", *tail, "row")
        .select("row", "bucket", "size")
    )


def _neighbours(bucketed: pl.DataFrame, max_partners: int) -> IndexPairs:
    """Pair every row with those after it in its bucket: all, or half the bound in a large one."""
    rows, buckets = bucketed["row"].to_numpy(), bucketed["bucket"].to_numpy()
    is_small = bucketed["size"].to_numpy() <= max_partners + 1
    found = [np.empty((0, 2), dtype=np.int64)]
    for step in range(1, max_partners + 1):
        same = buckets[:-step] == buckets[step:]
        if step > max_partners // 2:
            same &= is_small[step:]
        if not same.any():
            break
        found.append(np.stack((rows[:-step][same], rows[step:][same]), axis=1))
    return np.concatenate(found)


def _anchored(bucketed: pl.DataFrame, max_partners: int) -> IndexPairs:
    """Pair every row of a large bucket with the bucket's first rows."""
    large = bucketed.filter(pl.col("size") > max_partners + 1)
    anchors = large.sort("row").group_by("bucket").head(max_partners // 2)
    pairs = (
        large.join(anchors.select("bucket", anchor="row"), on="bucket")
        .filter(pl.col("row") != pl.col("anchor"))
        .select("anchor", "row")
    )
    return pairs.to_numpy().astype(np.int64).reshape(-1, 2)
