import numpy as np
import pytest

from quality.select import nearest as module
from quality.select.nearest import Near, Nearest


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK", 4)
    monkeypatch.setattr(module, "_LAG", 2)


def unit_rows(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(count, 6)).astype(np.float32)
    made[:: max(2, count // 3)] = 0
    norms = np.linalg.norm(made, axis=1, keepdims=True)
    return made / np.where(norms == 0, 1, norms)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", range(5))
def test_every_look_agrees_with_brute_force(seed: int) -> None:
    vectors = unit_rows(40, seed)
    rng = np.random.default_rng(seed)
    found, kept = Nearest(vectors), []
    for row in rng.integers(0, 40, 120).tolist():
        seen = found.look(row)
        cosines = [float(vectors[row] @ vectors[one]) for one in kept if vectors[one].any()]
        if cosines and vectors[row].any():
            assert seen.similarity == pytest.approx(max(cosines), abs=2e-6)
            assert vectors[row] @ vectors[seen.row] == pytest.approx(max(cosines), abs=2e-6)
        else:
            assert seen == Near(-1, 0.0)
        if rng.random() < 0.3:
            found.add(row)
            kept.append(row)
    rows, similarities = found.look_at_all()
    kept = [row for row in kept if vectors[row].any()]
    has_text = vectors.any(axis=1)
    truth = np.where(has_text, (vectors @ vectors[kept].T).max(axis=1), 0)
    assert similarities == pytest.approx(truth, abs=2e-6)
    assert (rows >= 0).tolist() == has_text.tolist()


def test_even_what_is_opposite_can_be_the_nearest() -> None:
    found = Nearest(np.float32([[1, 0], [-1, 0], [0, 0]]))
    found.add(2)
    assert found.look(1) == Near(-1, 0.0)
    found.add(0)
    assert found.look(1) == Near(0, -1.0)
    assert [part.tolist() for part in found.look_at_all()] == [[0, 0, -1], [1.0, -1.0, 0.0]]


def test_of_equally_near_rows_the_first_kept_counts() -> None:
    found = Nearest(np.ones((4, 1), dtype=np.float32))
    found.add(2)
    found.add(1)
    assert found.look(3) == Near(2, 1.0)
    assert found.look_at_all()[0].tolist() == [2, 2, 2, 2]


def test_nothing_kept_is_near_to_nothing() -> None:
    found = Nearest(unit_rows(3))
    assert found.look(1) == Near(-1, 0.0)
    assert [part.tolist() for part in found.look_at_all()] == [[-1, -1, -1], [0.0, 0.0, 0.0]]
