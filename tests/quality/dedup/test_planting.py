"""Rows planted with a known answer."""

import polars as pl
import pytest

from quality.dedup.draws import Draw
from quality.dedup.edits import DUPLICATES, POLITE, duplicates_of, plain_words
from quality.dedup.guards import vetoing_guard
from quality.dedup.lexical import Cut
from quality.dedup.look_alikes import LOOK_ALIKES
from quality.dedup.planting import DUPLICATE_KINDS, PLANTED, PREFIX, plant, sample_ids

TASKS = [
    ("Create a list of 5 items to take to the beach with the children.", ""),
    ("Describe the qualities of a good leader in a small company.", ""),
    (
        "Translate the following sentence to French and explain it.",
        "Where is the station?",
    ),
    (
        "Summarize the given news article in one sentence for the readers.",
        "The council voted today.",
    ),
    ("Construct a sentence using the words “patience” and “harvest” in the past.", ""),
    ("What is the history of the silk road and of the cities along it?", ""),
    ("Explain how the function get_user_name() can fail when the network is down.", ""),
    ("Compose a short poem about the first snow of the winter in a village.", ""),
]
ROWS = pl.DataFrame(
    {
        "id": [f"{number:032x}" for number in range(len(TASKS) * 6)],
        "instruction": [f"{text}" for text, _ in TASKS] * 6,
        "input": [given for _, given in TASKS] * 6,
        "output": [f"Answer {number}." for number in range(len(TASKS) * 6)],
    }
)


def planted(**options: object) -> pl.DataFrame:
    return plant(ROWS, Cut(), **options)  # type: ignore[arg-type]


def test_one_duplicate_and_one_look_alike_a_row() -> None:
    found = planted()
    assert dict(found.schema) == dict(PLANTED)
    assert found["is_duplicate"].sum() == ROWS.height
    assert (~found["is_duplicate"]).sum() == ROWS.height
    assert set(found.filter("is_duplicate")["kind"]) == set(DUPLICATE_KINDS)
    assert set(found.filter(~pl.col("is_duplicate"))["kind"]) == set(LOOK_ALIKES)
    assert found["id"].n_unique() == found.height
    assert found["id"].str.starts_with(PREFIX).all()


def test_the_order_of_rows_changes_nothing() -> None:
    shuffled = ROWS.sample(fraction=1, shuffle=True, seed=3)
    assert plant(shuffled, Cut()).equals(planted())


def test_another_seed_plants_other_rows() -> None:
    assert not planted(seed=1).equals(planted())


def test_every_planted_row_differs_from_its_source_in_what_is_compared() -> None:
    source = ROWS.select(pl.col("id").alias("source_id"), was="instruction", had="input")
    both = planted().join(source, on="source_id")
    same = both.filter(
        (pl.col("was") == pl.col("instruction")) & (pl.col("had") == pl.col("input"))
    )
    assert same.height == 0
    answers = dict(ROWS.select("id", "output").iter_rows())
    assert all(answers[name] == text for name, text in both.select("source_id", "output").rows())


def test_duplicates_spread_over_similarities() -> None:
    found = planted().filter("is_duplicate")
    surface = found.filter(pl.col("kind") == "surface")["jaccard"]
    assert surface.to_list() == [1.0] * surface.len()
    others = found.filter(pl.col("kind") != "surface")["jaccard"]
    assert others.min() < 0.5
    assert others.max() > 0.8


def test_similarity_is_the_one_of_the_lexical_method() -> None:
    row = pl.DataFrame(
        {"id": ["a"], "instruction": ["Name the three largest rivers of the continent."],
         "input": [""], "output": ["Nile."]}
    )  # fmt: skip
    found = plant(row, Cut()).filter(~pl.col("is_duplicate"))
    # Eight words, six shingles; the changed word is in at most three of them.
    assert found["jaccard"].item() in {6 / 8, 5 / 7, 4 / 8, 3 / 9}


