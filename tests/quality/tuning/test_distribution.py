import math

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from quality.tuning.directions import compare_pairs
from quality.tuning.distribution import describe_scores

NUMBERS = st.lists(st.none() | st.floats(-1e6, 1e6), max_size=80)


@given(values=NUMBERS)
def test_every_row_is_counted_once(values: list[float | None]) -> None:
    found = describe_scores(pl.Series(values, dtype=pl.Float64))
    known = [value for value in values if value is not None]
    assert (found.rows, found.rows + found.abstained) == (len(known), len(values))
    assert sum(one.rows for one in found.histogram) == len(known)
    assert len(found.histogram) <= 12
    quantiles = list(found.quantiles.values())
    assert quantiles == sorted(quantiles)


def test_what_is_no_number_abstains() -> None:
    found = describe_scores(pl.Series([0.5, None, math.nan, math.inf, -math.inf]))
    assert (found.rows, found.abstained, found.quantiles[1.0]) == (1, 4, 0.5)


def test_few_values_have_a_bin_each() -> None:
    found = describe_scores(pl.Series([0.0] * 5 + [1.0] * 2))
    assert [(one.low, one.high, one.rows) for one in found.histogram] == [(0, 0, 5), (1, 1, 2)]


def test_far_values_do_not_stretch_the_bins() -> None:
    scores = pl.Series([*np.linspace(0, 1, 1000).tolist(), 1e6])
    found = describe_scores(scores)
    assert found.histogram[-1].high <= 1
    assert max(one.rows for one in found.histogram) < 150


def test_one_far_value_among_equal_ones_is_seen() -> None:
    scores = pl.Series([0.0] * 990 + [float(value) for value in range(1, 15)])
    assert sum(one.rows for one in describe_scores(scores).histogram) == 1004


def test_pairs_say_which_end_is_the_good_one() -> None:
    scores = pl.Series([0.9, 0.1, 0.2, 0.3, 0.5, 0.5, None, 0.1, 0.1, 0.9])
    target = np.array([1.0, 0.0] * 4 + [0.5, 0.5])
    found = compare_pairs(scores, target)
    assert found.better_is_higher[3:] == (1, 2)
    assert (found.tied, found.abstained) == (1, 1)
    assert found.as_dict()["value"] == 0.5
