import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.phrases import find_phrase, phrase_pattern


@pytest.mark.parametrize(
    ("text", "phrases", "found"),
    [
        ("I am ChatGPT-4.", ["chatgpt"], ("chatgpt", 5)),
        ("chatgptx xchatgpt", ["chatgpt"], None),
        ("Over\n the  Moon", ["over the moon"], ("over the moon", 0)),
        ("C++ is", ["c++"], ("c++", 0)),
        ("Über ÜBER", ["über"], ("über", 0)),
        ("rate limit reached", ["rate limit", "rate limit reached"], ("rate limit reached", 0)),
        ("a.b", ["a+b"], None),
        ("", ["a"], None),
        ("a", [], None),
    ],
)
def test_phrases_are_found_as_words(text: str, phrases: list[str], found) -> None:
    got = find_phrase(text, phrases)
    assert (got and got[:2]) == found


def test_the_excerpt_is_short_and_one_line() -> None:
    found = find_phrase("x" * 500 + " owl\n" + "y" * 500, ["owl"])
    assert found is not None
    assert found.excerpt == f"{'x' * 29} owl {'y' * 29}"


@given(
    st.text(alphabet="aAbß .+-\n", max_size=30),
    st.lists(st.text(alphabet="ab+.-# ", min_size=1, max_size=4).filter(str.strip), min_size=1),
)
def test_python_and_polars_agree(text: str, phrases: list[str]) -> None:
    pattern = phrase_pattern(phrases)
    by_polars = pl.Series([text]).str.contains(pattern).item()
    assert by_polars == (re.search(pattern, text) is not None)
    assert by_polars == (find_phrase(text, phrases) is not None)
