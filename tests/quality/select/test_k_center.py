from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.select import k_center as module
from quality.select.k_center import farthest_first


def unit_rows(count: int, seed: int, dimensions: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(count, dimensions)).astype(np.float32)
    made[rng.random(count) < 0.1] = 0
    copies = rng.integers(0, count, count // 4)
    made[copies] = made[(copies + 1) % count]
    norms = np.linalg.norm(made, axis=1, keepdims=True)
    return made / np.where(norms == 0, 1, norms)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 50), st.integers(0, 999), st.booleans(), st.sampled_from([3, 8, 2048]))
def test_each_row_is_the_farthest_that_is_left(
    count: int, seed: int, is_weighted: bool, candidates: int
) -> None:
    vectors = unit_rows(count, seed)
    weights = np.linspace(1, 0.5, count) if is_weighted else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CANDIDATES", candidates)
        order = list(farthest_first(vectors, weights))
    assert sorted(order) == list(range(count))
    filled = np.flatnonzero(vectors.any(axis=1)).tolist()
    assert sorted(order[: len(filled)]) == filled
    assert order[len(filled) :] == sorted(order[len(filled) :])
    scale = np.ones(count) if weights is None else weights
    nearest = np.full(count, -1.0)
    for place, row in enumerate(order[: len(filled)]):
        left = order[place : len(filled)]
        gains = np.clip(1 - nearest, 0, None) * scale
        if place:
            assert gains[row] >= gains[left].max() - 1e-5
        nearest = np.maximum(nearest, vectors @ vectors[row])


def test_it_starts_at_the_best_row_that_has_a_text() -> None:
    vectors = np.float32([[0, 0], [1, 0], [0, 1], [-1, 0]])
    assert list(farthest_first(vectors)) == [1, 3, 2, 0]
    assert list(farthest_first(np.zeros((3, 2), dtype=np.float32))) == [0, 1, 2]
    assert list(farthest_first(np.zeros((0, 2), dtype=np.float32))) == []


def test_no_other_centres_are_twice_as_good() -> None:
    """Gonzalez's bound, against the best of all choices."""
    from itertools import combinations

    for seed in range(8):
        vectors = unit_rows(12, seed, dimensions=2)
        vectors = vectors[vectors.any(axis=1)]
        chords = np.sqrt(np.clip(2 - 2 * vectors @ vectors.T, 0, None))
        centres = list(islice(farthest_first(vectors), 3))
        best = min(
            chords[:, list(some)].min(axis=1).max() for some in combinations(range(len(vectors)), 3)
        )
        assert chords[:, centres].min(axis=1).max() <= 2 * best + 1e-3


def test_weights_pull_towards_good_rows() -> None:
    vectors = np.float32([[1, 0], [0, 1], [-0.1, 0.995]])
    assert next(islice(farthest_first(vectors), 1, None)) == 2
    assert next(islice(farthest_first(vectors, np.array([1, 1, 0.8])), 1, None)) == 1
