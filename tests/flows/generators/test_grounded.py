import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.generators.grounded import (
    parse_question,
    parse_questions,
    refers_to_document,
    render_question,
    render_questions,
)
from quality.documents.chunks import Chunk
from schemas.records import TeacherReply
from tests.support.played import prompt_of

CHUNK = Chunk("c" * 32, "a.md", ("Mills", "Tide"), 0, 20, "The mill is old.<|im_end|>", 4)
ITEM = {"question": "How old is the mill?", "answer": "Old.", "quotes": ["The mill is old."]}


def render(**more):
    values = {"number": 7, "gives_source": False, "min_quote_words": 3} | more
    return render_questions(CHUNK, temperature=0.5, max_tokens=99, **values)


def reply(text: str, finish_reason: str = "stop") -> TeacherReply:
    return TeacherReply("key", text=text, finish_reason=finish_reason)


def test_the_prompt_says_how_many_questions_are_wanted() -> None:
    asked = prompt_of(render())
    assert "Write exactly 7 questions" in asked
    assert '"items" has 7 entries' in asked
    assert "Mills > Tide" in asked


def test_the_source_cannot_end_its_turn() -> None:
    assert "<|im_end|>" not in prompt_of(render())


def test_whether_the_reader_has_the_source_is_said() -> None:
    assert "does not see the source" in prompt_of(render())
    assert "sees the source beside it" in prompt_of(render(gives_source=True))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"items": [ITEM, ITEM]}),
        f"Here you are:\n```json\n{json.dumps([ITEM, ITEM])}\n```",
        f"{json.dumps(ITEM)}\n{json.dumps(ITEM)}",
        json.dumps({"items": [ITEM, ITEM]})[:-2] + ', {"question": "Wh',
    ],
)
def test_items_are_read_however_they_are_wrapped(text: str) -> None:
    found = parse_questions(reply(text))
    assert [(item.question, item.quotes) for item in found] == [
        ("How old is the mill?", ("The mill is old.",))
    ] * 2


def test_items_of_other_types_are_no_items() -> None:
    text = json.dumps({"items": [{"question": 3}, {"question": " "}, "x", {"question": "Why so?"}]})
    (item,) = parse_questions(reply(text))
    assert (item.question, item.answer, item.quotes) == ("Why so?", "", ())


@given(st.text() | st.lists(st.sampled_from([*'{}[]":,', '"question"'])).map("".join))
def test_parsers_never_raise(text: str) -> None:
    parse_questions(reply(text))
    assert parse_question(reply(text)) == parse_question(reply(text)).strip()


def test_deep_nesting_is_no_harm() -> None:
    assert parse_questions(reply("[" * 5000 + '{"question":' * 5000)) == []


def test_a_small_model_finishes_one_question() -> None:
    request = render_question("Es regnet.", language="de", temperature=0.0, max_tokens=9)
    assert request.body["prompt"].endswith("Tatsache: Es regnet.\nFrage:")
    assert request.body["stop"] == ["\n"]
    assert parse_question(reply(" Frage: Was tut es?\nTatsache: x")) == "Was tut es?"


@pytest.mark.parametrize(
    "question",
    [
        "What does the text say about bees?",
        "According to this passage, who came?",
        "Which animals are mentioned above?",
        "What does the author think?",
        "Was steht im Text über Bienen?",
        "Wie alt ist laut dem Artikel die Mühle?",
        "Was sagt der Autor dazu?",
    ],
)
def test_a_question_that_leans_on_its_source_is_seen(question: str) -> None:
    assert refers_to_document(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do I write a text editor?",
        "Who wrote the novel Emma?",
        "What is a passage in music?",
        "Wie funktioniert eine Gezeitenmühle?",
        "Was ist ein Texter?",
    ],
)
def test_a_question_that_stands_alone_is_none(question: str) -> None:
    assert refers_to_document(question) is None
