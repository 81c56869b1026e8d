import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from quality.redact import REDACTED, redact_secrets
from schemas.frames import ROWS, empty_frame

KEY = "sk-proj-" + "Zq81" * 8


def row(text: str) -> pl.DataFrame:
    values = {
        **dict.fromkeys(("system", "instruction", "input", "output", "raw"), text),
        "id": "a",
        "messages": [{"role": "user", "content": text}],
    }
    return pl.concat([empty_frame(ROWS), pl.DataFrame([values])], how="diagonal_relaxed")


def test_secret_is_removed_from_every_text() -> None:
    redacted = redact_secrets(row(f"use {KEY} here"))
    expected = f"use {REDACTED} here"
    for column in ("system", "instruction", "input", "output", "raw"):
        assert redacted[column].to_list() == [expected]
    assert redacted["messages"].to_list() == [[{"role": "user", "content": expected}]]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_other_text_stays(text: str) -> None:
    # No alphabet of hypothesis hits on a fixed prefix by chance within sixty characters.
    assert redact_secrets(row(text)).equals(row(text))
