"""Forecasts of vectors, and the chances made of them."""

import numpy as np
import pytest

from quality.dedup.forecast import (
    NEIGHBOURS,
    LinearMap,
    Neighbours,
    correct_forecasts,
    pair_cosines,
    to_unit,
)
from quality.dedup.odds import PairOdds


def random_rows(n_rows: int, dimensions: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_rows, dimensions)).astype(np.float32)


def test_a_linear_map_is_found_in_one_go_or_in_two() -> None:
    static = random_rows(500, 6)
    full = (static @ random_rows(6, 4, seed=1) + 0.5).astype(np.float32)
    once, twice = LinearMap(), LinearMap()
    once.learn(static, full)
    twice.learn(static[:200], full[:200])
    twice.learn(static[200:], full[200:])
    new = random_rows(20, 6, seed=2)
    expected = new @ random_rows(6, 4, seed=1) + 0.5
    assert once.apply(new) == pytest.approx(expected, abs=0.01)
    assert twice.apply(new) == pytest.approx(once.apply(new), abs=1e-4)


def test_a_map_that_knows_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="has learnt"):
        LinearMap().apply(random_rows(2, 2))


def test_neighbours_are_the_nearest_that_were_read() -> None:
    pairs = np.array([[0, 1], [0, 2], [0, 3], [1, 2]])
    neighbours = Neighbours(pairs, np.array([0.5, 0.9, 0.7, 0.6]), 5)
    rows = np.array([True, True, False, False, True])
    found, table = neighbours.nearest_read(rows, np.array([False, True, False, True, True]))
    assert found.tolist() == [0]
    assert table[0].tolist() == [3, 1] + [-1] * (NEIGHBOURS - 2)


def test_more_neighbours_than_there_is_room_for() -> None:
    pairs = np.array([[0, other] for other in range(1, 60)])
    read = np.arange(60) > 0
    _, table = Neighbours(pairs, np.linspace(1, 0, 59), 60).nearest_read(~read, read)
    assert table.tolist() == [list(range(1, NEIGHBOURS + 1))]


def test_a_read_look_alike_corrects_the_map() -> None:
    """Row 0 is mapped to one place, but its twin, read, lies at another."""
    mapped = to_unit(np.array([[1, 0.1, 0], [1, 0, 0.1], [1, 0, 0], [0, 0, 1]], dtype=np.float32))
    full = to_unit(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]], dtype=np.float32))
    read = full.any(axis=1)
    neighbours = Neighbours(np.array([[0, 1]]), np.array([0.99]), 4)
    asked = np.array([True, True, True, False])
    forecasts = correct_forecasts(mapped, full, neighbours, rows=asked, read=read)
    assert forecasts[0] @ full[1] > 0.9 > 0.2 > mapped[0] @ full[1]
    assert forecasts[2] == pytest.approx(mapped[2])
    assert np.array_equal(forecasts[read], full[read])
    assert pair_cosines(forecasts, np.array([[1, 3], [1, 1]])) == pytest.approx([0, 1])


def forecasts_of(cosines: np.ndarray, guesses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.stack((np.ones(len(cosines)), guesses), axis=1), np.ones(len(cosines), dtype=np.int64)


def test_chances_are_learnt_and_honest() -> None:
    rng = np.random.default_rng(0)
    guesses = rng.uniform(0, 1, 4_000)
    cosines = 0.2 + 0.5 * guesses + 0.05 * rng.standard_normal(4_000)
    features, unread = forecasts_of(cosines, guesses)
    odds = PairOdds(0.5, 2)
    for part in (slice(1_000), slice(1_000, 2_000)):
        odds.learn(features[part], unread[part], cosines[part])
    new = odds.chances(features[2_000:], unread[2_000:])
    assert new.sum() == pytest.approx((cosines[2_000:] >= 0.5).sum(), rel=0.1)
    assert cosines[2_000:][new > 0.99].min() > 0.45
    assert cosines[2_000:][new < 0.01].max() < 0.55


def test_pairs_that_were_read_have_no_chance_left() -> None:
    features, unread = forecasts_of(np.ones(3), np.ones(3))
    assert PairOdds(0.5, 2).chances(features, 0 * unread).tolist() == [0, 0, 0]
    # What was forecast with both texts read teaches nothing.
    odds = PairOdds(0.5, 2)
    odds.learn(features, 0 * unread, np.zeros(3))
    assert odds.chances(features, unread) == pytest.approx(
        PairOdds(0.5, 2).chances(features, unread)
    )


def test_two_unread_texts_are_vaguer_than_one() -> None:
    features, unread = forecasts_of(np.ones(1), np.array([0.6]))
    odds = PairOdds(0.9, 2)
    assert 0 < odds.chances(features, unread) < odds.chances(features, 2 * unread) < 0.1


def test_rare_hits_among_poor_forecasts_count() -> None:
    """One in fifty pairs that look unrelated is a duplicate: no normal distribution has that."""
    rng = np.random.default_rng(0)
    cosines = np.where(rng.random(12_000) < 0.02, 0.95, 0.3) + 0.02 * rng.standard_normal(12_000)
    guesses = 0.3 + 0.05 * rng.standard_normal(12_000)
    features, unread = forecasts_of(cosines, guesses)
    odds = PairOdds(0.9, 2)
    assert odds.chances(features, unread).sum() < 1
    for start in range(0, 8_000, 2_000):
        part = slice(start, start + 2_000)
        odds.learn(features[part], unread[part], cosines[part])
    left = odds.chances(features[8_000:], unread[8_000:]).sum()
    truth = np.count_nonzero(cosines[8_000:] >= 0.9)
    assert truth / 2 < left < 3 * truth