def test_guards_see_named_changes_and_no_guard_sees_another_subject() -> None:
    found = planted().filter(~pl.col("is_duplicate"))
    parted = found.group_by("kind").agg(pl.col("parted_by").is_not_null().all().alias("all"))
    seen = dict(parted.iter_rows())
    assert {kind for kind, every in seen.items() if not every} == {"other_subject"}
    unguarded = planted(guards=False).filter(pl.col("kind") == "other_number")
    assert unguarded["parted_by"].to_list() == [None] * unguarded.height


def test_a_row_that_no_longer_fits_its_template_is_parted_by_it() -> None:
    rows = ROWS.filter(pl.col("instruction").str.starts_with("Create")).head(6)
    cut = Cut(mask=("Create a list of {what}",))
    found = plant(rows, cut).filter(pl.col("kind") == POLITE)
    assert found["parted_by"].to_list() == ["template"]


@pytest.mark.parametrize("kind", DUPLICATE_KINDS)
def test_an_edit_that_keeps_the_task_is_vetoed_by_no_guard(kind: str) -> None:
    texts = ("Write the 3 best reasons not to say “never mind” in German, a list for the class.",)
    made = list(duplicates_of(texts, kind, Draw("a")))
    assert made
    assert {vetoing_guard(texts[0], variant[0]) for variant in made} == {None}


def test_words_that_make_the_task_are_left_alone() -> None:
    words = plain_words(("Do not print `the value` of 3 items in Spanish, use get_all() in it",))
    assert [word.text for word in words] == []
    words = plain_words(("Do not print 3 items in Spanish.\nUse the shortest lovely words",))
    assert [word.text for word in words] == ["Do", "print", "items", "in", "Use", "the", "lovely",
                                             "words"]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("negated", "Write a poem.", "Do not write a poem."),
        ("negated", "What is the capital?", "What is not the capital?"),
        ("other_name", "Find the largest lake.", "Find the smallest lake."),
        ("other_literal", "Call get_name() twice.", "Call get_name_other() twice."),
        ("other_subject", "Write about the mountains.", "Write about the elephants."),
        ("other_instruction", "Write about the mountains.", None),
    ],
)
def test_look_alikes(kind: str, text: str, wanted: str | None) -> None:
    donor = ("Draw two large elephants",)
    found = LOOK_ALIKES[kind]((text,), donor, Draw("a"))
    assert (None if found is None else found[0]) == wanted


def test_a_digit_changes_but_not_the_number_of_an_item() -> None:
    changed = LOOK_ALIKES["other_number"](("1. Add 40 to it.",), ("",), Draw("b"))
    assert changed is not None
    assert changed[0].startswith("1. Add ")
    assert changed[0] != "1. Add 40 to it."
    assert LOOK_ALIKES["other_number"](("1. Add it.",), ("",), Draw("b")) is None


@pytest.mark.parametrize("text", ["", "   ", "?", "请写一首诗", "x"])
def test_rows_that_cannot_be_edited_are_no_error(text: str) -> None:
    row = pl.DataFrame(
        {"id": ["a"], "instruction": [text], "input": [None], "output": [None]},
        schema=dict.fromkeys(("id", "instruction", "input", "output"), pl.String),
    )
    assert plant(row, Cut()).height <= 2


def test_nothing_is_planted_into_nothing() -> None:
    assert plant(ROWS.clear(), Cut()).height == 0


def test_a_sample_depends_on_ids_alone() -> None:
    ids = ROWS["id"]
    assert sample_ids(ids, 5).equals(sample_ids(ids.reverse(), 5))
    assert sample_ids(ids, 5).to_list() == sample_ids(ids, 9).to_list()[:5]
    assert sample_ids(ids, 100).len() == ids.len()
    assert set(DUPLICATES) | {POLITE} == set(DUPLICATE_KINDS)
