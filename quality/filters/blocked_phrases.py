"""Phrases that must not be in the dataset, such as the name of another model's maker."""

from typing import Annotated, TypeAlias

import polars as pl
from pydantic import Field, StringConstraints

from quality.filters.check import Check
from quality.phrases import phrase_pattern
from quality.scorers.conversation import said

Phrases: TypeAlias = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"\w")]], Field(min_length=1)
]
_DEFAULT: Phrases = ["openai", "chatgpt"]
_AROUND = r"(?s).{0,30}"


def blocked_phrases(column: str = "messages", *, value: Phrases = _DEFAULT) -> Check:
    """Drop rows that hold one of the phrases `value` as whole words, in any case.

    Args:
        column: "messages", all turns of a row, or a text column.
        value: words or phrases; the white space between words does not matter.

    Returns:
        A check that never abstains; it measures the number of places found, and the evidence is
        the first one and the words around it.

    Source:
        FastChat's `clean_sharegpt.py`, https://github.com/lm-sys/FastChat. Differs: whole words.

    Example:
        >>> frame = pl.DataFrame({"output": ["Ask OpenAI's page.", "An openaire index.", None]})
        >>> frame.select(blocked_phrases("output").keep).to_series().to_list()
        [False, True, True]
    """
    text = said() if column == "messages" else pl.col(column).cast(pl.String).fill_null("")
    pattern = phrase_pattern(value)
    found = text.str.count_matches(pattern)
    around = text.str.extract(f"({_AROUND}{pattern}{_AROUND})", 1)
    return Check(
        measured=found.cast(pl.Float64),
        keep=found == 0,
        threshold=0.0,
        evidence=pl.format(
            "{}: {}",
            text.str.extract(f"({pattern})", 1),
            around.str.replace_all(r"\s+", " ").str.strip_chars(),
        ),
    )
