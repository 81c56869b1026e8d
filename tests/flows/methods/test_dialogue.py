"""A teacher talks to itself until a rule ends it."""

from pathlib import Path
from typing import Any

import pytest

from flows.methods.jobs import Draft
from schemas.errors import InputError
from schemas.records import TeacherReply, TeacherRequest
from tests.support.playing import method_of, play, run_together
from tests.support.recipes import write_jsonl

OPENING = "Why does bread dough rise overnight?"
ANSWERS = (
    "Yeast eats sugar and makes gas in it.",
    "Warm ovens let every bubble grow much bigger.",
    "Bakers knead until all flour feels really smooth.",
    "Old grains were ground between two heavy stones.",
    "Her crust turns brown when heat meets sugar.",
    "Nobody knows who first baked such flat cakes.",
)
THINGS = ("salt", "rain", "copper", "willow", "amber", "gravel")


def side(request: TeacherRequest) -> str:
    """Who is asked: `opening`, `user` or `assistant`."""
    turns = request.body["messages"]
    if "Begin the conversation" in turns[-1]["content"]:
        return "opening"
    return "user" if turns[0]["role"] == "system" else "assistant"


def number_of(request: TeacherRequest) -> int:
    return sum(turn["role"] == "assistant" for turn in request.body["messages"])


def scripted(**says: Any):
    """A teacher that could talk for ever."""

    def teacher(request: TeacherRequest) -> str | TeacherReply:
        who, place = side(request), number_of(request)
        said = says.get(who)
        said = said(place) if callable(said) else said
        if said is not None:
            return said
        thing = THINGS[place % len(THINGS)]
        if who == "opening":
            return OPENING
        return f"And {thing}?" if who == "user" else ANSWERS[place]

    return teacher


@pytest.fixture
def talk(tmp_path: Path):
    def run(teacher, *, position: int = 0, **options: Any) -> Draft:
        options = {"max_turns": 4, **options}
        with method_of(tmp_path, {"kind": "dialogue", **options}) as method:
            (draft,) = play(method.job(position, ""), teacher)
        return draft

    return run


def from_second(said: Any):
    """Say it at the second chance."""
    return lambda place: said if place >= 2 else None


LONG = " ".join(["Leaves hold colours and they fall."] * 12)


@pytest.mark.parametrize(
    ("says", "options", "stop", "turns"),
    [
        ({}, {}, "max_turns", 4),
        ({}, {"max_words": 30}, "too_long", 3),
        ({"user": from_second("Thank you, goodbye!")}, {}, "goodbye", 2),
        ({"user": from_second("And salt?")}, {"max_similarity": 0.5}, "nothing_new", 2),
        ({"user": from_second("And copper?"), "assistant": None}, {}, "max_turns", 3),
        ({"user": from_second("Sure! Here is why that is so.")}, {}, "role_confusion", 2),
        ({"user": from_second(LONG)}, {}, "role_confusion", 2),
        ({"user": from_second("...")}, {}, "empty_turn", 2),
        ({"user": from_second(TeacherReply("k", error="HTTP 500"))}, {}, "teacher_error", 2),
        (
            {"user": from_second(TeacherReply("k", text="And", finish_reason="length"))},
            {},
            "truncated_question",
            2,
        ),
        ({"assistant": from_second("")}, {}, "empty_answer", 2),
        ({"assistant": lambda _: "Always the same story."}, {"min_turns": 1}, "nothing_new", 1),
        ({"assistant": from_second(TeacherReply("k", error="HTTP 500"))}, {}, "teacher_error", 2),
        (
            {"assistant": from_second(TeacherReply("k", text="So", finish_reason="length"))},
            {},
            "truncated_answer",
            2,
        ),
    ],
)
def test_every_rule_ends_a_dialogue_with_the_assistant(talk, says, options, stop, turns) -> None:
    options = {"max_turns": 3} | options if stop == "max_turns" and says else options
    draft = talk(scripted(**says), **options)
    assert (draft.about["stop"], draft.about["turns"]) == (stop, turns)
    assert draft.rejection is None
    assert [turn["role"] for turn in draft.messages] == ["user", "assistant"] * turns
    assert draft.messages[0]["content"] == OPENING


def test_why_it_ended_is_told(talk) -> None:
    draft = talk(scripted(user=from_second("Thank you, goodbye!")))
    assert draft.about["stop_evidence"] == "Thank you"
    assert draft.about["topic"]
    assert "goodbye" not in str(draft.messages)


