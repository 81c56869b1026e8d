"""What ends a dialogue, and what does not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dialogue import judge_answer, judge_user_turn

QUESTIONS = ["Why do leaves turn yellow in autumn?"]
ANSWER = "Trees stop making the green colour in autumn, and the yellow below it can be seen."


def rule(turn: str, questions=QUESTIONS, answer: str = ANSWER, most: float = 0.7) -> str | None:
    found = judge_user_turn(turn, questions, answer, max_similarity=most)
    return found.rule if found else None


@pytest.mark.parametrize(
    "turn",
    [
        "Thanks!",
        "Thank you so much, that was helpful.",
        "Goodbye",
        "Ok, bye bye.",
        "That's all for today.",
        "I have no further questions.",
        "Vielen Dank, tschüss!",
        "Das war alles.",
    ],
)
def test_whoever_says_goodbye_has_nothing_left_to_ask(turn: str) -> None:
    assert rule(turn) == "goodbye"


@pytest.mark.parametrize(
    "turn",
    [
        "Thanks! What happens to the green colour?",
        "Does every tree do this?",
        "Give me an example.",
        "And in spring?",
        "Who invented the goodbye kiss?",
        "Und warum nicht im Frühling?",
        "Sure about that?",
        "I doubt it. My oak stays brown.",
        "为什么?",
    ],
)
def test_a_dialogue_goes_on_while_somebody_asks(turn: str) -> None:
    assert rule(turn) is None


@pytest.mark.parametrize(
    "turn",
    [
        "Sure! Leaves contain several colours.",
        "Of course, here is a list.",
        "Here are three reasons why this happens:",
        "As an AI language model I can explain that.",
        "You're welcome!",
        "Assistant: Because of the cold.",
        "The green fades. Let me know if you have other questions.",
        "How can I help you today?",
        "I'd be happy to explain that.",
        "Natürlich, das liegt an der Kälte.",
        " ".join(["Leaves contain chlorophyll and other colours."] * 12),
    ],
)
def test_a_user_who_answers_has_lost_the_part(turn: str) -> None:
    assert rule(turn) == "role_confusion"


def test_a_long_turn_that_asks_is_a_turn() -> None:
    words = [f"word{place}" for place in range(70)]
    assert rule(" ".join([*words, "why?"])) is None
    assert rule(" ".join(words)) == "role_confusion"
    assert rule(" ".join(words[:60])) is None


@pytest.mark.parametrize("turn", ["", "  ", "...", "?", "!!"])
def test_a_turn_without_a_word_is_none(turn: str) -> None:
    assert rule(turn) == "empty_turn"


def test_an_earlier_question_again_says_nothing_new() -> None:
    assert rule("Why do leaves turn yellow in the autumn?") == "nothing_new"
    found = judge_user_turn(QUESTIONS[0], ["Who?", *QUESTIONS], "", max_similarity=0.7)
    assert found.value == 1.0
    assert "leaves turn yellow" in found.evidence


def test_the_bar_of_similarity_is_inclusive() -> None:
    # Four of five words in common on both sides: ROUGE-L is 0.8.
    one, other = "Why do red leaves fall?", "Why do old leaves fall?"
    assert rule(other, [one], "", most=0.8) == "nothing_new"
    assert rule(other, [one], "", most=0.81) is None


def test_handing_the_answer_back_says_nothing_new() -> None:
    assert rule("So the yellow below it can be seen in autumn?", answer=ANSWER) is None
    turn = "So trees stop making the green colour in autumn, and the yellow below it can be seen?"
    assert rule(turn) == "nothing_new"


def test_questions_in_other_scripts_repeat_only_if_equal() -> None:
    assert rule("为什么?", ["为什么?"]) == "nothing_new"
    assert rule("为什么?", ["谁?"]) is None


def test_an_answer_may_not_come_twice() -> None:
    assert judge_answer(ANSWER, [ANSWER], max_similarity=0.7).rule == "nothing_new"
    assert judge_answer("Firs keep their needles.", [ANSWER], max_similarity=0.7) is None
    assert judge_answer(" ", [], max_similarity=0.7).rule == "empty_answer"


@settings(max_examples=40)
@given(st.text(), st.lists(st.text(), max_size=3), st.text())
def test_rules_are_total(turn: str, questions: list[str], answer: str) -> None:
    judge_user_turn(turn, questions, answer, max_similarity=0.7)
    judge_answer(turn, questions, max_similarity=0.7)
