from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.placeholder_output import placeholder_output

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    "output",
    ["N/A", "n/a.", "<nooutput>", "<No Output>", "No output required", "[no output]", "...", "TBD",
     "I don't know.", "not applicable", "Lorem ipsum dolor sit amet", "<noinput>", "keine Ausgabe",
     "--",
     "Keine Ahnung!", "nicht zutreffend", "Output not available", "[insert text here]", "n.a."],
)  # fmt: skip
def test_stand_ins_are_found(make_rows: MakeRows, output: str) -> None:
    assert placeholder_output(make_rows([output], "Draw a logo.")).to_list() == [1.0]


@pytest.mark.parametrize(
    "output",
    ["No", "No.", "0", "42", "Negative", "Yes", "A", "?!a", "", "Nothing compares to you.", "Nein",
     "N/A means not applicable.", "I don't know who painted it, but it is old.", "Na",
     "No output voltage is measured.", "Kein Hund", "/", "x"],
)  # fmt: skip
def test_short_answers_are_kept(make_rows: MakeRows, output: str) -> None:
    assert placeholder_output(make_rows([output], "Is it good?")).to_list() == [0.0]


@pytest.mark.parametrize("output", ["None", "none.", "Unknown", "Nothing", "null", "Keine", "-"])
def test_none_can_answer_a_question_but_is_nothing_made(make_rows: MakeRows, output: str) -> None:
    assert placeholder_output(make_rows([output], "Which are prime?")).to_list() == [None]
    assert placeholder_output(make_rows([output], "Write a poem.")).to_list() == [1.0]
    assert placeholder_output(make_rows([output], "Schreibe ein Gedicht.")).to_list() == [1.0]
