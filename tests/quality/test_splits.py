"""Splits: no group straddles them, shares are roughly kept, row order does not matter."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.splits import Related, assign_splits, group_rows
from tests.support.rows import make_row, make_rows

WORDS = ("river", "town", "bird", "stone", "cloud", "lamp", "bread", "glass", "wheel", "snow")


def grouped(rows: list[dict[str, Any]], **related: Any) -> dict[str, str]:
    frame = make_rows(rows)
    return dict(zip(frame["id"], group_rows(frame, Related(**related)), strict=True))


def are_together(*rows: dict[str, Any], **related: Any) -> bool:
    return len(set(grouped(list(rows), **related).values())) == 1


RIVER = make_row("Name a river in the north of Italy and say where it ends.", "The Po.")


@pytest.mark.parametrize(
    ("other", "related", "expected"),
    [
        (make_row(RIVER["instruction"], "The Adige."), {}, True),
        (make_row(RIVER["instruction"].upper() + "  ", "The Adige."), {"similarity": None}, True),
        (make_row("Name a river in the north of France and say where it ends."), {}, True),
        (make_row("Name a river in the north of France and say where it ends."),
         {"similarity": None}, False),
        (make_row("Bake a cake for eleven hungry guests."), {}, False),
        (make_row(RIVER["instruction"], input="Only long ones."), {}, True),
        (make_row("Bake a cake.", parents=[RIVER["id"]]), {}, True),
        (make_row("Bake a cake.", parents=[RIVER["id"], "seed"]), {}, False),
    ],
)  # fmt: skip
def test_what_belongs_together(
    other: dict[str, Any], related: dict[str, Any], expected: bool
) -> None:
    assert are_together(RIVER, other, **related) is expected


def test_one_instruction_for_many_inputs_may_be_told_apart() -> None:
    rows = [make_row("Translate into German.", input=word) for word in WORDS]
    assert are_together(*rows)
    # What is left is the likeness of prompts, most of which is the instruction.
    groups = grouped(rows, same_instruction=False, similarity=None)
    assert len(set(groups.values())) == len(WORDS)


def test_rows_made_from_one_thing_alone_stay_together() -> None:
    first, second = (make_row(f"{word} one", parents=["seed-1"]) for word in WORDS[:2])
    third = make_row("lamp one", parents=["seed-2"])
    groups = grouped([first, second, third])
    assert groups[first["id"]] == groups[second["id"]] != groups[third["id"]]


def test_documents_and_trees_stay_together_within_their_source() -> None:
    def row(word: str, raw: str | None, source: str = "a") -> dict[str, Any]:
        return make_row(f"What of the {word}?", raw=raw, source=source)

    same = [row("river", '{"document_id": 7}'), row("bird", '{"document_id": 7, "x": 1}')]
    other = [row("town", '{"document_id": 7}', "b"), row("lamp", '{"document_id": 8}')]
    odd = [row("bread", "{"), row("glass", None), row("stone", '["document_id"]')]
    groups = grouped([*same, *other, *odd], fields=("document_id",))
    assert groups[same[0]["id"]] == groups[same[1]["id"]]
    assert len(set(groups.values())) == 6
    frame = make_rows(same, tree=["1", "1"]).with_columns(raw=pl.lit(None, pl.String))
    assert group_rows(frame, Related(fields=("tree",))).n_unique() == 1


def test_rows_without_a_prompt_are_no_group() -> None:
    assert not are_together(make_row("", "One."), make_row("", "Two."))


def test_nothing_is_nothing() -> None:
    frame = make_rows([])
    assert group_rows(frame, Related()).to_list() == []
    assert assign_splits(frame.with_columns(group="id"), {"test": 0.1}).names.to_list() == []


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Rows of few words, so that many are alike; some with parents, some of one document."""
    count = draw(st.integers(1, 30))
    rows = []
    for number in range(count):
        words = draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=6))
        document = draw(st.integers(0, 60))
        parent = draw(st.integers(0, 4 * count))
        row = make_row(" ".join(words), f"Answer {number}", raw=f'{{"document": {document}}}')
        if parent < number:
            row["parents"] = [rows[parent]["id"]]
        rows.append(row)
    return make_rows(rows)


