"""Signatures equal to datasketch's; banding with the promised recall; bounded buckets."""

import numpy as np
import pytest
import xxhash
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.minhash import (
    candidate_pairs,
    choose_bands,
    estimate_similarity,
    signatures,
)
from quality.dedup.shingles import jaccard

SETS = st.lists(st.frozensets(st.text(max_size=8), max_size=30), max_size=8)


@settings(deadline=None)
@given(SETS, st.sampled_from([16, 128]))
def test_signatures_are_datasketch_signatures(sets: list[frozenset[str]], num_perm: int) -> None:
    ours = signatures(sets, num_perm)
    assert ours.dtype == np.uint32
    assert ours.shape == (len(sets), num_perm)
    for shingles, signature in zip(sets, ours, strict=True):
        theirs = MinHash(num_perm=num_perm, seed=1, hashfunc=xxhash.xxh32_intdigest)
        theirs.update_batch([shingle.encode() for shingle in shingles])
        assert signature.tobytes() == theirs.hashvalues.astype(np.uint32).tobytes()


def test_signatures_do_not_depend_on_the_chunk() -> None:
    sets = [frozenset(f"w{n + k}" for k in range(1 + n * 7 % 900)) for n in range(200)]
    sets[17] = sets[90] = frozenset()
    together = signatures(sets)
    alone = np.concatenate([signatures([shingles]) for shingles in sets])
    assert together.tobytes() == alone.tobytes()


def test_a_lone_surrogate_is_hashed_and_does_not_raise() -> None:
    assert signatures([frozenset({"\ud800"})]).shape == (1, 128)


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_bands_fit_and_reach_the_recall(threshold: float) -> None:
    bands, rows, expected = choose_bands(threshold)
    assert bands * rows <= 128
    assert expected == pytest.approx(1 - (1 - threshold**rows) ** bands)
    assert expected >= 0.995


def test_an_impossible_recall_gives_the_best_banding() -> None:
    assert choose_bands(0.01)[:2] == (128, 1)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1])
def test_a_threshold_that_is_none_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="expected a threshold"):
        choose_bands(threshold)


def test_pairs_at_the_threshold_are_found_as_often_as_promised() -> None:
    rng = np.random.default_rng(7)
    sets = []
    for _ in range(400):
        shared = {str(value) for value in rng.integers(0, 1 << 40, 70)}
        sets += [shared | {str(v) for v in rng.integers(0, 1 << 40, 15)} for _ in range(2)]
    banding = choose_bands(0.7, recall=0.9)
    found = set(map(tuple, candidate_pairs(signatures(sets), banding).tolist()))
    hits = sum((2 * n, 2 * n + 1) in found for n in range(400))
    deviation = (400 * banding.expected_recall * (1 - banding.expected_recall)) ** 0.5
    assert jaccard(frozenset(sets[0]), frozenset(sets[1])) == 0.7
    assert hits >= 400 * banding.expected_recall - 4 * deviation - 1


def test_estimates_are_close_to_the_truth() -> None:
    left = frozenset(map(str, range(100)))
    right = frozenset(map(str, range(20, 120)))
    (estimate,) = estimate_similarity(signatures([left, right]), np.array([[0, 1]]))
    assert estimate == pytest.approx(jaccard(left, right), abs=0.17)


def test_small_buckets_are_compared_in_full_and_large_ones_within_the_bound() -> None:
    same = signatures([frozenset({"x"})] * 300)
    banding = choose_bands(1.0)
    small = candidate_pairs(same[:65], banding)
    assert len(small) == 65 * 64 // 2
    large = candidate_pairs(same, banding)
    assert len(large) <= 300 * 64 * banding.bands
    # The first rows, the likely survivors, are compared with all.
    assert {(0, n) for n in range(1, 300)} <= set(map(tuple, large.tolist()))


def test_empty_rows_share_no_bucket() -> None:
    assert candidate_pairs(signatures([frozenset()] * 5), choose_bands(0.7)).shape == (0, 2)
    assert candidate_pairs(signatures([]), choose_bands(0.7)).shape == (0, 2)
