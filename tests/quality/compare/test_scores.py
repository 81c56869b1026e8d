import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from quality.compare.scores import score_shifts


def frame(values: list[float | None], **more: object) -> pl.DataFrame:
    return pl.DataFrame({"quality": pl.Series(values, dtype=pl.Float64), **more})


@given(
    old=st.lists(st.integers(0, 6), min_size=1, max_size=30),
    new=st.lists(st.integers(0, 6), min_size=1, max_size=30),
)
def test_the_distance_is_that_of_kolmogorov_and_smirnov(old: list[int], new: list[int]) -> None:
    (shift,) = score_shifts(frame(list(map(float, old))), frame(list(map(float, new))))
    assert shift.distance == pytest.approx(ks_2samp(old, new, method="asymp").statistic, abs=1e-6)
    assert shift.difference == pytest.approx(sum(new) / len(new) - sum(old) / len(old), abs=2e-6)


def test_abstentions_are_counted_and_no_score_is_no_zero() -> None:
    (shift,) = score_shifts(frame([1.0, None, float("nan")]), frame([None]))
    assert (shift.old.rows, shift.old.nulls, shift.old.mean) == (1, 2, 1.0)
    assert (shift.new.rows, shift.new.mean, shift.new.quantiles) == (0, None, (None,) * 5)
    assert (shift.difference, shift.distance) == (None, None)


def test_only_numbers_that_both_have_are_compared_and_the_farthest_comes_first() -> None:
    old = frame([0.0, 1.0], near=[1, 2], text=["a", "b"], gone=[1.0, 2.0], kind=["x", "y"])
    new = frame([5.0, 6.0], near=[1, 2], text=["a", "b"], come=[1.0, 2.0], kind=[1, 2])
    shifts = score_shifts(old, new)
    assert [(shift.column, shift.distance) for shift in shifts] == [("quality", 1.0), ("near", 0.0)]
    assert score_shifts(old, new, besides=["quality", "near"]) == []
