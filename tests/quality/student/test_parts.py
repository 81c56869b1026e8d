"""The parts of a student: signals, kernel, agreement, doubt."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from quality.student.agreement import auc, spearman
from quality.student.model import Kernel, Scale
from quality.student.signals import learn_signals
from quality.student.unsure import least_sure

numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(st.none() | numbers, min_size=2, max_size=60), st.lists(numbers, max_size=20))
def test_signals_keep_the_order_and_stay_in_range(
    learned: list[float | None], seen: list[float]
) -> None:
    rows = pl.DataFrame({"one": learned}, schema={"one": pl.Float64})
    signals = learn_signals(rows, ["one"])
    new = pl.DataFrame({"one": sorted(seen)}, schema={"one": pl.Float64})
    found = signals.transform(new)
    assert found.shape == (len(seen), 2 * len(signals.names))
    if signals.names:
        places = found[:, 0]
        assert ((places >= -0.5) & (places <= 0.5)).all()
        assert (np.diff(places) >= -1e-12).all()


def test_a_missing_score_is_told_from_a_middling_one() -> None:
    rows = pl.DataFrame({"one": [1.0, 2.0, 3.0, None]})
    found = learn_signals(rows, ["one"]).transform(rows)
    assert found[1].tolist() == [0.0, -0.5]
    assert found[3].tolist() == [0.0, 0.5]


def test_the_kernel_is_gaussian() -> None:
    generator = np.random.default_rng(0)
    support = generator.standard_normal((5, 3)).astype(np.float32)
    points = generator.standard_normal((9_000, 3)).astype(np.float32)
    weights = generator.standard_normal(5)
    expected = np.exp(-0.7 * cdist(points, support) ** 2) @ weights + 0.25
    assert np.allclose(Kernel(support, weights, 0.7, 0.25).score(points), expected, atol=1e-4)


def test_a_scale_is_monotone_and_bounded() -> None:
    scale = Scale((2.0, 4.0), np.array([-1.0, 0.0, 1.0]), np.array([0.1, 0.4, 0.9]))
    assert scale.combine((np.array([2.0]), np.array([4.0]))).tolist() == [1.0]
    assert scale.read(np.array([-5.0, -0.5, 0.5, 5.0])).tolist() == [0.1, 0.25, 0.65, 0.9]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=50))
def test_agreement_is_what_scikit_learn_and_scipy_find(cases: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in cases], dtype=np.float64)
    good = np.array([is_good for _, is_good in cases], dtype=np.float64)
    if 0 < good.sum() < len(good):
        assert auc(scores, good) == pytest.approx(roc_auc_score(good, scores))
        if len(set(scores)) > 1:
            assert spearman(scores, good) == pytest.approx(spearmanr(scores, good).statistic)
    else:
        assert np.isnan(auc(scores, good))


def test_the_least_sure_are_unrated_and_do_not_depend_on_the_order() -> None:
    rows = pl.DataFrame(
        {
            "id": ["d", "a", "c", "b", "e"],
            "judge": [None, None, 3.0, None, None],
            "student_spread": [0.2, 0.5, 0.9, 0.2, None],
        }
    )
    assert least_sure(rows, 2) == ["a", "b"]
    assert least_sure(rows.reverse(), 2) == ["a", "b"]
    assert least_sure(rows, 9) == ["a", "b", "d"]
