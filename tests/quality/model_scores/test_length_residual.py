"""What length explains goes, what it does not explain stays."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.model_scores import MIN_ROWS, length_residual


def rank_correlation(left: np.ndarray, right: np.ndarray) -> float:
    frame = pl.DataFrame({"left": left, "right": right})
    return frame.select(pl.corr("left", "right", method="spearman")).item()


def pool(n_rows: int = 1_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that saturate with length and scatter more where answers are short, as IFD does."""
    draw = np.random.default_rng(seed)
    lengths = np.maximum(1, np.round(np.exp(draw.normal(4, 1.2, n_rows))))
    noise = draw.normal(0, 0.05 + 0.3 / lengths**0.5)
    return 1 - 0.7 * np.exp(-lengths / 40) + noise, lengths


def test_length_is_taken_out_in_level_and_spread() -> None:
    scores, lengths = pool()
    found = length_residual(scores, lengths)
    assert rank_correlation(scores, lengths) > 0.8
    assert abs(rank_correlation(found, lengths)) < 0.05
    short, long = lengths <= np.median(lengths), lengths > np.median(lengths)
    assert found[short].std() == pytest.approx(found[long].std(), rel=0.2)


def test_what_length_does_not_explain_stays() -> None:
    scores, lengths = pool()
    odd = np.arange(0, 1_000, 50)
    scores[odd] += 1.0
    found = length_residual(scores, lengths)
    assert found[odd].min() > 2
    assert np.median(found) == pytest.approx(0, abs=0.1)


def test_a_few_absurd_scores_move_no_other() -> None:
    scores, lengths = pool()
    before = length_residual(scores, lengths)
    scores[:10] = 1e9
    assert np.abs(length_residual(scores, lengths)[10:] - before[10:]).max() < 0.7


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99), st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(seed: int, shuffle: int) -> None:
    scores, lengths = pool(MIN_ROWS + 13, seed)
    scores[::7] = np.nan
    order = np.random.default_rng(shuffle).permutation(len(scores))
    assert np.array_equal(
        length_residual(scores[order], lengths[order]),
        length_residual(scores, lengths)[order],
        equal_nan=True,
    )


@settings(max_examples=8, deadline=None)
@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_unit_and_level_of_a_score_do_not_matter(unit: float, level: float) -> None:
    scores, lengths = pool(300)
    expected = length_residual(scores, lengths)
    assert length_residual(unit * scores + level, lengths) == pytest.approx(expected, abs=1e-6)


def test_too_few_rows_abstain_altogether() -> None:
    scores, lengths = pool(MIN_ROWS)
    assert np.isfinite(length_residual(scores, lengths)).all()
    scores[3] = np.nan
    assert np.isnan(length_residual(scores, lengths)).all()


def test_rows_without_score_or_length_abstain() -> None:
    scores, lengths = pool(300)
    scores[0], lengths[1], lengths[2] = np.nan, 0.0, np.nan
    assert np.flatnonzero(np.isnan(length_residual(scores, lengths))).tolist() == [0, 1, 2]


def test_equal_scores_have_no_spread_to_stand_out_from() -> None:
    assert np.isnan(length_residual(np.ones(300), np.arange(1.0, 301))).all()


def test_no_rows_at_all() -> None:
    assert length_residual(np.empty(0), np.empty(0)).shape == (0,)
