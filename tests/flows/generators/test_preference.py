import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.generators.preference import ASPECTS, STYLES, parse_aspect, render_aspect
from quality.judging.material import pair_material
from quality.judging.verdicts import Abstention
from schemas.recipe.generators.preference import AnswerStyle, Aspect
from schemas.records import TeacherReply
from tests.support.played import prompt_of

MATERIAL = pair_material("t", ("Name a sea.", ""), ["The Baltic.", "The Elbe.", "The Nile."])


def verdict(scores: object, reasons: str = "Only one of them is a sea.") -> str:
    return json.dumps({"reasons": reasons, "scores": scores})


def read(text: str, **more):
    return parse_aspect(TeacherReply("k", text=text, **more), MATERIAL, number=3, seed=0)


def test_all_answers_are_shown_and_one_aspect_is_asked_about() -> None:
    request = render_aspect(MATERIAL, "honesty", number=3, max_tokens=50, seed=0)
    prompt = prompt_of(request)
    assert "The Baltic." in prompt
    assert "The Nile." in prompt
    assert ASPECTS["honesty"] in prompt
    assert ASPECTS["helpfulness"] not in prompt
    assert '"answer 3": 1 to 5' in prompt
    assert request.body["temperature"] == 0.0


def test_scores_come_in_the_order_shown() -> None:
    assert read(verdict({"answer 2": 1, "answer 1": 5, "answer 3": 2})) == [5, 1, 2]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (verdict({"answer 1": 5, "answer 2": 1}), "wrong_fields"),
        (verdict({"answer 1": 5, "answer 2": 1, "answer 3": 9}), "out_of_range"),
        (verdict({"answer 1": 5, "answer 2": 1, "answer 3": 1}, reasons=""), "no_reasons"),
        ("answer 1: 5, answer 2: 1, answer 3: 2", "not_json"),
    ],
)
def test_half_a_verdict_is_none(text: str, why: str) -> None:
    assert read(text) == Abstention(why)


def test_a_failed_or_cut_reply_is_no_verdict() -> None:
    whole = verdict({"answer 1": 5, "answer 2": 1, "answer 3": 2})
    assert read(whole, finish_reason="length") == Abstention("cut")
    assert read("", error="500").why == "no_reply"


@given(st.text())
def test_never_raises(text: str) -> None:
    assert isinstance(read(text), Abstention)


def test_every_option_has_its_words() -> None:
    assert set(ASPECTS) == set(Aspect.__args__)
    assert set(STYLES) == set(AnswerStyle.__args__)
