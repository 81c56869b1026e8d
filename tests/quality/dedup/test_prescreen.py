"""The choice of texts for the full encoder: few, the right ones, the same in every order."""

import numpy as np
import pytest

from quality.dedup import prescreen
from quality.dedup.cosines import candidate_pairs
from quality.dedup.prescreen import Pool, Screened, choose_sample, screen

DIMENSIONS = 24
THRESHOLD = 0.9


class World:
    """Texts with a meaning that their static vectors only hint at, a tenth of them said twice."""

    def __init__(self, n_texts: int, *, noise: float = 0.1) -> None:
        rng = np.random.default_rng(0)
        meanings = rng.standard_normal((n_texts, DIMENSIONS))
        copies = n_texts // 10
        meanings[-copies:] = meanings[:copies] + 0.2 * rng.standard_normal((copies, DIMENSIONS))
        mixing = rng.standard_normal((DIMENSIONS, DIMENSIONS)) / DIMENSIONS**0.5
        hints = meanings @ mixing + noise * rng.standard_normal(meanings.shape)
        self.full = unit(meanings)
        self.asked: list[int] = []
        self.pool = Pool(
            [f"text {number:05}" for number in range(n_texts)],
            unit(hints),
            np.zeros(n_texts, dtype=np.uint64),
            np.zeros(n_texts, dtype=np.bool_),
        )

    def encode(self, rows: np.ndarray) -> np.ndarray:
        self.asked += rows.tolist()
        return self.full[rows]

    def recall(self, found: Screened) -> float:
        truth = candidate_pairs(self.full, THRESHOLD, keys=self.pool.keys).pairs
        return float(found.read[truth].all(axis=1).mean())


def unit(array: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    return (array / np.where(norms == 0, 1, norms)).astype(np.float32)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prescreen, "SAMPLE", 200)
    monkeypatch.setattr(prescreen, "_SMALLEST_ROUND", 64)


def test_few_texts_are_read_and_most_pairs_found() -> None:
    world = World(3_000)
    found = screen(world.pool, world.encode, threshold=THRESHOLD, recall=0.95)
    assert len(world.asked) == len(set(world.asked)) == found.read.sum()
    assert found.read.mean() < 0.4
    assert world.recall(found) > 0.9
    # Reading the same number by chance finds the square of their share.
    assert world.recall(found) > 5 * found.read.mean() ** 2
    assert found.expected_recall == pytest.approx(world.recall(found), abs=0.06)
    assert np.array_equal(found.vectors[found.read], world.full[found.read])
    assert not found.vectors[~found.read].any()


def test_a_higher_recall_reads_more_and_finds_more() -> None:
    low, high = (
        screen(World(2_000).pool, World(2_000).encode, threshold=THRESHOLD, recall=recall)
        for recall in (0.5, 0.98)
    )
    assert low.read.sum() < high.read.sum()
    assert World(2_000).recall(low) < World(2_000).recall(high)
    assert 0.5 <= low.expected_recall < high.expected_recall


def test_the_same_texts_twice_give_the_same_answer() -> None:
    first, second = (
        screen(world.pool, world.encode, threshold=THRESHOLD)
        for world in (World(1_000), World(1_000))
    )
    assert np.array_equal(first.read, second.read)


def test_texts_without_partner_are_not_read() -> None:
    world = World(600)
    static = world.pool.static.copy()
    static[:50] = 0
    keys = np.where(np.arange(600) < 100, np.arange(600), 1_000).astype(np.uint64)
    screen(world.pool._replace(static=static, keys=keys), world.encode, threshold=0.9, recall=1.0)
    assert min(world.asked) >= 100
    assert len(world.asked) > 200


def test_texts_that_must_be_read_are() -> None:
    world = World(600)
    keys = np.arange(600, dtype=np.uint64)
    always = np.arange(600) == 7
    found = screen(world.pool._replace(keys=keys, always=always), world.encode, threshold=0.9)
    assert np.flatnonzero(found.read).tolist() == [7]
    assert found.expected_recall == 1.0


def test_the_sample_depends_on_the_texts_and_not_on_their_neighbours() -> None:
    pool = World(600).pool
    texts = {pool.texts[row] for row in choose_sample(pool)}
    assert len(texts) == 200
    half = pool._replace(texts=pool.texts[::2], static=pool.static[::2], keys=pool.keys[::2])
    chosen = {half.texts[row] for row in choose_sample(half)}
    assert texts & set(half.texts) <= chosen


def test_long_texts_are_no_sample() -> None:
    pool = World(600).pool
    texts = [text * (9 if row < 200 else 1) for row, text in enumerate(pool.texts)]
    assert choose_sample(pool._replace(texts=texts)).min() >= 200
