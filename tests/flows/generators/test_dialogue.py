"""What the one who plays the user sees, and what is read from any reply."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.generators.dialogue import (
    USER_SYSTEM,
    Part,
    parse_user_turn,
    render_opening,
    render_user_turn,
)
from flows.generators.drawing import Draw
from schemas.records import TeacherReply

DRAW = Draw(1.0, 64, 5)
TALK = [
    {"role": "user", "content": "Why is the sky blue?"},
    {"role": "assistant", "content": "Air scatters\nblue light."},
]


def test_the_user_sees_their_own_words_as_those_of_the_model() -> None:
    messages = render_user_turn(TALK, part=Part(), draw=DRAW).body["messages"]
    assert [turn["role"] for turn in messages] == ["system", "user", "assistant", "user"]
    assert messages[0]["content"] == USER_SYSTEM
    assert messages[2]["content"] == "Why is the sky blue?"
    assert messages[3]["content"] == "Air scatters\nblue light."


def test_a_recipe_says_who_the_user_is() -> None:
    part = Part("You are a grumpy pirate.")
    assert render_user_turn(TALK, part=part, draw=DRAW).body["messages"][0]["content"] == (
        "You are a grumpy pirate."
    )


def test_a_small_model_sees_a_transcript_with_a_line_a_turn() -> None:
    request = render_user_turn(TALK, part=Part(is_small=True), draw=DRAW)
    assert request.endpoint == "completions"
    assert request.body["prompt"].splitlines()[-3:] == [
        "User: Why is the sky blue?",
        "Assistant: Air scatters blue light.",
        "User:",
    ]


def test_an_opening_is_about_its_topic() -> None:
    large = render_opening("bread", opener="", part=Part(language="de"), draw=DRAW)
    assert "about bread. Sprich Deutsch." in large.body["messages"][-1]["content"]
    small = render_opening("bread", opener="Why", part=Part(is_small=True), draw=DRAW)
    assert small.body["prompt"].endswith("Topic: bread\nUser: Why")


def test_labels_and_thoughts_are_no_words_of_the_user() -> None:
    assert parse_user_turn(TeacherReply("k", text="<think>ok</think>User: Why?")) == "Why?"
    assert parse_user_turn(TeacherReply("k", text=" is it?"), opener="Why") == "Why is it?"
    assert parse_user_turn(TeacherReply("k", text=" "), opener="Why") == ""
    # Not the label of the user: the rule of confused roles sees it.
    assert parse_user_turn(TeacherReply("k", text="AI: Because.")) == "AI: Because."


@settings(max_examples=40)
@given(st.text(), st.sampled_from(["", "Why"]))
def test_reading_never_fails(text: str, opener: str) -> None:
    parse_user_turn(TeacherReply("k", text=text), opener=opener)
