"""Nearest neighbours: those of brute force, whatever the blocks and the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quality.model_scores import nearest_neighbours, neighbours
from schemas.errors import RunError

ARRAYS = st.integers(0, 14).flatmap(
    lambda n: arrays(np.float32, (n, 3), elements=st.integers(-4, 4).map(float))
)


def unit(array: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    return (array / np.where(norms == 0, 1, norms)).astype(np.float32)


def crowd(n_rows: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n_rows, 16)))


@settings(deadline=None)
@given(ARRAYS, st.integers(1, 4), st.integers(1, 9))
def test_they_are_those_of_brute_force(array: np.ndarray, wanted: int, block: int) -> None:
    vectors = unit(array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_BLOCK", block)
        found = nearest_neighbours(vectors, wanted)
    filled = np.flatnonzero(vectors.any(axis=1))
    if len(filled) <= wanted:
        assert (found.rows == -1).all()
        assert np.isnan(found.cosines).all()
        return
    for row in range(len(vectors)):
        others = filled[filled != row]
        if row not in filled:
            assert (found.rows[row] == -1).all()
            continue
        truth = np.sort(vectors[others] @ vectors[row])[::-1][:wanted]
        assert found.cosines[row] == pytest.approx(truth, abs=1e-6)
        assert set(found.rows[row]) <= set(others)
        assert len(set(found.rows[row])) == wanted
        own = vectors[found.rows[row]] @ vectors[row]
        assert found.cosines[row] == pytest.approx(own, abs=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = crowd(300)
    whole = nearest_neighbours(vectors, 5)
    monkeypatch.setattr(neighbours, "_BLOCK", 64)
    cut = nearest_neighbours(vectors, 5)
    assert np.array_equal(cut.rows, whole.rows)
    assert cut.cosines == pytest.approx(whole.cosines, abs=1e-6)


def test_the_order_of_rows_changes_nothing() -> None:
    vectors = crowd(200)
    order = np.random.default_rng(1).permutation(200)
    straight, shuffled = nearest_neighbours(vectors, 5), nearest_neighbours(vectors[order], 5)
    assert np.array_equal(order[shuffled.rows], straight.rows[order])
    assert shuffled.cosines == pytest.approx(straight.cosines[order], abs=1e-6)


def test_of_rows_equally_near_the_first_are_taken() -> None:
    vectors = unit(np.ones((6, 2)))
    assert nearest_neighbours(vectors, 2).rows.tolist() == [
        [1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1],
    ]  # fmt: skip


@pytest.mark.parametrize("vectors", [np.ones(3), np.full((3, 2), 2.0), np.full((3, 2), np.nan)])
def test_what_are_no_unit_vectors_is_an_error(vectors: np.ndarray) -> None:
    with pytest.raises(RunError, match="expected vectors"):
        nearest_neighbours(vectors.astype(np.float32), 1)
