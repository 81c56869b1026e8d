"""Exact duplicates: what counts as equal, and what never does."""

from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quality.dedup.exact import exact_duplicates, exact_keys, fold_series
from quality.dedup.survivors import Dropped
from schemas.errors import RunError
from tests.support import shingles as reference

Texts = tuple[str | None, str | None, str | None]

TEXT = st.sampled_from(["", " ", "a", "A", "a  b", "a b", "ß", "SS", "x", None, "\x1f", "a\x1fb"])
ROWS = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=12)


def frame(*rows: Texts) -> pl.DataFrame:
    columns = ["instruction", "input", "output"]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def dropped(*rows: Texts, rank: list[int] | None = None) -> Dropped:
    order = np.array(range(len(rows)) if rank is None else rank, dtype=np.int64)
    return exact_duplicates(exact_keys(frame(*rows)), order)


def pairs_of(*rows: Texts) -> list[tuple[int, int]]:
    """(row that goes, row that stays)."""
    found = dropped(*rows)
    return list(zip(found.rows.tolist(), found.matched.tolist(), strict=True))


def folded(row: Texts) -> tuple[str, ...]:
    return tuple(reference.fold(text or "") for text in row)


def test_case_and_white_space_do_not_count() -> None:
    rows = [("Say  hi", "", "Hi"), ("say hi\n", " ", "HI"), ("say hi", "", "Hello")]
    assert pairs_of(*rows) == [(1, 0)]


def test_casefolding_and_composition_join_what_is_the_same_text() -> None:
    assert pairs_of(("Straße", "", "x"), ("STRASSE", "", "x")) == [(1, 0)]
    assert pairs_of(("caf\u00e9", "", "x"), ("cafe\u0301", "", "x")) == [(1, 0)]


def test_two_empty_outputs_of_one_instruction_are_duplicates() -> None:
    assert pairs_of(("do it", "", ""), ("do it", "", "")) == [(1, 0)]


def test_rows_without_any_text_are_never_lumped_together() -> None:
    assert pairs_of(("", " ", ""), ("", None, "\n"), ("", "", ""), ("\x1f", "", "\xa0")) == []


def test_null_is_the_empty_text() -> None:
    assert pairs_of(("a", None, "b"), ("a", "", "b")) == [(1, 0)]


def test_equal_outputs_alone_are_no_duplicates() -> None:
    assert pairs_of(("a", "", "Negative"), ("b", "", "Negative")) == []


def test_no_text_moves_from_one_column_to_the_next() -> None:
    assert pairs_of(("a b", "", "c"), ("a", "b", "c"), ("a", "", "b c"), ("a\x1fb", "", "c")) == [
        (3, 0)
    ]


def test_similarity_is_one_and_rows_ascend() -> None:
    found = dropped(*[("b", "", ""), ("a", "", "")] * 3)
    assert found.rows.tolist() == [2, 3, 4, 5]
    assert found.matched.tolist() == [0, 1, 0, 1]
    assert found.similarity.tolist() == [1.0] * 4


def test_no_rows_drop_none() -> None:
    assert exact_keys(frame()).shape == (0, 2)
    assert pairs_of() == []
    assert pairs_of(("", "", "")) == []


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(RunError, match="expected columns"):
        exact_keys(frame(("a", "", "b")).drop("output"))


def test_only_the_named_columns_count() -> None:
    rows = frame(("a", "", "x"), ("A", "", "y"))
    keys = exact_keys(rows, ("instruction", "input"))
    assert keys[0].tolist() == keys[1].tolist() != [0, 0]
    assert exact_keys(rows)[0].tolist() != exact_keys(rows)[1].tolist()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.text(max_size=12), TEXT), max_size=5))
@example(["\x1c a\x0b", "İ", "\u1e9e", "\x85\u2028", "ΑΣ", "plain  TEXT "])
def test_many_texts_are_folded_as_one_is(texts: list[str | None]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    assert fold_series(series).to_list() == [reference.fold(text or "") for text in texts]
    assert series.to_list() == texts


@settings(deadline=None, max_examples=50)
@given(ROWS, st.randoms())
def test_the_best_of_every_group_of_equal_folded_texts_stays(rows: list[Texts], random) -> None:
    rank = list(range(len(rows)))
    random.shuffle(rank)
    groups = defaultdict(list)
    for row, texts in enumerate(rows):
        if any(folded(texts)):
            groups[folded(texts)].append(row)
    expected = {}
    for members in groups.values():
        best = min(members, key=rank.__getitem__)
        expected |= {row: best for row in members if row != best}
    found = dropped(*rows, rank=rank)
    assert dict(zip(found.rows.tolist(), found.matched.tolist(), strict=True)) == expected
    assert found.rows.tolist() == sorted(expected)


@settings(deadline=None, max_examples=50)
@given(ROWS, st.randoms())
def test_order_of_rows_does_not_matter(rows: list[Texts], random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    first = dropped(*rows)
    second = dropped(*[rows[row] for row in order], rank=order)
    pairs = zip(second.rows.tolist(), second.matched.tolist(), strict=True)
    back = sorted((order[row], order[matched]) for row, matched in pairs)
    assert back == list(zip(first.rows.tolist(), first.matched.tolist(), strict=True))


@settings(deadline=None, max_examples=50)
@given(ROWS)
def test_a_second_pass_finds_nothing(rows: list[Texts]) -> None:
    gone = set(dropped(*rows).rows.tolist())
    kept = [texts for row, texts in enumerate(rows) if row not in gone]
    assert dropped(*kept).rows.size == 0
