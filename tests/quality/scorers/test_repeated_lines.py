import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.scorers.repeated_lines import repeated_lines


def score(text: str | None) -> float | None:
    found = repeated_lines(pl.DataFrame({"output": [text]}, schema={"output": pl.String}))
    return found.to_list()[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. Aids digestion\n2. Aids sleep\n3. Aids digestion\n4. Aids sleep", 0.5),
        ("1. Stay active. 2. Stay calm. 3. Stay active.", 1 / 3),
        ("- Red\n- Green\n- Blue", 0.0),
        ("Es regnet. Wir bleiben. Es regnet. Schade.", 0.25),
        ("One. Two. Three.", 0.0),
        ("Yes. Yes.", None),
        ("", None),
        (None, None),
    ],
)
def test_repeated_statements_are_counted(text: str | None, expected: float | None) -> None:
    assert score(text) == (None if expected is None else pytest.approx(expected))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_scores_between_zero_and_one(text: str) -> None:
    found = score(text)
    assert found is None or 0 <= found < 1
