import json
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from quality.formats import FORMATS, parse_record
from quality.ids import content_id
from quality.preferences import mark_preferences, markers_of
from schemas.errors import InputError
from schemas.recipe import parse_recipe
from schemas.recipe.sources import MarkerOptions
from tests.support.rows import make_row, make_rows

GOOD, BAD = MarkerOptions().good, MarkerOptions().bad


def rows_of(*records: dict[str, Any]) -> pl.DataFrame:
    made = []
    for record in records:
        found = parse_record(record)
        row = make_row(found.instruction, found.output, input=found.input, system=found.system)
        row |= {"messages": list(found.messages), "rejected": found.rejected}
        row |= {"id": content_id(found.messages, found.rejected), "raw": json.dumps(record)}
        made.append(row)
    return make_rows(made)


PAIR = {"instruction": "Name it.", "input": "A river", "chosen": "The Rhine.", "rejected": "No."}
TALK = {
    "prompt": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And now?"},
    ],
    "chosen": "Good night.",
    "rejected": "What?",
}


def test_a_pair_becomes_two_rows_that_know_it() -> None:
    rows = rows_of(PAIR)
    good, bad = mark_preferences(rows, MarkerOptions()).iter_rows(named=True)
    for made, side, marker, answer in (
        (good, "good", GOOD, "The Rhine."),
        (bad, "bad", BAD, "No."),
    ):
        assert made["arm"] == side
        assert json.loads(made["about"]) == {"marker": side}
        assert made["parents"] == rows["id"].to_list()
        assert made["raw"] == rows["raw"][0]
        assert (made["output"], made["rejected"]) == (answer, None)
        assert made["messages"] == [
            {"role": "system", "content": marker},
            {"role": "user", "content": "Name it.\n\nA river"},
            {"role": "assistant", "content": answer},
        ]
        assert made["id"] == content_id(made["messages"])
    assert good["id"] != bad["id"]


@pytest.mark.parametrize(
    ("place", "question", "instruction", "context"),
    [
        ("start", f"{GOOD}\n\nName it.\n\nA river", f"{GOOD}\n\nName it.", "A river"),
        ("end", f"Name it.\n\nA river\n\n{GOOD}", "Name it.", f"A river\n\n{GOOD}"),
    ],
)
def test_a_marker_may_stand_in_the_question(
    place: str, question: str, instruction: str, context: str
) -> None:
    markers = MarkerOptions.model_validate({"place": place})
    good = mark_preferences(rows_of(PAIR), markers).row(0, named=True)
    assert (good["instruction"], good["input"]) == (instruction, context)
    assert good["messages"][0] == {"role": "user", "content": question}
    alpaca = FORMATS["alpaca"].render(mark_preferences(rows_of(PAIR), markers))
    assert alpaca.row(0) == (instruction, context, "The Rhine.")


def test_the_marker_of_a_conversation_is_about_its_last_answer() -> None:
    good, bad = mark_preferences(rows_of(TALK), MarkerOptions(place="end")).iter_rows(named=True)
    assert [turn["content"] for turn in good["messages"]] == [
        "Be brief.", "Hi", "Hello", f"And now?\n\n{GOOD}", "Good night.",
    ]  # fmt: skip
    assert (good["instruction"], bad["instruction"]) == ("Hi", "Hi")
    assert bad["output"] == "Hello\n\nWhat?"
    good, _ = mark_preferences(rows_of(TALK), MarkerOptions()).iter_rows(named=True)
    assert good["system"] == f"Be brief.\n\n{GOOD}"
    assert good["messages"][0] == {"role": "system", "content": f"Be brief.\n\n{GOOD}"}


def test_other_rows_stay_as_they_are_and_where_they_are() -> None:
    plain = rows_of({"instruction": "Name a hill.", "output": "The Brocken."})
    assert_frame_equal(mark_preferences(plain, MarkerOptions()), plain)
    mixed = pl.concat([plain, rows_of(PAIR), plain])
    found = mark_preferences(mixed, MarkerOptions())
    assert markers_of(found).to_list() == [None, "good", "bad", None]
    assert_frame_equal(found[[0]], plain)
    assert mark_preferences(plain.clear(), MarkerOptions()).is_empty()


@pytest.mark.parametrize("markers", [{"good": " "}, {"good": "a", "bad": "a"}])
def test_markers_must_tell_something(markers: dict[str, str]) -> None:
    source = {"path": "a", "markers": markers}
    with pytest.raises(InputError, match=r"sources.0.markers"):
        parse_recipe({"name": "a", "sources": [source]}, where="r.yaml")
