"""An answer is held against a reference by the same verifiers as against any check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.verifiers import verify
from quality.verifiers.reference import reference_check


def agrees(answer: str, reference: str, language: str = "en") -> bool | None:
    check = reference_check(reference, language)
    return None if check is None else verify(check, answer)


@pytest.mark.parametrize(
    ("answer", "reference", "verdict"),
    [
        ("3 times 4 is 12.", "12", True),
        ("It is 12, not 13.", "12", None),
        ("It is 13.", "12", False),
        (r"So \boxed{12} it is, of 40.", "12", True),
        ("1,200 metres", "1200", True),
        ("3,5 Meter", "3.5", True),
        ("A week has 7 days.", "7", True),
        ("-4", "4", False),
        ("no number", "4", None),
        ("12 * 3 = 36 eggs are in 3 boxes.", "36", None),
        ("12 * 3 = 36 eggs are in 3 boxes.", "40", False),
        ("12 * 3 = 36 = 14 eggs", "36", None),
        ("A spider has eight legs.", "8", True),
        ("A spider has 8 legs.", "eight", True),
        ("A spider has six legs.", "8", False),
        ("Two hundred", "200", None),
        ("An elf.", "11", None),
        ("The capital is BERN!", "Bern", True),
        ("The capital is Bern", "Bern.", True),
        ("Bernard", "Bern", False),
        ("New  York City", "New York", True),
        ("York New", "New York", False),
        ("In the year 1969, in July.", "July 1969", False),
        ("", "Bern", False),
        ("anything", "?!", None),
        ("anything", "", None),
    ],
)
def test_agreement(answer: str, reference: str, verdict: bool | None) -> None:
    assert agrees(answer, reference) is verdict


@pytest.mark.parametrize(
    ("answer", "reference", "verdict"),
    [("1.200 Meter", "1200", True), ("Elf.", "11", True), ("Es sind dreißig.", "30", True)],
)
def test_german(answer: str, reference: str, verdict: bool | None) -> None:
    assert agrees(answer, reference, "de") is verdict


@given(st.text(max_size=40), st.text(max_size=20), st.sampled_from(["en", "de", "fr"]))
def test_never_raises(answer: str, reference: str, language: str) -> None:
    assert agrees(answer, reference, language) in (True, False, None)


@given(st.integers(-(10**6), 10**6))
def test_a_number_agrees_with_itself(number: int) -> None:
    assert agrees(f"The result is {number}.", str(number)) is True
    assert agrees(f"The result is {number}.", str(number + 1)) is False
