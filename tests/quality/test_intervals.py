"""Intervals hold what they promise, and say nothing where there is nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from quality.intervals import Interval, bootstrap, bootstrap_each, mean, share


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_has_wilsons_interval(counts: tuple[int, int]) -> None:
    found, of = counts
    wanted = binomtest(found, of).proportion_ci(method="wilson")
    got = share(found, of)
    assert (got.value, got.n) == (round(found / of, 4), of)
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=1e-4)


def test_nothing_has_no_interval() -> None:
    nothing = Interval(None, None, None, 0)
    assert share(0, 0) == mean(np.array([])) == bootstrap(lambda _: 1.0, 0) == nothing


def test_a_statistic_that_is_not_defined_is_null() -> None:
    assert bootstrap(lambda _: math.nan, 5) == Interval(None, None, None, 5)


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    samples = (generator.normal(3, 1, 60) for _ in range(80))
    found = [mean(sample) for sample in samples]
    covered = sum(one.low <= 3 <= one.high for one in found if one.low and one.high)
    assert 0.85 * 80 <= covered <= 80


def test_the_same_values_have_the_same_interval() -> None:
    values = np.array([1.0, 2, 5, 5])
    assert mean(values) == mean(values.copy())


def test_several_statistics_share_their_draws() -> None:
    values = np.arange(30.0)
    both = bootstrap_each(lambda at: np.array([values[at].mean(), -values[at].mean()]), 30)
    assert (both[0].low, both[0].high) == (-(both[1].high or 0), -(both[1].low or 0))
