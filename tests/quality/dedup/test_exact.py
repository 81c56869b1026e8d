"""Exact duplicates: what counts as equal, and what never does."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.exact import exact_pairs
from quality.dedup.survivors import choose_survivors
from schemas.errors import RunError
from schemas.frames import PAIRS, check_frame

TEXT = st.sampled_from(["", " ", "a", "A", "a  b", "a b", "ß", "SS", "x"])


def frame(*rows: tuple[str, str, str]) -> pl.DataFrame:
    columns = ["instruction", "input", "output"]
    data = [(f"id{n}", *row) for n, row in enumerate(rows)]
    return pl.DataFrame(data, schema=dict.fromkeys(["id", *columns], pl.String), orient="row")


def pairs_of(rows: pl.DataFrame) -> list[tuple[str, str]]:
    return exact_pairs(rows).select("id_a", "id_b").rows()


def test_case_and_white_space_do_not_count() -> None:
    rows = frame(("Say  hi", "", "Hi"), ("say hi\n", " ", "HI"), ("say hi", "", "Hello"))
    assert pairs_of(rows) == [("id0", "id1")]


def test_casefolding_and_composition_join_what_is_the_same_text() -> None:
    assert pairs_of(frame(("Straße", "", "x"), ("STRASSE", "", "x"))) == [("id0", "id1")]
    assert pairs_of(frame(("caf\u00e9", "", "x"), ("cafe\u0301", "", "x"))) == [("id0", "id1")]


def test_two_empty_outputs_of_one_instruction_are_duplicates() -> None:
    assert pairs_of(frame(("do it", "", ""), ("do it", "", ""))) == [("id0", "id1")]


def test_rows_without_any_text_are_never_lumped_together() -> None:
    assert pairs_of(frame(("", " ", ""), ("", "", "\n"), ("", "", ""))) == []


def test_null_is_the_empty_text() -> None:
    rows = frame(("a", "", "b"), ("a", "", "b")).with_columns(
        input=pl.Series([None, ""], dtype=pl.String)
    )
    assert pairs_of(rows) == [("id0", "id1")]


def test_equal_outputs_alone_are_no_duplicates() -> None:
    assert pairs_of(frame(("a", "", "Negative"), ("b", "", "Negative"))) == []


def test_an_empty_frame_has_no_pairs() -> None:
    check_frame(exact_pairs(frame()), PAIRS, where="exact")


def test_a_missing_column_or_a_repeated_id_is_an_error() -> None:
    with pytest.raises(RunError, match="expected columns"):
        exact_pairs(frame(("a", "", "b")).drop("output"))
    with pytest.raises(RunError, match="expected unique ids"):
        exact_pairs(pl.concat([frame(("a", "", "b"))] * 2))


@settings(deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=12), st.randoms())
def test_order_of_rows_does_not_matter(rows: list[tuple[str, str, str]], random) -> None:
    whole = frame(*rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    assert exact_pairs(whole).equals(exact_pairs(whole[order]))


@settings(deadline=None)
@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=12),
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
)
def test_one_row_of_each_group_survives_and_it_is_the_best(
    rows: list[tuple[str, str, str]], priorities: list[float]
) -> None:
    whole = frame(*rows)
    ranked = whole.select("id", priority=pl.Series(priorities[: len(rows)], dtype=pl.Float64))
    dropped = choose_survivors(ranked, exact_pairs(whole))
    kept = whole.filter(~pl.col("id").is_in(dropped["id"].implode()))
    assert exact_pairs(kept).is_empty()
    best = dict(ranked.iter_rows())
    for row, matched in dropped.select("id", "matched_id").iter_rows():
        assert best[matched] >= best[row]
