"""Density: high in a crowd, low outside, none without neighbours."""

import numpy as np
import pytest

from quality.model_scores import density, nearest_neighbours


def test_a_crowd_is_denser_than_what_lies_outside() -> None:
    draw = np.random.default_rng(0)
    crowd = np.array([1.0, 0, 0, 0]) + 0.05 * draw.normal(size=(20, 4))
    outside = draw.normal(size=(10, 4))
    vectors = np.concatenate((crowd, outside))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = density(nearest_neighbours(vectors, 5))
    assert found[:20].min() > 0.98
    assert np.median(found[20:]) < 0.9
    truth = np.sort(vectors @ vectors.T - 2 * np.eye(30), axis=1)[:, -5:].mean(axis=1)
    assert found == pytest.approx(truth, abs=1e-6)


def test_without_neighbours_there_is_none() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32)
    assert np.isnan(density(nearest_neighbours(vectors, 2))).all()
    assert density(nearest_neighbours(vectors, 1)).tolist() == pytest.approx(
        [0, 0, np.nan], nan_ok=True
    )
