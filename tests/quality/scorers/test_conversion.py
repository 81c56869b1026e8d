from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.conversion import convert, convert_numeral


@pytest.mark.parametrize(
    ("task", "value"),
    [
        ("Convert 5 km to meters.", 5000), ("How many seconds are in 45 minutes?", 2700),
        ("Convert 212 Fahrenheit to Celsius", 100),
        ("Convert 0 degrees Celsius to Kelvin", Fraction("273.15")),
        ("Rechne 3 Kilometer in Meter um.", 3000), ("Convert 2 lbs to ounces.", 32),
        ("Convert 5 km to hours.", None), ("Convert 5 apples to pears.", None),
        ("Name a bird.", None),
    ],
)  # fmt: skip
def test_units(task: str, value: Fraction | int | None) -> None:
    found = convert(task, "")
    assert found == value if value is None else found == pytest.approx(Fraction(value))


def test_a_task_with_an_input_is_left_alone() -> None:
    assert convert("Convert 5 km to meters.", "7 km") is None


@pytest.mark.parametrize(
    ("task", "given", "numeral"),
    [
        ("Convert 42 into a Roman numeral.", "", "XLII"),
        ("Convert this number from decimal to binary", "62", "111110"),
        ("Convert the binary number 101101 to decimal.", "", "45"),
        ("Convert the following number in hexadecimal format.", "3048", "BE8"),
        ("Convert the hexadecimal number to octal.", "DB1", "6661"),
        ("Convert the Roman numeral XIV to decimal.", "", "14"),
        ("Wandle 5 in eine binäre Zahl um.", "", "101"),
        ("Convert 102 from binary to decimal.", "", None),  # no binary number
        ("Convert 5000 into Roman numerals.", "", None),
        ("Convert 3 and 4 to binary.", "", None),
        ("Convert the binary number 1 to binary.", "", None),
        ("Convert 5 dollars to euros.", "", None),
        ("Convert the Roman numeral IIX to decimal.", "", None),
    ],
)
def test_numerals(task: str, given: str, numeral: str | None) -> None:
    assert convert_numeral(task, given) == numeral


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3999), st.sampled_from(["Roman", "binary", "hexadecimal", "octal"]))
def test_there_and_back(number: int, system: str) -> None:
    there = convert_numeral(f"Convert {number} to a {system} number.", "")
    assert there is not None
    back = convert_numeral(f"Convert the {system} number to decimal.", there)
    assert back == str(number) or not any(sign.isdigit() for sign in there)
