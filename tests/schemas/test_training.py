import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.recipe import TrainingOptions, read_amount


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("111M", 111e6), ("7B", 7e9), ("6.7b", 6.7e9), ("1.3e9", 1.3e9), ("13 G", 13e9),
        ("312T", 312e12), ("1,300,000", 1.3e6), ("1_300", 1300.0), (" 5k ", 5000.0), ("2E", 2e18),
        ("1e3", 1000.0),
    ],
)  # fmt: skip
def test_amounts_are_read_as_people_write_them(text: str, value: float) -> None:
    assert read_amount(text) == value
    assert TrainingOptions(parameters=text).parameters == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "7BB", "seven", "1.2.3", "0x10", "nan", "inf", "1e400", "７B"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TrainingOptions(parameters=text)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1, "0", "0M", float("nan"), float("inf"), 1e31])
def test_only_numbers_above_zero_that_can_be_calculated_with(value: object) -> None:
    with pytest.raises(ValidationError):
        TrainingOptions(parameters=value)  # type: ignore[arg-type]


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_one_kind_of_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_amount(text) >= 0  # type: ignore[operator]
