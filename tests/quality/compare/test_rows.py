from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from quality.compare.rows import GONE, compare_rows
from schemas.frames import DECISIONS, empty_frame
from tests.support.rows import make_decisions, make_row, make_rows

NOTHING = empty_frame(DECISIONS)


def version(*rows: dict[str, Any], split: str = "train", **columns: Any) -> pl.DataFrame:
    return make_rows(rows, **columns).with_columns(split=pl.lit(split))


A, B, C = (make_row(f"Name a {thing}.") for thing in ("river", "town", "bird"))


def test_added_and_removed_rows_with_the_decision_that_took_them() -> None:
    taken = make_decisions(
        [
            {"id": B["id"], "rule": "max_repetition", "action": "drop", "value": 0.7,
             "threshold": 0.6, "stage": "filter", "evidence": "town town"},
            {"id": B["id"], "rule": "refusal", "action": "would_drop"},
        ]
    )  # fmt: skip
    found = compare_rows(version(A, B), version(A, C), taken)
    assert found.unchanged == 1
    assert found.added["id"].to_list() == [C["id"]]
    (removed,) = found.removed.to_dicts()
    assert (removed["id"], removed["rule"], removed["value"]) == (B["id"], "max_repetition", 0.7)
    assert (removed["threshold"], removed["evidence"]) == (0.6, "town town")
    (gone,) = compare_rows(version(A), version(B), NOTHING).removed.to_dicts()
    assert (gone["rule"], gone["stage"], gone["value"]) == (GONE, None, None)


def test_another_answer_to_the_same_prompt_is_one_change() -> None:
    other, third = make_row("Name a river.", "The Elbe."), make_row("Name a river.", "The Oder.")
    found = compare_rows(version(A, B), version(other, B), NOTHING)
    assert found.changed.select("old_id", "new_id").rows() == [(A["id"], other["id"])]
    assert (found.added.height, found.removed.height) == (0, 0)
    two = compare_rows(version(A), version(other, third), NOTHING)
    assert (two.changed.height, two.added.height, two.removed.height) == (1, 1, 0)


def test_the_same_instruction_with_another_input_is_another_prompt() -> None:
    first = make_row("Translate.", input="Hund")
    second = make_row("Translate.", input="Katze")
    found = compare_rows(version(first), version(second), NOTHING)
    assert (found.changed.height, found.added.height, found.removed.height) == (0, 1, 1)


def test_rows_that_moved() -> None:
    found = compare_rows(version(A, B), version(A, split="test"), NOTHING)
    assert found.moved.rows() == [(A["id"], "Name a river.", "train", "test")]


def test_the_same_text_with_other_metadata_and_scores_is_edited() -> None:
    old = version(A, B, C, quality=[0.5, None, float("nan")], kind=[1, 2, 3])
    new = version(
        A | {"license": "MIT"}, B, C | {"parents": ["x"]}, quality=[0.5, 0.1, float("nan")],
        kind=[1.0, 2.0, 4.0],
    )  # fmt: skip
    found = dict(compare_rows(old, new, NOTHING).edited.rows())
    assert found == {
        A["id"]: ["license"], B["id"]: ["quality"], C["id"]: ["parents", "kind"],
    }  # fmt: skip


def test_columns_of_one_version_alone_are_no_edit() -> None:
    found = compare_rows(version(A, quality=[0.5]), version(A, other=[1]), NOTHING)
    assert (found.edited.height, found.unchanged) == (0, 1)


def test_decisions_of_an_early_version_lack_columns() -> None:
    early = make_decisions([{"id": A["id"], "rule": "refusal", "action": "drop"}])
    found = compare_rows(version(A), version(B), early.drop("evidence", "similarity", "value"))
    assert found.removed.select("rule", "evidence", "value").rows() == [("refusal", None, None)]


@given(
    old=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), unique=True, max_size=8),
    new=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), unique=True, max_size=8),
    turn=st.booleans(),
)
def test_every_row_is_told_once_whatever_the_order(
    old: list[tuple[int, int]], new: list[tuple[int, int]], turn: bool
) -> None:
    before, after = (
        version(*(make_row(f"Ask {ask}", f"Say {say}") for ask, say in pairs))
        for pairs in (old, new)
    )
    found = compare_rows(before, after, NOTHING)
    told = [found.unchanged, found.removed.height, found.changed.height]
    assert sum(told) == len(old)
    assert found.unchanged + found.added.height + found.changed.height == len(new)
    if turn:
        again = compare_rows(before.reverse(), after.reverse(), NOTHING)
        for name in ("added", "removed", "changed"):
            assert getattr(again, name).equals(getattr(found, name))
