from collections.abc import Callable
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.wrong_result import expected_result, wrong_result

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("instruction", "given", "output", "score"),
    [
        ("What is 12 * 7?", "", "84", 0.0),
        ("What is 12 * 7?", "", "12 * 7 = 84, as 10 * 7 = 70.", 0.0),
        ("What is 12 * 7?", "", "82", 1.0),
        ("What is 12 * 7?", "", "eighty-four", None),
        ("What is 12 * 7?", "", "", None),
        ("What is 12 * 7?", "", "def f():\n    return 12 * 7", None),
        ("Berechne 12 mal 7.", "", "Das ergibt 84.", 0.0),
        ("Compute the average of 3, 2, 5", "", "3.33", 0.0),
        ("Compute the average of 3, 2, 5", "", "3.3333333333333335", 0.0),
        ("Compute the average of 3, 2, 5", "", "3.67", 1.0),
        ("Find the sum of the numbers.", "4703, 2884 and 4758", "12,345", 0.0),
        ("Find the sum of the numbers.", "4703, 2884 and 4758", "11,345", 1.0),
        ("Berechne den Durchschnitt von 12 und 15.", "", "13,5", 0.0),
        ("What is 15% of 80?", "", "It is 12.", 0.0),
        ("What is 15% of 80?", "", "It is $1.2.", 1.0),
        ("What is the square root of 144?", "", "12", 0.0),
        ("What is the square root of 144?", "", "14", 1.0),
        ("Convert 98.1kg to lbs.", "", "215.74 lbs", 0.0),  # the usual factor 2.2 is rounded
        ("Convert 25m to km.", "", "25km", 1.0),
        ("Convert 42 to Roman numerals.", "", "XLII", 0.0),
        ("Convert 42 to Roman numerals.", "", "XXXXII", 1.0),
        ("Convert 62 to binary.", "", "0b111110", 0.0),
        ("Calculate the given expression.", "8 + 4 * 9", "44", 0.0),
        ("Calculate the given expression.", "8 + 4 * 9", "72", 1.0),
        ("What is 1/2 + 1/4?", "", "3/4", 0.0),
        ("What is 1/2 + 1/4?", "", "0.75", 0.0),
        ("Find the slope of the line.", "y = 3x - 2", "3", None),
        ("Find the title of this book.", "ISBN: 978-1-5247-3855-7", "Dune 1", None),
        ("Write a sum with 3 + 4.", "", "9", None),
        ("What is 3 + 4 in base 5?", "", "12", None),
        ("Find the sum of the angles of 3 triangles.", "", "540", None),
        ("Ann has 3 apples and buys 4. How many has she?", "", "8", None),
        ("Find the average of 1,234.", "", "7", None),
        ("What is 1 / 0?", "", "0", None),
        ("Name 3 birds.", "", "5", None),
    ],
)
def test_wrong_result(
    make_rows: MakeRows, instruction: str, given: str, output: str, score: float | None
) -> None:
    assert wrong_result(make_rows([output], instruction, given)).to_list() == [score]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 9999), st.sampled_from("+-*"), st.integers(1, 50))
def test_the_right_number_is_right_and_another_wrong(
    left: int, right: int, sign: str, off: int
) -> None:
    value = {"+": left + right, "-": left - right, "*": left * right}[sign]
    rows = pl.DataFrame({
        "instruction": [f"What is {left} {sign} {right}?"] * 2, "input": ["", ""],
        "output": [f"It is {value:,}.", f"It is {abs(value) + off}."],
    })  # fmt: skip
    assert wrong_result(rows).to_list() == [0.0, 1.0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 99), min_size=2, max_size=9))
def test_the_mean_of_a_list(values: list[int]) -> None:
    found = expected_result("Calculate the mean of the numbers.", ", ".join(map(str, values)))
    assert found is not None
    assert found.value == Fraction(sum(values), len(values))