def test_a_dialogue_that_is_too_short_is_dropped_by_name(talk) -> None:
    draft = talk(scripted(user="Thanks!"), min_turns=2)
    assert draft.rejection == ("dialogue_too_short", 1.0, 2.0, "goodbye: Thanks", None)
    assert len(draft.messages) == 2
    assert talk(scripted(user="Thanks!"), min_turns=1).rejection is None


@pytest.mark.parametrize(
    ("opening", "rule"),
    [
        ("Sure! Here is a question about bread.", "role_confusion"),
        ("Thank you for all your help today.", "goodbye"),
        ("", "unparsable_reply"),
    ],
)
def test_what_ends_a_dialogue_does_not_begin_one(talk, opening: str, rule: str) -> None:
    draft = talk(scripted(opening=opening))
    assert draft.rejection.rule == rule
    assert draft.about["topic"]


def test_an_answer_that_never_came_leaves_the_question(talk) -> None:
    draft = talk(scripted(assistant=TeacherReply("k", error="HTTP 500")))
    assert draft.rejection.rule == "dialogue_too_short"
    assert draft.rejection.evidence == "teacher_error: HTTP 500"
    assert [turn["role"] for turn in draft.messages] == ["user"]
    assert draft.reply.error == "HTTP 500"


def test_the_sides_have_their_own_system_turns(talk) -> None:
    seen: dict[str, Any] = {}

    def listening(request: TeacherRequest) -> str | TeacherReply:
        who = "assistant" if request.body["messages"][0]["content"] == "Be brief." else "user"
        seen.setdefault(who, request.body["messages"])
        if who == "assistant":
            return ANSWERS[number_of(request)]
        return OPENING if len(request.body["messages"]) == 2 else "Thanks!"

    draft = talk(listening, user_system="You are a pirate.", system="Be brief.", min_turns=1)
    assert seen["user"][0]["content"] == "You are a pirate."
    assert seen["assistant"][1:] == [{"role": "user", "content": OPENING}]
    assert "pirate" not in str(draft.messages)
    assert "Be brief" not in str(draft.messages)


def test_every_question_is_in_the_books(talk) -> None:
    said: list[str] = []
    teacher = scripted()

    def keyed(request: TeacherRequest) -> TeacherReply:
        said.append(f"key-{len(said)}")
        return TeacherReply(said[-1], text=str(teacher(request)))

    draft = talk(keyed)
    assert [draft.about["proposed_by"], *draft.about["asked"]] == said
    assert draft.reply.key == said[-1]
    assert len(said) == 1 + 4 + 3


def test_first_questions_of_a_file_are_used_once_and_pass_no_gate(tmp_path: Path) -> None:
    prompts = [{"prompt": "Why?"}, {"instruction": "Add these.", "input": "1, 2"}, {"x": 1}]
    write_jsonl(tmp_path / "p.jsonl", prompts)
    generator = {"kind": "dialogue", "prompts": "p.jsonl", "license": "CC0-1.0"}
    with method_of(tmp_path, generator) as method:
        first, second, third = (play(method.job(place, ""), scripted()) for place in range(3))
        lost = list(method.unreadable())
        assert method.forecast().waves[0].number == 0
    assert first[0].messages[0]["content"] == "Why?"
    assert second[0].messages[0]["content"] == "Add these.\n\n1, 2"
    assert (second[0].license, len(second[0].parents)) == ("CC0-1.0", 1)
    assert third == []
    assert [(item.rejection.rule, item.action) for item in lost] == [
        ("missing_prompt", "quarantine")
    ]


def test_a_language_without_topics_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"expected built-in topics in \['fi'\], got none"),
        method_of(tmp_path, {"kind": "dialogue"}, language=["fi"]),
    ):
        pass


def test_more_turns_than_the_most_are_no_recipe(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"min_turns of at most max_turns \(2\), got 3"),
        method_of(tmp_path, {"kind": "dialogue", "min_turns": 3, "max_turns": 2}),
    ):
        pass


def test_the_order_of_replies_does_not_matter(tmp_path: Path) -> None:
    def opening(request: TeacherRequest) -> str | TeacherReply:
        if side(request) == "opening":
            return f"{ANSWERS[request.sample % 4]} Why so?"
        if side(request) == "user" and request.sample % 3 == 0:
            return "Thanks!"
        return scripted()(request)

    with method_of(tmp_path, {"kind": "dialogue", "max_turns": 3}) as method:
        found = [
            run_together([method.job(position, "") for position in range(9)], opening, seed=seed)
            for seed in range(4)
        ]
    assert found[0] == found[1] == found[2] == found[3]
    rules = {draft.rejection.rule if draft.rejection else None for (draft,) in found[0]}
    assert rules >= {None, "rouge_l", "dialogue_too_short"}
