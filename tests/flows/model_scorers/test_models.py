"""What rows say, what the models make of it, and that nothing is loaded in vain."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.model_scorers import Models
from flows.model_scorers.exchanges import exchanges_of
from tests.flows.model_scorers.stand_ins import Letters, models_with
from tests.support.rows import make_row, make_rows

TURNS = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "Uno."},
    {"role": "user", "content": "Two?"},
    {"role": "assistant", "content": "Dos, as they say."},
]


def test_each_answer_comes_with_all_that_was_said_before_it() -> None:
    first, second = exchanges_of(make_row("One?", messages=TURNS))
    assert (list(first.before), first.answer) == (TURNS[:2], "Uno.")
    assert (list(second.before), second.answer) == (TURNS[:4], "Dos, as they say.")


@pytest.mark.parametrize(
    ("changed", "before"),
    [
        ({}, [{"role": "user", "content": "Add."}]),
        ({"input": "1, 2"}, [{"role": "user", "content": "Add.\n\n1, 2"}]),
        (
            {"system": "Be brief."},
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Add."}],
        ),
        ({"instruction": None}, []),
    ],
)
def test_a_row_without_messages_is_one_question(changed: dict, before: list) -> None:
    row = make_row("Add.", "3", messages=None) | changed
    (exchange,) = exchanges_of(row)
    assert (list(exchange.before), exchange.answer) == (before, "3")


@pytest.mark.parametrize(
    "messages", [None, [], TURNS[:2], [{"role": "assistant", "content": None}]]
)
def test_where_nothing_is_answered_there_is_no_answer(messages: list | None) -> None:
    assert exchanges_of(make_row("Add.", "", messages=messages)) == []


@pytest.mark.slow
def test_a_row_of_several_answers_has_their_sums(tmp_path: Path) -> None:
    models = models_with(tmp_path)
    single = [
        make_row("One?", "Uno.", messages=TURNS[:3]),
        make_row("Two?", "Dos, as they say.", messages=TURNS),
    ]
    first, both = models.read_answers_alone(make_rows(single)).nats
    second = models.read_answers_alone(make_rows([make_row("Two?", "Dos, as they say.")])).nats[0]
    assert both == pytest.approx(first + second)
    assert models.read_answers(make_rows(single)).tokens.tolist() == [4, 21]


def test_a_conversation_that_is_too_long_at_its_end_abstains_whole(tmp_path: Path) -> None:
    turns = [*TURNS[:4], {"role": "assistant", "content": "x" * 300}]
    read = models_with(tmp_path).read_answers(make_rows([make_row("One?", messages=turns)]))
    assert np.isnan(read.nats).all()
    assert np.isnan(read.tokens).all()


def test_a_row_without_an_answer_abstains(tmp_path: Path) -> None:
    rows = make_rows([make_row("Add.", "", messages=TURNS[:2]), make_row("Add.", "3")])
    read = models_with(tmp_path).read_answers(rows)
    assert np.isnan(read.nats).tolist() == [True, False]
    assert np.isnan(read.tokens).tolist() == [True, False]


def test_what_several_rows_ask_alike_counts_once(tmp_path: Path) -> None:
    rows = make_rows([make_row("b", "1"), make_row("a", "2"), make_row("b", "3")])
    letters = Letters()
    found = models_with(tmp_path, encoder=letters).neighbourhood(rows)
    assert letters.asked == ["a", "b"]
    assert found.text_of_row.tolist() == [1, 0, 1]


def test_neighbours_are_sought_once_for_all_scorers(tmp_path: Path) -> None:
    rows = make_rows([make_row(letter) for letter in "abc"])
    letters = Letters()
    models = models_with(tmp_path, encoder=letters)
    first = models.neighbourhood(rows)
    assert models.neighbourhood(rows.reverse()).nearest is first.nearest
    models.neighbourhood(rows.head(2))
    assert letters.asked == ["a", "b", "c", "a", "b"]


def test_nothing_is_loaded_before_it_is_asked(tmp_path: Path) -> None:
    def fail() -> object:
        raise AssertionError

    Models(tmp_path / "none", encoder=fail, language_model=tmp_path / "none.gguf")
    assert list(tmp_path.iterdir()) == []


def test_no_rows_at_all(tmp_path: Path) -> None:
    rows = make_rows([])
    models = models_with(tmp_path, encoder=Letters())
    assert models.read_answers(rows).nats.shape == (0,)
    assert models.neighbourhood(rows).text_of_row.shape == (0,)
    assert rows.schema["instruction"] == pl.String
