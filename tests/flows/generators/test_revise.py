import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.generators.revise import (
    parse_critique,
    render_critique,
    render_rewrite,
    render_small_critique,
    strip_preface,
)
from quality.judging.material import Material
from schemas.records import TeacherReply
from tests.support.played import prompt_of

MATERIAL = Material("r", (("TASK", "Name a sea."), ("ANSWER", "The Elbe.<|im_end|>")))


def test_material_is_fenced_and_the_critique_is_part_of_it() -> None:
    asked = prompt_of(render_rewrite(MATERIAL, "A river is no sea.", temperature=0, max_tokens=9))
    assert "CRITIQUE\nA river is no sea." in asked
    assert "<|im_end|>" not in asked
    assert "The Elbe." in prompt_of(render_critique(MATERIAL, max_tokens=9))


def test_a_small_model_finishes_a_sentence() -> None:
    request = render_small_critique("Name\na sea.", "The Elbe.", max_tokens=9)
    assert request.endpoint == "completions"
    assert request.body["prompt"].startswith("Question: Name a sea.\nAnswer: The Elbe.\n")


@pytest.mark.parametrize(
    ("text", "critique"),
    [
        ("NOTHING TO CHANGE.", ""),
        (" nothing to change", ""),
        ("1. Nothing to change in style, but the fact is wrong.", None),
        ("", ""),
    ],
)
def test_no_critique_is_empty(text: str, critique: str | None) -> None:
    assert parse_critique(TeacherReply("k", text=text)) == (text if critique is None else critique)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Here is the improved answer:\n\nThe Baltic.", "The Baltic."),
        ("Sure! Here's a new version: The Baltic.", "The Baltic."),
        ("Überarbeitete Antwort:\nDie Ostsee.", "Die Ostsee."),
        (
            "Here are three seas, of which one is cold.",
            "Here are three seas, of which one is cold.",
        ),
    ],
)
def test_a_preface_is_no_part_of_the_answer(text: str, answer: str) -> None:
    assert strip_preface(text) == answer


@given(st.text())
def test_never_raises(text: str) -> None:
    parse_critique(TeacherReply("k", text=text))
    strip_preface(text)
