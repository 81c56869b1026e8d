import polars as pl
import pytest

from quality.words import count_words, is_code, ngrams, normalise, terms


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), (None, 0), (" \n\t", 0), ("one", 1), ("two words", 2), ("a-b c.", 2), ("你好吗", 3),
     ("你好 world", 3), ("ไทย", 3), ("한국어 단어", 2), ("Grüß Gott!", 2), ("- x", 2)],
)  # fmt: skip
def test_count_words(text: str | None, count: int) -> None:
    assert pl.select(count_words(pl.lit(text, dtype=pl.String))).item() == count


@pytest.mark.parametrize(
    ("text", "words"),
    [("Don't stop, NOW!", ["don't", "stop", "now"]), ("x_1 = 2", ["x_1", "2"]), ("!?", []),
     ("Straße 5a", ["straße", "5a"]), ("你好", ["你", "好"])],
)  # fmt: skip
def test_terms(text: str, words: list[str]) -> None:
    assert pl.select(terms(pl.lit(text))).item().to_list() == words


@pytest.mark.parametrize(
    ("text", "folded"),
    [(' The "Cat",  sat. ', "the cat sat"), ("-5 %", "-5 %"), ("", ""), ("Ä(b)", "ä b")],
)
def test_normalise(text: str, folded: str) -> None:
    assert pl.select(normalise(pl.lit(text))).item() == folded


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(x):\n    return x", True), ("SELECT *\nFROM a;", True), ("```\nx\n```", True),
        ("<html>\n<p>x</p>", True), ("for (i = 0; i < 3; i++) {\n}", True), ("import os", True),
        ("A def is a word.", False), ("Select a file.", False), ("1. Red\n2. Blue", False),
        ("We import tea.", False), ("Return it.", False), ("", False), ("Let x be 5.", False),
    ],
)  # fmt: skip
def test_is_code(text: str, code: bool) -> None:
    assert pl.select(is_code(pl.lit(text))).item() is code


@pytest.mark.parametrize(("n", "expected"), [(1, [0, 0, 0, 1]), (2, [0, 0]), (3, [0]), (4, [])])
def test_ngrams_stay_within_their_text(n: int, expected: list[int]) -> None:
    assert ngrams(pl.Series(["a b c", "d", "", None]), n)["row"].to_list() == expected
