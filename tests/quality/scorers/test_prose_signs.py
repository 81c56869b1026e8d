"""Stray signs in prose, and prose without words; code, tables and formulas are let alone."""

from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.alphabetic_words import alphabetic_words
from quality.scorers.symbol_words import symbol_words

MakeRows = Callable[..., pl.DataFrame]
PROSE = "The owl hunts at night and the wren sings at dawn."
LET_ALONE = [
    "def f(x):\n    return {x: 1}  # a comment that goes on for ten words or so",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 | and a few more words to count",
    "x = 3 and y = 4 so that x + y = 7 and nothing else is left to say here",
    "```\n### ~ ~ ~\n``` and some words that follow it here for a while, ten of them",
]


@pytest.mark.parametrize("output", [*LET_ALONE, "short ~~~", "", None])
def test_code_tables_formulas_and_short_answers_abstain(
    make_rows: MakeRows, output: str | None
) -> None:
    rows = make_rows([output])
    assert symbol_words(rows).to_list() == [None]
    assert alphabetic_words(rows).to_list() == [None]


@pytest.mark.parametrize(
    ("output", "share"),
    [(PROSE, 0.0), (f"# Owls\n\n{PROSE} #owls 🦉", 0.0), (f"~ ~ ~ {PROSE}", pytest.approx(3 / 14)),
     (f"{PROSE} \\ \\", pytest.approx(2 / 13)), ("Привет " * 12, 0.0)],
)  # fmt: skip
def test_symbol_words(make_rows: MakeRows, output: str, share: float) -> None:
    assert symbol_words(make_rows([output])).to_list() == [share]


@pytest.mark.parametrize(
    ("output", "share"),
    [(PROSE, 1.0), (f"1. {PROSE}", 1.0), ("% & / ( ) one two three four five", 0.5),
     ("你好" * 10, 1.0), ("? " * 12, 0.0)],
)  # fmt: skip
def test_alphabetic_words(make_rows: MakeRows, output: str, share: float) -> None:
    assert alphabetic_words(make_rows([output])).to_list() == [share]
