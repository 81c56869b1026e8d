"""Numbers in all the forms that answers have; doubt abstains."""

import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.verifiers import verify


def check(answer: str, expected: str, **rest: Any) -> bool | None:
    return verify({"kind": "number", "expected": expected, **rest}, answer)


@pytest.mark.parametrize(
    ("answer", "expected", "rest", "verdict"),
    [
        ("36", "36", {}, True),
        ("35", "36", {}, False),
        ("**36**", "36", {}, True),
        ("#### 36", "36", {}, True),
        ("First 12 * 3 = 30.\nThen the answer is 36.", "36", {}, True),
        ("The answer is 36. First I had 30.", "36", {}, False),
        ("12 apples cost 36 euros.", "36", {"units": ["euros", "€"]}, True),
        ("36 euros for 12 apples.", "36", {}, None),
        ("€36", "36", {"units": ["euros", "€"]}, True),
        ("$36", "36", {"units": ["euros", "€"]}, None),
        ("36 km", "36", {"units": ["m", "metres"]}, None),
        ("90 minutes", "1.5", {"units": ["hours"]}, None),
        ("$3.50", "3.5", {"units": ["$", "dollars"]}, True),
        ("Das sind 1.234,5 km.", "1234.5", {"units": ["km"], "language": "de"}, True),
        ("That is 1,234.5 km.", "1234.5", {"units": ["km"]}, True),
        ("1,500", "1500", {}, True),
        ("1,500", "1.5", {}, None),
        ("1,500", "1500", {"language": "de"}, None),
        ("1.500", "1500", {"language": "de"}, True),
        ("1,500", "7", {}, False),
        ("1,5", "3/2", {}, True),
        ("12\u202f345", "12345", {}, True),
        ("12'345", "12345", {}, True),
        ("1,234,567", "1234567", {}, True),
        ("-5", "-5", {}, True),
        ("−5", "-5", {}, True),
        ("5", "-5", {}, False),
        ("5 - 10 = -5", "-5", {}, True),
        ("3/4", "0.75", {}, True),
        (r"\boxed{36}", "36", {}, True),
        (r"So $\boxed{\frac{3}{4}}$.", "3/4", {}, True),
        (r"$\boxed{12\,345}$", "12345", {}, True),
        (r"\boxed{35} no, \boxed{36}", "36", {}, None),
        (r"\boxed{36\text{ km}}", "36", {"units": ["km"]}, True),
        ("It is 12 or 13.", "12", {}, None),
        ("It is not 12.", "12", {}, None),
        ("It is between 12 and 14.", "12", {}, None),
        ("It is 14 or 13.", "12", {}, False),
        ("Each gets 40.\nThis is a simple fraction with a denominator of 10.", "10", {}, None),
        ("twelve", "12", {}, True),
        ("twenty two", "22", {}, None),
        ("36 km", "36", {"any_unit": True}, True),
        ("36", "36", {"any_unit": "yes"}, None),
        ("No idea.", "12", {}, None),
        ("3.14", "3.14159", {"places": 2}, True),
        ("3.1", "3.14159", {"places": 2}, False),
        ("75%", "75", {"units": ["%", "percent"]}, True),
        ("75", "75", {"units": ["%", "percent"]}, True),
        ("75%", "75", {}, None),
        ("0.75", "75", {"units": ["%"]}, False),
        ("A1 and B2", "1", {}, None),
        ("36", "thirty", {}, None),
        ("36", "1/0", {}, None),
        ("9" * 5000, "9", {}, None),
    ],
)
def test_forms(answer: str, expected: str, rest: dict[str, Any], verdict: bool | None) -> None:
    assert check(answer, expected, **rest) is verdict


FORMS = (
    "{}", "The answer is {}.", "So x = {}", r"\boxed{{{}}}", "Let 3 be given.\nThe result is {}!",
    "**Answer:** {}", "Antwort: {}.",
)  # fmt: skip


@given(st.integers(-(10**9), 10**9), st.sampled_from(FORMS), st.sampled_from(["", ",", "'"]))
@settings(max_examples=200)
def test_every_whole_number_is_read_in_every_form(value: int, form: str, group: str) -> None:
    shown = f"{value:,}".replace(",", group)
    assert check(form.format(shown), str(value)) is True
    assert check(form.format(shown), str(value + 1)) is False


@given(st.integers(0, 10**8), st.sampled_from(FORMS))
@settings(max_examples=200)
def test_prices_are_read_in_both_languages(cents: int, form: str) -> None:
    value = str(Fraction(cents, 100))
    english = f"{cents / 100:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert check(form.format(english), value, units=["euros"]) is True
    assert check(form.format(german), value, units=["euros"], language="de") is True


@pytest.mark.parametrize(
    "text",
    ["1," * 50_000, "= 1 " * 20_000, r"\boxed{" * 9_000, "$" * 20_000, "1 " * 20_000,
     "12," * 9_000 + "a", "is " * 9_000 + "5", r"\frac{" * 3_000],
    ids=lambda text: text[:7],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    started = time.monotonic()
    check(text, "3")
    assert time.monotonic() - started < 2
