"""Compiled loops against plain Python: hashes, buckets, comparisons, common subsequences."""

from collections import defaultdict

import numpy as np
import pytest
import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq

from quality.dedup.kernels import lcs_lengths, xxh32
from quality.dedup.kernels_buckets import bucket_rows, compare_large, compare_small
from tests.support.shingles import pack, similar_pairs

LARGEST = (1 << 64) - 1
# Equal keys, keys of equal high bits, keys of equal low bits, and no key.
KEYS = st.lists(
    st.one_of(
        st.sampled_from([0, 1, 2, 3, 1 << 63, (1 << 63) + 1, LARGEST]),
        st.integers(0, LARGEST),
        st.integers(0, 30).map(lambda high: high << 59),
    ),
    max_size=90,
)
SETS = st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=8), max_size=14)


def places(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def groups(keys: list[int]) -> list[list[int]]:
    """Rows of equal key, two and more; 0 is no key."""
    found = defaultdict(list)
    for row, key in enumerate(keys):
        found[key].append(row)
    return sorted(rows for key, rows in found.items() if key and len(rows) > 1)


def buckets(keys: list[int]) -> list[list[int]]:
    rows, starts = bucket_rows(np.array(keys, dtype=np.uint64))
    assert starts[0] == 0
    assert starts[-1] == rows.size
    return [part.tolist() for part in np.split(rows, starts[1:-1]) if len(part)]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=80), st.integers(0, 0xFFFFFFFF), st.integers(0, 5), st.integers(0, 5))
def test_xxh32_is_that_of_xxhash(text: bytes, seed: int, before: int, after: int) -> None:
    data = np.frombuffer(b"#" * before + text + b"#" * after, dtype=np.uint8)
    found = xxh32(data, before, before + len(text), np.uint64(seed))
    assert found == xxhash.xxh32_intdigest(text, seed)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 100_000])
def test_xxh32_of_every_kind_of_length(length: int) -> None:
    text = bytes(n * 37 % 256 for n in range(length))
    found = xxh32(np.frombuffer(text, dtype=np.uint8), 0, length, np.uint64(0))
    assert found == xxhash.xxh32_intdigest(text)


@settings(deadline=None, max_examples=100)
@given(KEYS)
@example([7] * 90)
@example([0] * 90)
@example([])
@example([LARGEST] * 2)
def test_buckets_are_the_groups_of_equal_keys(keys: list[int]) -> None:
    found = buckets(keys)
    assert sorted(found) == groups(keys)
    assert all(rows == sorted(rows) for rows in found)


@pytest.mark.parametrize("distinct", [1, 40, 3_000, 1 << 60])
def test_buckets_of_many_mixed_keys(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    values = rng.integers(0, distinct, 20_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    values[::7] = 0
    assert sorted(buckets(values.tolist())) == groups(values.tolist())


def small(
    sets: list[frozenset[str]], threshold: float, containment: float = 2.0, n_past: int = 0
) -> tuple[np.ndarray, int]:
    """All rows in one bucket, compared in full."""
    prints = pack(sets)
    nothing = np.empty((0, len(sets)), np.uint64), np.empty((0, len(sets)), np.bool_)
    everyone = np.arange(len(sets)), places([0, len(sets)])
    return compare_small(*everyone, *prints, *nothing, n_past, 99, threshold, containment)


@settings(deadline=None, max_examples=60)
@given(
    SETS,
    st.sampled_from([0.1, 1 / 3, 0.5, 0.7, 1.0]),
    st.sampled_from([None, 0.5, 0.8, 1.0]),
    st.integers(0, 14),
)
def test_a_small_bucket_is_compared_as_by_brute_force(
    sets: list[frozenset[str]], threshold: float, containment: float | None, n_past: int
) -> None:
    n_past = min(n_past, len(sets))
    pairs, compared = small(sets, threshold, containment or 2.0, n_past)
    expected = similar_pairs(sets, threshold, containment)
    assert {(a, b) for a, b, _ in pairs.tolist()} == {(a, b) for a, b in expected if b >= n_past}
    assert all(shared == len(sets[a] & sets[b]) for a, b, shared in pairs.tolist())
    assert compared == (len(sets) * (len(sets) - 1) - n_past * (n_past - 1)) // 2


def test_more_pairs_than_there_was_room_for() -> None:
    pairs, compared = small([frozenset("abc")] * 80, 1.0)
    assert compared == len(pairs) == 80 * 79 // 2
    assert len(np.unique(pairs[:, :2], axis=0)) == len(pairs)


def test_a_bucket_above_the_size_and_a_pair_compared_before_are_left_out() -> None:
    prints = pack([frozenset("ab")] * 5)
    rows, starts = places([0, 1, 2, 3, 4]), places([0, 3, 5])
    none = np.zeros((0, 5), np.bool_)
    nothing = np.empty((0, 5), np.uint64), none
    pairs, compared = compare_small(rows, starts, *prints, *nothing, 0, 2, 1.0, 2.0)
    assert (pairs.tolist(), compared) == ([[3, 4, 2]], 1)
    # Rows 0 and 1 met in an earlier band, 3 and 4 did so in a bucket that was too large.
    keys = np.array([[9, 9, 8, 7, 7]], dtype=np.uint64)
    crowded = np.array([[False, False, False, True, True]])
    pairs, compared = compare_small(rows, starts, *prints, keys, crowded, 0, 5, 1.0, 2.0)
    assert (pairs[:, :2].tolist(), compared) == ([[0, 2], [1, 2], [3, 4]], 3)


@settings(deadline=None, max_examples=50)
@given(SETS, st.randoms(), st.integers(1, 14), st.integers(0, 14), st.sampled_from([0.3, 0.7]))
def test_a_large_bucket_is_compared_with_its_first_rows_and_with_neighbours(
    sets: list[frozenset[str]], random, n_anchors: int, n_past: int, threshold: float
) -> None:
    size = len(sets)
    by_rank, by_tail = list(range(size)), list(range(size))
    random.shuffle(by_rank)
    random.shuffle(by_tail)
    pairs, _ = compare_large(
        *(places(by_rank), places(by_tail), places([0, size]), *pack(sets)),
        *(n_past, n_anchors, threshold, 2.0),
    )
    looked_at = {
        tuple(sorted((order[one], order[two])))
        for order, is_anchored in ((by_rank, True), (by_tail, False))
        for one in range(size)
        for two in range(one + 1, size)
        if (one < n_anchors if is_anchored else two - one <= n_anchors)
    }
    alike = {(a, b) for a, b in similar_pairs(sets, threshold) if b >= n_past}
    assert {(a, b) for a, b, _ in pairs.tolist()} == alike & looked_at
    if n_anchors >= size - 1:
        assert alike <= looked_at


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("abc", max_size=12), min_size=1, max_size=6))
def test_common_subsequences_are_those_of_rapidfuzz(texts: list[str]) -> None:
    tokens = np.array([ord(letter) for text in texts for letter in text], dtype=np.uint32)
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    left, right = map(np.ravel, np.indices((len(texts), len(texts))))
    found = lcs_lengths(tokens, offsets, left.astype(np.int64), right.astype(np.int64))
    assert found.tolist() == [
        LCSseq.similarity(texts[a], texts[b]) for a, b in zip(left, right, strict=True)
    ]
