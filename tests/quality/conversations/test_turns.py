import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.conversations.turns import Turn, find_broken_turn, first_exchange_key, trim_turns

LETTERS = {"s": "system", "u": "user", "a": "assistant", "-": "assistant"}


def talk(letters: str) -> list[Turn]:
    """Turns of a string: s, u, a, and - for an empty answer."""
    return [
        Turn(LETTERS[letter], "" if letter == "-" else f"{letter}{place}", place)
        for place, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("given_turns", "left", "before", "after"),
    [
        ("ua", "ua", 0, 0),
        ("aua", "ua", 1, 0),
        ("uau", "ua", 0, 1),
        ("saauauu", "sua", 2, 2),
        ("usaua", "usaua", 0, 0),
        ("asuasu", "suas", 1, 1),
        ("uau-", "ua", 0, 2),
        ("u", "", 0, 1),
        ("au", "", 1, 1),
        ("u-", "", 0, 2),
        ("sa", "s", 1, 0),
        ("", "", 0, 0),
    ],
)
def test_edges_without_a_partner_go(given_turns: str, left: str, before: int, after: int) -> None:
    found = trim_turns(talk(given_turns))
    assert "".join(turn.content[:1] for turn in found.turns) == left
    assert (found.before, found.after) == (before, after)


@given(st.text(alphabet="sua-", max_size=12))
def test_trimming_loses_no_turn_that_it_does_not_count(letters: str) -> None:
    found = trim_turns(talk(letters))
    assert len(found.turns) + found.before + found.after == len(letters)
    assert trim_turns(found.turns) == (found.turns, 0, 0)


@pytest.mark.parametrize(
    ("letters", "broken"),
    [
        ("uaua", None),
        ("suaua", None),
        ("uu", "turn 2: user after user"),
        ("uaa", "turn 3: assistant after assistant"),
        ("au", "turn 1: assistant after assistant"),
        ("u-ua", "turn 2: assistant says nothing"),
    ],
)
def test_broken_turns_are_named(letters: str, broken: str | None) -> None:
    assert find_broken_turn(talk(letters)) == broken


def messages(*contents: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(contents)]


def test_first_exchanges_are_compared_without_case_and_spaces() -> None:
    key = first_exchange_key(messages("Why?", "Because  it\nis."))
    assert first_exchange_key(messages("WHY?", "because it is.", "And?", "So.")) == key
    assert first_exchange_key(messages("Why?", "Because it was.")) != key
    assert first_exchange_key(messages("Because  it\nis.", "Why?")) != key
    assert first_exchange_key([]) == first_exchange_key(messages(""))
