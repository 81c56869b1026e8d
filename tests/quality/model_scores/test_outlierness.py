"""Outlierness: the local outlier factor, as scikit-learn computes it."""

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from quality.model_scores import nearest_neighbours, outlierness


def unit(array: np.ndarray) -> np.ndarray:
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("neighbours", [1, 5, 20])
def test_it_is_the_local_outlier_factor(neighbours: int) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(120, 8)))
    reference = LocalOutlierFactor(neighbours, metric="cosine", algorithm="brute").fit(vectors)
    found = outlierness(nearest_neighbours(vectors, neighbours))
    assert found == pytest.approx(-reference.negative_outlier_factor_, rel=1e-3)


def test_a_lonely_row_beside_a_crowd_stands_out() -> None:
    draw = np.random.default_rng(0)
    crowd = np.array([1.0, 0, 0]) + 0.01 * draw.normal(size=(50, 3))
    vectors = unit(np.concatenate((crowd, [[0.9, 0.5, 0.0]])))
    found = outlierness(nearest_neighbours(vectors, 10))
    assert found[-1] > 50
    assert np.median(found[:-1]) == pytest.approx(1, abs=0.2)


def test_a_thin_region_is_no_reproach() -> None:
    draw = np.random.default_rng(0)
    crowd = np.array([1.0, 0, 0]) + 0.01 * draw.normal(size=(50, 3))
    thin = np.array([-1.0, 0, 0]) + 0.1 * draw.normal(size=(50, 3))
    found = outlierness(nearest_neighbours(unit(np.concatenate((crowd, thin))), 10))
    assert np.median(found[50:]) == pytest.approx(np.median(found[:50]), abs=0.1)


def test_equal_vectors_stay_finite() -> None:
    vectors = unit(np.concatenate((np.ones((12, 3)), [[1, 0, 0], [0, 1, 0]])))
    found = outlierness(nearest_neighbours(vectors, 3))
    assert np.isfinite(found).all()
    assert found[:12] == pytest.approx(1)


def test_rows_without_neighbours_abstain_and_touch_nobody() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(30, 4)))
    padded = np.concatenate((np.zeros((1, 4), dtype=np.float32), vectors))
    found = outlierness(nearest_neighbours(padded, 5))
    assert np.isnan(found[0])
    assert np.array_equal(found[1:], outlierness(nearest_neighbours(vectors, 5)))
    assert np.isnan(outlierness(nearest_neighbours(vectors[:5], 5))).all()
