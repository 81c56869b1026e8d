import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.teachers.replies import Usage, read_reply
from flows.teachers.sender import judge_body

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
fields = st.sampled_from(
    ["message", "text", "content", "finish_reason", "index", "usage", "prompt_tokens", "model"]
)
likely = st.recursive(
    scalars | st.just("stop"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=4),
)
bodies = st.fixed_dictionaries(
    {"choices": st.lists(likely | anything, max_size=3)},
    optional={"usage": likely | anything, "model": anything, "id": anything},
)


@given(bodies)
@settings(deadline=None, max_examples=400)
def test_no_body_with_choices_ever_raises(body: dict[str, Any]) -> None:
    text = json.dumps(body)
    outcome = judge_body(text)
    assert outcome.is_passing_fault is False
    reply = read_reply("k", 200, text, replayed=False)
    assert (reply.error is None) == bool(reply.text.strip())
    assert reply.raw == text
    reply.text.encode("utf-8")  # what no file can hold does not get in
    assert reply.prompt_tokens >= 0
    assert reply.completion_tokens >= 0


@given(st.text())
def test_no_other_text_ever_raises(text: str) -> None:
    outcome = judge_body(text)
    assert (outcome.status, outcome.is_passing_fault, outcome.body) == (200, True, text)
    assert "\n" not in outcome.error


def chat(content: object, **more: object) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return {"choices": [choice | more], "model": "served"}


USAGE = {"prompt_tokens": 3, "completion_tokens": 5}


@pytest.mark.parametrize(
    ("body", "text", "finish", "error"),
    [
        (chat("Yes."), "Yes.", "stop", None),
        (chat(" Yes. "), " Yes. ", "stop", None),
        (chat("Yes", finish_reason="length"), "Yes", "length", None),
        (chat("Yes", finish_reason=None), "Yes", "", None),
        (chat("Yes", finish_reason=7), "Yes", "", None),
        ({"choices": [{"text": "Yes."}]}, "Yes.", "", None),
        (chat("cut \ud83d"), "cut \ufffd", "stop", None),
        (chat("whole \ud83d\ude00"), "whole 😀", "stop", None),
        (chat(None), "", "stop", "the reply has no text"),
        (chat(""), "", "stop", "the reply has no text"),
        (chat(" \n"), "", "stop", "the reply has no text"),
        (chat(["Yes."]), "", "stop", "the reply has no text"),
        ({"choices": [{"message": None}]}, "", "", "the reply has no text"),
        ({"choices": [{"message": "Yes."}]}, "", "", "the reply has no text"),
        ({"choices": []}, "", "", "the reply has no choices"),
        ({"choices": [None]}, "", "", "the reply has no choices"),
        ({"choices": ["Yes."]}, "", "", "the reply has no choices"),
        (
            chat("Yes", finish_reason="content_filter"),
            "",
            "content_filter",
            "stopped by the teacher's content filter",
        ),
    ],
)
def test_what_a_reply_says(body: dict[str, Any], text: str, finish: str, error: str | None) -> None:
    reply = read_reply("k", 200, json.dumps(body), replayed=False)
    assert (reply.text, reply.finish_reason, reply.error) == (text, finish, error)


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (USAGE, Usage(3, 5)),
        ({**USAGE, "total_tokens": 8}, Usage(3, 5)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0)),
        (None, None),
        ({}, None),
        ([3, 5], None),
        ({"prompt_tokens": 3}, None),
        ({**USAGE, "prompt_tokens": -1}, None),
        ({**USAGE, "prompt_tokens": "3"}, None),
        ({**USAGE, "prompt_tokens": None}, None),
        ({**USAGE, "completion_tokens": 5.0}, None),
        ({**USAGE, "completion_tokens": True}, None),
        ({**USAGE, "completion_tokens": 10**30}, None),
    ],
)
def test_usage_is_believed_only_where_it_is_whole(usage: object, read: Usage | None) -> None:
    assert Usage.read({"usage": usage}) == read


def test_a_reply_keeps_its_bill_and_its_model() -> None:
    reply = read_reply("k", 200, json.dumps({**chat("Yes"), "usage": USAGE}), replayed=True)
    assert (reply.prompt_tokens, reply.completion_tokens) == (3, 5)
    assert (reply.model, reply.key, reply.replayed) == ("served", "k", True)


def test_a_failure_is_one_line() -> None:
    reply = read_reply("k", 400, '{"error":\n  "too\nlong"}', replayed=False)
    assert reply.error == 'HTTP 400: {"error": "too long"}'
    assert (reply.text, reply.raw) == ("", '{"error":\n  "too\nlong"}')
