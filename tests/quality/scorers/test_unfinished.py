from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.unfinished import unfinished

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ("Dogs are loyal and", 1.0),
        ("The main causes are wind, rain and the", 1.0),
        ("These are the three main reasons:", 1.0),
        ("He came home late,", 1.0),
        ("1. Red\n2. Blue\n3.", 1.0),
        ("- Red\n- Blue\n- ", 1.0),
        ("Use this:\n```python\nprint(1)", 1.0),
        ("Der Hund ist treu und", 1.0),
        ("Das Haus gehört einem", 1.0),
        ("Dogs bark. Cats do not bark but they purr when", 0.5),
        ("Der Hund bellt. Die Katze schnurrt, wenn man sie am Kopf", 0.5),
    ],
)
def test_broken_ends_are_found(make_rows: MakeRows, output: str, score: float) -> None:
    assert unfinished(make_rows([output])).to_list() == [score]


@pytest.mark.parametrize(
    "output",
    [
        "Negative", "42", "3.14", "", "New York", "yes", "The", "A, B", "x = 5", "€ 12",
        "Scientists Find Water on Mars Near the Equator",
        "Roses are red\nViolets are blue\nSugar is sweet\nAnd so are you",
        "1. Red\n2. Blue", "- apples\n- pears", "Dogs bark.", "Wow!", "Really?", "Ja, natürlich.",
        "It works.\n```python\nprint(1)\n```", "I am happy 😊", 'He said "no"', "(see above)",
        "Dear Ann,\nI am fine. Thank you for all the help.\n\nSincerely,\nTom",
        "Dear Ann,\nThank you so much for all the help.\n\nKind regards,",
        "Great day! Come and join us at the beach now #sun #fun",
        "Name:\nStreet:\nTown:", "Read more. It is at https://example.com/a", "| a | b |",
        "这是一个句子。", "Mean = total / number. So it is 64 / 4 = 16",
    ],
)  # fmt: skip
def test_finished_answers_are_left_alone(make_rows: MakeRows, output: str) -> None:
    assert unfinished(make_rows([output])).to_list() == [0.0]


@pytest.mark.parametrize("output", ["def f(x):\n    return x +", "SELECT *\nFROM a,"])
def test_it_abstains_on_bare_code(make_rows: MakeRows, output: str) -> None:
    assert unfinished(make_rows([output])).to_list() == [None]
