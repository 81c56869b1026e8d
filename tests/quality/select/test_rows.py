"""Selections: best, diverse and farthest first, within rows, tokens and shares."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.select.nearest import Vectors
from quality.select.rows import Selection, choose_rows
from schemas.errors import InputError, RunError
from schemas.frames import DECISIONS
from schemas.recipe import SelectOptions
from tests.support.rows import make_row, make_rows

Row = tuple[str, str, float | None]


def rows_of(*given_rows: Row, **columns: Sequence[Any]) -> pl.DataFrame:
    """Rows of id, source, quality."""
    rows = [make_row(name, id=name, source=source) for name, source, _ in given_rows]
    return make_rows(rows, **columns).with_columns(
        pl.Series("quality", [quality for *_, quality in given_rows], dtype=pl.Float64)
    )


def ranked(count: int, **columns: Sequence[Any]) -> pl.DataFrame:
    """Rows a, b, c ... from the best to the worst."""
    names = "abcdefghijklmnopqrstuvwxyz"[:count]
    return rows_of(*((name, "x", 1 - n / 100) for n, name in enumerate(names)), **columns)


def angles(*degrees: float | None) -> Vectors:
    """Unit vectors in the plane; None: a zero row."""
    made = np.zeros((len(degrees), 2), dtype=np.float32)
    for row, angle in enumerate(degrees):
        if angle is not None:
            made[row] = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    return made


def choose(
    rows: pl.DataFrame,
    vectors: Vectors | None = None,
    /,
    targets: Mapping[str, int] | None = None,
    **options: Any,
) -> Selection:
    return choose_rows(rows, SelectOptions(**options), targets=targets or {}, vectors=vectors)


def kept(*args: Any, **options: Any) -> str:
    return "".join(sorted(choose(*args, **options).kept["id"]))


def reasons(found: Selection) -> dict[str, tuple[Any, ...]]:
    """Id to rule, value, threshold, matched id and similarity."""
    lines = found.decisions.select("id", "rule", "value", "threshold", "matched_id", "similarity")
    return {row_id: tuple(rest) for row_id, *rest in lines.rows()}


FIVE = rows_of(
    ("a", "x", 0.2), ("b", "x", 0.9), ("c", "y", 0.5), ("d", "y", None), ("e", "x", 0.9)
)  # fmt: skip


@pytest.mark.parametrize(
    ("targets", "max_rows", "stays", "goes"),
    [
        ({}, None, "abcde", {}),
        ({}, 5, "abcde", {}),
        ({}, 9, "abcde", {}),
        # Best first; ties by id; unknown quality last.
        ({}, 4, "abce", {"d": ("over_max_rows", None, 4.0)}),
        ({}, 1, "b", {
            "e": ("over_max_rows", 0.9, 1.0), "c": ("over_max_rows", 0.5, 1.0),
            "a": ("over_max_rows", 0.2, 1.0), "d": ("over_max_rows", None, 1.0),
        }),
        ({"x": 2}, None, "bcde", {"a": ("over_target", 0.2, 2.0)}),
        ({"y": 1}, None, "abce", {"d": ("over_target", None, 1.0)}),
        ({"x": 9, "z": 0}, None, "abcde", {}),
        ({"x": 1, "y": 1}, None, "bc", {
            "e": ("over_target", 0.9, 1.0), "a": ("over_target", 0.2, 1.0),
            "d": ("over_target", None, 1.0),
        }),
        ({"x": 2}, 2, "be", {
            "a": ("over_target", 0.2, 2.0), "c": ("over_max_rows", 0.5, 2.0),
            "d": ("over_max_rows", None, 2.0),
        }),
    ],
)  # fmt: skip
def test_the_best_rows_stay(
    targets: dict[str, int],
    max_rows: int | None,
    stays: str,
    goes: dict[str, tuple[str, float | None, float]],
) -> None:
    found = choose(FIVE, targets=targets, max_rows=max_rows)
    assert "".join(found.kept["id"]) == stays
    assert set(found.dropped["id"]) == set(goes)
    assert {row_id: line[:3] for row_id, line in reasons(found).items()} == goes
    assert set(found.decisions["action"]) <= {"drop"}
    assert set(found.decisions["stage"]) <= {"select"}
    assert found.decisions.schema == pl.Schema(dict(DECISIONS))


def test_evidence_says_what_was_enough() -> None:
    found = choose(FIVE, targets={"y": 1}, max_rows=2)
    lines = dict(found.decisions.select("id", "evidence").iter_rows())
    assert lines == {
        "a": "rank 4 of 4 by score; the last one taken has 0.9",
        "c": "rank 3 of 4 by score; the last one taken has 0.9",
        "d": "1 rows were wanted from y; those of higher score were taken",
    }


@pytest.mark.parametrize("method", ["best", "diverse", "k_center"])
def test_nothing_is_selected_from_nothing(method: str) -> None:
    found = choose(
        FIVE.clear().with_columns(category=pl.lit("code"), tokens=pl.lit(1)),
        angles(),
        targets={"x": 1},
        max_rows=3,
        max_tokens=9,
        method=method,
        quotas="keep",
    )
    assert (found.kept.height, found.dropped.height, found.decisions.height) == (0, 0, 0)


def test_another_column_ranks() -> None:
    rows = FIVE.with_columns(judge=pl.Series([5, 1, 2, 3, 4]), length=pl.Series([1, 1, 9, 1, 1]))
    assert kept(rows, max_rows=2) == "ae"
    assert kept(rows, max_rows=1, by="length") == "c"
    assert kept(rows, max_rows=2, by="quality") == "be"
    with pytest.raises(InputError, match=r"expected a score column, .*got 'instruction'"):
        choose(rows, by="instruction")


# From the best: 0, 10, 90, 95, 200 degrees; cos 10 = 0.985, cos 5 = 0.996.
FAN = angles(0, 10, 90, 95, 200)


def test_rows_near_to_a_better_one_are_skipped() -> None:
    found = choose(ranked(5), FAN, method="diverse", max_rows=2, max_similarity=0.9)
    assert "".join(found.kept["id"]) == "ac"
    lines = reasons(found)
    assert lines["b"] == ("too_similar", pytest.approx(0.984808), 0.9, "a", pytest.approx(0.984808))
    # Nobody asks about the rows after the last one taken.
    assert lines["d"] == ("over_max_rows", pytest.approx(0.97), 2.0, None, None)
    assert found.decisions.filter(id="b")["evidence"].item() == (
        'only in this row: "b"; only in the kept one: "a"'
    )


@pytest.mark.parametrize(
    ("limit", "stays"), [(1.0, "abcde"), (0.99, "abce"), (0.95, "ace"), (0.0001, "ace")]
)
def test_a_lower_bar_keeps_fewer(limit: float, stays: str) -> None:
    assert kept(ranked(5), FAN, method="diverse", max_similarity=limit) == stays


def test_a_row_without_a_text_is_near_to_nothing() -> None:
    vectors = angles(None, 0, None, 1, 0)
    assert kept(ranked(5), vectors, method="diverse", max_similarity=0.5) == "abc"
    assert kept(ranked(5), vectors, method="k_center", max_rows=2) == "bd"
    found = choose(ranked(2), angles(None, None), method="k_center", max_rows=1)
    assert reasons(found)["b"] == ("k_center", None, None, None, None)


def test_a_skipped_row_is_compared_with_all_groups() -> None:
    rows = ranked(4, category=["code", "maths", "maths", "code"])
    vectors = angles(0, 1, 90, 180)
    found = choose(rows, vectors, method="diverse", max_rows=2, quotas={"code": 0.5, "maths": 0.5})
    assert "".join(found.kept["id"]) == "ac"
    assert reasons(found)["b"][:4] == ("too_similar", pytest.approx(0.999848), 0.9, "a")


def test_the_farthest_rows_come_first() -> None:
    # Distances count from full for the best to half for the worst.
    vectors = angles(0, 90, 100, 180, 2)
    found = choose(ranked(5), vectors, method="k_center", max_rows=2)
    assert "".join(found.kept["id"]) == "ad"
    lines = reasons(found)
    assert lines["b"][0] == "k_center"
    assert {row_id: line[3] for row_id, line in lines.items()} == {"b": "a", "c": "d", "e": "a"}
    for _, value, threshold, _, similarity in lines.values():
        assert value == pytest.approx(1 - similarity)
        assert value <= threshold
    assert lines["b"][1:3] == (1.0, 1.0)


def test_what_is_needed_must_be_there() -> None:
    with pytest.raises(RunError, match="vectors of the prompts for 'diverse'"):
        choose(FIVE, method="diverse")


@pytest.mark.parametrize("method", ["best", "k_center"])
def test_without_a_budget_everything_stays(method: str) -> None:
    assert kept(FIVE, None, method=method, quotas={"code": 0.1}) == "abcde"


MIXED = ["code", "maths", "code", "code", "maths", "other", "other", "other", "other", "other"]


@pytest.mark.parametrize(
    ("quotas", "max_rows", "stays"),
    [
        (None, 4, "abcd"),
        ("keep", 5, "acbfg"),  # 3, 2 and 5 of 10
        ({"maths": 0.5, "other": 0.5}, 4, "befg"),
        ({"maths": 0.5}, 4, "beac"),  # the best of all others
        ({"maths": 0.75}, 4, "beac"),  # there are two only; the rest goes to the others
        ({"maths": 1.0}, 4, "beac"),
        ({"poems": 0.5}, 2, "ab"),
        ("keep", 10, "abcdefghij"),
    ],
)
def test_shares_are_kept(quotas: Any, max_rows: int, stays: str) -> None:
    rows = ranked(10, category=MIXED)
    assert kept(rows, quotas=quotas, max_rows=max_rows) == "".join(sorted(stays))


def test_a_row_that_others_replace_is_told_so() -> None:
    rows = ranked(10, category=MIXED)
    found = choose(rows, quotas={"maths": 0.5, "other": 0.5}, max_rows=4)
    lines = reasons(found)
    assert lines["a"][:3] == ("over_quota", 1.0, 0.0)
    assert lines["h"][0] == "over_max_rows"
    evidence = found.decisions.filter(id="a")["evidence"].item()
    assert evidence == "0 rows of all others are its share of the budget"
    assert found.decisions.filter(id="h")["evidence"].item() == (
        "rank 8 of 10 by score; 2 rows of other are its share"
    )
    found = choose(rows, quotas="keep", max_rows=5)
    assert reasons(found)["d"][:3] == ("over_quota", pytest.approx(0.97), 2.0)


def test_shares_go_by_the_pool_before_targets() -> None:
    rows = rows_of(
        *((f"x{n}", "x", 0.9) for n in range(6)), *((f"y{n}", "y", 0.1) for n in range(6))
    )
    found = choose(rows, targets={"x": 2}, quotas="keep", per="source", max_rows=4)
    assert Counter(found.kept["source"]) == {"x": 2, "y": 2}


@pytest.mark.parametrize(
    ("max_tokens", "stays"),
    [
        (100, "abcdef"),
        (10, "ab"),  # 6 left when c needs 9: less than an average row takes, so it ends
        (5, "ab"),
        (4, "bf"),  # what is larger than the whole budget does not end it
        (21, "abc"),
        (27, "abce"),  # d is passed over
    ],
)
def test_tokens_are_a_limit(max_tokens: int, stays: str) -> None:
    rows = ranked(6, tokens=[5, 0, 9, 60, 13, 1])
    assert kept(rows, max_tokens=max_tokens) == stays


def test_tokens_that_are_unknown_never_fit() -> None:
    rows = ranked(3, tokens=[None, 5, 5])
    found = choose(rows, max_tokens=10)
    assert "".join(found.kept["id"]) == "bc"
    assert reasons(found)["a"][:3] == ("over_max_tokens", None, 10.0)
    evidence = found.decisions["evidence"].item()
    assert evidence == "10 tokens were left, the row has an unknown number"


def test_both_limits_hold() -> None:
    rows = ranked(6, tokens=[5, 5, 5, 5, 5, 5])
    assert kept(rows, max_tokens=12, max_rows=5) == "ab"
    assert kept(rows, max_tokens=12, max_rows=1) == "a"
    found = choose(rows, max_tokens=12, max_rows=5)
    assert set(found.decisions["rule"]) == {"over_max_tokens"}
    assert reasons(found)["f"][:3] == ("over_max_tokens", 5.0, 12.0)


def test_shares_hold_where_tokens_end_the_walk() -> None:
    rows = ranked(12, category=["code"] * 6 + ["maths"] * 6, tokens=[10] * 12)
    found = choose(rows, max_tokens=60, max_rows=12, quotas={"code": 0.5, "maths": 0.5})
    assert Counter(found.kept["category"]) == {"code": 3, "maths": 3}


rows_strategy = st.lists(
    st.tuples(
        st.sampled_from("xyz"),
        st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.sampled_from(["code", "maths", "other"]),
        st.none() | st.integers(0, 9),
        st.none() | st.integers(0, 23),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(
    rows_strategy,
    st.dictionaries(st.sampled_from("xyz"), st.integers(0, 6)),
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["best", "diverse", "k_center"]),
            "max_rows": st.none() | st.integers(1, 12),
            "max_tokens": st.none() | st.integers(1, 60),
            "max_similarity": st.sampled_from([0.3, 0.9, 1.0]),
            "quotas": st.sampled_from([None, "keep", {"code": 0.5}, {"maths": 0.2, "other": 0.8}]),
            "per": st.sampled_from(["category", "source"]),
        }
    ),
    st.randoms(use_true_random=False),
)
def test_row_order_changes_nothing_and_no_row_is_lost(
    given_rows: list[tuple[str, float | None, str, int | None, int | None]],
    targets: dict[str, int],
    options: dict[str, Any],
    rng: random.Random,
) -> None:
    rows = rows_of(
        *((f"r{n:02d}", source, q) for n, (source, q, *_) in enumerate(given_rows)),
        category=[line[2] for line in given_rows],
        tokens=[line[3] for line in given_rows],
    ).with_columns(pl.col("category").cast(pl.String), pl.col("tokens").cast(pl.Int64))
    vectors = angles(*(None if turn is None else turn * 15 for *_, turn in given_rows))
    order = list(range(rows.height))
    rng.shuffle(order)
    one = choose(rows, vectors, targets=targets, **options)
    two = choose(rows[order] if order else rows, vectors[order], targets=targets, **options)
    assert sorted(one.kept["id"]) == sorted(two.kept["id"])
    assert one.decisions.sort("id").equals(two.decisions.sort("id"))
    assert sorted([*one.kept["id"], *one.dropped["id"]]) == rows["id"].to_list()
    assert sorted(one.decisions["id"]) == sorted(one.dropped["id"])
    counts = Counter(one.kept["source"])
    assert all(counts[source] <= target for source, target in targets.items())
    assert options["max_rows"] is None or one.kept.height <= options["max_rows"]
    if options["max_tokens"] is not None:
        assert one.kept["tokens"].null_count() == 0
        assert one.kept["tokens"].sum() <= options["max_tokens"]
    assert one.decisions["evidence"].null_count() == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["code", "maths", "other"]), min_size=1, max_size=30), st.data())
def test_a_budget_is_filled_and_shares_are_met_to_a_row(
    categories: list[str], data: st.DataObject
) -> None:
    rows = rows_of(*((f"r{n:02d}", "x", n / 99) for n in range(len(categories))))
    rows = rows.with_columns(pl.Series("category", categories))
    wanted = data.draw(st.integers(1, len(categories)))
    found = choose(rows, max_rows=wanted, quotas="keep")
    assert found.kept.height == wanted
    after = Counter(found.kept["category"])
    for name, count in Counter(categories).items():
        assert abs(after[name] - wanted * count / len(categories)) < 1
