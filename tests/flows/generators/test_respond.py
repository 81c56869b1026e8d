import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.generators.respond import (
    draw_seed,
    parse_answer,
    read_confidence,
    render_answer,
    with_confidence,
)
from schemas.records import TeacherReply


def render(instruction: str = "Name a sea.", context: str = "", sample: int = 0, system=None):
    return render_answer(
        instruction, context, system=system, temperature=0.5, max_tokens=90, sample=sample
    )


def test_body_holds_what_is_asked_and_nothing_else() -> None:
    request = render(context="a\nb", system="Be short.", sample=4)
    assert (request.endpoint, request.sample) == ("chat/completions", 4)
    assert list(request.body) == ["messages", "temperature", "max_tokens", "seed"]
    assert request.body["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Name a sea.\n\na\nb"},
    ]


def test_no_system_turn_without_a_system_text() -> None:
    assert [turn["role"] for turn in render().body["messages"]] == ["user"]
    assert [turn["role"] for turn in render(system="").body["messages"]] == ["user"]


def test_seed_differs_by_sample_and_by_question() -> None:
    seeds = {render(question, sample=sample).body["seed"] for question in "ab" for sample in (0, 1)}
    assert len(seeds) == 4
    assert render(sample=1) == render(sample=1)


@given(st.integers(0, 10**6), st.text())
def test_seed_is_a_signed_32_bit_number(sample: int, text: str) -> None:
    assert 0 <= draw_seed(sample, text) < 2**31


def test_confidence_is_asked_for_on_request_only() -> None:
    request = render(sample=2)
    assert "logprobs" not in request.body
    assert with_confidence(request).body == {**request.body, "logprobs": True}
    assert with_confidence(request).sample == 2


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("  The Baltic Sea.\n", "The Baltic Sea."),
        ("<think>Hm.\nWhich?</think>\n\nThe Baltic Sea.", "The Baltic Sea."),
        ("<thinking>never ends", ""),
        ("Assistant: The Baltic Sea.", "The Baltic Sea."),
        ("Answer:\nThe Baltic Sea.", "The Baltic Sea."),
        ("Answers: three.", "Answers: three."),
        ("Output:", "Output:"),
        ("```\nx\n```", "```\nx\n```"),
        ("", ""),
    ],
)
def test_answer_is_the_text_without_its_wrapping(text: str, answer: str) -> None:
    assert parse_answer(TeacherReply("key", text=text)) == answer


def test_confidence_is_the_mean_over_tokens() -> None:
    tokens = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.0}]
    raw = json.dumps({"choices": [{"logprobs": {"content": tokens}}]})
    assert read_confidence(TeacherReply("key", raw=raw)) == -0.75


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "null",
        '{"choices": []}',
        '{"choices": [{}]}',
        '{"choices": [{"logprobs": null}]}',
        '{"choices": [{"logprobs": {"content": []}}]}',
        '{"choices": [{"logprobs": {"content": [{"logprob": "x"}]}}]}',
        '{"choices": [{"logprobs": {"content": [{"logprob": NaN}]}}]}',
        "[" * 5000,
    ],
)
def test_no_confidence_is_null_and_never_a_number(raw: str) -> None:
    assert read_confidence(TeacherReply("key", raw=raw)) is None


@given(st.text(), st.text())
def test_parsers_never_raise(text: str, raw: str) -> None:
    reply = TeacherReply("key", text=text, raw=raw)
    assert parse_answer(reply) == parse_answer(reply).strip()
    assert read_confidence(reply) is None
