"""Guards: which differences forbid a merge, and which do not."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.dedup.guards import GUARDS, guard_features, vetoing_guard

VETOED = [
    ("numbers", "Add 3 and 5", "Add 3 and 6"),
    ("numbers", "Subtract 5 from 3", "Subtract 3 from 5"),
    ("numbers", "Name three colours", "Name four colours"),
    ("numbers", "Name three colours", "Name colours"),
    ("numbers", "Nenne drei Farben", "Nenne vier Farben"),
    ("numbers", "It weighs 1.5 kg", "It weighs 15 kg"),
    ("negation", "Tell me why it is safe", "Tell me why it is not safe"),
    ("negation", "Why do cats purr?", "Why don't cats purr?"),
    ("negation", "Ist das ein Problem?", "Ist das kein Problem?"),
    ("negation", "Coffee with milk and without sugar", "Coffee with milk and sugar"),
    ("negation", "Give a valid email", "Give an invalid email"),
    ("negation", "List the advantages", "List the advantages and disadvantages"),
    ("opposites", "Find the largest number", "Find the smallest number"),
    ("opposites", "Nenne die Vorteile", "Nenne die Nachteile"),
    ("quotes", 'Define "irony"', 'Define "sarcasm"'),
    ("quotes", "Define 'irony'", "Define 'sarcasm'"),
    ("quotes", "Übersetze „Hund“", "Übersetze „Katze“"),
    ("code", "Explain read_csv", "Explain read_json"),
    ("code", "What does getName return?", "What does setName return?"),
    ("code", "Simplify x + y", "Simplify x * y"),
    ("languages", "Sort a list in Python", "Sort a list in Java"),
    ("languages", "Reverse a string in C", "Reverse a string in C++"),
    ("languages", "Translate to French", "Translate to German"),
    ("languages", "Translate from French to German", "Translate from German to French"),
    ("languages", "Übersetze ins Englische", "Übersetze ins Französische"),
    ("units", "Convert the time to seconds", "Convert the time to hours"),
]

ALLOWED = [
    ("Name three colours", "Name 3 colours"),
    ("Earn 1,000 coins", "Earn 1000 coins"),
    ("Give an example", "Give one example"),
    ("I can't see it", "I cannot see it"),
    ("Tell me if it is prime or not", "Tell me whether it is prime"),
    ("Give examples\n<no input>", "Give examples"),
    ('Define "irony".', "Define irony"),
    ("Explain what machine learning is", "What is machine learning?"),
    ("Write it in JavaScript", "Write it in JS"),
    ("Go home", "go HOME"),
    ("Go to the shop and buy milk", "To buy milk go to the shop"),
    ("Heat it to 32°C", "Heat to 32°C"),
    ("", ""),
]


@pytest.mark.parametrize(("guard", "left", "right"), VETOED)
def test_a_guard_vetoes_either_way_round(guard: str, left: str, right: str) -> None:
    assert vetoing_guard(left, right) == guard
    assert vetoing_guard(right, left) == guard


@pytest.mark.parametrize(("left", "right"), ALLOWED)
def test_no_guard_vetoes_another_wording(left: str, right: str) -> None:
    assert vetoing_guard(left, right) is None


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_guard_parts_a_text_from_itself(text: str) -> None:
    assert vetoing_guard(text, text) is None


@settings(deadline=None)
@given(st.sampled_from(VETOED + [("", *pair) for pair in ALLOWED]), st.data())
def test_a_different_key_always_means_a_veto(row: tuple[str, str, str], data) -> None:
    _, left, right = row
    other = data.draw(st.sampled_from([left, right, "Name two things in German"]))
    first, second = (guard_features(pl.Series([text])) for text in (left, other))
    if first["key"].item() != second["key"].item():
        assert any(differs(first, second).item() for differs in GUARDS.values())
