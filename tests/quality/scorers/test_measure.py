import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.measure import measure, measure_where

FLOATS = st.lists(st.floats(allow_infinity=False), max_size=8)


@settings(max_examples=30, deadline=None)
@given(FLOATS)
def test_a_first_look_that_picks_the_right_rows_changes_nothing(values: list[float]) -> None:
    rows = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    suspects = pl.col("x").is_not_nan() & (pl.col("x") > 0)
    score = pl.col("x") * 2
    whole = measure(rows, "twice", pl.when(suspects).then(score).otherwise(-1.0))
    assert measure_where(rows, "twice", suspects, score, otherwise=-1.0).equals(whole)


def test_rows_not_picked_abstain_and_nan_too() -> None:
    rows = pl.DataFrame({"x": [1.0, 2.0, None, 0.0]})
    found = measure_where(rows, "part", pl.col("x") != 2, pl.col("x") / pl.col("x"))
    assert found.to_list() == [1.0, None, None, None]
    assert (found.name, found.dtype) == ("part", pl.Float64)
