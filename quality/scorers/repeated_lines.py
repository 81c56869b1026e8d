"""Lists and texts that say the same thing again."""

import polars as pl

from quality.scorers.measure import measure

# A list marker, or the end of a sentence: what stands between two of them is one statement.
_MARKER = r"(?m)^\s*(?:\d{1,3}[.):]|[-*•])\s+|(?:\s\d{1,3}[.)]\s+)"
_END = r"[.!?]+(?:\s+|$)|\n+"
_MIN_STATEMENTS = 3


def repeated_lines(rows: pl.DataFrame) -> pl.Series:
    r"""Measure the share of the output's list items and sentences that occurred before in it.

    Args:
        rows: frame with `output`.

    Returns:
        Float64 in 0..1; null below three statements.

    Source:
        Rae et al. 2021 (Gopher), duplicate lines, https://arxiv.org/abs/2112.11446. Differs:
        numbers of a list and case do not count, and sentences are lines of their own.

    Example:
        >>> rows = pl.DataFrame({"output": ["1. Rest\n2. Eat\n3. Rest\n4. Eat.", "Yes."]})
        >>> repeated_lines(rows).to_list()
        [0.5, None]
    """
    text = pl.col("output").fill_null("").str.to_lowercase().str.replace_all(_MARKER, "\n")
    statements = (
        text.str.replace_all(_END, "\n").str.split("\n").list.eval(pl.element().str.strip_chars())
    )
    said = statements.list.eval(pl.element().filter(pl.element().str.len_chars() > 0))
    share = 1 - said.list.n_unique() / said.list.len()
    score = pl.when(said.list.len() >= _MIN_STATEMENTS).then(share)
    return measure(rows, "repeated_lines", score)
