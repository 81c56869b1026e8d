"""What a text is about."""

import polars as pl
import pytest

from quality.decontaminate.content import cut_tokens, read_terms, term_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("16 eggs at $2.50", {"#16", "#2.5"}),
        ("$1,200 and 1200.00", {"#1200"}),
        ("$.20 back", {"#0.2"}),
        ("007", {"#7"}),
        ("1 or 0 of them", set()),
        ("3/4 of x2 and s1", {"#3", "#4"}),
        ("a 30km run, the 5th", {"#30", "#5"}),
        ("three times, twice, half", set()),
    ],
)
def test_numbers_in_digits_are_values(text: str, values: set[str]) -> None:
    terms = read_terms(pl.Series([text]))
    assert set(terms.filter("is_value")["term"]) == values


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ducks", "duck"), ("walking", "walked"), ("three", "3"), ("thrice", "3"),
        ("dozen", "12"), ("half", "2"), ("decade", "10"), ("zwei", "2"), ("Hälfte", "HÄLFTE"),
        ("Bücher", "büchern"),
    ],
)  # fmt: skip
def test_forms_of_a_word_are_one_term(one: str, other: str) -> None:
    names = [term_of(tokens[0]) for tokens in cut_tokens(pl.Series([one, other]))]
    assert names[0] is not None
    assert names[1] is not None
    assert names[0].name == names[1].name


def test_function_words_and_letters_say_nothing() -> None:
    assert read_terms(pl.Series(["What is the x of it?", "Was ist das?"])).height == 0


def test_a_term_counts_once() -> None:
    terms = read_terms(pl.Series(["twice 2 ducks, ducks", None]))
    assert terms.rows() == [(0, "#2", True), (0, "duck", False)]
