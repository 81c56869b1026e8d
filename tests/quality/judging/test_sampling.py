"""Samples: exact, stratified, by hash, whatever the order."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.judging.sampling import allocate, draw, stratified_ids

sizes = st.lists(st.integers(1, 30), min_size=1, max_size=12)
frames = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.integers(0, 9),
        st.sampled_from([None, 0.0, 0.3, 0.3, 0.9, float("nan")]),
    ),
    max_size=40,
)


def frame(lines: list[tuple[str | None, int, float | None]]) -> pl.DataFrame:
    schema = {"source": pl.String, "size": pl.Int64, "quality": pl.Float64}
    rows = pl.DataFrame(lines, schema=schema, orient="row").with_row_index("id")
    return rows.with_columns(
        pl.col("id").cast(pl.String), output=pl.lit("x").repeat_by("size").list.join("")
    )


@given(sizes.flatmap(lambda found: st.tuples(st.just(found), st.integers(0, sum(found)))))
def test_places_are_shared_out_exactly(case: tuple[list[int], int]) -> None:
    found, count = case
    given_places = allocate(found, count)
    assert sum(given_places) == count
    assert all(0 <= has <= size for has, size in zip(given_places, found, strict=True))
    if count >= len(found):
        assert min(given_places) >= 1
        # Never far from its share of what is left after one for each.
        rest, left = count - len(found), sum(found) - len(found)
        for has, size in zip(given_places, found, strict=True):
            assert abs(has - 1 - rest * (size - 1) / max(1, left)) < 1


@settings(max_examples=50, deadline=None)
@given(frames, st.integers(0, 50), st.integers(-2, 2), st.randoms())
def test_a_sample_has_its_size_and_no_order(lines, count, seed, rng) -> None:
    rows = frame(lines)
    found = stratified_ids(rows, count, seed=seed)
    assert len(found) == len(set(found)) == min(count, rows.height)
    assert found == sorted(found)
    assert set(found) <= set(rows["id"])
    order = list(range(rows.height))
    rng.shuffle(order)
    assert stratified_ids(rows[order], count, seed=seed) == found
    assert stratified_ids(rows.rechunk(), count, seed=seed) == found


def test_a_sample_looks_like_all_of_it() -> None:
    rows = pl.DataFrame(
        {
            "id": [f"r{place}" for place in range(2000)],
            "source": ["big"] * 1900 + ["small"] * 100,
            "output": ["x" * (1 + place * 7 % 1000) for place in range(2000)],
            "quality": [place * 13 % 1000 / 1000 for place in range(2000)],
        }
    )
    chosen = rows.filter(pl.col("id").is_in(stratified_ids(rows, 400, seed=3)))
    by_source = Counter(chosen["source"])
    assert by_source["small"] >= 20
    for column in (pl.col("output").str.len_chars(), pl.col("quality")):
        whole, part = rows.select(column).to_series(), chosen.select(column).to_series()
        for quantile in (0.1, 0.5, 0.9):
            spread = (whole.quantile(0.95) or 0) - (whole.quantile(0.05) or 0)
            gap = abs((whole.quantile(quantile) or 0) - (part.quantile(quantile) or 0))
            assert gap < 0.08 * spread


def test_another_seed_draws_other_rows() -> None:
    rows = frame([("a", place % 10, None) for place in range(200)])
    assert stratified_ids(rows, 20, seed=0) != stratified_ids(rows, 20, seed=1)


def test_quality_is_not_needed() -> None:
    rows = frame([("a", place % 10, None) for place in range(100)]).drop("quality")
    assert len(stratified_ids(rows, 30, seed=0)) == 30


def test_a_draw_is_even_and_depends_on_all_it_is_given() -> None:
    values = [draw(f"r{place}", seed=0, purpose="repeat") for place in range(4000)]
    assert all(0 <= value < 1 for value in values)
    assert sum(value < 0.05 for value in values) / 4000 == pytest.approx(0.05, abs=0.012)
    assert draw("a", seed=0, purpose="x") != draw("a", seed=0, purpose="y")
    assert draw("a", seed=0, purpose="x") != draw("a", seed=1, purpose="x")
