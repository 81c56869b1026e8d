"""Agreement of two lists of verdicts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from quality.judging.consistency import agreement

pairs = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=30)


@settings(max_examples=15, deadline=None)
@given(pairs)
def test_kappa_is_cohens(values: list[tuple[int, int]]) -> None:
    left, right = zip(*values, strict=True)
    found = agreement([[value] for value in left], [[value] for value in right])
    assert found.exact.value == pytest.approx(np.mean(np.equal(left, right)), abs=1e-4)
    assert found.mean_difference == pytest.approx(np.abs(np.subtract(left, right)).mean(), abs=1e-4)
    if len({*left, *right}) == 1:  # scikit-learn warns, and calls it 1
        assert found.kappa.value is None
    else:
        wanted = cohen_kappa_score(left, right, labels=[1, 2, 3, 4, 5], weights="quadratic")
        assert found.kappa.value == pytest.approx(wanted, abs=1e-4)


@settings(max_examples=15, deadline=None)
@given(pairs)
def test_it_does_not_matter_who_spoke_first(values: list[tuple[int, int]]) -> None:
    left = [[first] for first, _ in values]
    right = [[second] for _, second in values]
    assert agreement(left, right) == agreement(right, left)


def test_a_judge_that_always_says_the_same_agrees_and_shows_nothing_by_it() -> None:
    found = agreement([[3, 3]] * 20, [[3, 3]] * 20)
    assert (found.exact.value, found.kappa.value, found.mean_difference) == (1.0, None, 0.0)


def test_the_values_of_one_thing_are_one_observation() -> None:
    three = agreement([[1, 1, 1], [5, 5, 5]], [[1, 1, 1], [5, 5, 4]])
    assert three.exact.n == three.kappa.n == 2
    assert three.exact.value == pytest.approx(5 / 6, abs=1e-4)


def test_nothing_compared_is_nothing_said() -> None:
    found = agreement([], [])
    assert (found.exact.value, found.kappa.value, found.mean_difference) == (None, None, None)
