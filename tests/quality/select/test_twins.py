import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.select.twins import TWINS, Twin, make_twins


def pool_of(lengths: list[int], *, tokens: bool = True) -> pl.DataFrame:
    """Rows of given answer lengths, in characters."""
    frame = pl.DataFrame(
        {
            "id": [f"r{n:04d}" for n in range(len(lengths))],
            "output": ["a" * length for length in lengths],
            "quality": [length / 1_000 for length in lengths],
        },
        schema={"id": pl.String, "output": pl.String, "quality": pl.Float64},
    )
    return frame.with_columns(tokens=pl.Series(lengths, dtype=pl.Int64)) if tokens else frame


def draw(pool: pl.DataFrame, chosen: list[str], seed: int = 0) -> dict[str, Twin]:
    return {twin.name: twin for twin in make_twins(pool, chosen, by="quality", seed=seed)}


LENGTHS = [n % 40 * 10 for n in range(2_000)]
POOL = pool_of(LENGTHS)
LONGEST = POOL.sort("tokens", "id", descending=True).head(200)["id"].to_list()


def test_twins_have_the_size_of_the_selection() -> None:
    found = draw(POOL, LONGEST)
    assert list(found) == list(TWINS)
    assert found["random"].rows == 200
    assert found["length_matched"].rows == 200
    tokens = POOL.filter(pl.col("id").is_in(LONGEST))["tokens"].sum()
    assert abs(found["random_tokens"].tokens - tokens) <= 195  # half of the longest row
    assert found["random_tokens"].rows > 200
    for twin in found.values():
        rows = POOL.filter(pl.col("id").is_in(twin.ids))
        assert twin.rows == rows.height == len(set(twin.ids))
        assert list(twin.ids) == sorted(twin.ids)
        assert twin.tokens == rows["tokens"].sum()
        assert twin.mean_score == pytest.approx(rows["quality"].mean(), abs=1e-6)
        assert twin.overlap == pytest.approx(np.isin(twin.ids, LONGEST).mean(), abs=1e-4)


def test_a_random_twin_is_like_the_pool_and_a_matched_one_like_the_selection() -> None:
    found = draw(POOL, LONGEST)
    means = {name: twin.tokens / twin.rows for name, twin in found.items()}
    assert means["random"] == pytest.approx(195, abs=25)
    assert means["random_tokens"] == pytest.approx(195, abs=25)
    assert means["length_matched"] == pytest.approx(375, abs=25)
    assert found["random"].overlap < 0.2
    assert 0.5 < found["length_matched"].overlap < 0.9


def test_every_class_of_length_has_as_many_rows() -> None:
    chosen = random.Random(1).sample(POOL["id"].to_list(), 300)
    twin = draw(POOL, chosen)["length_matched"]
    sizes = dict(zip(POOL["id"], LENGTHS, strict=True))

    def classes(ids) -> list[int]:
        return sorted(int(np.log1p(sizes[name]) / np.log(1.2)) for name in ids)

    assert classes(twin.ids) == classes(chosen)
    assert set(twin.ids) != set(chosen)


def test_neither_the_order_nor_other_rows_choose() -> None:
    shuffled = POOL.sample(fraction=1.0, shuffle=True, seed=3)
    assert draw(shuffled, LONGEST) == draw(POOL, LONGEST)
    less = POOL.filter(pl.col("id") != LONGEST[0])
    one, two = draw(POOL, LONGEST[1:])["random"], draw(less, LONGEST[1:])["random"]
    assert len(set(one.ids) - set(two.ids)) <= 1


def test_another_seed_makes_other_twins() -> None:
    one, two = draw(POOL, LONGEST, seed=1), draw(POOL, LONGEST, seed=2)
    for name in TWINS:
        assert one[name].ids != two[name].ids
    assert one["random"].ids != one["length_matched"].ids


def test_without_token_counts_there_is_no_twin_by_tokens() -> None:
    for pool in (
        POOL.drop("tokens"),
        POOL.with_columns(tokens=pl.when(pl.col("id") != "r0000").then("tokens")),
    ):
        found = draw(pool, LONGEST)
        assert list(found) == ["random", "length_matched"]
        assert found["random"].rows == 200
    assert draw(POOL.drop("tokens"), LONGEST)["random"].tokens is None


def test_scores_that_are_unknown_do_not_count() -> None:
    pool = pool_of([1, 2, 3]).with_columns(quality=pl.Series([None, float("nan"), 0.5]))
    found = draw(pool, ["r0000", "r0001", "r0002"])
    assert found["random"].mean_score == 0.5
    nothing = draw(pool.with_columns(quality=pl.lit(None, dtype=pl.Float64)), ["r0000"])
    assert nothing["random"].mean_score is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=25), st.data())
def test_twins_come_from_the_pool(lengths: list[int], data: st.DataObject) -> None:
    pool = pool_of(lengths)
    ids = pool["id"].to_list()
    chosen = [name for name in ids if data.draw(st.booleans())]
    found = draw(pool, chosen, seed=data.draw(st.integers(-5, 5)))
    tokens = pool.filter(pl.col("id").is_in(chosen))["tokens"].sum()
    for twin in found.values():
        assert set(twin.ids) <= set(ids)
    assert found["random"].rows == found["length_matched"].rows == len(chosen)
    assert abs(found["random_tokens"].tokens - tokens) <= max(lengths, default=0) / 2
