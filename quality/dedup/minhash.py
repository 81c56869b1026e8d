"""MinHash signatures and their banding: which rows could be similar.

The signatures are datasketch 2.0's own (scheme affine32), computed for many rows at once;
`tests/quality/dedup/test_minhash.py` holds them byte-equal to `datasketch.MinHash`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quality.dedup import kernels
from quality.dedup.shingles import Fingerprints

SEED = 1
#: Permutations that a banding may use, and that `signatures` computes by default.
NUM_PERM = 160
#: Expected share of the pairs at the threshold that share a band.
RECALL = 0.995

Signatures = npt.NDArray[np.uint32]


class Bands(NamedTuple):
    """How a signature is cut for LSH: `bands` of `rows` values each."""

    bands: int
    rows: int

    @property
    def num_perm(self) -> int:
        """How many permutations they take."""
        return self.bands * self.rows

    def chance(self, similarity: float) -> float:
        """Return the chance that a pair of this Jaccard similarity shares a band (the S-curve).

        Example:
            >>> round(Bands(29, 5).chance(0.7), 4)
            0.9952
        """
        return float(1 - (1 - similarity**self.rows) ** self.bands)


def choose_bands(threshold: float, num_perm: int = NUM_PERM, recall: float = RECALL) -> Bands:
    """Choose the most selective banding that finds a pair at `threshold` with chance `recall`.

    Takes the longest band whose copies reach the recall within `num_perm` permutations, and no
    more copies than that: a pair above the threshold is found more surely still, one far below it
    need not be compared.

    Args:
        threshold: Jaccard similarity, in (0, 1].
        num_perm: permutations that there may be, at most.
        recall: wished chance that a pair exactly at `threshold` shares a band, in (0, 1).

    Returns:
        The banding. Where none reaches `recall`, bands of one value: the best there is.

    Raises:
        ValueError: if `threshold` is outside (0, 1].

    Source:
        datasketch `MinHashLSH`. Differs: datasketch balances false positives against false
        negatives over all similarities, which finds only 44 % of the pairs at 0.7.

    Example:
        >>> choose_bands(0.7)
        Bands(bands=29, rows=5)
    """
    if not 0 < threshold <= 1:
        msg = f"expected a threshold in (0, 1], got {threshold!r}"
        raise ValueError(msg)
    for rows in range(min(num_perm, 32), 0, -1):
        for bands in range(1, num_perm // rows + 1):
            found = Bands(bands, rows)
            if found.chance(threshold) >= recall:
                return found
    return Bands(num_perm, 1)


@cache
def permutations(num_perm: int) -> tuple[Signatures, Signatures]:
    """Return datasketch's own permutations: factors and terms, uint32, shape (num_perm,) each."""
    # datasketch imports all of scipy; whoever only chooses bands need not wait for it.
    from datasketch import MinHash

    factors, terms = MinHash(num_perm=num_perm, seed=SEED, scheme="affine32").permutations
    return np.asarray(factors, dtype=np.uint32), np.asarray(terms, dtype=np.uint32)


def signatures(fingerprints: Fingerprints, num_perm: int = NUM_PERM) -> Signatures:
    """Compute the MinHash of every row.

    Args:
        fingerprints: the rows' shingles.
        num_perm: number of permutations.

    Returns:
        uint32, shape (n, num_perm), equal to `datasketch.MinHash(num_perm, seed=1,
        hashfunc=xxhash.xxh32_intdigest)` updated with the shingles; the largest uint32 throughout
        for an empty row, which no shingle can reach in practice.
    """
    factors, terms = permutations(num_perm)
    rows = np.arange(len(fingerprints), dtype=np.int64)
    found: Signatures = kernels.minhash_rows(*fingerprints, rows, factors, terms)
    return found


def band_keys(
    fingerprints: Fingerprints, banding: Bands, salts: kernels.Hashes | None = None
) -> kernels.Hashes:
    """Hash every band of every row's signature.

    Args:
        fingerprints: the rows' shingles.
        banding: how signatures are cut.
        salts: uint64, shape (n,); rows of different salt never share a key. None: all may.

    Returns:
        uint64, shape (bands, n); 0 where a row has no shingle. Two different bands have the same
        key with a chance of 2**-63, and a candidate is compared in full anyway.
    """
    factors, terms = permutations(banding.num_perm)
    if salts is None:
        salts = np.zeros(len(fingerprints), dtype=np.uint64)
    keys: kernels.Hashes = kernels.band_keys(*fingerprints, factors, terms, banding.bands, salts)
    return keys
