from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.wrong_order import wrong_order

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("instruction", "given", "output", "score"),
    [
        ("Sort alphabetically.", "pear, fig, apple", "apple, fig, pear", 0.0),
        ("Sort alphabetically.", "pear, fig, apple", "fig, apple, pear", 1.0),
        ("Sort alphabetically.", "Pear, fig, apple", "Pear, fig, apple: Apple, fig, pear", 0.0),
        ("Sort the numbers in ascending order.", "-2, 10, 9, 0.5", "-2, 0.5, 9, 10", 0.0),
        ("Sort the numbers in ascending order.", "10, 9, 11", "10, 11, 9", 1.0),
        ("Sort the numbers from largest to smallest: 3, 1, 2", "", "3, 2, 1", 0.0),
        ("Sort in non-decreasing order.", "3, 1, 2", "1, 2, 3", 0.0),
        ("Ordne die Wörter alphabetisch: Baum, Nebel, Ast", "", "Ast, Baum, Nebel", 0.0),
        ("Ordne die Wörter alphabetisch: Baum, Nebel, Ast", "", "Baum, Ast, Nebel", 1.0),
        ("Sort alphabetically.", "pear, fig, apple", "apple, fig", None),
        ("Sort alphabetically.", "pear, fig", "fig, pear", None),
        ("Sort by length in ascending order.", "pear, fig, apple", "fig, pear, apple", None),
        ("Sort in ascending order.", "pear, fig, apple", "fig, pear, apple", None),
        ("Write a Python function to sort in ascending order.", "3, 1, 2", "1, 2, 3", None),
        ("Name three birds.", "", "owl, wren, tit", None),
        ("Sort alphabetically.", "", "", None),
    ],
)  # fmt: skip
def test_wrong_order(
    make_rows: MakeRows, instruction: str, given: str, output: str, score: float | None
) -> None:
    assert wrong_order(make_rows([output], instruction, given)).to_list() == [score]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-99, 99), min_size=3, max_size=8, unique=True), st.randoms())
def test_only_the_sorted_list_is_right(values: list[int], random: object) -> None:
    given_text = ", ".join(map(str, values))
    outputs = [", ".join(map(str, order)) for order in (sorted(values), sorted(values)[::-1])]
    rows = pl.DataFrame({
        "instruction": ["Sort in ascending order."] * 2, "input": [given_text] * 2,
        "output": outputs,
    })  # fmt: skip
    assert wrong_order(rows).to_list() == [0.0, 1.0]
