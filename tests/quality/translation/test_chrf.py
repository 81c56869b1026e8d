import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.translation.chrf import chrf


@given(st.text(max_size=40), st.text(max_size=40))
def test_is_a_share_and_one_for_equal_texts(left: str, right: str) -> None:
    assert 0.0 <= chrf(left, right) <= 1.0
    assert chrf(left, left) == 1.0


@given(st.text(alphabet="ab c", max_size=30))
def test_white_space_does_not_count(text: str) -> None:
    assert chrf(text, " ".join(text)) == 1.0


def test_nothing_in_common_is_zero() -> None:
    assert chrf("aaa", "bbb") == chrf("", "b") == chrf("b", " ") == 0.0


@pytest.mark.parametrize(
    ("hypothesis", "reference", "value"),
    [
        ("The cat sits.", "The cat sat.", 0.5948),
        ("Name a sea.", "Name one sea.", 0.351373),
        ("Er kam nicht.", "He did not come.", 0.079365),
        ("Paris", "Paris!", 0.753715),
        ("abc", "abcd efgh ijkl", 0.212187),
    ],
)
def test_agrees_with_sacrebleu(hypothesis: str, reference: str, value: float) -> None:
    """Values of sacrebleu 2, computed once."""
    assert chrf(hypothesis, reference) == pytest.approx(value, abs=1e-6)
