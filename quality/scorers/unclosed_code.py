"""Markdown code fences that never close."""

import polars as pl

from quality.scorers.measure import flag, measure

#: A fence opens or closes only at the start of a line.
FENCE = r"(?m)^[ \t]*(?:[-*+>] +|\d+[.)] +)?```"


def has_open_fence(words: pl.Expr) -> pl.Expr:
    """Say whether a text has an odd number of code fences."""
    return words.fill_null("").str.count_matches(FENCE) % 2 == 1


def unclosed_code(rows: pl.DataFrame) -> pl.Series:
    r"""Say whether the output has an odd number of code fences.

    Args:
        rows: frame with `output`.

    Returns:
        Float64: 1.0 or 0.0, never null.

    Source:
        CommonMark 0.31, section 4.5, https://spec.commonmark.org/0.31.2/#fenced-code-blocks.
        Differs: ``` only, no tildes, no nesting by fence length.

    Example:
        >>> unclosed_code(pl.DataFrame({"output": ["```py\nx = 1", "```\nx\n```"]})).to_list()
        [1.0, 0.0]
    """
    return measure(rows, "unclosed_code", flag(has_open_fence(pl.col("output"))))
