"""The elimination rules of Evol-Instruct, at their borders."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.elimination import PROMPT_PHRASES, eliminate_answer, eliminate_task


def sorry(words: int) -> str:
    return " ".join(["Sorry,", *["word"] * (words - 1)])


@pytest.mark.parametrize(("words", "rule"), [(1, "sorry_answer"), (79, "sorry_answer"), (80, None)])
def test_an_apology_below_eighty_words_is_a_refusal(words: int, rule: str | None) -> None:
    found = eliminate_answer(sorry(words))
    assert (found.rule if found else None) == rule
    if found:
        assert (found.value, found.threshold) == (float(words), 80.0)
        assert found.evidence == sorry(words)[:200]


@pytest.mark.parametrize("word", ["sorry", "SORRY", "Sorry!", "unsorrying", "„sorry“"])
def test_sorry_counts_wherever_it_stands_as_in_the_paper(word: str) -> None:
    assert eliminate_answer(f"Rivers flow and {word} is said.").rule == "sorry_answer"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n",
        "...",
        "?!",
        "It is what it is.",
        "The, the – and so on; and so on.",
        "Und das ist es.",
        "***",
        "_ _",
    ],
)
def test_answers_of_stop_words_and_punctuation_say_nothing(answer: str) -> None:
    found = eliminate_answer(answer)
    assert found is not None
    assert found.rule == "empty_words"


@pytest.mark.parametrize(
    "answer", ["Yes.", "No", "Three", "42", "x", "你好", "It is what water is.", "Nein.", "$5", "É"]
)
def test_short_answers_that_say_something_stay(answer: str) -> None:
    assert eliminate_answer(answer) is None


@pytest.mark.parametrize(
    "child",
    [
        "Rewritten prompt: name a long river.",
        "#Rewritten Prompt#: name a long river.",
        "**Rewritten  Task**\nName a long river.",
        "As in the given prompt, name a river.",
        "The created_prompt asks for a river.",
        "Name a river of the GIVEN\nTASK.",
    ],
)
def test_words_of_the_evolving_prompt_are_found(child: str) -> None:
    found = eliminate_task("Name a river.", child)
    assert found is not None
    assert found.rule == "copies_prompt"
    assert found.evidence
    assert found.evidence in child


def test_a_task_may_speak_of_prompts_if_it_did_before() -> None:
    parent = "Shorten the given prompt to ten words."
    assert eliminate_task(parent, "Shorten the given prompt to ten words in French.") is None
    assert eliminate_task(parent, "Rewritten prompt: shorten it.").rule == "copies_prompt"


def test_every_heading_of_our_own_prompts_is_listed() -> None:
    from flows.generators import evol_instruct

    headings = {line.rstrip(":").lower() for line in evol_instruct._REQUEST.splitlines()}
    assert "given task" in headings & set(PROMPT_PHRASES)


@pytest.mark.parametrize("child", ["Name a river.", "name  a\nRIVER.", " Name a river. "])
def test_an_unchanged_task_brings_nothing(child: str) -> None:
    found = eliminate_task("Name a river.", child)
    assert found is not None
    assert found.rule == "no_information_gain"


def test_one_more_word_is_another_task() -> None:
    assert eliminate_task("Name a river.", "Name a long river.") is None


@settings(max_examples=40)
@given(st.text(), st.text())
def test_rules_are_total(parent: str, child: str) -> None:
    eliminate_task(parent, child)
    eliminate_answer(child)


@settings(max_examples=40)
@given(st.text(alphabet=" .,;:!?-*#()\n\"'"))
def test_punctuation_alone_never_stays(answer: str) -> None:
    assert eliminate_answer(answer).rule == "empty_words"
