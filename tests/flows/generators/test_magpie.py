"""What stands in a reply to the head of a user's turn."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.generators.drawing import Draw
from flows.generators.magpie import parse_query, render_query
from schemas.records import TeacherReply

STOPS = ["<|im_end|>", "\n"]


def test_the_head_is_sent_as_it_is() -> None:
    request = render_query("<|im_start|>user\n", stops=STOPS, draw=Draw(1.0, 64, 2))
    assert request.endpoint == "completions"
    assert request.body["prompt"] == "<|im_start|>user\n"
    assert request.body["stop"] == STOPS
    assert request.sample == 2


def test_a_server_that_does_not_stop_is_cut() -> None:
    reply = TeacherReply("k", text="\nWhy?\nBecause.<|im_end|>", finish_reason="length")
    found = parse_query(reply, stops=STOPS)
    assert (found.instruction, found.truncated) == ("Why?", False)
    assert parse_query(reply, stops=["<|im_end|>"]).instruction == "Why?\nBecause."


def test_a_question_that_the_limit_cut_is_marked() -> None:
    assert parse_query(TeacherReply("k", text="Why", finish_reason="length"), stops=STOPS).truncated


def test_nothing_is_no_question() -> None:
    assert parse_query(TeacherReply("k", text=" \n "), stops=STOPS) is None
    assert parse_query(TeacherReply("k", text="<|im_end|>Why?"), stops=STOPS) is None


@settings(max_examples=40)
@given(st.text())
def test_reading_never_fails(text: str) -> None:
    found = parse_query(TeacherReply("k", text=text), stops=STOPS)
    assert found is None or found.instruction
