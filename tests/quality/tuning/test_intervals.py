import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.tuning.intervals import estimate_rate, fewest_hits, lower_bound


def chance_of(found: int, of: int, share: float) -> float:
    return math.comb(of, found) * share**found * (1 - share) ** (of - found)


@pytest.mark.parametrize(
    ("found", "of", "error", "wanted"),
    [(29, 29, 0.05, 0.901855), (3, 20, 0.01, 0.022711), (4, 5, 0.1, 0.416110), (1, 1, 0.05, 0.05)],
)
def test_lower_bounds_are_those_of_the_beta_distribution(
    found: int, of: int, error: float, wanted: float
) -> None:
    assert lower_bound(found, of, error=error) == pytest.approx(wanted, abs=1e-6)


@settings(max_examples=40)
@given(of=st.integers(1, 25), share=st.floats(0.01, 0.99), error=st.sampled_from([0.01, 0.05, 0.2]))
def test_the_bound_is_above_the_truth_no_more_often_than_allowed(
    of: int, share: float, error: float
) -> None:
    wrong = sum(
        chance_of(found, of, share)
        for found in range(of + 1)
        if lower_bound(found, of, error=error) > share
    )
    assert wrong <= error + 1e-9


@given(of=st.integers(1, 200), data=st.data())
def test_more_hits_raise_the_bound_and_more_caution_lowers_it(of: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(1, of))
    bound = lower_bound(found, of, error=0.05)
    assert lower_bound(found - 1, of, error=0.05) < bound <= found / of
    assert lower_bound(found, of, error=0.01) < bound


def test_a_bound_of_many_rows_neither_overflows_nor_underflows() -> None:
    assert lower_bound(50_000, 100_000, error=0.001) == pytest.approx(0.495, abs=0.001)


@given(share=st.floats(0.05, 0.99), error=st.sampled_from([0.001, 0.01, 0.05]))
def test_fewest_hits_are_just_enough(share: float, error: float) -> None:
    needed = fewest_hits(share, error=error)
    assert lower_bound(needed, needed, error=error) >= share - 1e-9
    assert needed == 1 or lower_bound(needed - 1, needed - 1, error=error) < share


def test_a_share_of_nothing_is_unknown() -> None:
    assert estimate_rate(0, 0) == (None, None, None, 0, 0)
    assert estimate_rate(0, 0).as_dict() == {
        "value": None, "low": None, "high": None, "found": 0, "of": 0,
    }  # fmt: skip


@given(of=st.integers(1, 500), data=st.data())
def test_wilson_intervals_hold_the_share_and_stay_in_bounds(of: int, data: st.DataObject) -> None:
    rate = estimate_rate(data.draw(st.integers(0, of)), of)
    assert rate.value is not None
    assert rate.low is not None
    assert rate.high is not None
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
