import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.gates import BLACKLIST, MAX_WORDS, MIN_WORDS, Rejection, check_instruction

GOOD = "Name three uses of salt."


@pytest.mark.parametrize(
    ("instruction", "rejection"),
    [
        (GOOD, None),
        ("one two three four", None),
        ("one two three", Rejection("instruction_too_short", 3, MIN_WORDS)),
        ("", Rejection("instruction_too_short", 0, MIN_WORDS)),
        (" \n ", Rejection("instruction_too_short", 0, MIN_WORDS)),
        ("word " * 150, None),
        ("word " * 151, Rejection("instruction_too_long", 151, MAX_WORDS)),
        # Whole words only, in any case.
        ("Describe the Image below in words.", Rejection("blacklisted_word", evidence="Image")),
        ("Where should I Go  to study?", None),
        ("Where should I go to study?", Rejection("blacklisted_word", evidence="go to")),
        ("Imagine a paragraph about a profile.", None),
        ("Name the mapping between both sets.", None),
        (
            "Write a program that adds numbers.",
            Rejection("asks_for_program", evidence="Write a program"),
        ),
        ("Please Write a program that adds.", None),
        ("write a program that adds numbers.", None),
        ("- name three uses of salt", Rejection("starts_with_punctuation", evidence="-")),
        ('"To be or not to be"', Rejection("starts_with_punctuation", evidence='"')),
        ("Übersetze den Satz ins Englische.", Rejection("starts_with_non_ascii", evidence="Ü")),
        ("名 前 を 三 つ", Rejection("starts_with_non_ascii", evidence="名")),
    ],
)  # fmt: skip
def test_gates(instruction: str, rejection: Rejection | None) -> None:
    assert check_instruction(instruction) == rejection


def test_other_scripts_pass_where_they_are_asked_for() -> None:
    assert check_instruction("Übersetze den Satz ins Englische.", ascii_only=False) is None


@pytest.mark.parametrize("word", BLACKLIST)
def test_every_word_of_the_blacklist_is_found(word: str) -> None:
    found = check_instruction(f"Please look at {word} and think")
    assert found == Rejection("blacklisted_word", evidence=word)


def test_alpacas_list_is_whole() -> None:
    assert len(BLACKLIST) == 18


@given(st.text(), st.booleans())
def test_any_text_is_judged(instruction: str, ascii_only: bool) -> None:
    found = check_instruction(instruction, ascii_only=ascii_only)
    if found is not None and found.evidence is not None:
        assert found.evidence in instruction
    if found is not None and found.value is not None:
        assert found.value == len(instruction.split())
