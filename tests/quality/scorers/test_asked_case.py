from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.asked_case import asked_case

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("instruction", "output", "score"),
    [
        ("Answer in all caps.", "PARIS IS BIG", 1.0),
        ("Answer in all caps.", "Paris is big", 0.0),
        ("Answer in all caps.", "The answer is PARIS.", None),
        ("Convert the text to uppercase.", "HELLO", 1.0),
        ("Write it in lowercase.", "hello there", 1.0),
        ("Write it in lower case.", "Hello THERE", 0.0),
        ("Schreibe nur in Großbuchstaben.", "HALLO", 1.0),
        ("Schreibe es in Kleinbuchstaben.", "HALLO", 0.0),
        ("Write it without capital letters.", "hello", 1.0),
        ("Turn the first letter to uppercase.", "hello", None),
        ("Write a Python function that converts to uppercase.", "def f(): pass", None),
        ("Name a bird.", "Owl", None),
        ("Answer in all caps.", "42", None),
        ("Answer in all caps.", "", None),
    ],
)
def test_asked_case(
    make_rows: MakeRows, instruction: str, output: str, score: float | None
) -> None:
    assert asked_case(make_rows([output], instruction)).to_list() == [score]
