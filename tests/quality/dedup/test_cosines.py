"""Pairs above a cosine: those of brute force, within a key, with bounded partners."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quality.dedup import cosines
from quality.dedup.cosines import candidate_pairs, cosine_for, has_partner

ARRAYS = st.integers(0, 14).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, (n, 3), elements=st.integers(-4, 4).map(float)),
        arrays(np.uint64, n, elements=st.integers(0, 2)),
    )
)


def unit(array: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    return (array / np.where(norms == 0, 1, norms)).astype(np.float32)


@settings(deadline=None)
@given(ARRAYS, st.sampled_from([0.3, 0.9, 1.0]), st.booleans())
def test_pairs_are_those_of_brute_force(
    drawn: tuple[np.ndarray, np.ndarray], threshold: float, keyed: bool
) -> None:
    vectors, keys = unit(drawn[0]), drawn[1] if keyed else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines, "_BLOCK_ROWS", 4)
        patch.setattr(cosines, "_BLOCK_COLUMNS", 5)
        found = candidate_pairs(vectors, threshold, keys=keys)
        partnered = has_partner(vectors, threshold, keys=keys)
    exact = np.round(vectors.astype(np.float64) @ vectors.T.astype(np.float64), 6)
    truth = [
        (a, b)
        for a in range(len(vectors))
        for b in range(a + 1, len(vectors))
        if exact[a, b] >= threshold and (keys is None or keys[a] == keys[b])
    ]
    assert list(map(tuple, found.pairs.tolist())) == truth
    assert partnered.tolist() == [any(row in pair for pair in truth) for row in range(len(vectors))]
    assert found.similarities == pytest.approx([exact[pair] for pair in truth], abs=2e-6)


def test_partners_are_bounded_and_the_first_ones_are_kept() -> None:
    vectors = unit(np.ones((50, 2), dtype=np.float32))
    found = candidate_pairs(vectors, 0.9, max_partners=3)
    assert set(map(tuple, found.pairs.tolist())) == {
        (a, b) for b in range(50) for a in range(min(3, b))
    }


def test_rows_of_another_key_do_not_pair() -> None:
    same = unit(np.ones((4, 2), dtype=np.float32))
    keys = np.array([1, 2, 1, 3], dtype=np.uint64)
    assert has_partner(same, 0.9, keys=keys).tolist() == [True, False, True, False]
    assert candidate_pairs(same, 0.9, keys=keys).pairs.tolist() == [[0, 2]]


def test_the_cosine_that_many_pairs_reach() -> None:
    rng = np.random.default_rng(3)
    vectors = unit(rng.standard_normal((300, 8)))
    keys = np.arange(300, dtype=np.uint64) % 2
    cut = cosine_for(vectors, 500, keys=keys, lowest=0.1)
    assert abs(len(candidate_pairs(vectors, cut, keys=keys).pairs) - 500) <= 1
    # From every third row, about as many.
    rough = cosine_for(vectors, 500, keys=keys, lowest=0.1, rows=100)
    assert 350 < len(candidate_pairs(vectors, rough, keys=keys).pairs) < 700
    assert cosine_for(vectors, 10**6, keys=keys, lowest=0.1) == 0.1
    assert cosine_for(vectors[:1], 10, lowest=0.1) == 0.1


def test_one_template_is_not_all_that_is_wanted() -> None:
    rng = np.random.default_rng(3)
    vectors = unit(rng.standard_normal((400, 8)))
    vectors[:200] = vectors[0]
    # 19,900 pairs of equal rows would leave nothing for the others.
    assert cosine_for(vectors, 5_000, lowest=0.1, most=10) < 0.9
    assert cosine_for(vectors, 5_000, lowest=0.1, most=400) > 0.99
