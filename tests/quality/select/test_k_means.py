import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.select import k_means as module
from quality.select.k_means import cluster


def clouds(centres: int, size: int, seed: int, *, width: float = 0.05) -> np.ndarray:
    """Unit vectors around some directions, cloud after cloud."""
    rng = np.random.default_rng(seed)
    axes = np.eye(centres, 8).repeat(size, axis=0)
    made = (axes + rng.normal(scale=width, size=axes.shape)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_clouds_are_found(seed: int) -> None:
    found = cluster(clouds(6, 30, seed), 6, seed=seed)
    by_cloud = found.labels.reshape(6, 30)
    assert (by_cloud == by_cloud[:, :1]).all()
    assert len(set(by_cloud[:, 0].tolist())) == 6
    assert found.cosines.min() > 0.9
    assert np.linalg.norm(found.centres, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_largest_cluster_is_the_first() -> None:
    vectors = np.concatenate([clouds(3, 5, 0), clouds(2, 20, 1), clouds(1, 9, 2)])
    found = cluster(vectors, 3)
    sizes = np.bincount(found.labels).tolist()
    assert sizes == [34, 25, 5]


def test_rows_without_a_vector_have_no_cluster() -> None:
    vectors = clouds(2, 3, 0)
    vectors[[1, 4]] = 0
    found = cluster(vectors, 2)
    assert found.labels[[1, 4]].tolist() == [-1, -1]
    assert found.cosines[[1, 4]].tolist() == [0.0, 0.0]
    assert (np.delete(found.labels, [1, 4]) >= 0).all()
    nothing = cluster(np.zeros((3, 8), dtype=np.float32), 2)
    assert nothing.labels.tolist() == [-1, -1, -1]
    assert nothing.centres.shape == (0, 8)
    assert cluster(np.zeros((0, 8), dtype=np.float32), 2).labels.tolist() == []


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 99))
def test_every_cluster_has_rows_and_every_row_its_nearest_centre(
    count: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 2, size=(count, 3)).astype(np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(norms == 0, 1, norms)
    found = cluster(vectors, k, seed=seed)
    filled = vectors.any(axis=1)
    used = sorted(set(found.labels[filled].tolist()))
    assert used == list(range(len(found.centres)))
    assert len(used) <= min(k, len(np.unique(vectors[filled], axis=0)))
    cosines = vectors[filled] @ found.centres.T if len(used) else np.empty((0, 0))
    if len(used):
        assert found.cosines[filled] == pytest.approx(cosines.max(axis=1), abs=1e-5)
    again = cluster(vectors, k, seed=seed)
    assert again.labels.tolist() == found.labels.tolist()


def test_of_several_starts_the_best_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clouds(8, 12, 5, width=0.4)
    totals = []
    for starts in (1, 4):
        monkeypatch.setattr(module, "STARTS", starts)
        totals.append([float(cluster(vectors, 8, seed=seed).cosines.sum()) for seed in range(8)])
    assert sum(totals[1]) > sum(totals[0])


def test_a_sample_is_enough_for_the_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLE", 40)
    found = cluster(clouds(5, 40, 3), 5)
    assert (found.labels.reshape(5, 40) == found.labels.reshape(5, 40)[:, :1]).all()
