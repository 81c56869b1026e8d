import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.references import agrees_with


@pytest.mark.parametrize(
    ("answer", "reference", "agrees"),
    [
        ("3 times 4 is 12.", "12", True),
        ("It is 12, not 13.", "12", False),
        ("The answer is 12. I am sure of 100 %.", "12", True),
        (r"So \boxed{12} it is, of 40.", "12", True),
        ("1,200 metres", "1200", True),
        ("1.200 Meter", "1200", True),
        ("3,5 Meter", "3.5", True),
        ("-4", "4", False),
        ("no number", "4", False),
        ("3 x 12 = 36 eggs are in 3 boxes.", "36", True),
        ("A spider has eight legs.", "8", True),
        ("12 * 3 = 36 = 14 eggs", "36", False),
        ("The capital is BERN!", "Bern", True),
        ("Bernard", "Bern", False),
        ("New  York City", "New York", True),
        ("York New", "New York", False),
        ("anything", "?!", None),
        ("anything", "", None),
    ],
)
def test_agreement(answer: str, reference: str, agrees: bool | None) -> None:
    assert agrees_with(answer, reference) is agrees


@given(st.text(max_size=40), st.text(max_size=20))
def test_never_raises(answer: str, reference: str) -> None:
    assert agrees_with(answer, reference) in (True, False, None)


@given(st.integers(-(10**6), 10**6))
def test_a_number_agrees_with_itself(number: int) -> None:
    assert agrees_with(f"The result is {number}.", str(number)) is True
