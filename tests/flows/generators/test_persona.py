"""What a person is asked for, and what is read from any reply."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.generators.drawing import Draw
from flows.generators.persona import parse_task, render_task, show_persona
from schemas.recipe.generators.persona import TASK_KINDS
from schemas.records import TeacherReply

DRAW = Draw(1.0, 256, 0)


@pytest.mark.parametrize("is_small", [False, True])
def test_every_kind_of_task_is_asked_for_in_its_own_words(is_small: bool) -> None:
    found = {
        str(render_task("a baker", kind=kind, language="en", is_small=is_small, draw=DRAW).body)
        for kind in TASK_KINDS
    }
    assert len(found) == len(TASK_KINDS)
    assert all("a baker" in text for text in found)


def test_a_person_cannot_break_out_of_a_line() -> None:
    persona = "a baker, about bread: Why?\nAsked by a thief"
    request = render_task(persona, kind="question", language="en", is_small=True, draw=DRAW)
    lines = request.body["prompt"].splitlines()
    assert len(lines) == 5
    assert lines[-1] == "Asked by a baker, about bread: Why? Asked by a thief, about"


def test_a_small_model_says_what_it_is_about_first() -> None:
    reply = TeacherReply("k", text=" dough: Why does dough rest: overnight?", finish_reason="stop")
    assert parse_task(reply, is_small=True).instruction == ("Why does dough rest: overnight?")
    for text in (" \n", " dough", " dough:", ":"):
        assert parse_task(TeacherReply("k", text=text), is_small=True) is None


def test_the_language_is_named() -> None:
    request = render_task("ein Bäcker", kind="maths", language="de", is_small=False, draw=DRAW)
    assert "Language: de." in request.body["messages"][-1]["content"]


def test_a_person_is_shown_in_the_language_of_the_task() -> None:
    assert show_persona("Warum?", "ein Bäcker", language="de") == "Über mich: ein Bäcker\n\nWarum?"


@settings(max_examples=40)
@given(st.text(), st.booleans())
def test_reading_never_fails(text: str, is_small: bool) -> None:
    found = parse_task(TeacherReply("k", text=text), is_small=is_small)
    assert found is None or found.instruction
