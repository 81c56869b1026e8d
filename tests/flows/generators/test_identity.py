import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.generators.identity import Exchange, make_exchanges
from quality.scorers.language import identify
from schemas.recipe.generators.identity import Persona

FULL = Persona(
    name="Larkspur",
    maker="the Meadow Lab",
    made_with="a small model",
    purpose="answer questions",
    languages=("English", "German", "French"),
    limits=("I make mistakes.", "I forget."),
    contact="desk@example.org",
)


def make(persona: Persona = FULL, *, languages=("en",), per_question=2, seed=0) -> list[Exchange]:
    return list(make_exchanges(persona, languages, per_question=per_question, seed=seed))


def test_every_answer_says_something_of_the_persona() -> None:
    known = ["Larkspur", "Meadow", "small model", "questions", "German", "mistakes", "desk@"]
    for one in make(languages=("en", "de"), per_question=9):
        assert any(word in one.answer for word in known), one
        assert "{" not in one.answer
        assert one.answer[0].isupper()
        assert one.answer[-1] in ".!?"


def test_nothing_is_asked_that_the_maker_did_not_say() -> None:
    found = make(Persona(name="Larkspur"), languages=("en", "de"))
    assert {one.topic for one in found} == {"name", "nature"}
    assert "Meadow" not in "".join(one.answer for one in found)


def test_lists_are_joined_as_in_a_sentence() -> None:
    answers = " ".join(one.answer for one in make(per_question=9) if one.topic == "languages")
    assert "English, German and French" in answers
    single = Persona(name="x", languages=("English",))
    assert any("in English." in one.answer for one in make(single, per_question=9))


def test_answers_to_a_question_are_drawn_and_differ() -> None:
    found = make(per_question=2)
    questions = [one.question for one in found]
    assert all(questions.count(question) == 2 for question in questions)
    assert len(set(found)) == len(found)
    assert make(per_question=2) == found
    assert make(per_question=2, seed=1) != found
    assert set(make(per_question=1)) < set(found)


def test_german_is_german_and_other_languages_have_none() -> None:
    found = make(languages=("de", "fr"), per_question=9)
    assert {one.language for one in found} == {"de"}
    long = [one.answer for one in found if len(one.answer) > 50]
    assert set(identify(pl_series(long)).drop_nulls()) == {"de"}


def pl_series(texts: list[str]):
    import polars as pl

    return pl.Series(texts)


@given(st.text(min_size=1, max_size=30).filter(str.strip))
def test_what_a_persona_says_is_never_read_as_a_template(name: str) -> None:
    persona = Persona(name=name, maker="{name} {contact}", contact="{0}")
    for one in make(persona, per_question=9):
        if one.topic == "maker":
            assert "{name} {contact}" in one.answer
        if one.topic == "contact":
            assert "{0}" in one.answer


def test_a_name_is_not_blank() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Persona(name="  ")
