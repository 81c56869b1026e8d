from collections.abc import Callable

import polars as pl
import pytest

from quality.scorers.arithmetic import arithmetic, find_wrong_equations

MakeRows = Callable[..., pl.DataFrame]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("2 + 2 = 5", ["2 + 2 = 5"]),
        ("7 x 8 = 54.", ["7 x 8 = 54"]),
        ("So $1,200 - $200 = $900", ["$1,200 - $200 = $900"]),
        ("34 / 5 = 6.4", ["34 / 5 = 6.4"]),
        ("2 + 2 = 4", []),
        ("10 / 3 = 3.33", []),
        ("10 / 3 = 3.34", []),  # within the last digit shown
        ("7 / 2 = 3", []),  # whole division
        ("2 + 3 x 4 = 14", []),  # a chain is not checked
        ("3 x 4 x 5 = 60", []),
        ("$2.25 + $1.13 + $1.80 = $4.45", []),
        ("x + 2 = 5", []),
        ("2x + 3 = 7", []),
        ("(1 + 2) + 3 = 6", []),
        ("1 / 0 = 0", []),
        ("f(2) - 1 = 9", []),
        ("2 + 2 = 4x", []),
        ("3,5 + 1 = 4,5", []),  # decimal comma
    ],
)
def test_find_wrong_equations(text: str, wrong: list[str]) -> None:
    assert find_wrong_equations(text) == wrong


def test_the_share_is_null_without_equations(make_rows: MakeRows) -> None:
    rows = make_rows(["1 + 1 = 2 and 1 + 2 = 4", "1 + 1 = 2", "four", None])
    assert arithmetic(rows).to_list() == [0.5, 0.0, None, None]
