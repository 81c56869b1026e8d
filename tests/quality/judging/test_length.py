"""What is left of a rating when length is taken out."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from quality.judging.length import (
    controlled_win_rate,
    groups_by_length,
    length_correlation,
    win_rate,
)

RNG = np.random.default_rng(5)


def test_the_correlation_is_spearmans() -> None:
    lengths = RNG.integers(1, 50, 200)
    scores = RNG.integers(1, 6, 200)
    found = length_correlation(scores.tolist(), lengths.tolist())
    assert found.value == pytest.approx(spearmanr(scores, lengths).statistic, abs=1e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_a_constant_judge_has_no_correlation() -> None:
    assert length_correlation([3, 3, 3], [1, 2, 3]).value is None
    assert length_correlation([], []).value is None


def test_a_lead_that_is_length_alone_vanishes() -> None:
    lengths = np.concatenate([RNG.integers(300, 900, 300), RNG.integers(50, 500, 300)])
    scores = np.log1p(lengths) + RNG.normal(0, 0.1, 600)
    long, short = groups_by_length(
        scores.tolist(), lengths.tolist(), ["long"] * 300 + ["short"] * 300
    )
    assert long.raw.value is not None
    assert short.raw.value is not None
    assert long.raw.value - short.raw.value > 0.5
    assert long.controlled.value == pytest.approx(short.controlled.value, abs=0.05)
    assert long.characters > short.characters


def test_a_lead_at_equal_length_stays() -> None:
    lengths = RNG.integers(50, 500, 400)
    names = ["good", "bad"] * 200
    scores = np.where(np.array(names) == "good", 4.0, 2.0) + 0.2 * np.log1p(lengths)
    found = {
        group.name: group for group in groups_by_length(scores.tolist(), lengths.tolist(), names)
    }
    gap = (found["good"].controlled.value or 0) - (found["bad"].controlled.value or 0)
    assert gap == pytest.approx(2.0, abs=0.01)


def test_groups_of_a_few_rows_get_no_line_and_the_rest_are_sorted() -> None:
    names = ["tiny"] * 9 + ["b"] * 10 + ["a"] * 10 + ["big"] * 20
    found = groups_by_length([3.0] * 49, [10] * 49, names)
    assert [group.name for group in found] == ["big", "a", "b"]
    assert groups_by_length([], [], []) == []


def wins(lead: float, slope: float, count: int = 2000) -> tuple[list[float], list[int]]:
    gaps = RNG.normal(150, 300, count).astype(int)
    chance = 1 / (1 + np.exp(-(lead + slope * np.tanh(gaps / gaps.std()))))
    return (RNG.random(count) < chance).astype(float).tolist(), gaps.tolist()


def test_a_win_rate_that_is_length_alone_comes_back_to_half() -> None:
    outcomes, gaps = wins(lead=0.0, slope=2.0)
    raw, controlled = win_rate(outcomes), controlled_win_rate(outcomes, gaps)
    assert (raw.value or 0) > 0.58
    assert controlled.value == pytest.approx(0.5, abs=0.04)
    assert (controlled.low or 1) <= 0.5 <= (controlled.high or 0)


def test_a_true_lead_is_found_behind_the_length() -> None:
    outcomes, gaps = wins(lead=0.8, slope=1.0)
    assert controlled_win_rate(outcomes, gaps).value == pytest.approx(0.69, abs=0.03)


def test_swapping_the_two_answers_swaps_the_rate() -> None:
    outcomes, gaps = wins(lead=0.3, slope=1.0, count=400)
    there = controlled_win_rate(outcomes, gaps).value
    back = controlled_win_rate([1 - won for won in outcomes], [-gap for gap in gaps]).value
    assert there is not None
    assert back == pytest.approx(1 - there, abs=0.02)


@pytest.mark.parametrize("outcome", [0.0, 0.5, 1.0])
def test_a_clean_sweep_is_finite(outcome: float) -> None:
    for gaps in ([5] * 20, list(range(20))):
        found = controlled_win_rate([outcome] * 20, gaps)
        assert found.value == pytest.approx(outcome, abs=0.02)
    assert controlled_win_rate([], []).value is None
