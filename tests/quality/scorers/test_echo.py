from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.echo import echo

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("instruction", "given", "output", "score"),
    [
        ("Fix it.", "teh cat", "teh cat", 1.0),
        ("Fix it.", "teh  cat\n", '"teh cat"', 1.0),
        ("Create a GIF of a cat.", "", "Create a GIF of a cat.", 1.0),
        ("Add punctuation.", "hello there", "Hello there.", None),
        ("Good or bad?", "I am good today.", "good", None),
        ("Say it.", "", "", None),
        ("Quote it.", "one two three four five six seven", "one two three four five six", 0.99),
        ("Write.", "a b c d e f", "u v w x y z", 0.0),
        ("Extend.", "one two three four", "one two three four five six", 0.5),
        ("Korrigiere.", "Der Hund lauft.", "Der Hund lauft.", 1.0),
    ],
)
def test_echo(
    make_rows: MakeRows, instruction: str, given: str, output: str, score: float | None
) -> None:
    assert echo(make_rows([output], instruction, given)).to_list() == [score]


def test_rows_are_compared_with_their_own_prompt_only(make_rows: MakeRows) -> None:
    rows = make_rows(["a b c d e f", "u v w x y z"]).with_columns(
        input=pl.Series(["u v w x y z", "a b c d e f"])
    )
    assert echo(rows).to_list() == [0.0, 0.0]
