from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.asked_count import asked_count

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("instruction", "output", "score"),
    [
        ("Name three birds.", "1. Owl\n2. Wren", 1.0),
        ("List 5 tips for sleeping.", "\n".join(f"{n}. tip" for n in range(1, 6)), 0.0),
        ("Give me two examples.", "- a\n- b\n- c", 1.0),
        ("Please suggest four names", "Ann\nBob\nCy", 1.0),
        ("Nenne drei Vorteile des Radfahrens.", "1. gesund\n2. billig\n3. schnell", 0.0),
        ("Nenne drei Tiere.", "Hund, Katze und Maus", 0.0),
        ("Nenne fünf Städte.", "Rom, Bonn, Kiel, Ulm", 1.0),
        ("List ten fruits.", "apple, pear, plum and fig", 6.0),
        ("Name three birds.", "Owls hunt at night, and wrens sing in the morning.", None),
        ("Name a bird.", "1. Owl\n2. Wren", None),
        ("Write three sentences about owls.", "Owl.\nOwl.", None),
        ("Write a 5 line poem.", "a\nb", None),
        ("List up to five birds.", "1. Owl\n2. Wren", None),
        ("Generate three to five questions.", "1. A?\n2. B?", None),
        ("Add 2 numbers.", "3", None),
        ("Name three birds.", "", None),
    ],
)
def test_asked_count(
    make_rows: MakeRows, instruction: str, output: str, score: float | None
) -> None:
    assert asked_count(make_rows([output], instruction)).to_list() == [score]


def test_nested_items_are_not_counted(make_rows: MakeRows) -> None:
    rows = make_rows(["1. Owl\n   - eats mice\n   - flies\n2. Wren"], "Name two birds.")
    assert asked_count(rows).to_list() == [0.0]
