"""What a judge is shown of a row."""

import polars as pl

from quality.judging.material import materials, pair_material, task_of
from schemas.frames import ROWS
from tests.support.rows import make_row, make_rows


def test_one_exchange_shows_task_input_and_answer() -> None:
    rows = make_rows([make_row("Add.", "3", input="1 and 2"), make_row("Name a river.", "")])
    assert [one.sections for one in materials(rows, {})] == [
        (("TASK", "Add."), ("INPUT", "1 and 2"), ("ANSWER", "3")),
        (("TASK", "Name a river."), ("ANSWER", "")),
    ]


def test_a_conversation_shows_every_turn() -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "A river?"},
        {"role": "assistant", "content": "The Elbe."},
    ]
    row = make_row("Hi.", "Hello.\n\nThe Elbe.", messages=turns, system="Be brief.")
    assert materials(make_rows([row]), {})[0].sections == (
        ("SYSTEM TURN", "Be brief."),
        ("TASK 1", "Hi."),
        ("ANSWER 1", "Hello."),
        ("TASK 2", "A river?"),
        ("ANSWER 2", "The Elbe."),
    )


def test_a_reference_is_found_by_its_task_however_it_is_spaced() -> None:
    rows = make_rows([make_row("Add.", "4", input="1 and 2"), make_row("Add.", "4")])
    found = materials(rows, {task_of("Add.\r\n", " 1 and 2 "): "3"})
    assert [one.has_reference for one in found] == [True, False]
    assert found[0].sections[-1] == ("REFERENCE ANSWER", "3")


def test_missing_texts_are_shown_as_nothing() -> None:
    row = {**dict.fromkeys(ROWS), "id": "x"}
    shown = materials(pl.DataFrame([row], schema=dict(ROWS)), {})[0]
    assert shown.sections == (("TASK", ""), ("ANSWER", ""))


def test_two_answers_are_numbered_in_the_order_in_which_they_are_shown() -> None:
    shown = pair_material("p", ("Add.", ""), ("3", "4"), reference="3")
    assert shown.sections == (
        ("TASK", "Add."),
        ("ANSWER 1", "3"),
        ("ANSWER 2", "4"),
        ("REFERENCE ANSWER", "3"),
    )
