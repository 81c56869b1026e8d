from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.asked_phrases import asked_phrases, find_demands

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("task", "demands"),
    [
        ('Write a poem without using the word "rain".', [("lacks", "rain")]),
        ('Do not use the word "very" or "really".', [("lacks", "very"), ("lacks", "really")]),
        ('Write a story that begins with "Once upon a time".', [("starts", "Once upon a time")]),
        ('Your answer should start with "Yes".', [("starts", "Yes")]),
        ('Write a story that ends with “the end”.', [("ends", "the end")]),
        ('Create a sentence using the words "owl" and "moon".',
         [("contains", "owl"), ("contains", "moon")]),
        ('Create a sentence using the words "owl, moon".',
         [("contains", "owl"), ("contains", " moon")]),
        ('Schreibe ein Gedicht ohne das Wort "Regen".', [("lacks", "Regen")]),
        ('Bilde einen Satz mit dem Wort "Regen".', [("contains", "Regen")]),
        ('Name five animals that start with "B".', []),
        ('Find words that end with "ing".', []),
        ('Replace "very" without changing "good".', []),
        ('Write an acrostic poem with the word "owl".', []),
        ("Write a poem without rain.", []),
        ("", []),
    ],
)  # fmt: skip
def test_find_demands(task: str, demands: list[tuple[str, str]]) -> None:
    assert find_demands(task) == demands


@pytest.mark.parametrize(
    ("instruction", "output", "score"),
    [
        ('Write a poem without using the word "rain".', "Rain falls.", 0.0),
        ('Write a poem without using the word "rain".', "A train passes.", 1.0),
        ('Write a text without the letter "e".', "A cat sat.", 1.0),
        ('Write a text without the letter "e".', "The cat sat.", 0.0),
        ('Create a sentence using the words "owl" and "moon".', "The owl sleeps.", 0.5),
        ('Create a sentence using the word "defy".', "She defied them.", 1.0),
        ('Your answer should start with "Yes".', '"Yes, of course."', 1.0),
        ('Your answer should start with "Yes".', "Well, yes.", 0.0),
        ('Write a story that ends with "the end".', "He left. The end.", 1.0),
        ('Write a poem without using the word "rain".', "", None),
        ('Write a poem about "rain".', "Rain.", None),
        ('Write a poem without using the word "x".', "def f():\n    return x", None),
    ],
)
def test_asked_phrases(
    make_rows: MakeRows, instruction: str, output: str, score: float | None
) -> None:
    assert asked_phrases(make_rows([output], instruction)).to_list() == [score]


def test_no_more_than_ten_demands_are_read() -> None:
    task = "Do not use the word " + 'and "a" '.join([""] * 5000) + 'without "b", ' * 5000
    assert len(find_demands(task)) <= 10
