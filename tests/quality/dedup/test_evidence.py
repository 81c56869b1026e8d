"""Evidence: what only one of two texts has, in a line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.evidence import EVIDENCE_LENGTH, describe_choice, describe_difference

WORDS = st.lists(st.sampled_from(["red", "blue", "green", "x" * 70, "ü"]), max_size=12)


@pytest.mark.parametrize(
    ("this", "kept", "expected"),
    [
        ("a b", "a  b\n", "same words"),
        ("", " ", "same words"),
        ("a b c", "a b d", 'only in this row: "c"; only in the kept one: "d"'),
        ("a c", "a b c", 'only in the kept one: "b"'),
        ("a b c", "a c", 'only in this row: "b"'),
        ("a", "", 'only in this row: "a"'),
        ("a x b y", "a b", 'only in this row: "x", "y"'),
        ("one two b", "b three", 'only in this row: "one two"; only in the kept one: "three"'),
        ("A b", "a b", 'only in this row: "A"; only in the kept one: "a"'),
    ],
)
def test_evidence_names_what_only_one_has(this: str, kept: str, expected: str) -> None:
    assert describe_difference(this, kept) == expected


def test_long_evidence_is_cut_and_shows_both_sides() -> None:
    long = describe_difference(" ".join(map(str, range(300))), "x" * 500)
    assert len(long) <= EVIDENCE_LENGTH
    assert long.startswith('only in this row: "0 1 2')
    assert '…; only in the kept one: "xxx' in long
    one_side = describe_difference("same " + "y" * 500, "same")
    assert one_side.startswith('only in this row: "yyy')
    assert EVIDENCE_LENGTH - 2 <= len(one_side) <= EVIDENCE_LENGTH


def test_a_difference_after_thousands_of_words_is_not_called_none() -> None:
    head = "word " * 2_500
    assert describe_difference(head + "red", head + "blue") != "same words"


@settings(deadline=None, max_examples=50)
@given(WORDS, WORDS)
def test_evidence_of_any_texts(first: list[str], second: list[str]) -> None:
    this, kept = " ".join(first), "\n ".join(second)
    found, mirrored = describe_difference(this, kept), describe_difference(kept, this)
    assert len(found) <= EVIDENCE_LENGTH
    assert "\n" not in found
    assert (found == "same words") == (first == second)
    assert ("only in this row" in found) == ("only in the kept one" in mirrored)


@pytest.mark.parametrize("agreement", [0.0, 0.333, 1.0])
def test_a_choice_leaves_room_for_the_difference(agreement: float) -> None:
    line = describe_choice(agreement)
    assert line.startswith("another answer (")
    assert f"{agreement:.2f}" in line
    assert len(line) <= EVIDENCE_LENGTH // 2
