from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.compressibility import compressibility
from quality.scorers.lexical_diversity import lexical_diversity
from quality.scorers.repetition import repetition

MakeRows = Callable[..., pl.DataFrame]
DISTINCT = " ".join(f"w{number}" for number in range(20))


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ("Yes.", None),
        ("", None),
        (None, None),
        ("a b c d e f g h i j k l m n", None),  # 14 words, 11 grams
        (DISTINCT, 0.0),
        ("ha " * 20, 1 - 1 / 17),
        (f"{DISTINCT} {DISTINCT}", 17 / 37),
        ("Der Hund bellt laut. " * 5, 1 - 4 / 17),
    ],
)
def test_repetition(make_rows: MakeRows, output: str | None, score: float | None) -> None:
    assert repetition(make_rows([output])).to_list() == pytest.approx([score])


def test_grams_do_not_cross_rows(make_rows: MakeRows) -> None:
    assert repetition(make_rows([DISTINCT, DISTINCT])).to_list() == [0.0, 0.0]


def test_unspaced_scripts_repeat_too(make_rows: MakeRows) -> None:
    assert repetition(make_rows(["好的" * 20])).to_list() == pytest.approx([1 - 2 / 37])


def test_compressibility_is_null_for_short_texts_and_high_for_loops(make_rows: MakeRows) -> None:
    prose = "The quick brown fox jumps over the lazy dog while seven wizards vex a black quartz. "
    short, loop, once = compressibility(make_rows(["short", "ha" * 500, prose * 2])).to_list()
    assert short is None
    assert loop == pytest.approx(0.987, abs=0.005)
    assert 0.3 < once < 0.7


@pytest.mark.parametrize(
    ("output", "score"),
    [("one two", None), ("a b c d e f g h i j", 1.0), ("A a " * 5, 0.1), (None, None)],
)
def test_lexical_diversity(make_rows: MakeRows, output: str | None, score: float | None) -> None:
    assert lexical_diversity(make_rows([output])).to_list() == [score]


def test_lexical_diversity_looks_at_the_first_hundred_words(make_rows: MakeRows) -> None:
    first = " ".join(f"w{number}" for number in range(100))
    assert lexical_diversity(make_rows([first + " w1" * 500])).to_list() == [1.0]
