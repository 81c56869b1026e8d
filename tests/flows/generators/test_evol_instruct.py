"""What an evolution asks, and what is read from any reply."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.generators.drawing import Draw
from flows.generators.evol_instruct import (
    parse_evolution,
    parse_gain,
    render_evolution,
    render_gain,
)
from flows.generators.tasks import read_task
from quality.elimination import eliminate_task
from schemas.recipe.generators.evol_instruct import OPERATORS
from schemas.records import TeacherReply

DRAW = Draw(1.0, 256, 3)


def reply(text: str, finish: str = "stop") -> TeacherReply:
    return TeacherReply("k", text=text, finish_reason=finish)


@pytest.mark.parametrize("is_small", [False, True])
def test_every_operator_asks_for_something_else(is_small: bool) -> None:
    found = {
        str(
            render_evolution(
                "Why does bread rise?", "", operator=name, is_small=is_small, draw=DRAW
            ).body
        )
        for name in OPERATORS
    }
    assert len(found) == len(OPERATORS) == 6
    assert all("Why does bread rise" in text for text in found)


def test_the_input_of_a_task_is_shown() -> None:
    request = render_evolution("Add.", "1 and 2", operator="deepen", is_small=False, draw=DRAW)
    assert request.body["messages"][-1]["content"].endswith("Given task:\nAdd.\nInput: 1 and 2")
    assert (request.endpoint, request.sample) == ("chat/completions", 3)


def test_another_draw_is_another_question() -> None:
    bodies = [
        render_evolution(
            "Add.", "", operator="deepen", is_small=False, draw=Draw(1.0, 256, sample)
        ).body["seed"]
        for sample in (0, 1)
    ]
    assert bodies[0] != bodies[1]


@pytest.mark.parametrize(
    ("operator", "text", "task"),
    [
        ("add_constraints", " it is cold?", "Why does bread rise when it is cold?"),
        ("add_constraints", ", and how?", "Why does bread rise when, and how?"),
        ("deepen", " makes it stop?", "Why does bread rise, and what makes it stop?"),
        (
            "increase_reasoning",
            " it froze?",
            "Why does bread rise, and what would change if it froze?",
        ),
        ("concretise", " does rye bread rise?", "Why does rye bread rise?"),
        ("in_breadth", " do cakes fall?", "Why do cakes fall?"),
    ],
)
def test_a_small_model_finishes_a_question(operator: str, text: str, task: str) -> None:
    given_task = "Why does bread rise?"
    request = render_evolution(given_task, "", operator=operator, is_small=True, draw=DRAW)
    found = parse_evolution(reply(text), instruction=given_task, operator=operator, is_small=True)
    assert found.instruction == task
    assert request.endpoint == "completions"
    # What the model is given is what stands before its words.
    assert (request.body["prompt"].splitlines()[-1] + text).endswith(task)


def test_a_small_model_writes_the_input_too() -> None:
    found = parse_evolution(
        reply(" why bread rises. Input: Yeast eats sugar."),
        instruction="Why does bread rise?",
        operator="complicate_input",
        is_small=True,
    )
    assert found.instruction == "Read the note and say why bread rises."
    assert found.input == "Yeast eats sugar."


@pytest.mark.parametrize(
    ("text", "instruction", "context"),
    [
        ("Name three rivers.", "Name three rivers.", ""),
        ("<think>hm</think>\n\nName three rivers.", "Name three rivers.", ""),
        ('"Name three rivers."', "Name three rivers.", ""),
        ('"Rivers" and "lakes"', '"Rivers" and "lakes"', ""),
        ("```\nName three rivers.\n```", "Name three rivers.", ""),
        ("Sum the list.\nInput: 1, 2\n3", "Sum the list.", "1, 2\n3"),
        ("Sum the list.\n**Input:** 1, 2", "Sum the list.", "1, 2"),
        ("Name a river.\nInput: none", "Name a river.", ""),
        ("Input: only data", "only data", ""),
    ],
)
def test_a_task_is_read_from_any_form(text: str, instruction: str, context: str) -> None:
    found = read_task(reply(text))
    assert (found.instruction, found.input, found.truncated) == (instruction, context, False)


def test_a_heading_stays_and_is_eliminated() -> None:
    found = read_task(reply("Rewritten task: Name a long river."))
    assert eliminate_task("Name a river.", found.instruction).rule == "copies_prompt"


def test_a_cut_task_is_marked() -> None:
    assert read_task(reply("Name three", "length")).truncated
    cut = parse_evolution(
        reply(" and", "length"), instruction="Why?", operator="deepen", is_small=True
    )
    assert cut.truncated


@pytest.mark.parametrize(
    ("text", "gained"),
    [
        ("EQUAL", False),
        ("Equal.", False),
        ("They are the same.", False),
        ("DIFFERENT", True),
        ("**Different**", True),
        ("Not Equal", True),
        ("not the same", True),
        ("<think>equal?</think>DIFFERENT", True),
        ("Equal in depth, different in breadth", None),
        ("", None),
        ("yes", None),
        ("{}", None),
        ("equality", None),
    ],
)
def test_a_verdict_is_read_or_nothing_is(text: str, gained: bool | None) -> None:
    assert parse_gain(reply(text)) is gained


def test_a_failed_verdict_says_nothing() -> None:
    assert parse_gain(TeacherReply("k", text="EQUAL", error="HTTP 500")) is None


def test_both_tasks_are_compared() -> None:
    text = render_gain("Name a river.", "Name a lake.").body["messages"][-1]["content"]
    assert "Name a river." in text
    assert "Name a lake." in text


@settings(max_examples=40)
@given(st.text(), st.sampled_from(OPERATORS), st.booleans())
def test_reading_never_fails(text: str, operator: str, is_small: bool) -> None:
    found = parse_evolution(
        reply(text), instruction="Why is it?", operator=operator, is_small=is_small
    )
    assert found is None or found.instruction
    parse_gain(reply(text))
