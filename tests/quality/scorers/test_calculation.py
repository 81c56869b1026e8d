from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.scorers.calculation import STATISTICS, NotASumError, compute, factorial

NUMBERS = st.integers(0, 999).map(lambda number: (str(number), Fraction(number)))


def _join(parts: tuple[tuple[str, Fraction], str, tuple[str, Fraction]]) -> tuple[str, Fraction]:
    (left, first), sign, (right, second) = parts
    value = {"+": first + second, "-": first - second, "*": first * second}[sign]
    return f"({left} {sign} {right})", value


SUMS = st.recursive(
    NUMBERS, lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(_join), max_leaves=8
)


@settings(max_examples=50, deadline=None)
@given(SUMS)
def test_it_computes_what_the_tree_means(made: tuple[str, Fraction]) -> None:
    text, value = made
    assert compute(f"{text} + 0") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14), ("(2 + 3) x 4", 20), ("2^3 + 3^2", 17), ("5²+1", 26),
        ("9 − 4 + 8 × 5", 45),
        ("10 / 4", Fraction(5, 2)), ("7/8 + (1/4 x 9)", Fraction(25, 8)), ("-3 + 5", 2),
        ("5 plus 10 multiplied by 4", 45), ("12 mal 7", 84), ("1,200 - 200", 1000), ("2**3", 8),
        ("0.1 + 0.2", Fraction(3, 10)), ("8 - 3 - 2", 3), ("16 / 4 / 2", 2), ("4 hoch 3", 64),
    ],
)  # fmt: skip
def test_compute(text: str, value: Fraction | int) -> None:
    assert compute(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "5", "3x - 2", "1 / 0", "1 / (2 - 2)", "2 +", "(2 + 3", "2 + 3)", "2 3", "9^99", "2^(1/2)",
     "(" * 5000, "1+" * 5000 + "1", "9" * 99 + "+1", "a + b", "1..2 + 3", "1 + + ", "()", "2 ^ -1"],
)  # fmt: skip
def test_what_is_no_sum_is_refused(text: str) -> None:
    with pytest.raises(NotASumError):
        compute(text)


@pytest.mark.parametrize(
    ("name", "values", "value"),
    [
        ("sum", [5, 10, 20], 35), ("product", [2, 3], 6), ("average", [3, 2, 5], Fraction(10, 3)),
        ("median", [9, 2, 7], 7), ("median", [4, 15, 22, 32], Fraction(37, 2)),
        ("mode", [1, 2, 2], 2),
        ("largest", [3, 9, 1], 9), ("smallest", [3, 9, 1], 1),
        ("durchschnitt", [1, 2], Fraction(3, 2)),
    ],
)  # fmt: skip
def test_statistics(name: str, values: list[int], value: Fraction | int) -> None:
    assert STATISTICS[name]([Fraction(number) for number in values]) == value


def test_two_modes_are_none() -> None:
    with pytest.raises(NotASumError):
        STATISTICS["mode"]([Fraction(1), Fraction(2)])


def test_factorial_is_bounded() -> None:
    assert factorial(Fraction(5)) == 120
    for number in (Fraction(21), Fraction(-1), Fraction(1, 2)):
        with pytest.raises(NotASumError):
            factorial(number)