@settings(max_examples=40)
@given(rows=tables(), seed=st.integers(0, 9), order=st.randoms(use_true_random=False))
def test_no_group_straddles_and_order_does_not_matter(
    rows: pl.DataFrame, seed: int, order: Any
) -> None:
    related = Related(fields=("document",))
    frame = rows.with_columns(group_rows(rows, related).alias("group"))
    shares = {"test": 0.2, "validation": 0.1}
    split = assign_splits(frame, shares, seed=seed).names
    placed = frame.with_columns(split)
    assert (
        placed.group_by("group").agg(pl.col("split").n_unique())["split"].to_list()
        == [1] * placed["group"].n_unique()
    )
    # What keeps rows together, asked of the rows themselves.
    for key in ("instruction", pl.col("raw").str.json_path_match("$.document")):
        assert placed.group_by(key).agg(pl.col("split").n_unique())["split"].max() == 1
    parents = placed.explode("parents").join(placed, left_on="parents", right_on="id")
    assert (parents["split"] == parents["split_right"]).all()
    for name, share in shares.items():
        assert (placed["split"] == name).sum() <= round(share * rows.height)
    places = list(range(rows.height))
    order.shuffle(places)
    shuffled = rows[places]
    again = shuffled.with_columns(group_rows(shuffled, related).alias("group"))
    other = again.with_columns(assign_splits(again, shares, seed=seed).names)
    assert other.select("id", "split").sort("id").equals(placed.select("id", "split").sort("id"))


def singles(count: int, start: int = 0) -> pl.DataFrame:
    names = [f"id-{number:05}" for number in range(start, start + count)]
    return pl.DataFrame({"id": names, "group": names})


@pytest.mark.parametrize("seed", [0, 1, -5, 2**70])
def test_shares_are_kept_and_the_seed_chooses(seed: int) -> None:
    rows = singles(1_000)
    names = assign_splits(rows, {"test": 0.05, "validation": 0.1}, seed=seed).names
    assert dict(names.value_counts().iter_rows()) == {"train": 850, "validation": 100, "test": 50}
    other = assign_splits(rows, {"test": 0.05, "validation": 0.1}, seed=77).names
    assert not names.equals(other)


def test_a_group_too_large_for_a_split_goes_to_train() -> None:
    rows = singles(90).with_columns(group=pl.lit("big"))
    rows = pl.concat([rows, singles(10, 90)])
    names = assign_splits(rows, {"test": 0.1}).names
    assert dict(names.value_counts().iter_rows()) == {"train": 90, "test": 10}


def test_rows_keep_their_split_and_new_ones_fill_up() -> None:
    before = singles(100)
    first = assign_splits(before, {"test": 0.1}).names
    earlier = before.with_columns(first)
    after = pl.concat([before, singles(100, 100)])
    found = assign_splits(after, {"test": 0.1}, earlier=earlier, seed=5)
    assert found.names[:100].to_list() == first.to_list()
    assert (found.names == "test").sum() == 20
    assert found.torn.is_empty()


def test_a_new_row_that_joins_two_splits_moves_the_fewer_rows_and_tells() -> None:
    rows = pl.DataFrame({"id": ["a", "b", "c", "d", "new"], "group": ["a"] * 5})
    earlier = pl.DataFrame({"id": ["a", "b", "c", "d"], "split": ["train"] * 3 + ["test"]})
    found = assign_splits(rows, {"test": 0.2}, earlier=earlier)
    assert found.names.unique().to_list() == ["train"]
    assert found.torn.rows() == [("d", "test", "train")]
    tied = assign_splits(rows, {"test": 0.2}, earlier=earlier[2:])
    assert tied.names.unique().to_list() == ["test"]
    assert tied.torn.rows() == [("c", "train", "test")]


def test_a_split_that_the_recipe_no_longer_has_binds_nobody() -> None:
    earlier = pl.DataFrame({"id": ["id-00000"], "split": ["validation"]})
    found = assign_splits(singles(10), {"test": 0.1}, earlier=earlier)
    assert set(found.names) == {"train", "test"}
    assert found.torn.is_empty()


def test_rows_of_one_document_stay_together_by_what_their_maker_says() -> None:
    names = ["a.md", "b.md", "a.md"]
    rows = pl.DataFrame(
        {
            "id": ["1", "2", "3"],
            "source": ["grounded"] * 3,
            "instruction": ["Who built it?", "Why did it rain?", "How tall are they now?"],
            "input": [""] * 3,
            "parents": [["x"], ["y"], ["z"]],
            "about": [json.dumps({"document": name}) for name in names],
            "raw": ['{"choices": []}'] * 3,
        }
    )
    found = group_rows(rows, Related(None, False, ("document",))).to_list()
    assert found[0] == found[2] != found[1]
